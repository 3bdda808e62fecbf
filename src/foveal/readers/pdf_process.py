"""The process that reads PDF files with PDFium (`foveal.readers.child_process`): one thread, as PDFium wants it.

First it says how many pages there are, then what lines each page has, then which pictures. Coordinates are fractions
of the page as it is shown, from its upper left corner. API: PDFium's `fpdf_text.h` and `fpdf_edit.h`.
"""

from __future__ import annotations

import ctypes
import hashlib
import itertools
import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import numpy as np

from foveal.errors import AssetLimitError, UnreadableAssetError
from foveal.readers.child_process import Ask, Message, serve
from foveal.readers.limits import MIB, Limits

if TYPE_CHECKING:
    from pypdfium2 import PdfBitmap, PdfDocument, PdfImage, PdfPage, PdfTextPage

    from foveal.types.vectors import Pixels

BoxNumbers = tuple[float, float, float, float]
"""Left, top, right, bottom as fractions of the page."""

FEW_CHARS = 60
"""A page with fewer letters than this is scanned when pictures or drawings fill it."""
MOSTLY = 0.5
"""Share of a page that a picture fills which is the page itself."""
_BOLD_WEIGHT = 600
_BOLD_NAMES = re.compile(b"bold|black|heavy|demi|-medi", re.IGNORECASE)
_LOST = re.compile("[\ufffd\0-\x08\x0e-\x1f\ue000-\uf8ff]")
_LINE_ENDS = re.compile("[\r\n\ufffe]")
"""PDFium writes U+FFFE for a hyphen at a line's end and leaves the line's end out."""
_MOST_OBJECTS = 20_000
_WIDE_LETTERS = 0.6
"""Ems that a letter takes on average of a line in which wide gaps may be; about 0.5 in prose."""


def main() -> None:
    """The child's end."""
    import pypdfium2  # noqa: F401 - to be loaded before the clock starts

    serve(_items)


def _items(job: Message, data: bytes, ask: Ask) -> Iterator[tuple[Message, bytes | memoryview]]:
    limits = Limits(**cast("dict[str, object]", job["limits"]))  # type: ignore[arg-type]
    document = opened(data)
    count = min(len(document), limits.max_document_pages)
    yield {"pages": len(document), "title": str(document.get_metadata_value("Title"))}, b""
    scanned: set[int] = set()
    pictured: list[int] = []
    letters = 0
    for index in range(count):
        page = page_at(document, index)
        if page is None:
            yield {"page": index + 1, "broken": True}, b""
            continue
        lines = lines_of(page)
        letters += sum(len(str(line[0])) for line in lines)
        if letters > limits.max_text_bytes:
            raise AssetLimitError(
                f"Its pages have more than {limits.max_text_bytes / MIB:g} million letters.",
                remedy="Cut it into several files, or raise limits.text_bytes.",
            )
        if _is_scanned(page, lines):
            scanned.add(index)
            if not _says_something(lines):
                lines = []
        if limits.max_pictures and (index in scanned or _images(page)):
            pictured.append(index)
        yield {"page": index + 1, "lines": cast("object", lines)}, b""
        page.close()
    yield from _pictures(document, pictured, scanned, limits)
    document.close()


def opened(data: bytes) -> PdfDocument:
    """The document, with a page at least.

    Raises:
        UnreadableAssetError: It is broken, or opens with a password only.
    """
    import pypdfium2
    import pypdfium2.raw as pdfium

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == pdfium.FPDF_ERR_PASSWORD:
            raise UnreadableAssetError(
                "The PDF is encrypted, and opens with a password only.", remedy="Save it without a password."
            ) from None
        raise UnreadableAssetError("The PDF is broken: no page can be found in it.") from None
    if len(document) < 1:
        raise UnreadableAssetError("The PDF has no pages.")
    return document


def page_at(document: PdfDocument, index: int) -> PdfPage | None:
    """A page, 0-based; None for a broken one."""
    import pypdfium2

    try:
        page = document[index]
    except pypdfium2.PdfiumError:
        return None
    return page if page.get_width() > 0 and page.get_height() > 0 else None


