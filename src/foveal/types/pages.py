"""Pages as they are shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePicture:
    """A page or a slide as a picture, what a question is about marked on it.

    Attributes:
        media_type: `image/jpeg`, or `image/svg+xml` of a drawing that holds all it needs and no script.
    """

    media_type: str
    data: bytes
