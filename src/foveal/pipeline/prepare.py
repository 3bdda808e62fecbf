"""Prepare: one file of a source becomes chunks. Sniff → read → understand → chunk → embed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO

from foveal.errors import AssetError, UnreadableAssetError, UnsupportedAssetError
from foveal.pipeline.findings import ImageFindings
from foveal.pipeline.places import Place
from foveal.pipeline.timeline import Listening, Timeline
from foveal.pipeline.understand import ImageUnderstanding, TextUnderstanding
from foveal.pipeline.words import words_to_embed
from foveal.ports.sources import Reader, Sniffer, Source
from foveal.retrieval.adapter import Adapter, image_features
from foveal.retrieval.chunking import TextPiece, chunk_text
from foveal.retrieval.composing import compose_description, image_content
from foveal.retrieval.gluing import Parted, not_parted, parts_in
from foveal.retrieval.receipts import receipt_facts
from foveal.types.assets import Asset, AssetId, MediaKind, Sniffed, SourceItem
from foveal.types.chunks import Chunk
from foveal.types.content import ImageContent, OcrLine, SafetyScores, SoundContent, SubtitleContent, TextContent
from foveal.types.speech import TimedText
from foveal.types.vectors import FloatArray

HEAD_BYTES = 4096
TAIL_BYTES = 2**16
HASH_BLOCK_BYTES = 2**20
PREPARE_VERSION = "5"
"""Part of every recipe: raise it when the same inputs give other chunks."""
TIMELINE_VERSION = "3"
"""Likewise of recipes of videos and recordings."""
MAX_SUBTITLE_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkingOptions:
    """How text is cut: most tokens of a chunk, tokens repeated from the one before, and how to count."""

    max_tokens: int
    overlap_tokens: int
    count: Callable[[str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A file that became chunks."""

    asset: Asset
    chunks: tuple[Chunk, ...]
    warnings: tuple[str, ...]


def hash_file(file: BinaryIO) -> AssetId:
    """SHA-256 of the whole file; rewinds it."""
    digest = hashlib.sha256()
    while block := file.read(HASH_BLOCK_BYTES):
        digest.update(block)
    file.seek(0)
    return AssetId(digest.hexdigest())


def sniff_file(sniff: Sniffer, path: str, size_bytes: int, file: BinaryIO) -> Sniffed:
    """What a file is, by its beginning and, of an archive, its end; rewinds it."""
    head = file.read(HEAD_BYTES)
    tail = b""
    if head.startswith(b"PK") and size_bytes > len(head):
        file.seek(max(0, size_bytes - TAIL_BYTES))
        tail = file.read(TAIL_BYTES)
    file.seek(0)
    return sniff(path, head, size_bytes if head else 0, tail)