Line = tuple[str, float, float, float, float, float, bool]
"""Text, box, size in points, whether it is bold."""


def lines_of(page: PdfPage) -> list[Line]:
    """The lines of a page as PDFium puts them together, in the order of the page's content."""
    import pypdfium2

    try:
        words = page.get_textpage()
    except pypdfium2.PdfiumError:
        return []
    text = _characters(words)
    shown = _Shown(page)
    lines: list[Line] = []
    start = 0
    for end in [*(m.start() for m in _LINE_ENDS.finditer(text)), len(text)]:
        body = text[start:end]
        if body.strip():
            first = start + len(body) - len(body.lstrip())
            last = start + len(body.rstrip()) - 1
            broken = "\ufffe" if text[end : end + 1] == "\ufffe" else ""
            lines.append(_line(words, shown, body.strip() + broken, first, last))
        start = end + 1
    words.close()
    return lines


def _characters(words: PdfTextPage) -> str:
    """One character for each of PDFium's: all at once where that counts right, else one by one."""
    import pypdfium2.raw as pdfium

    count = words.count_chars()
    text = words.get_text_range() if count else ""
    if len(text) == count:
        return text
    codes = (pdfium.FPDFText_GetUnicode(words, i) for i in range(count))
    return "".join(chr(c) if 0 < c < 0x110000 and not 0xD800 <= c < 0xE000 else "\ufffd" for c in codes)


def _line(words: PdfTextPage, shown: _Shown, text: str, first: int, last: int) -> Line:
    import pypdfium2.raw as pdfium

    rect = pdfium.FS_RECTF()
    corners: list[tuple[float, float]] = []
    for place in (first, last):
        if pdfium.FPDFText_GetLooseCharBox(words, place, rect):
            corners += [(rect.left, rect.bottom), (rect.right, rect.top)]
    size = _size(words, first)
    if corners and abs(corners[-1][0] - corners[0][0]) > _WIDE_LETTERS * size * len(text):
        text = _cells(words, text, first, size)
    box = shown.box(corners) if corners else (0.0, 0.0, 0.0, 0.0)
    return text, *box, size, _is_bold(words, first)


def _cells(words: PdfTextPage, text: str, first: int, size: float) -> str:
    """The text with tabs where more than an em of white space is, as between the columns of a table."""
    import pypdfium2.raw as pdfium

    left, right, unused = ctypes.c_double(), ctypes.c_double(), ctypes.c_double()
    found = list(text)
    for place, letter in enumerate(text[1:-1], start=1):
        if letter != " ":
            continue
        before = pdfium.FPDFText_GetCharBox(words, first + place - 1, unused, right, unused, unused)
        after = pdfium.FPDFText_GetCharBox(words, first + place + 1, left, unused, unused, unused)
        if before and after and left.value - right.value > size:
            found[place] = "\t"
    return "".join(found)


def _size(words: PdfTextPage, place: int) -> float:
    """Size of a character in points: that of its font, stretched as the character's matrix says."""
    import pypdfium2.raw as pdfium

    matrix = pdfium.FS_MATRIX()
    stretch = math.hypot(matrix.c, matrix.d) if pdfium.FPDFText_GetMatrix(words, place, matrix) else 1.0
    return round(float(pdfium.FPDFText_GetFontSize(words, place)) * (stretch or 1.0), 2)


def _is_bold(words: PdfTextPage, place: int) -> bool:
    import pypdfium2.raw as pdfium

    if pdfium.FPDFText_GetFontWeight(words, place) >= _BOLD_WEIGHT:
        return True
    name, flags = ctypes.create_string_buffer(128), ctypes.c_int()
    pdfium.FPDFText_GetFontInfo(words, place, name, len(name), flags)
    return _BOLD_NAMES.search(name.value) is not None


