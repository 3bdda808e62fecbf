"""`foveal look`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foveal.cli.session import open_image, print_json, session

if TYPE_CHECKING:
    from rich.console import Console

    from foveal.pipeline.findings import ImageFindings
    from foveal.types.chat import ImageInput
    from foveal.types.content import DetectedObject
    from foveal.types.locators import Polygon


def look(
    context: typer.Context,
    images: Annotated[list[Path], typer.Argument(help="Images to look at.", exists=True, dir_okay=False)],
    draw: Annotated[
        Path | None,
        typer.Option(metavar="OUT", help="Draw what was found on a copy: a file, or with several images a folder."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; places are fractions of the image.")] = False,
) -> None:
    """Say what the local models see in images: objects, text and tags, with places."""
    here = session(context)
    listed = []
    with here.open() as foveal:
        for path in images:
            image = open_image(foveal, path)
            found = foveal.look(image)
            listed.append(findings_json(path, found))
            if not as_json:
                _print(here.console, path, found)
            if draw is not None:
                to = draw if len(images) == 1 and not draw.is_dir() else draw / f"{path.stem}.jpg"
                _draw(image, found, to)
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


def _print(console: Console, path: Path, found: ImageFindings) -> None:
    console.print(str(path), markup=False)
    for one in found.detections.objects if found.detections else ():
        box = one.box
        where = f"{box.x:.3f} {box.y:.3f} {box.width:.3f} {box.height:.3f}"
        console.print(f"  object  {one.label:<16} {one.score:>4.0%}  {where}", markup=False)
    for line in found.ocr_lines:
        corners = " ".join(f"{x:.3f},{y:.3f}" for x, y in line.polygon)
        console.print(f"  text    “{line.text}”  {line.score:.0%}  {corners}", markup=False)
    for tag in found.tags:
        console.print(f"  tag     {tag.label:<16} {tag.score:>4.0%}", markup=False)


def _objects(found: ImageFindings) -> list[tuple[DetectedObject, bool]]:
    """Every object, and whether it is sure."""
    if found.detections is None:
        return []
    return [*((one, True) for one in found.detections.objects), *((one, False) for one in found.detections.doubtful)]


def _boxes(found: ImageFindings) -> list[Polygon]:
    from foveal.retrieval.alignment import polygon_of

    return [polygon_of(one.box) for one in found.detections.objects] if found.detections else []


def _draw(image: ImageInput, found: ImageFindings, to: Path) -> None:
    """Outlines with labels on a copy of the image.

    Raises:
        InvalidRequestError: The file cannot be written.
    """
    from PIL import Image

    from foveal.errors import InvalidRequestError
    from foveal.runtime.viewing import label, outline

    picture = Image.fromarray(image.pixels)
    names = [one.label for one in found.detections.objects] if found.detections else []
    for name, polygon in zip(names, _boxes(found), strict=True):
        outline(picture, polygon)
        label(picture, name, polygon[0])
    for line in found.ocr_lines:
        outline(picture, line.polygon)
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        picture.save(to)
    except (OSError, ValueError) as error:  # ValueError: PIL knows no format of that ending
        raise InvalidRequestError(f"{to} cannot be written: {error}.", remedy="Name a .jpg or .png file.") from None
