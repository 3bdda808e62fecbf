"""Decoding: bytes of an image file to upright sRGB pixels, with what could be saved of damaged ones.

One function, `decode_images`, used in this process for images whose header promises quick and lean work, and in a
process of its own (`foveal.readers.decoding_process`) for all others.
"""

from __future__ import annotations

import io
import re
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from foveal.errors import AssetError, AssetLimitError, UnreadableAssetError
from foveal.readers.exif import ExifFacts, read_exif
from foveal.readers.limits import Limits
from foveal.readers.toning import to_rgb
from foveal.types.vectors import Pixels

if TYPE_CHECKING:
    from PIL.Image import Image

DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    AssertionError,
    EOFError,
    OverflowError,
    ZeroDivisionError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    zlib.error,
)
"""What Pillow's and libheif's Python parts raise on damaged files, by the parsers' own admission and by fuzzing."""

_FORMATS = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/gif": "GIF",
    "image/bmp": "BMP",
    "image/tiff": "TIFF",
    "image/webp": "WEBP",
    "image/avif": "AVIF",
    "image/jp2": "JPEG2000",
    "image/j2c": "JPEG2000",
    "image/vnd.microsoft.icon": "ICO",
    "image/x-portable-anymap": "PPM",
    "image/vnd-ms.dds": "DDS",
}
"""Pillow's name of each type: only the decoder of the sniffed type is ever tried."""
_ANIMATED = frozenset({"image/gif", "image/webp", "image/png", "image/avif"})
_LEAST_SHARE = 0.5
"""Damaged images of which less than this was decoded are unreadable."""
_BLANK_DEVIATION = 3.0
"""A frame whose values spread less than this (of 255) shows nothing."""
_SUBFILE_TYPE, _REDUCED_OR_MASK = 254, 0b101
"""TIFF tag NewSubfileType and its bits for "a smaller copy" and "a mask" (TIFF 6.0, section 8)."""

