"""A laid-out slide to a drawing (SVG 1.1) with the lines of text on it.

The layout engine says where each line and each shape is; the browser draws the letters, with fonts of its own, each
stretch squeezed or widened to what was measured. Only elements and attributes written here ever get into the drawing:
text is escaped, colours and numbers are checked, pictures come as they were encoded anew, links are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from types import MappingProxyType
from typing import cast
from xml.sax.saxutils import escape, quoteattr

Json = dict[str, object]
Sides = tuple[float, float, float, float]
"""Left, top, right, bottom as fractions of the slide."""

MOST_PRIMITIVES = 20_000
"""Drawn of one slide; the rest is left out."""
_DEEPEST = 40
_COLOR = re.compile(r"#[0-9A-Fa-f]{6}(?:[0-9A-Fa-f]{2})?")
_SERIF = re.compile(r"serif|times|georgia|garamond|cambria|palatino|book|roman|mincho|song|ming|batang", re.IGNORECASE)
_MONO = re.compile(r"mono|courier|consolas|code|typewriter", re.IGNORECASE)
_SANS = re.compile(r"sans", re.IGNORECASE)
_NOT_XML = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_FITTED = re.compile("[\u0020-\u02af\u0370-\u052f\u1e00-\u1fff\u2000-\u206f\u3000-\u30ff\u3400-\u9fff\uac00-\ud7a3]+")
"""Text whose measured width is trusted; other scripts have letters that join, which nobody measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlideLine:
    """A line of text, a row of a table, or all words of a chart."""

    text: str
    sides: Sides


@dataclass(frozen=True, slots=True, kw_only=True)
class SlideDrawing:
    """A slide.

    Attributes:
        width: In the units of the drawing.
        height: Likewise.
        body: What stands inside the `svg` element.
        lines: From the back of the slide to its front.
    """

    width: float
    height: float
    body: str
    lines: tuple[SlideLine, ...]


def slide_drawing(
    scene: Json, picture: Callable[[str], str | None], charts: Mapping[int, str] = MappingProxyType({})
) -> SlideDrawing:
    """Draw a slide.

    Args:
        scene: The display list of `betteroffice_pptx`, contract version 2.
        picture: A data URL of a picture by its part's name; None where it cannot be shown.
        charts: What charts say, by the id of their frame; the engine does not draw all of it.
    """
    pen = _Pen(width=_number(scene, "width", 960), height=_number(scene, "height", 540), picture=picture, charts=charts)
    ground = _object(scene, "background")
    area = f'width="{_f(pen.width)}" height="{_f(pen.height)}"'
    pen.out.append(f'<rect {area} fill="#ffffff"/>')
    if ground.get("kind") == "image":
        pen.image({**ground, "x": 0.0, "y": 0.0, "w": pen.width, "h": pen.height})
    elif ground:
        pen.out.append(f"<rect {area} {pen.paint(ground)}/>")
    pen.all(_objects(scene, "primitives"), 0)
    defs = f"<defs>{''.join(pen.defs)}</defs>" if pen.defs else ""
    return SlideDrawing(width=pen.width, height=pen.height, body=defs + "".join(pen.out), lines=tuple(pen.lines))


