"""Bodies of the native interface. Unknown fields are refused: a typing mistake should not pass for an answer."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from foveal.types.search import Mode


class BoxIn(BaseModel):
    """A part of an image from its top left corner: fractions where none of the four is over 1, else pixels."""

    model_config = ConfigDict(extra="forbid")

    x: float
    y: float
    width: float
    height: float


class ImageIn(BaseModel):
    """An image to find the like of, or a part of one to find anywhere in images."""

    model_config = ConfigDict(extra="forbid")

    image: str = Field(description="Base64, a data URL or an address.")
    box: BoxIn | None = Field(None, description="Only this part of it.")


class SearchBody(BaseModel):
    """A search: text, images and filter work together."""

    model_config = ConfigDict(extra="forbid")

    index: str | None = Field(None, description="Index to search; may be left out when there is only one.")
    text: str = Field("", description="What to look for, in any language.")
    images: list[str | ImageIn] = Field(
        [], description="Find the like of these: base64, data URLs or addresses, or parts of such; at most ten."
    )
    filter: str | None = Field(None, description="OData, in the dialect of Azure AI Search.")
    mode: Mode = Field(Mode.HYBRID, description="How to search; `semantic` is hybrid, re-ranked.")
    top: int = Field(10, ge=1, le=1000, description="Hits wanted.")
    skip: int = Field(0, ge=0, le=100_000, description="Hits to leave out from the front.")
    strictness: int | None = Field(None, ge=1, le=5, description="Drop weak hits: 1 lax, 5 strict.")
    collapse: bool = Field(True, description="Make near-duplicate images one hit.")
    explain: bool = Field(False, description="Say what each leg contributed, what was rejected, and times.")


class BoxOut(BaseModel):
    """Fractions of the upright image, `x, y` the top-left corner."""

    x: float
    y: float
    width: float
    height: float


class ObjectOut(BaseModel):
    """A detected object."""

    label: str
    score: float
    box: BoxOut


class OcrLineOut(BaseModel):
    """A line of text seen in the image; corners clockwise from top left, as fractions."""

    text: str
    score: float
    polygon: list[tuple[float, float]]


class LocatorOut(BaseModel):
    """Where in the file it is."""

    page: int | None
    box: BoxOut | None
    start_char: int | None
    end_char: int | None
    start_ms: int | None
    end_ms: int | None
    frame_ms: int | None


class ChunkOut(BaseModel):
    """One searchable piece. A person's, a model's and Foveal's words are kept apart.

    Attributes:
        description: A person's words.
        caption: A vision model's words.
        composed: Put together by Foveal from tags, objects, text, colours, date and place.
        ocr_text: Read in the image.
        facts: What a receipt says, one `name: value` a fact: company, date, address and total.
    """

    chunk_id: str
    document_id: str
    asset_id: str
    kind: str
    media_type: str
    source: str
    title: str
    filepath: str
    content: str
    description: str
    caption: str
    composed: str
    ocr_text: str
    tags: list[str]
    objects: list[ObjectOut]
    colors: list[str]
    facts: list[str]
    language: str
    taken_at: datetime | None
    modified_at: datetime | None
    latitude: float | None
    longitude: float | None
    camera: str
    width_px: int
    height_px: int
    size_bytes: int
    locator: LocatorOut
    url: str | None = Field(description="Where the source itself serves it.")
    bytes_url: str = Field(description="The file, from this server.")
    thumbnail_url: str | None = Field(description="A small picture, from this server; images only.")


class PointedOut(BaseModel):
    """What of a piece a question is about."""

    objects: list[int] = Field(description="Positions in `objects`.")
    lines: list[int] = Field(description="Positions in `ocr_lines`.")
    spans: list[tuple[int, int]] = Field(description="Code-point spans in `content`; of texts only.")


class ChunkDetails(ChunkOut):
    """Everything known of a piece."""

    ocr_lines: list[OcrLineOut]
    group_ids: list[str]
    hate: int
    self_harm: int
    sexual: int
    violence: int
    pointed: PointedOut | None = Field(description="With `q` only.")


class ExtractOut(BaseModel):
    """A stretch of a hit's own words; `highlights` are code-point spans in it."""

    text: str
    score: float
    highlights: list[tuple[int, int]]


class LegOut(BaseModel):
    """What one leg of the search says of a hit."""

    leg: str
    rank: int
    score: float
    confidence: float
    contribution: float


class DuplicateOut(BaseModel):
    """A near-duplicate collapsed into a hit."""

    chunk_id: str
    filepath: str
    bytes_url: str
    thumbnail_url: str | None


class HitOut(ChunkOut):
    """A result, best first."""

    score: float
    confidence: float
    rerank_score: float | None = Field(description="0 to 4, in semantic mode.")
    extract: ExtractOut | None
    duplicates: list[DuplicateOut]
    matched: BoxOut | None = Field(description="The part of it that a part of the query's image looks like.")
    legs: list[LegOut] | None = Field(description="With `explain` only.")


class AnswerOut(BaseModel):
    """A sentence that answers by itself, in semantic mode."""

    chunk_id: str
    extract: ExtractOut


class SearchReply(BaseModel):
    """Results of one search on one committed state of an index."""

    index: str
    generation: int
    hits: list[HitOut]
    answers: list[AnswerOut]
    rejected: list[HitOut] | None = Field(description="Below the strictness cut-off; with `explain` only.")
    elapsed_ms: dict[str, float] | None = Field(description="Per stage; with `explain` only.")


class IndexOut(BaseModel):
    """An index and how well it can be searched."""

    name: str
    generation: int
    documents: int
    failed: int
    chunks: int
    images: int
    described: int
    text_model: str
    image_model: str
    adapter_candidates: int
    adapter_recall_at_1: float | None
    adapter_recall_at_10: float | None
    adapter_described: int
    live: bool
    problem: str = Field("", description="Why it cannot be searched, and what to do about it.")


class IndexList(BaseModel):
    """All indexes."""

    indexes: list[IndexOut]


class CheckOut(BaseModel):
    """One part of the installation."""

    name: str
    state: Literal["on", "off", "failed"]
    detail: str
    remedy: str


class Health(BaseModel):
    """What works and what does not."""

    status: Literal["ok", "degraded"]
    version: str
    checks: list[CheckOut]