class _Shown:
    """A page as it is shown: its crop box, turned."""

    def __init__(self, page: PdfPage) -> None:
        left, bottom, right, top = page.get_cropbox()
        self._left, self._bottom = min(left, right), min(bottom, top)
        self._width, self._height = abs(right - left) or 1.0, abs(top - bottom) or 1.0
        self._turns = page.get_rotation() // 90 % 4

    def box(self, corners: list[tuple[float, float]]) -> BoxNumbers:
        """The box around points of the page's own coordinates, kept inside the page."""
        points = [self._point(x, y) for x, y in corners]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        return _within(min(xs)), _within(min(ys)), _within(max(xs)), _within(max(ys))

    def _point(self, x: float, y: float) -> tuple[float, float]:
        across, down = (x - self._left) / self._width, 1 - (y - self._bottom) / self._height
        for _ in range(self._turns):
            across, down = 1 - down, across
        return across, down


def _within(value: float) -> float:
    return round(min(max(value, 0.0), 1.0), 5)


def _says_something(lines: list[Line]) -> bool:
    """Whether the letters of a page stand for something: a font without a map gives signs for nothing."""
    letters = "".join(line[0] for line in lines)
    return len(_LOST.findall(letters)) <= 0.3 * len(letters)


def _is_scanned(page: PdfPage, lines: list[Line]) -> bool:
    """Whether a page must be looked at to be read."""
    import pypdfium2.raw as pdfium

    readable = bool(lines) and _says_something(lines)
    if readable and sum(len(line[0]) for line in lines) >= FEW_CHARS:
        return False
    drawn = {pdfium.FPDF_PAGEOBJ_PATH, pdfium.FPDF_PAGEOBJ_SHADING}
    if not readable:
        wanted = drawn | {pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_TEXT}
        return any(o.type in wanted for o in _objects(page))
    return any(_area(box) > MOSTLY for _, box in _images(page))


def _objects(page: PdfPage, wanted: list[int] | None = None) -> list[PdfImage]:
    import pypdfium2

    try:
        return list(itertools.islice(page.get_objects(filter=wanted), _MOST_OBJECTS))
    except pypdfium2.PdfiumError:
        return []


def _images(page: PdfPage) -> list[tuple[PdfImage, BoxNumbers]]:
    """The images of a page with their boxes."""
    import pypdfium2
    import pypdfium2.raw as pdfium

    shown = _Shown(page)
    found: list[tuple[PdfImage, BoxNumbers]] = []
    for image in _objects(page, [pdfium.FPDF_PAGEOBJ_IMAGE]):
        try:
            left, bottom, right, top = image.get_bounds()
        except pypdfium2.PdfiumError:
            continue
        box = shown.box([(left, bottom), (right, top)])
        if _area(box) > 0:
            found.append((image, box))
    return found


def _area(box: BoxNumbers) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _pictures(
    document: PdfDocument, pictured: list[int], scanned: set[int], limits: Limits
) -> Iterator[tuple[Message, bytes | memoryview]]:
    """Scanned pages as pictures of themselves, and the pictures on the others, each once."""
    seen: set[str] = set()
    left = limits.max_pictures
    for index in pictured:
        page = page_at(document, index)
        if page is None:
            continue
        found = [_whole(page, limits)] if index in scanned else _on_page(page, seen, limits)
        for pixels, width, height, box, identity in found:
            if left == 0:
                yield {"more_pictures": True}, b""
                return
            left -= 1
            item: Message = {
                "picture": index + 1,
                "shape": list(pixels.shape),
                "width_px": width,
                "height_px": height,
                "box": list(box) if box else None,
                "identity": identity,
            }
            yield item, np.ascontiguousarray(pixels).reshape(-1).data
        page.close()


Picture = tuple["Pixels", int, int, BoxNumbers | None, str]
"""Pixels, native width and height, place on the page (None: the whole page), identity (empty: that of its pixels)."""


def _whole(page: PdfPage, limits: Limits) -> Picture:
    long_side = max(page.get_width(), page.get_height())
    pixels = rgb(page.render(scale=limits.decode_long_side_px / long_side))
    return pixels, pixels.shape[1], pixels.shape[0], None, ""


def _on_page(page: PdfPage, seen: set[str], limits: Limits) -> Iterator[Picture]:
    """Pictures of a page that were not on an earlier one; those cut into strips are put together again."""
    for group in _touching(_images(page)):
        identity = hashlib.sha256(b"".join(_stored(image) for image, _ in group)).hexdigest()
        if identity in seen:
            continue
        seen.add(identity)
        box = _around([box for _, box in group])
        if _area(box) > 0.9:
            continue  # a background, or the scan under the letters of a page that can be searched
        if len(group) == 1:
            picture = _extracted(group[0][0], box, limits, identity)
        else:
            picture = _region(page, box, [image for image, _ in group], limits)
        if picture is not None and not limits.is_tiny(picture[1], picture[2]):
            yield picture