@dataclass(slots=True, kw_only=True)
class _Pen:
    width: float
    height: float
    picture: Callable[[str], str | None]
    charts: Mapping[int, str]
    out: list[str] = field(default_factory=list)
    defs: list[str] = field(default_factory=list)
    lines: list[SlideLine] = field(default_factory=list)
    drawn: int = 0

    def all(self, primitives: Iterable[Json], depth: int) -> None:
        for one in primitives:
            self.drawn += 1
            if self.drawn > MOST_PRIMITIVES or depth > _DEEPEST:
                return
            self.one(one, depth)

    def one(self, item: Json, depth: int) -> None:
        kind = item.get("kind")
        if kind == "shape":
            self.shape(item)
        elif kind == "textBox":
            self.text(item)
        elif kind == "image":
            self.image(item)
        else:
            self.group(item, depth, kind)

    def group(self, item: Json, depth: int, kind: object) -> None:
        """Whatever is made of other things: a table, a chart, a diagram."""
        before = len(self.lines)
        self.all(_objects(item, "primitives"), depth + 1)
        inside = self.lines[before:]
        if kind in {"chart", "table"} and inside:
            left, top, right, bottom = self.sides(item)
            said = self.charts.get(round(_number(item, "objectId")), "")
            words = " ".join([_text(item, "label"), said, *(line.text for line in inside)])
            whole = [SlideLine(text=words, sides=(left, top, right, bottom))]
            self.lines[before:] = whole if kind == "chart" else _rows(inside, left, right)

    def sides(self, item: Json) -> Sides:
        x, y, w, h = _place(item)
        return x / self.width, y / self.height, (x + w) / self.width, (y + h) / self.height

    def shape(self, item: Json) -> None:
        path = _path(item)
        look = [self.paint(_object(item, "fill")), self.stroke(_object(item, "stroke")), self.shadow(item)]
        if path and look[:2] != ['fill="none"', ""]:
            rule = ' fill-rule="evenodd"' if item.get("evenOdd") else ""
            self.out.append(f'<path d="{path}" {" ".join(filter(None, look))}{rule}{_turned(item)}/>')

    def paint(self, fill: Json) -> str:
        """The fill of something, as attributes."""
        kind = fill.get("kind")
        if kind == "solid":
            return _colored("fill", fill.get("color"))
        if kind == "gradient" and _objects(fill, "stops"):
            return f'fill="url(#{self.gradient(fill)})"'
        if kind == "pattern":
            colors = [fill.get(name) for name in ("foreground", "background", "color") if fill.get(name)]
            return _colored("fill", colors[0] if colors else None)
        return 'fill="none"'

    def gradient(self, fill: Json) -> str:
        name = f"g{len(self.defs)}"
        colors = [
            (_f(_number(stop, "position")), _colored("stop-color", stop.get("color"), "stop-opacity"))
            for stop in _objects(fill, "stops")
        ]
        stops = "".join(f'<stop offset="{at}" {color}/>' for at, color in colors)
        if fill.get("gradientType") == "linear":
            turn = f'gradientTransform="rotate({_f(_number(fill, "angleDeg"))} 0.5 0.5)"'
            self.defs.append(f'<linearGradient id="{name}" {turn}>{stops}</linearGradient>')
        else:
            self.defs.append(f'<radialGradient id="{name}">{stops}</radialGradient>')
        return name

    def stroke(self, line: Json) -> str:
        color = _colored("stroke", line.get("color"), "stroke-opacity") if line else ""
        if not color or color == 'stroke="none"':
            return ""
        width = _number(line, "width", 1.0)
        look = [color, f'stroke-width="{_f(width)}"']
        if line.get("dashed") or line.get("dash"):
            given = [float(v) for v in _values(line, "dash") if isinstance(v, int | float)][:8]
            look.append(f'stroke-dasharray="{" ".join(_f(v) for v in given or (4 * width, 3 * width))}"')
        if line.get("join") in {"round", "bevel", "miter"}:
            look.append(f'stroke-linejoin="{line["join"]}"')
        for end, attribute in (("headEnd", "marker-start"), ("tailEnd", "marker-end")):
            if _text(_object(line, end), "kind") not in {"", "none"}:
                look.append(f'{attribute}="url(#{self.arrow(_object(line, end), line.get("color"))})"')
        return " ".join(look)

    def arrow(self, end: Json, color: object) -> str:
        name = f"m{len(self.defs)}"
        length, width = _number(end, "length", 9.0), _number(end, "width", 9.0)
        kind = _text(end, "kind")
        shape = '<path d="M0 0L10 5L0 10Z"' if kind not in {"oval", "diamond"} else '<circle cx="5" cy="5" r="5"'
        at = 5 if kind in {"oval", "diamond"} else 9
        self.defs.append(
            f'<marker id="{name}" viewBox="0 0 10 10" refX="{at}" refY="5" markerUnits="userSpaceOnUse"'
            f' markerWidth="{_f(length)}" markerHeight="{_f(width)}" orient="auto-start-reverse">'
            f"{shape} {_colored('fill', color)}/></marker>"
        )
        return name

    def shadow(self, item: Json) -> str:
        cast_ = _object(item, "shadow")
        if not cast_:
            return ""
        name = f"f{len(self.defs)}"
        color = _colored("flood-color", cast_.get("color"), "flood-opacity")
        blur = _f(min(_number(cast_, "blur"), 60.0) / 2)
        self.defs.append(
            f'<filter id="{name}" x="-20%" y="-20%" width="140%" height="140%"><feDropShadow'
            f' dx="{_f(_number(cast_, "dx"))}" dy="{_f(_number(cast_, "dy"))}" stdDeviation="{blur}" {color}/></filter>'
        )
        return f'filter="url(#{name})"'

    def image(self, item: Json) -> None:
        """A picture: what is cropped away lies outside of the frame, which may have any shape."""
        address = self.picture(_text(item, "assetId"))
        x, y, w, h = _place(item)
        if address is None:
            frame = f'x="{_f(x)}" y="{_f(y)}" width="{_f(w)}" height="{_f(h)}"'
            self.out.append(f'<rect {frame} fill="#eceae4" stroke="#c9c5ba"{_turned(item)}/>')
            return
        crop = _object(item, "crop")
        left, top, right, bottom = (_number(crop, side) for side in ("left", "top", "right", "bottom"))
        across, down = max(1 - left - right, 0.01), max(1 - top - bottom, 0.01)
        name = f"c{len(self.defs)}"
        frame = _path(item) or _path({**item, "path": _RECTANGLE})
        self.defs.append(f'<clipPath id="{name}"><path d="{frame}"/></clipPath>')
        inner = (
            f'<image x="{_f(x - w * left / across)}" y="{_f(y - h * top / down)}" width="{_f(w / across)}"'
            f' height="{_f(h / down)}" preserveAspectRatio="none" href={quoteattr(address)}/>'
        )
        shadow = self.shadow(item)
        edge = self.stroke(_object(item, "stroke"))
        around = f'<path d="{frame}" fill="none" {edge}/>' if edge else ""
        self.out.append(f'<g {shadow}{_turned(item)}><g clip-path="url(#{name})">{inner}</g>{around}</g>')

    def text(self, item: Json) -> None:
        turned = _turned(item)
        parts: list[str] = []
        for line in _objects(item, "lines"):
            runs = _objects(line, "runs")
            parts.extend(_run(run, _number(line, "baseline")) for run in runs)
            words = "".join(_text(run, "text") for run in runs if _text(run, "text") not in _BULLETS)
            if words.strip():
                self.lines.append(SlideLine(text=words.strip(), sides=self.line_sides(line, item)))
        body = "".join(parts)
        self.out.append(f"<g{turned}>{body}</g>" if turned and body else body)

    def line_sides(self, line: Json, item: Json) -> Sides:
        """Where a line is; of a turned text, where all of it is before it was turned."""
        x, y = _number(line, "x"), _number(line, "y")
        w, h = _number(line, "width"), _number(line, "height")
        runs = _objects(line, "runs")
        if runs and _text(runs[0], "text") in _BULLETS and len(runs) > 1:  # a mark begins at the words
            first = _number(runs[1], "x", x)
            x, w = first, max(x + w - first, 0.0)
        return self.sides({"x": x, "y": y, "w": w, "h": h} if not _turned(item) else item)


