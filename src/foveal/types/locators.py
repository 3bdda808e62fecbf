"""Locators: where in an asset something is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """An axis-aligned box as fractions of the upright image, 0..1, `x, y` its top-left corner."""

    x: float
    y: float
    width: float
    height: float


Polygon = tuple[tuple[float, float], ...]
"""Corner points `(x, y)` as fractions of the upright image's width and height, clockwise from top left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Locator:
    """Where in the asset a piece of content is; absent parts are None.

    Attributes:
        page: 1-based page, slide, sheet, or frame of a multi-image file.
        box: Region of that page or image.
        start_char: First character in the asset's decoded text (Unicode code points).
        end_char: One past the last character.
        start_ms: First millisecond on the timeline of a video or a recording, which begins at 0.
        end_ms: Last millisecond on the timeline.
        frame_ms: Where on the timeline the frame is that shows it; within the two above.
    """

    page: int | None = None
    box: Box | None = None
    start_char: int | None = None
    end_char: int | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    frame_ms: int | None = None
