"""Limits: what decoding one file may take. Exceeding one is an `AssetLimitError`, never a slow or fat process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from foveal.errors import AssetLimitError
from foveal.types.assets import Asset

MIB = 2**20
MAX_MARKS = 3_000_000
"""Most `<` of one XML or HTML text: each may begin an element, which takes about 120 bytes in memory."""
TINY_SIDE_PX = 32
TINY_PIXELS = 1500


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of decoding, per file.

    Attributes:
        max_image_bytes: Largest image file.
        max_text_bytes: Largest text file.
        max_document_bytes: Largest document file (PDF, Office).
        max_inflated_bytes: Most bytes that the parts of an Office file may unpack to.
        max_document_pages: Pages, slides or sheets read of a document; the rest is left out with a warning.
        max_pictures: Pictures looked at in one document; the rest is left out with a warning.
        max_document_seconds: Longest reading of one document.
        max_pixels: Most pixels of one image or page, as its header declares them.
        max_pages: Pages read of a multi-page image; the rest is left out with a warning.
        max_frames: Frames of an animation looked at until one shows something.
        max_seconds: Longest decoding of one file, in a process of its own where the header leaves doubt.
        max_memory_bytes: What that process may take on top of what it starts with.
        max_video_bytes: Largest video or recording.
        max_video_seconds: Longest decoding of one video or recording, whatever its length.
        max_stall_seconds: Longest wait for a sign of life from the process that decodes it.
        max_video_memory_bytes: What that process may take on top of what it starts with.
        decode_long_side_px: Decoded images are reduced to this long side.
    """

    max_image_bytes: int = 16 * MIB
    max_text_bytes: int = 16 * MIB
    max_document_bytes: int = 64 * MIB
    max_inflated_bytes: int = 256 * MIB
    max_document_pages: int = 2000
    max_pictures: int = 500
    max_document_seconds: float = 120.0
    max_pixels: int = 100_000_000
    max_pages: int = 200
    max_frames: int = 16
    max_seconds: float = 20.0
    max_memory_bytes: int = 768 * MIB
    max_video_bytes: int = 256 * 1024 * MIB
    max_video_seconds: float = 14_400.0
    max_stall_seconds: float = 120.0
    max_video_memory_bytes: int = 3072 * MIB
    decode_long_side_px: int = 1600

    @staticmethod
    def is_tiny(width_px: int, height_px: int) -> bool:
        """Whether a picture in a document is an icon, a bullet or a rule, at which nobody looks."""
        return min(width_px, height_px) < TINY_SIDE_PX or width_px * height_px < TINY_PIXELS


def bytes_within(asset: Asset, file: BinaryIO, most: int, *, kind: str, remedy: str) -> bytes:
    """All bytes of a file; none are read of one that is listed as too long.

    Args:
        most: Limit on bytes.
        kind: What it is a limit for, in words.
        remedy: What its owner can do.

    Raises:
        AssetLimitError: There are more.
    """
    data = b"" if asset.size_bytes > most else file.read(most + 1)
    if asset.size_bytes > most or len(data) > most:
        raise AssetLimitError(
            f"The file has {asset.size_bytes / MIB:.1f} MiB; the limit for {kind} is {most / MIB:g} MiB.",
            remedy=remedy,
        )
    return data