_RECTANGLE: list[Json] = [
    {"type": "move", "x": 0.0, "y": 0.0},
    {"type": "line", "x": 1.0, "y": 0.0},
    {"type": "line", "x": 1.0, "y": 1.0},
    {"type": "line", "x": 0.0, "y": 1.0},
    {"type": "close"},
]
_BLANK = 0.278
"""Width of a blank, of the font size."""
_BULLETS = frozenset("•–◦▪■□○●►‣⁃*-»✓✔❖➢§·o")


def _run(run: Json, baseline: float) -> str:
    """A stretch of one line in one style."""
    text = _NOT_XML.sub("", _text(run, "text"))
    if not text.strip():
        return ""
    size = _number(run, "fontSizePx", 18.0)
    look = [
        f'x="{_f(_number(run, "x"))}" y="{_f(baseline - _number(run, "baselineShift"))}" font-size="{_f(size)}"',
        f"font-family={quoteattr(_families(_text(run, 'fontFamily')))}",
        _colored("fill", run.get("color") or "#000000"),
    ]
    if run.get("bold"):
        look.append('font-weight="700"')
    if run.get("italic"):
        look.append('font-style="italic"')
    lines = [name for name, on in (("underline", run.get("underline")), ("line-through", run.get("strike"))) if on]
    if lines:
        look.append(f'text-decoration="{" ".join(lines)}"')
    shown = text.rstrip(" ")
    width = _number(run, "width") - _BLANK * size * (len(text) - len(shown))
    if len(shown) > 2 and width > 0 and _FITTED.fullmatch(shown):
        look.append(f'textLength="{_f(width)}" lengthAdjust="spacingAndGlyphs"')
    return f"<text {' '.join(look)}>{escape(shown)}</text>"


