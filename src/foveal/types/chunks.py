"""Chunks: the unit of retrieval, one row of an index."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from foveal.types.assets import AssetId, DocumentId, MediaKind
from foveal.types.content import DetectedObject, OcrLine
from foveal.types.locators import Box, Locator
from foveal.types.speech import TimedText
from foveal.types.vectors import FloatArray

ChunkId = NewType("ChunkId", str)
"""`<document id>-<ordinal>`: stable while the document stays at its place."""

Generation = NewType("Generation", int)
"""A committed state of one index. Readers open exactly one; it never changes under them."""

NO_GENERATION = Generation(0)
"""The state of an index to which nothing was ever committed."""


class Feature(StrEnum):
    """What of a video or a recording a moment is; `VISION` and `SPEECH` are words of Azure AI Video Retrieval."""

    NONE = ""
    """No moment: a whole image, a piece of a document."""
    VISION = "vision"
    """A frame, with what is seen in it."""
    SCREEN_TEXT = "text"
    """Words that are to be read on the screen for a while, each once, with the first frame that has them."""
    SPEECH = "speech"
    """A passage of what is said, or of the subtitles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One searchable piece of one document: a text, an image, or a moment of a video or a recording.

    `content` is what keyword search reads. The four texts an image may have are kept apart so that a person's
    words are never mixed with a model's: `description` (a person's), `caption` (a vision model's), `composed`
    (put together by Foveal from tags, objects, text, colours, date and place), `ocr_text` (read in the image).

    Attributes:
        ordinal: Position in the document, from 0.
        kind: What it is; moments have the kind of their file.
        feature: What kind of moment it is.
        filepath: Path inside the source.
        picture: Of a picture inside a document, what is the same of it wherever it occurs (see `ImageContent`); empty
            for everything else.
        facts: What a receipt says, one `name: value` a fact (see `foveal.retrieval.receipts`): "total: 9.00".
        sentences: Of what is said, each with its time, a long one in several parts; empty for everything else.
        url: Where the source itself serves it, None for a local folder.
        group_ids: Groups that may see it; empty means everybody.
        language: ISO 639-1 code of `content`, empty when it could not be told.
        safety: Highest severity per category, 0 safe, 2 low, 4 medium, 6 high (Azure AI Content Safety's scale).
        regions: Parts of the image that are found by themselves, surest first (see `foveal.retrieval.regions`).
        region_vectors: float32 [regions, image dim], rows L2-normalised; None without any. What a store gives back has
            None here, its snapshots give them by `region_vectors`; hits of a search for images have them.
        text_vector: float32 [text dim], L2-normalised; None for an image on which there are no words.
        image_vector: float32 [image dim], L2-normalised; None for text.
        seen_vector: float32 [text dim]: the image projected into the text space by the index's adapter (see
            `foveal.retrieval.adapter`); dot product with the adapter's query vector ranks it. None for text.
    """

    chunk_id: ChunkId
    document_id: DocumentId
    asset_id: AssetId
    ordinal: int = 0
    kind: MediaKind
    feature: Feature = Feature.NONE
    media_type: str
    source: str
    title: str
    filepath: str
    picture: str = ""
    url: str | None = None
    content: str
    description: str = ""
    caption: str = ""
    composed: str = ""
    ocr_text: str = ""
    tags: tuple[str, ...] = ()
    objects: tuple[DetectedObject, ...] = ()
    ocr_lines: tuple[OcrLine, ...] = ()
    sentences: tuple[TimedText, ...] = ()
    colors: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    taken_at: datetime | None = None
    modified_at: datetime | None = None
    latitude: float | None = None
    longitude: float | None = None
    camera: str = ""
    width_px: int = 0
    height_px: int = 0
    size_bytes: int = 0
    perceptual_hash: int | None = None
    language: str = ""
    group_ids: tuple[str, ...] = ()
    hate: int = 0
    self_harm: int = 0
    sexual: int = 0
    violence: int = 0
    locator: Locator = field(default_factory=Locator)
    regions: tuple[Box, ...] = ()
    region_vectors: FloatArray | None = None
    text_vector: FloatArray | None = None
    image_vector: FloatArray | None = None
    seen_vector: FloatArray | None = None

    @property
    def is_picture(self) -> bool:
        """Whether it is found by what it shows: an image, or a frame of a video."""
        return self.kind is MediaKind.IMAGE or self.feature is Feature.VISION

    @property
    def shown_text(self) -> str:
        """What of it is shown and quoted as text: on a screen, what is read there; else `content`.

        The `content` of text on a screen also has the parts of words that are set without a blank between them.
        """
        return self.ocr_text if self.feature is Feature.SCREEN_TEXT else self.content

    @property
    def has_picture(self) -> bool:
        """Whether there is a picture of it: an image, or a moment of a video."""
        return self.is_picture or (self.kind is MediaKind.VIDEO and self.locator.frame_ms is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSchema:
    """What the vectors of an index must look like.

    Attributes:
        text_dim: Length of `text_vector` and `seen_vector`.
        image_dim: Length of `image_vector`.
    """

    text_dim: int
    image_dim: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenVectors:
    """New `seen_vector` values, after the adapter was fitted again.

    Attributes:
        vectors: float32 [n, text dim], row i for `chunk_ids[i]`.
    """

    chunk_ids: tuple[ChunkId, ...]
    vectors: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkChange:
    """What one commit does, in this order: delete documents, put chunks, set seen vectors.

    Attributes:
        delete: Documents whose chunks all go. A document that is put again must be listed here too.
        put: Chunks to add.
    """

    delete: tuple[DocumentId, ...] = ()
    put: tuple[Chunk, ...] = ()
    seen: SeenVectors | None = None