class Preparer:
    """Makes chunks of files, for any number of threads at once.

    Args:
        readers: Tried by media type.
        sniff: Tells types from bytes.
        images: The image models.
        texts: The text embedder.
        chunking: How text is cut.
        detect_language: ISO 639-1 code of a text, empty when unsure.
        severity: 0, 2, 4 or 6 for a safety score 0..1.
        listening: How speech becomes words.
        parted: Tells words that a picture sets without a blank between them.
    """

    def __init__(
        self,
        *,
        readers: Sequence[Reader],
        sniff: Sniffer,
        images: ImageUnderstanding,
        texts: TextUnderstanding,
        chunking: ChunkingOptions,
        detect_language: Callable[[str], str],
        severity: Callable[[float], int],
        listening: Listening = Listening(),  # noqa: B008 - frozen
        parted: Parted = not_parted,
    ) -> None:
        self._readers: Mapping[str, Reader] = {m: r for r in readers for m in r.media_types}
        self.sniff = sniff
        self.images = images
        self.texts = texts
        self._chunking = chunking
        self._language = detect_language
        self._severity = severity
        self._listening = listening
        self._parted = parted

    def recipe(
        self, description: str, groups: tuple[str, ...], *, media_type: str = "", subtitles: SourceItem | None = None
    ) -> str:
        """Fingerprint of everything but the bytes that makes a document's chunks, 32 hex digits.

        Args:
            description: As in `prepare`.
            groups: As in `prepare`.
            media_type: What the file is; empty where that is not known.
            subtitles: As in `prepare`.
        """
        parts = [
            PREPARE_VERSION,
            self.images.recipe,
            self.texts.recipe,
            f"{self._chunking.max_tokens}/{self._chunking.overlap_tokens}",
            description,
            *groups,
        ]
        if media_type.startswith(("video/", "audio/")):
            parts += [TIMELINE_VERSION, self._listening.recipe]
            parts += [subtitles.path, subtitles.version] if subtitles else []
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]

    def identify(self, source: Source, item: SourceItem, file: BinaryIO) -> Asset:
        """Hash and sniff a file.

        Raises:
            UnsupportedAssetError: Foveal does not read that type.
            UnreadableAssetError: It is empty.
        """
        sniffed = sniff_file(self.sniff, item.path, item.size_bytes, file)
        if not sniffed.media_type and not file.read(1):
            raise UnreadableAssetError("The file is empty.", stage="sniff")
        if sniffed.kind is None or sniffed.media_type not in self._readers:
            raise UnsupportedAssetError(
                sniffed.reason or f"Files of type {sniffed.media_type} are not read.", stage="sniff"
            )
        return Asset(
            asset_id=hash_file(file),  # of what is not read, the rest need not even be fetched
            path=item.path,
            media_type=sniffed.media_type,
            kind=sniffed.kind,
            size_bytes=item.size_bytes,
        )

    def prepare(
        self,
        source: Source,
        item: SourceItem,
        asset: Asset,
        file: BinaryIO,
        *,
        description: str,
        groups: tuple[str, ...],
        adapter: Adapter | None,
        subtitles: SourceItem | None = None,
    ) -> Prepared:
        """Read, understand, chunk and embed one file.

        Args:
            source: Where it is from.
            item: As listed.
            asset: As identified.
            file: Its bytes, at the start.
            description: The person's words on it, empty when there are none.
            groups: Who may see it.
            adapter: Places images in the text space; None while the index has none (its first fit will do it).
            subtitles: A file of the source that says what is said in it, None when there is none.

        Raises:
            AssetError: The file cannot be used.
            ModelError: A model cannot answer; nothing is wrong with the file.
        """
        place = Place(source=source, item=item, asset=asset, groups=groups)
        if asset.kind.has_timeline:
            return self._prepare_timeline(place, file, description, adapter, subtitles)
        contents = self._readers[asset.media_type].read(asset, file)
        chunks: list[Chunk] = []
        texts: list[TextContent] = []
        warnings: list[str] = []
        for content in contents:
            warnings.extend(content.warnings)
            if isinstance(content, ImageContent):
                words = content.description if content.title and texts else description  # on it, not on the document
                chunks.append(self._image_chunk(place, len(chunks), content, words, adapter))
            elif isinstance(content, TextContent):
                texts.append(content)
        if texts:
            chunks.extend(self._text_chunks(place, texts, len(chunks), description))
        if not chunks:
            raise UnreadableAssetError("There is nothing in it to search.", stage="read")
        return Prepared(asset=asset, chunks=tuple(chunks), warnings=tuple(dict.fromkeys(warnings)))

    def _prepare_timeline(
        self,
        place: Place,
        file: BinaryIO,
        description: str,
        adapter: Adapter | None,
        subtitles: SourceItem | None,
    ) -> Prepared:
        def look(frame: ImageContent) -> tuple[Chunk, tuple[OcrLine, ...]]:
            found = self._understand(place.asset, frame, described=False)
            wordless = replace(found, ocr_lines=())
            return self._found_chunk(place, frame, wordless, adapter), found.ocr_lines

        timeline = Timeline(
            place, look, self.texts, self._listening, self._language, parted=self._parted, description=description
        )
        if subtitles is not None:
            timeline.subtitles = self._read_subtitles(place, subtitles, timeline.warnings)
        for content in self._readers[place.asset.media_type].read(place.asset, file):
            if isinstance(content, ImageContent):
                timeline.see(content)
            elif isinstance(content, SoundContent):
                timeline.hear(content)
            elif isinstance(content, SubtitleContent):
                timeline.read(content)
        chunks = tuple(timeline.chunks())
        return Prepared(asset=place.asset, chunks=chunks, warnings=tuple(dict.fromkeys(timeline.warnings)))

    def _read_subtitles(self, place: Place, subtitles: SourceItem, warnings: list[str]) -> tuple[TimedText, ...] | None:
        """The lines of a file of subtitles; None, with a warning, when there are none in it."""
        try:
            with place.source.open(subtitles) as file:
                lines = self._listening.read_subtitles(file.read(MAX_SUBTITLE_BYTES))
        except AssetError as error:
            warnings.append(f"The subtitles {subtitles.path} cannot be read: {error.message}")
            return None
        if not lines:
            warnings.append(f"There are no subtitles in {subtitles.path}.")
        return lines or None

    def _image_chunk(
        self, place: Place, ordinal: int, image: ImageContent, description: str, adapter: Adapter | None
    ) -> Chunk:
        found = self._understand(place.asset, image, described=bool(description))
        return self._found_chunk(place, image, found, adapter, ordinal=ordinal, description=description)

    def _found_chunk(
        self,
        place: Place,
        image: ImageContent,
        found: ImageFindings,
        adapter: Adapter | None,
        *,
        ordinal: int = 0,
        description: str = "",
    ) -> Chunk:
        chunk = self._worded_chunk(place, image, found, ordinal, description)
        known = image.facts
        features = image_features(found.encoding, found.detections)
        hate, self_harm, sexual, violence = self._severities(found.safety)
        return replace(
            chunk,
            picture=image.picture,
            objects=found.detections.objects if found.detections else (),
            colors=known.colors,
            taken_at=known.taken_at,
            latitude=known.latitude,
            longitude=known.longitude,
            camera=known.camera or "",
            width_px=known.width_px,
            height_px=known.height_px,
            perceptual_hash=known.perceptual_hash or None,
            hate=hate,
            self_harm=self_harm,
            sexual=sexual,
            violence=violence,
            regions=found.regions.boxes if found.regions else (),
            region_vectors=found.regions.vectors if found.regions else None,
            image_vector=found.encoding.vector,
            seen_vector=adapter.project(features[None, :])[0] if adapter else None,
        )

    def _worded_chunk(
        self, place: Place, image: ImageContent, found: ImageFindings, ordinal: int, description: str
    ) -> Chunk:
        """An image's, with all its words."""
        objects = found.detections.objects if found.detections else ()
        composed = compose_description(found.tags, objects, found.ocr_lines, image.facts)
        caption = found.caption.text if found.caption else ""
        ocr_text = "\n".join(line.text for line in found.ocr_lines)
        tags = _distinct([*(found.caption.tags if found.caption else ()), *(t.label for t in found.tags)])
        read = "\n".join(filter(None, (ocr_text, parts_in(ocr_text, self._parted))))
        words = description or caption or ocr_text
        facts = receipt_facts(found.ocr_lines)
        content = "\n".join((image_content(description, caption, composed, read, tags), *facts))
        embedded = words_to_embed(description, caption, ocr_text)
        return replace(
            place.chunk(ordinal, content, image.locator, kind=MediaKind.IMAGE, title=image.title),
            description=description,
            caption=caption,
            composed=composed,
            ocr_text=ocr_text,
            tags=tags,
            ocr_lines=found.ocr_lines,
            facts=facts,
            language=self._language(words) if words else "en",
            text_vector=self.texts.embed([embedded])[0] if embedded else None,
        )

    def _understand(self, asset: Asset, image: ImageContent, *, described: bool) -> ImageFindings:
        try:
            return self.images.understand(asset.asset_id, image, described=described, regions=True)
        except AssetError as error:
            error.stage = "understand"
            raise

    def _text_chunks(self, place: Place, texts: list[TextContent], first: int, description: str) -> list[Chunk]:
        options = self._chunking
        pieces = chunk_text(
            texts, max_tokens=options.max_tokens, overlap_tokens=options.overlap_tokens, count=options.count
        )
        vectors = self.texts.embed([_embedded_text(p) for p in pieces])
        return [self._text_chunk(place, first + i, piece, vectors[i], description) for i, piece in enumerate(pieces)]

    def _text_chunk(self, place: Place, ordinal: int, piece: TextPiece, vector: FloatArray, description: str) -> Chunk:
        title = piece.title or place.name
        head = " › ".join(_distinct([title, *piece.heading]))
        content = "\n".join(filter(None, (description, head, piece.text)))
        return replace(
            place.chunk(ordinal, content, piece.locator, kind=MediaKind.TEXT, title=title),
            description=description,
            language=self._language(piece.text),
            text_vector=vector,
        )

    def _severities(self, scores: SafetyScores) -> tuple[int, int, int, int]:
        values = (scores.hate, scores.self_harm, scores.sexual, scores.violence)
        hate, self_harm, sexual, violence = (0 if v is None else self._severity(v) for v in values)
        return hate, self_harm, sexual, violence


def _embedded_text(piece: TextPiece) -> str:
    return "\n".join([*_distinct([piece.title, *piece.heading]), piece.text])


def _distinct(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(w for w in words if w))