def _families(name: str) -> str:
    clean = re.sub(r"[^\w \-]", "", name)[:60].strip()
    if _MONO.search(clean):
        generic = "'Liberation Mono', monospace"
    elif _SERIF.search(clean) and not _SANS.search(clean):
        generic = "'Liberation Serif', Tinos, serif"
    else:
        generic = "Arial, 'Liberation Sans', Arimo, Helvetica, sans-serif"
    return f"'{clean}', {generic}" if clean else generic


def _rows(lines: Sequence[SlideLine], left: float, right: float) -> list[SlideLine]:
    """Lines of cells to rows of a table: those that stand side by side."""
    rows: list[list[SlideLine]] = []
    for line in sorted(lines, key=lambda line: (line.sides[1], line.sides[0])):
        if rows and line.sides[1] < rows[-1][0].sides[3]:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [
        SlideLine(
            text=" ".join(line.text for line in row),
            sides=(left, min(line.sides[1] for line in row), right, max(line.sides[3] for line in row)),
        )
        for row in rows
    ]


def _path(item: Json) -> str:
    x, y, w, h = _place(item)
    parts: list[str] = []
    for step in _objects(item, "path"):
        letter, names = _STEPS.get(_text(step, "type"), ("", ()))
        if not letter:
            return ""
        numbers = (
            _f(x + w * _number(step, name)) if name.endswith("x") else _f(y + h * _number(step, name)) for name in names
        )
        parts.append(letter + " ".join(numbers))
    return "".join(parts)


_STEPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "move": ("M", ("x", "y")),
    "line": ("L", ("x", "y")),
    "quad": ("Q", ("cpx", "cpy", "x", "y")),
    "cubic": ("C", ("cp1x", "cp1y", "cp2x", "cp2y", "x", "y")),
    "close": ("Z", ()),
}


def _turned(item: Json) -> str:
    transform = _object(item, "transform")
    x, y, w, h = _place(item)
    middle_x, middle_y = x + w / 2, y + h / 2
    parts: list[str] = []
    if angle := _number(transform, "rotationDeg"):
        parts.append(f"rotate({_f(angle)} {_f(middle_x)} {_f(middle_y)})")
    across, down = bool(transform.get("flipH")), bool(transform.get("flipV"))
    if (across or down) and item.get("kind") != "textBox":
        parts.append(f"translate({_f(middle_x)} {_f(middle_y)}) scale({-1 if across else 1} {-1 if down else 1})")
        parts.append(f"translate({_f(-middle_x)} {_f(-middle_y)})")
    return f' transform="{" ".join(parts)}"' if parts else ""


def _colored(attribute: str, color: object, opacity: str = "") -> str:
    """A colour as attributes: `#RRGGBB`, or `#RRGGBBAA` with how opaque it is."""
    if not (isinstance(color, str) and _COLOR.fullmatch(color)):
        return f'{attribute}="none"' if attribute in {"fill", "stroke"} else f'{attribute}="#000000"'
    shown = f'{attribute}="{color[:7]}"'
    if len(color) == 7:
        return shown
    return f'{shown} {opacity or f"{attribute}-opacity"}="{_f(int(color[7:], 16) / 255)}"'


def _place(item: Json) -> Sides:
    x, y, w, h = (_number(item, name) for name in ("x", "y", "w", "h"))
    return x, y, w, h


def _number(item: Json, name: str, default: float = 0.0) -> float:
    value = item.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return default
    return min(max(float(value), -1e6), 1e6)


def _text(item: Json, name: str) -> str:
    value = item.get(name)
    return value if isinstance(value, str) else ""


def _object(item: Json, name: str) -> Json:
    value = item.get(name)
    return cast("Json", value) if isinstance(value, dict) else {}


def _objects(item: Json, name: str) -> list[Json]:
    return [cast("Json", value) for value in _values(item, name) if isinstance(value, dict)]


def _values(item: Json, name: str) -> list[object]:
    value = item.get(name)
    return value if isinstance(value, list) else []


def _f(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