Admit = Callable[[int], None]
"""Called with the number of pixels just before they are decoded; may wait, may raise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedImage:
    """One image of a file.

    Attributes:
        pixels: uint8 [h, w, 3] RGB upright, the long side at most `Limits.decode_long_side_px`.
        width_px: Of the upright image before reduction.
        height_px: Likewise.
        page: 1-based page of a multi-page file, else None.
        frame_count: Images in the file.
        warnings: What was survived.
    """

    pixels: Pixels
    width_px: int
    height_px: int
    page: int | None = None
    frame_count: int = 1
    exif: ExifFacts
    warnings: tuple[str, ...] = ()


def decode_images(
    data: bytes, media_type: str, limits: Limits, admit: Admit = lambda pixels: None
) -> Iterator[DecodedImage]:
    """Decode a file: every page of a TIFF, one image of anything else.

    Of an animation it is the first frame that shows something, the first of all when none does.

    Raises:
        UnreadableAssetError: Nothing can be saved of it.
        AssetLimitError: More pixels than allowed, or more memory than there is.
    """
    _silence_decoders()
    try:
        if media_type == "image/tiff":
            yield from _pages(data, limits, admit)
        else:
            yield _single(data, media_type, limits, admit)
    except MemoryError:
        raise _too_much_memory() from None


def _too_much_memory() -> AssetLimitError:
    return AssetLimitError(
        "Decoding this image would take more memory than the limit allows.",
        remedy="Save it with fewer pixels.",
    )


def _single(data: bytes, media_type: str, limits: Limits, admit: Admit) -> DecodedImage:
    with _open(data, media_type, limits) as image:
        full = image.size
        admit(full[0] * full[1])
        if media_type == "image/jpeg":
            image.draft(None, _fitting(full, limits.decode_long_side_px))
        notes = _load(image, data, media_type)
        frames = _frame_count(image)
        decoded = _finished(image, full, limits, notes)
        if frames > 1 and media_type in _ANIMATED:
            decoded = _telling_frame(image, decoded, min(frames, limits.max_frames), limits)
    return replace(decoded, frame_count=frames)


def _pages(data: bytes, limits: Limits, admit: Admit) -> Iterator[DecodedImage]:
    """Pages in order; a page that cannot be decoded is named in a warning on its neighbour."""
    with _open(data, "image/tiff", limits) as image:
        count = _frame_count(image)
        read = min(count, limits.max_pages)
        notes = [f"Only the first {read} of {count} pages were read."] if read < count else []
        held: DecodedImage | None = None
        failure: AssetError | None = None
        for index in range(read):
            try:
                page = _page(image, index, limits, admit)
            except AssetError as error:
                failure = error
                notes.append(f"Page {index + 1} is left out: {error.message}")
                continue
            if page is None:
                continue
            if held:
                yield held
            held = replace(
                page, page=index + 1 if count > 1 else None, frame_count=count, warnings=(*page.warnings, *notes)
            )
            notes = []
        if held is None:
            raise failure or UnreadableAssetError("There is no page in it.")
        yield replace(held, warnings=(*held.warnings, *notes))


def _page(image: Image, index: int, limits: Limits, admit: Admit) -> DecodedImage | None:
    """One page; None for thumbnails and masks that come with a page."""
    try:
        image.seek(index)
        kind = getattr(image, "tag_v2", {}).get(_SUBFILE_TYPE, 0)
        if index and isinstance(kind, int) and kind & _REDUCED_OR_MASK:
            return None
        _check_size(image.size, limits)
        admit(image.size[0] * image.size[1])
        notes = _load(image, b"", "image/tiff")
        return _finished(image, image.size, limits, notes)
    except DECODER_ERRORS as error:
        raise _unreadable(error) from error
    finally:
        image._im = None  # as Pillow's own seek does: frees the page's full pixels


def _open(data: bytes, media_type: str, limits: Limits) -> Image:
    """Parse the header only.

    Raises:
        UnreadableAssetError: It makes no sense.
        AssetLimitError: It declares too many pixels.
    """
    import PIL.Image

    try:
        if media_type == "image/heic":
            from pi_heif import HeifImageFile

            image: Image = HeifImageFile(io.BytesIO(data))
        else:
            image = PIL.Image.open(io.BytesIO(data), formats=(_FORMATS[media_type],))
    except PIL.Image.DecompressionBombError:
        raise _too_many_pixels(limits) from None
    except DECODER_ERRORS as error:
        raise _unreadable(error) from error
    _check_size(image.size, limits)
    return image


def _check_size(size: tuple[int, int], limits: Limits) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise UnreadableAssetError(f"Its header says {width} x {height} pixels.")
    if width * height > limits.max_pixels:
        raise _too_many_pixels(limits, size)


def _too_many_pixels(limits: Limits, size: tuple[int, int] | None = None) -> AssetLimitError:
    said = f"{size[0]} x {size[1]} pixels" if size else "too many pixels"
    return AssetLimitError(
        f"Its header says {said}; the limit is {limits.max_pixels / 1e6:g} million.",
        remedy="Save it smaller, or raise limits.pixels.",
    )


def _unreadable(error: Exception) -> UnreadableAssetError:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    if "cannot identify image file" in reason:
        reason = "the header makes no sense"
    return UnreadableAssetError(f"The image cannot be decoded: {reason}.", remedy="Export it again from its source.")


def _load(image: Image, data: bytes, media_type: str) -> tuple[str, ...]:
    """Decode into `image`; warnings when only a part could be saved.

    Raises:
        UnreadableAssetError: Less than half of it could be.
    """
    import PIL.Image

    try:
        image.load()
    except PIL.Image.DecompressionBombError as error:
        raise AssetLimitError(f"A frame of it is too large: {error}.") from None
    except DECODER_ERRORS as error:
        share = _saved_share(image)
        if share < _LEAST_SHARE and media_type == "image/jpeg" and _finish_jpeg(image, data):
            return ("The file is cut off; the picture is coarse or lacks its lower part.",)
        if share < _LEAST_SHARE:
            raise _unreadable(error) from error
        return (f"The file is damaged; about {share:.0%} of the picture could be decoded.",)
    return ()


def _saved_share(image: Image) -> float:
    """Share of the rows that a failed decoder filled: what it did not reach is still zero."""
    if getattr(image, "_im", None) is None:
        return 0.0
    image.tile = []  # type: ignore[attr-defined]  # Pillow would start the decoder again
    try:
        box = image.getbbox(alpha_only=False)
    except DECODER_ERRORS:
        return 0.0
    # BMP files are stored from the bottom up: there the missing rows are the first
    return min(0.99, (box[3] - box[1]) / image.height) if box else 0.0


def _finish_jpeg(image: Image, data: bytes) -> bool:
    """Decode a progressive JPEG that ends early as if it ended there: later scans only refine the earlier ones."""
    import PIL.Image

    if "progressive" not in image.info:
        return False
    try:
        with PIL.Image.open(io.BytesIO(data + b"\xff\xd9"), formats=("JPEG",)) as closed:
            closed.draft(None, image.size)
            closed.load()
            image.im = closed.im
    except DECODER_ERRORS:
        return False
    return image.getextrema() is not None and image.getbbox() is not None


def _frame_count(image: Image) -> int:
    try:
        return max(1, int(getattr(image, "n_frames", 1)))
    except DECODER_ERRORS:
        return 1


def _telling_frame(image: Image, first: DecodedImage, frames: int, limits: Limits) -> DecodedImage:
    """The first of some frames that is not of one colour throughout; animations often begin so."""
    if first.pixels.std() >= _BLANK_DEVIATION:
        return first
    for index in range(1, frames):
        try:
            image.seek(index)
            _check_size(image.size, limits)
            image.load()
            frame = _finished(image, image.size, limits, first.warnings)
        except (*DECODER_ERRORS, AssetError):
            break
        if frame.pixels.std() >= _BLANK_DEVIATION:
            return replace(frame, exif=first.exif)
    return first


def _finished(image: Image, full: tuple[int, int], limits: Limits, notes: tuple[str, ...]) -> DecodedImage:
    exif = read_exif(image)
    try:
        pixels = to_rgb(image, limits.decode_long_side_px)
    except DECODER_ERRORS as error:
        raise _unreadable(error) from error
    width, height = full if exif.orientation < 5 else full[::-1]
    return DecodedImage(
        pixels=_upright(pixels, exif.orientation), width_px=width, height_px=height, exif=exif, warnings=notes
    )


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undo what the camera noted: EXIF 2.32 section 4.6.4, tag Orientation."""
    turned = {
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, -1),
        7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
        8: lambda a: np.rot90(a, 1),
    }.get(orientation, lambda a: a)(pixels)
    return np.ascontiguousarray(turned)


def _fitting(size: tuple[int, int], long_side_px: int) -> tuple[int, int]:
    scale = min(1.0, long_side_px / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


_DECODER_MODULES = re.compile(r"(PIL|pi_heif)(\.|$)")


def _silence_decoders() -> None:
    """Decoders warn of every odd tag on stderr; what matters to a person is in `DecodedImage.warnings`."""
    if not any(module == _DECODER_MODULES for _, _, _, module, _ in warnings.filters):
        warnings.filterwarnings("ignore", module=_DECODER_MODULES.pattern)
