"""Toning: a decoded image of any colour model becomes 8-bit sRGB, reduced, in bands so that memory stays flat."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from foveal.types.vectors import Pixels

if TYPE_CHECKING:
    from PIL.Image import Image

_BAND_PIXELS = 4_000_000
_LARGEST_PROFILE_BYTES = 4 * 2**20
_PALE = 225
"""Pictures whose visible part is on average paler than this are laid on grey, not on white."""
_GREY = 128

_Toned = Callable[["Image"], "Image"]


def to_rgb(image: Image, long_side_px: int) -> Pixels:
    """Turn a loaded image into pixels; orientation is left as it is.

    - 16-bit and floating-point values are scaled to 8 bits, never clipped.
    - Transparent parts show white, or mid-grey behind pictures that are themselves nearly white.
    - An embedded ICC profile is applied where the decoder left it to do; CMYK without one is converted plainly.

    Args:
        image: Loaded; any mode.
        long_side_px: The result's long side at most.

    Returns:
        uint8 [h, w, 3] RGB.
    """
    small = _reduced(image, long_side_px)
    profile = image.info.get("icc_profile")
    alpha = small.getchannel("A") if small.mode == "RGBA" else None
    rgb = _managed(small.convert("RGB") if alpha else small, profile)
    pixels = np.asarray(rgb, dtype=np.uint8)
    return pixels if alpha is None else _on_background(pixels, np.asarray(alpha))


def _reduced(image: Image, long_side_px: int) -> Image:
    """Mode L, RGB, RGBA, CMYK or LAB, the long side at most as asked."""
    import PIL.Image

    tone = _toning(image)
    factor = max(1, max(image.size) // long_side_px)
    rows = max(1, _BAND_PIXELS // (image.width * factor)) * factor
    if rows >= image.height:
        whole = tone(image)
        small = whole.reduce(factor) if factor > 1 else whole
    else:
        bands = [
            tone(image.crop((0, top, image.width, min(top + rows, image.height)))).reduce(factor)
            for top in range(0, image.height, rows)
        ]
        small = PIL.Image.new(bands[0].mode, (bands[0].width, sum(band.height for band in bands)))
        top = 0
        for band in bands:
            small.paste(band, (0, top))
            top += band.height
    if max(small.size) <= long_side_px:
        return small
    scale = long_side_px / max(small.size)
    size = (max(1, round(small.width * scale)), max(1, round(small.height * scale)))
    return small.resize(size, PIL.Image.Resampling.BICUBIC)


def _toning(image: Image) -> _Toned:
    """What brings a band of this image to one of the five modes."""
    mode = image.mode
    if mode.startswith("I") or mode == "F":
        low, high = _value_range(image)
        return lambda band: _scaled(band, low, high)
    if mode in {"LA", "La", "PA", "RGBA", "RGBa"} or "transparency" in image.info:
        return lambda band: band.convert("RGBA")
    if mode in {"L", "1"}:
        return lambda band: band.convert("L")
    if mode in {"RGB", "CMYK", "LAB"}:
        return lambda band: band
    return lambda band: band.convert("RGB")


def _value_range(image: Image) -> tuple[float, float]:
    """Values that become black and white.

    Integers of at most 12 bits, or 16, use the whole of that range (scanners and cameras store 12 bits in 16);
    floats between 0 and 1 or 0 and 255 likewise; anything else is stretched between its extremes.
    """
    values = np.asarray(image)
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    ranges = (1.0, 255.0) if image.mode == "F" else (4095.0, 65535.0)
    if low >= 0:
        for top in ranges:
            if high <= top:
                return 0.0, top
    return low, high


def _scaled(band: Image, low: float, high: float) -> Image:
    import PIL.Image

    values = np.asarray(band).astype(np.float32)
    scaled = (np.nan_to_num(values, nan=low, posinf=high, neginf=low) - low) * (255.0 / max(high - low, 1e-12))
    return PIL.Image.fromarray((scaled.clip(0, 255) + 0.5).astype(np.uint8))


def _managed(image: Image, profile: object) -> Image:
    """`image` (L, RGB, CMYK or LAB) in sRGB."""
    from PIL import ImageCms

    if image.mode == "LAB":
        return _transformed(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))
    space = {"L": b"GRAY", "RGB": b"RGB ", "CMYK": b"CMYK"}[image.mode]
    if isinstance(profile, bytes) and profile[16:20] == space and not _is_srgb(profile):
        try:
            return _transformed(image, ImageCms.ImageCmsProfile(io.BytesIO(profile)))
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass  # a broken profile: the plain conversion is nearer to right than nothing
    return image.convert("RGB")


def _is_srgb(profile: bytes) -> bool:
    """By its name, in either of the encodings of ICC.1 (ASCII, UTF-16); too large a profile is not looked at."""
    return len(profile) > _LARGEST_PROFILE_BYTES or b"sRGB" in profile or "sRGB".encode("utf-16-be") in profile


def _transformed(image: Image, profile: object) -> Image:
    from PIL import ImageCms

    srgb = ImageCms.createProfile("sRGB")
    transform = ImageCms.buildTransform(profile, srgb, image.mode, "RGB")  # type: ignore[arg-type]
    done = ImageCms.applyTransform(image, transform)
    return image.convert("RGB") if done is None else done


def _on_background(pixels: Pixels, alpha: npt.NDArray[np.uint8]) -> Pixels:
    if alpha.min() == 255:
        return pixels
    visible = alpha.astype(np.float32)[:, :, None] / 255
    seen = float(visible.sum())
    mean = float((pixels * visible).sum()) / (3 * seen) if seen else 0.0
    back = _GREY if mean > _PALE else 255
    return (pixels * visible + back * (1 - visible) + 0.5).astype(np.uint8)
