"""The process that lays out slides of presentations (`foveal.readers.child_process`).

The layout engine is compiled code on hostile bytes, and pictures inside a presentation are decoded here as well: what
leaves this process is a drawing made of known elements, with pictures encoded anew.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterator
from typing import cast

from foveal.errors import AssetLimitError, UnreadableAssetError
from foveal.readers.child_process import Ask, Message, serve
from foveal.readers.limits import Limits
from foveal.readers.metrics_font import metrics_font
from foveal.readers.packages import Package
from foveal.readers.pptx import chart_words
from foveal.readers.slide_svg import Json, slide_drawing

_MOST_PARTS_BYTES = 64 * 2**20
"""Of the pictures of one presentation, as they lie in it."""
_FAMILY = "Foveal Metrics"
_JPEG_QUALITY = 82


def main() -> None:
    """The child's end."""
    import betteroffice_pptx  # noqa: F401 - to be loaded before the clock starts
    from PIL import Image

    Image.init()
    fonts = metrics_font(), metrics_font(bold=True)
    serve(lambda job, data, ask: _items(job, data, ask, fonts))


def _items(job: Message, data: bytes, _: Ask, fonts: tuple[bytes, bytes]) -> Iterator[tuple[Message, bytes]]:
    import betteroffice_pptx as office

    number, most = cast("int", job["slide"]), cast("int", job["picture_px"])
    try:
        deck = office.Presentation.open(data)
        if not 1 <= number <= deck.slide_count:
            raise UnreadableAssetError(f"It has no slide {number}.")
        deck.register_font(_FAMILY, fonts[0])
        deck.register_font(_FAMILY, fonts[1], bold=True)
        scene = cast("Json", json.loads(deck.render_slide(number - 1).json))
    except office.PptxError as error:
        raise UnreadableAssetError(f"Its slide {number} cannot be laid out: {str(error)[:200]}") from None
    drawing = slide_drawing(scene, _pictures(deck, most), chart_words(Package(data, Limits()), number))
    lines = [(line.text, line.sides) for line in drawing.lines]
    item: Message = {"width": drawing.width, "height": drawing.height, "lines": cast("object", lines)}
    yield item, drawing.body.encode()


def _pictures(deck: object, most_px: int) -> Callable[[str], str | None]:
    from betteroffice_pptx import Presentation

    parts: dict[str, bytes] = {}
    known: dict[str, str | None] = {}

    def picture(name: str) -> str | None:
        if not parts:
            parts.update((one.path, one.bytes) for one in cast("Presentation", deck).media())
            if sum(map(len, parts.values())) > _MOST_PARTS_BYTES * 4:
                raise AssetLimitError("The pictures of the presentation are too large.", remedy="Open the file itself.")
        if name not in known:
            known[name] = _encoded(parts[name], most_px) if name in parts else None
        return known[name]

    return picture


def _encoded(data: bytes, most_px: int) -> str | None:
    """A picture as a data URL; None for one that cannot be read."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as opened:
            opened.draft("RGB", (most_px, most_px))
            opened.thumbnail((most_px, most_px))
            clear = opened.has_transparency_data
            shown = opened.convert("RGBA" if clear else "RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, MemoryError):
        return None
    out = io.BytesIO()
    if clear:
        shown.save(out, "PNG", optimize=False)
    else:
        shown.save(out, "JPEG", quality=_JPEG_QUALITY)
    kind = "png" if clear else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(out.getvalue()).decode()}"
