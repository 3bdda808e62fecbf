"""What is known of an image from its pixels alone: a perceptual hash and the names of its dominant colours."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from foveal.readers.exif import ExifFacts
from foveal.types.content import ImageFacts
from foveal.types.vectors import FloatArray, Pixels

_HASH_SIDE_PX = 32
_COLOR_SIDE_PX = 48
_COLOR_MIN_SHARE = 0.12
"""A colour on less of the image than this is not dominant."""
_COLOR_LIMIT = 3

# The eleven basic colour terms of English (Berlin and Kay, "Basic Color Terms", 1969) and beige, each with the sRGB
# values that stand for it: shades a person calls by that name, from the centroids of Kelly and Judd, "Color: Universal
# Language and Dictionary of Names" (NBS Special Publication 440, 1976), rounded.
_PALETTE: tuple[tuple[str, tuple[tuple[int, int, int], ...]], ...] = (
    ("black", ((15, 15, 15), (35, 33, 33), (30, 34, 40))),
    ("white", ((252, 252, 252), (238, 238, 236))),
    ("grey", ((75, 75, 75), (105, 105, 105), (140, 140, 140), (175, 175, 175), (205, 205, 205))),
    ("red", ((190, 20, 40), (230, 40, 40), (130, 20, 30), (200, 70, 70))),
    ("orange", ((245, 130, 20), (230, 105, 30), (250, 165, 70))),
    ("yellow", ((250, 215, 30), (245, 235, 110), (215, 180, 40))),
    ("green", ((35, 130, 60), (30, 80, 40), (90, 160, 60), (130, 180, 100), (75, 95, 50), (60, 175, 120))),
    ("green", ((150, 170, 60), (100, 110, 75), (60, 70, 50), (145, 160, 125))),
    (
        "blue",
        ((20, 20, 230), (10, 15, 150), (30, 80, 180), (20, 40, 100), (70, 130, 200), (120, 170, 225), (160, 200, 235)),
    ),
    ("blue", ((40, 150, 190), (85, 115, 150), (150, 175, 205), (50, 60, 85))),
    ("purple", ((110, 45, 140), (75, 35, 95), (155, 100, 185), (190, 160, 210))),
    ("pink", ((240, 150, 175), (225, 80, 140), (245, 195, 205), (220, 130, 145))),
    ("brown", ((110, 65, 35), (75, 45, 25), (145, 95, 60), (60, 40, 30), (125, 85, 70), (120, 100, 80), (90, 75, 65))),
    ("beige", ((225, 205, 170), (205, 180, 145), (240, 228, 205), (185, 160, 130), (200, 190, 170), (165, 150, 125))),
)


_NAMES = tuple(dict.fromkeys(name for name, _ in _PALETTE))


def image_facts(pixels: Pixels, *, width_px: int, height_px: int, exif: ExifFacts, frame_count: int) -> ImageFacts:
    """Everything about an image that needs no model.

    Args:
        pixels: uint8 [h, w, 3] RGB, upright; may be reduced.
        width_px: Width of the upright image in the file.
        height_px: Its height.
        exif: What the camera wrote.
        frame_count: Images in the file.
    """
    return ImageFacts(
        width_px=width_px,
        height_px=height_px,
        taken_at=exif.taken_at,
        latitude=exif.latitude,
        longitude=exif.longitude,
        camera=exif.camera,
        frame_count=frame_count,
        colors=dominant_colors(pixels),
        perceptual_hash=perceptual_hash(pixels),
    )


def perceptual_hash(pixels: Pixels) -> int:
    """64-bit DCT hash; robust to scaling, recompression and small changes of tone, not to turning or mirroring.

    Luma at 32 x 32, two-dimensional DCT-II, the 64 coefficients of rows and columns 1 to 8; a bit says whether a
    coefficient is above their median, lowest frequency first in the highest bit. Flat images hash to 0.

    Source: C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010, section 3.2.1.
    """
    luma = _shrunk(pixels, _HASH_SIDE_PX).astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)  # BT.601
    basis = _dct_rows()
    low = (basis @ luma @ basis.T).ravel()
    low[np.abs(low) < 0.5] = 0.0  # rounding noise of flat areas must not set bits
    bits = low > np.median(low)
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def dominant_colors(pixels: Pixels) -> tuple[str, ...]:
    """Names of the colours that cover the most of an image, most frequent first, at most three, at least one.

    Each pixel of a small copy gets the name of the nearest palette colour in CIELAB; no clustering, so equal images
    always get equal names.
    """
    values = _to_lab(_shrunk(pixels, _COLOR_SIDE_PX).reshape(-1, 3))
    names, prototypes = _palette_lab()
    # |a - b|^2 without the term that is the same for every prototype
    distance = (prototypes**2).sum(axis=1)[None, :] - 2 * values @ prototypes.T
    owner = names[distance.argmin(axis=1)]
    share = np.bincount(owner, minlength=len(_NAMES)) / len(owner)
    best = [i for i in np.argsort(-share, kind="stable")[:_COLOR_LIMIT] if share[i] >= _COLOR_MIN_SHARE]
    return tuple(_NAMES[i] for i in best or [int(share.argmax())])


def _shrunk(pixels: Pixels, side_px: int) -> Pixels:
    from PIL import Image

    # Two steps: an exact box reduction first is several times quicker than one wide filter.
    image = Image.fromarray(pixels)
    factor = (max(1, image.width // (2 * side_px)), max(1, image.height // (2 * side_px)))
    if factor != (1, 1):
        image = image.reduce(factor)
    return np.asarray(image.resize((side_px, side_px), Image.Resampling.BOX))


@cache
def _dct_rows() -> FloatArray:
    """float32 [8, 32]: rows 1 to 8 of the orthonormal DCT-II matrix."""
    k = np.arange(1, 9)[:, None]
    n = np.arange(_HASH_SIDE_PX)[None, :]
    rows = np.sqrt(2 / _HASH_SIDE_PX) * np.cos(np.pi * k * (2 * n + 1) / (2 * _HASH_SIDE_PX))
    return np.asarray(rows, np.float32)


@cache
def _palette_lab() -> tuple[npt.NDArray[np.intp], FloatArray]:
    """Index of the name of each prototype, and the prototypes, float32 [n, 3] CIELAB."""
    owners = [_NAMES.index(name) for name, shades in _PALETTE for _ in shades]
    values = np.array([shade for _, shades in _PALETTE for shade in shades], np.uint8)
    return np.array(owners, np.intp), _to_lab(values)


@cache
def _linear_light() -> FloatArray:
    """float32 [256]: the sRGB transfer curve (IEC 61966-2-1)."""
    c = np.arange(256) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4).astype(np.float32)


def _to_lab(rgb: npt.NDArray[np.uint8]) -> FloatArray:
    """From sRGB [n, 3] to CIELAB under D65 (CIE 15:2004), float32 [n, 3]."""
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    )
    white = to_xyz.sum(axis=1)
    t = (_linear_light()[rgb] @ (to_xyz / white[:, None]).T.astype(np.float32)).astype(np.float32)
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1).astype(
        np.float32
    )
