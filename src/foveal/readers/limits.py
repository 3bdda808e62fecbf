"""Limits: what decoding one file may take. Exceeding one is an `AssetLimitError`, never a slow or fat process."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of decoding, per file.

    Attributes:
        max_image_bytes: Largest image file.
        max_text_bytes: Largest text file.
        max_pixels: Most pixels of one image or page, as its header declares them.
        max_pages: Pages read of a multi-page image; the rest is left out with a warning.
        max_frames: Frames of an animation looked at until one shows something.
        max_seconds: Longest decoding of one file, in a process of its own where the header leaves doubt.
        max_memory_bytes: What that process may take on top of what it starts with.
        decode_long_side_px: Decoded images are reduced to this long side.
    """

    max_image_bytes: int = 16 * MIB
    max_text_bytes: int = 16 * MIB
    max_pixels: int = 100_000_000
    max_pages: int = 200
    max_frames: int = 16
    max_seconds: float = 20.0
    max_memory_bytes: int = 768 * MIB
    decode_long_side_px: int = 1600
