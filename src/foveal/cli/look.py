"""`foveal look`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foveal.cli.session import open_image, print_json, session

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from foveal.pipeline.findings import ImageFindings
    from foveal.types.chat import GroundedSpan, ImageInput
    from foveal.types.content import DetectedObject
    from foveal.types.locators import Polygon


def look(
    context: typer.Context,
    images: Annotated[list[Path], typer.Argument(help="Images to look at.", exists=True, dir_okay=False)],
    draw: Annotated[
        Path | None,
        typer.Option(metavar="OUT", help="Draw what was found on a copy: a file, or with several images a folder."),
    ] = None,
    words: Annotated[
        str,
        typer.Option(help='Only what these words name, as in an answer: "two dogs and a ball".'),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; places are fractions of the image.")] = False,
) -> None:
    """Say what the local models see in images: objects, text and tags, with places.

    Words call upon what the models are not sure of, too: that somebody names a thing speaks for it.
    """
    here = session(context)
    listed = []
    with here.open() as foveal:
        for path in images:
            image = open_image(foveal, path)
            found = foveal.look(image)
            named = _named(words, found)
            listed.append(findings_json(path, found) | ({"named": _spans_json(named)} if words else {}))
            if not as_json:
                (_print_named(here.console, path, named) if words else _print(here.console, path, found))
            if draw is not None:
                to = draw if len(images) == 1 and not draw.is_dir() else draw / f"{path.stem}.jpg"
                _draw(image, [(span.text, span.polygon) for span in named] if words else _outlines(found), to)
    if as_json:
        print_json(listed)


def findings_json(path: Path, found: ImageFindings) -> dict[str, object]:
    """What was found in one image as JSON values; objects best first, those that are not `sure` are often wrong."""
    from foveal.retrieval.alignment import polygon_of

    return {
        "file": str(path),
        "objects": [
            {"label": one.label, "score": one.score, "sure": sure, "polygon": polygon_of(one.box)}
            for one, sure in _objects(found)
        ],
        "text": [{"text": line.text, "score": line.score, "polygon": line.polygon} for line in found.ocr_lines],
        "tags": [{"label": tag.label, "score": tag.score} for tag in found.tags],
    }


def _named(words: str, found: ImageFindings) -> tuple[GroundedSpan, ...]:
    from foveal.retrieval.alignment import Seen, align

    detections = found.detections
    seen = Seen(
        objects=detections.objects if detections else (),
        doubtful=detections.doubtful if detections else (),
        lines=found.ocr_lines,
    )
    return align(words, [seen])


def _spans_json(named: Iterable[GroundedSpan]) -> list[dict[str, object]]:
    return [
        {"text": span.text, "offset": span.offset, "length": span.length, "polygon": span.polygon} for span in named
    ]


def _print_named(console: Console, path: Path, named: Iterable[GroundedSpan]) -> None:
    console.print(str(path), markup=False)
    for span in named:
        console.print(f"  “{span.text}”  {_corners(span.polygon)}", markup=False)


def _corners(polygon: Polygon) -> str:
    return " ".join(f"{x:.3f},{y:.3f}" for x, y in polygon)


def _print(console: Console, path: Path, found: ImageFindings) -> None:
    console.print(str(path), markup=False)
    for one in found.detections.objects if found.detections else ():
        box = one.box
        where = f"{box.x:.3f} {box.y:.3f} {box.width:.3f} {box.height:.3f}"
        console.print(f"  object  {one.label:<16} {one.score:>4.0%}  {where}", markup=False)
    for line in found.ocr_lines:
        console.print(f"  text    “{line.text}”  {line.score:.0%}  {_corners(line.polygon)}", markup=False)
    for tag in found.tags:
        console.print(f"  tag     {tag.label:<16} {tag.score:>4.0%}", markup=False)


def _objects(found: ImageFindings) -> list[tuple[DetectedObject, bool]]:
    """Every object, and whether it is sure."""
    if found.detections is None:
        return []
    return [*((one, True) for one in found.detections.objects), *((one, False) for one in found.detections.doubtful)]


def _outlines(found: ImageFindings) -> list[tuple[str, Polygon]]:
    """Label and place of every sure object, and the place of every line of text, whose words are there to be read."""
    from foveal.retrieval.alignment import polygon_of

    objects = found.detections.objects if found.detections else ()
    return [
        *((one.label, polygon_of(one.box)) for one in objects),
        *(("", line.polygon) for line in found.ocr_lines),
    ]


def _draw(image: ImageInput, outlines: Iterable[tuple[str, Polygon]], to: Path) -> None:
    """Outlines with labels on a copy of the image.

    Raises:
        InvalidRequestError: The file cannot be written.
    """
    from PIL import Image

    from foveal.errors import InvalidRequestError
    from foveal.runtime.viewing import label, outline

    picture = Image.fromarray(image.pixels)
    for name, polygon in outlines:
        outline(picture, polygon)
        if name:
            label(picture, name, polygon[0])
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        picture.save(to)
    except (OSError, ValueError) as error:  # ValueError: PIL knows no format of that ending
        raise InvalidRequestError(f"{to} cannot be written: {error}.", remedy="Name a .jpg or .png file.") from None
