"""Content: what readers find in an asset, and what models learn from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from foveal.types.locators import Box, Locator, Polygon
from foveal.types.speech import TimedText
from foveal.types.vectors import FloatArray, Pixels, Samples


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """What is known of an image without any model.

    Attributes:
        width_px: Width of the upright image as stored (before any reduction for decoding).
        height_px: Height likewise.
        taken_at: EXIF capture time; aware when the file names an offset, else taken as UTC.
        latitude: WGS 84 degrees, north positive.
        longitude: WGS 84 degrees, east positive.
        camera: Maker and model, one string.
        frame_count: Images in the file (pages, animation frames).
        colors: Names of the dominant colours, most frequent first, at most three.
        perceptual_hash: 64-bit DCT hash; near-duplicates differ in few bits. 0 for a flat image, which says nothing.
    """

    width_px: int
    height_px: int
    taken_at: datetime | None = None
    latitude: float | None = None
    longitude: float | None = None
    camera: str | None = None
    frame_count: int = 1
    colors: tuple[str, ...] = ()
    perceptual_hash: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageContent:
    """One image of an asset.

    A frame of a video is one whose locator has times: from when to when it stands for what is shown, and its own.

    Attributes:
        pixels: uint8 [h, w, 3] RGB upright, reduced so that its long side is within the reader's limit.
        warnings: What was survived on the way (a truncated tail, say), in words.
        picture: Of a picture inside a document, what is the same of it wherever it occurs: SHA-256 of its bytes or
            pixels, in hex; a scanned page is one too, and a frame of a video. Empty for an image that is a file of its
            own, or a page of one.
        title: Title of the document it is in, empty for an image that is a file of its own.
        description: A person's words on it that the document holds (its alternative text), empty when there are none.
    """

    pixels: Pixels
    facts: ImageFacts
    locator: Locator = field(default_factory=Locator)
    warnings: tuple[str, ...] = ()
    picture: str = ""
    title: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextContent:
    """One stretch of text of an asset, in reading order.

    Attributes:
        heading: Path of headings above it, outermost first.
        title: Title of the whole asset (first heading, front matter), empty when it has none.
    """

    text: str
    title: str = ""
    heading: tuple[str, ...] = ()
    locator: Locator = field(default_factory=Locator)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundContent:
    """A stretch of the sound of an asset, which ends where nobody speaks as far as can be told.

    Attributes:
        samples: int16 [n], one channel, 16,000 a second.
        locator: `start_ms` and `end_ms` on the timeline.
    """

    samples: Samples
    locator: Locator
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SubtitleContent:
    """Subtitles inside a video or a recording, all of them at once.

    Attributes:
        lines: In order of time; at least one.
        language: ISO 639-1 code by the stream's tag, empty without one.
    """

    lines: tuple[TimedText, ...]
    language: str = ""
    warnings: tuple[str, ...] = ()


Content = ImageContent | TextContent | SoundContent | SubtitleContent


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A label with the probability the model gives it, 0..1."""

    label: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectedObject:
    """One instance of an object class.

    Attributes:
        score: Confidence 0..1.
    """

    label: str
    score: float
    box: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Detections:
    """All objects of one image.

    Attributes:
        objects: Those a person is told of, best first.
        class_scores: float32 [classes, scales], the best score of every class at every scale, below
            the threshold too (the adapter learns from them).
        doubtful: Further ones, best first, each less sure than any of `objects`: too often wrong to tell of, right
            often enough to point at once somebody else says that there is such a thing.
    """

    objects: tuple[DetectedObject, ...]
    class_scores: FloatArray
    doubtful: tuple[DetectedObject, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OcrLine:
    """One line of text seen in an image.

    Attributes:
        score: Recognition confidence 0..1.
        polygon: Four corners, fractions, clockwise from the line's top left.
    """

    text: str
    score: float
    polygon: Polygon


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageEncoding:
    """What the image encoder sees in one image.

    Attributes:
        vector: float32 [dim], L2-normalised.
        probabilities: float32 [labels], the softmax over the encoder's labels; empty when it has none.
    """

    vector: FloatArray
    probabilities: FloatArray


class Severity(StrEnum):
    """Severity of sensitive content, the four levels of the Azure contract."""

    SAFE = "safe"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyScores:
    """Scores 0..1 in the four categories of the Azure contract; None where no model judges it."""

    hate: float | None = None
    self_harm: float | None = None
    sexual: float | None = None
    violence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens a model call was billed for."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """A vision model's words on an image, with the tags it gave at the end."""

    text: str
    tags: tuple[str, ...] = ()
    usage: Usage = Usage()
