"""Pictures made on the spot, for tests."""

from __future__ import annotations

import io

from PIL import Image

from foveal.types.vectors import Pixels


def jpeg(pixels: Pixels) -> bytes:
    """The pixels as a JPEG file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="JPEG", quality=90)
    return file.getvalue()


def png(pixels: Pixels) -> bytes:
    """The pixels as a PNG file, which keeps them exactly."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()
