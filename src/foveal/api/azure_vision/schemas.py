"""What the vector and analysis routes read and write. Names on the wire are the service's."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Wire(BaseModel):
    """Something that is written; absent parts are left out."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, protected_namespaces=())

    def json_text(self) -> str:
        """On one line."""
        return self.model_dump_json(by_alias=True, exclude_none=True)


class TextIn(BaseModel):
    """Words to make a vector of."""

    text: str


class VectorOut(Wire):
    """A vector.

    Attributes:
        model_version: Name of the space: vectors of two names must not be compared.
    """

    model_version: str
    vector: list[float]


class BoxOut(Wire):
    """A box in pixels of the image."""

    x: int
    y: int
    w: int
    h: int


class PointOut(Wire):
    """A corner in pixels."""

    x: int
    y: int


class CaptionOut(Wire):
    """A sentence on the whole image."""

    text: str
    confidence: float


class DenseCaptionOut(CaptionOut):
    """A sentence on a part of it."""

    bounding_box: BoxOut


class DenseCaptionsOut(Wire):
    """The first is of the whole image."""

    values: list[DenseCaptionOut]


class TagOut(Wire):
    """A label."""

    name: str
    confidence: float


class TagsOut(Wire):
    """Best first."""

    values: list[TagOut]


class ObjectOut(Wire):
    """A thing with its place."""

    bounding_box: BoxOut
    tags: list[TagOut]


class ObjectsOut(Wire):
    """Best first."""

    values: list[ObjectOut]


class PersonOut(Wire):
    """A person's place."""

    bounding_box: BoxOut
    confidence: float


class PeopleOut(Wire):
    """Best first."""

    values: list[PersonOut]


class CropOut(Wire):
    """A part of the image in a wanted shape."""

    aspect_ratio: float
    bounding_box: BoxOut


class CropsOut(Wire):
    """One a wanted shape."""

    values: list[CropOut]


class WordOut(Wire):
    """A word that was read."""

    text: str
    bounding_polygon: list[PointOut]
    confidence: float


class LineOut(Wire):
    """A line that was read."""

    text: str
    bounding_polygon: list[PointOut]
    words: list[WordOut]


class BlockOut(Wire):
    """Lines in reading order."""

    lines: list[LineOut]


class SpanOut(Wire):
    """Characters of `content`, in Unicode code points."""

    offset: int
    length: int


class OldWordOut(Wire):
    """A word in the form of the previews; eight numbers, x and y of the four corners."""

    content: str
    bounding_box: list[float]
    confidence: float
    span: SpanOut


class OldLineOut(Wire):
    """A line in the form of the previews."""

    content: str
    bounding_box: list[float]
    spans: list[SpanOut]


class PageOut(Wire):
    """The image as a page, in the form of the previews."""

    height: float
    width: float
    angle: float
    page_number: int
    words: list[OldWordOut]
    spans: list[SpanOut]
    lines: list[OldLineOut]


class ReadOut(Wire):
    """Text that was read: `blocks` since 2023-10-01, the other members before."""

    blocks: list[BlockOut] | None = None
    string_index_type: str | None = None
    content: str | None = None
    pages: list[PageOut] | None = None
    model_version: str | None = None


class MetadataOut(Wire):
    """Size of the image in pixels."""

    width: int
    height: int


class AnalysisOut(Wire):
    """What was found; a member for each feature that was asked for."""

    model_version: str
    metadata: MetadataOut
    caption_result: CaptionOut | None = None
    dense_captions_result: DenseCaptionsOut | None = None
    tags_result: TagsOut | None = None
    objects_result: ObjectsOut | None = None
    read_result: ReadOut | None = None
    people_result: PeopleOut | None = None
    smart_crops_result: CropsOut | None = None