def _stored(image: PdfImage) -> bytes:
    """What makes an image what it is: its size, how it is turned, its bytes."""
    import pypdfium2

    try:
        a, b, c, d, *_ = image.get_matrix().get()
        turned = (abs(a) > abs(b), a + b > 0, c + d > 0)
        return repr((image.get_px_size(), turned)).encode() + bytes(image.get_data(decode_simple=False))
    except pypdfium2.PdfiumError:
        return b"?"


def _touching(images: list[tuple[PdfImage, BoxNumbers]]) -> list[list[tuple[PdfImage, BoxNumbers]]]:
    """Groups of images one of which abuts another over its whole side, in order."""
    groups: list[list[tuple[PdfImage, BoxNumbers]]] = []
    for image in images:
        near = next((g for g in reversed(groups[-4:]) if any(_abuts(other[1], image[1]) for other in g[-8:])), None)
        if near is None:
            groups.append([image])
        else:
            near.append(image)
    return groups


def _abuts(one: BoxNumbers, other: BoxNumbers) -> bool:
    close = 0.002
    same_width = abs(one[0] - other[0]) < close and abs(one[2] - other[2]) < close
    same_height = abs(one[1] - other[1]) < close and abs(one[3] - other[3]) < close
    above = min(abs(one[3] - other[1]), abs(other[3] - one[1])) < close
    beside = min(abs(one[2] - other[0]), abs(other[2] - one[0])) < close
    return (same_width and above) or (same_height and beside)


def _around(boxes: list[BoxNumbers]) -> BoxNumbers:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def _extracted(image: PdfImage, box: BoxNumbers, limits: Limits, identity: str) -> Picture | None:
    """One image at about its own size, turned and masked as on the page."""
    import pypdfium2

    try:
        width, height = image.get_px_size()
        if width * height > limits.max_pixels or limits.is_tiny(width, height):
            return None
        bitmap = image.get_bitmap(render=True)
    except pypdfium2.PdfiumError:
        return None
    pixels = _reduced(rgb(bitmap), limits)
    if (width > height) != (pixels.shape[1] > pixels.shape[0]):
        width, height = height, width  # turned by a quarter
    return pixels, width, height, box, identity


def _region(page: PdfPage, box: BoxNumbers, images: list[PdfImage], limits: Limits) -> Picture | None:
    """A part of the page, at about the resolution of the images in it."""
    import pypdfium2

    width, height = page.get_width(), page.get_height()
    wide, high = (box[2] - box[0]) * width, (box[3] - box[1]) * height
    try:
        dots = sum(w * h for w, h in (image.get_px_size() for image in images))
    except pypdfium2.PdfiumError:
        return None
    scale = min((dots / (wide * high)) ** 0.5, limits.decode_long_side_px / max(wide, high))
    if limits.is_tiny(round(wide * scale), round(high * scale)):
        return None
    crop = (box[0] * width, (1 - box[3]) * height, (1 - box[2]) * width, box[1] * height)
    pixels = rgb(page.render(scale=scale, crop=crop))
    return pixels, pixels.shape[1], pixels.shape[0], box, ""


def rgb(bitmap: PdfBitmap) -> Pixels:
    """uint8 [h, w, 3] on white."""
    from PIL import Image

    picture = bitmap.to_pil()
    if "A" in picture.getbands():
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture.convert("RGBA"))
    return np.asarray(picture.convert("RGB"), np.uint8).copy()


def _reduced(pixels: Pixels, limits: Limits) -> Pixels:
    from PIL import Image

    most = limits.decode_long_side_px
    if max(pixels.shape[:2]) <= most:
        return pixels
    picture = Image.fromarray(pixels)
    picture.thumbnail((most, most), Image.Resampling.LANCZOS)
    return np.asarray(picture, np.uint8)
