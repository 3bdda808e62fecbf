"""The demo's collection: eighteen photographs under free licences, with a third of them described.

The photographs come like model files, by the `samples` card: out of the scikit-image and scikit-learn wheels, each with
its SHA-256. Foveal's repository holds none of them. Images in those wheels whose licence is not stated to be free
(the moon, the scanned page, the motorcycles) and drawings are left out.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from foveal.models.card_table import SAMPLES
from foveal.models.pull import ModelFolder

DESCRIPTIONS: Mapping[str, str] = {
    "astronaut.png": (
        "Portrait of the astronaut Eileen Collins in an orange space suit, smiling, her helmet with the black visor "
        "in front of her. Behind her stand an American flag and a model of a space shuttle on its rocket."
    ),
    "chelsea.png": (
        "Close-up of Chelsea, a ginger tabby cat with green eyes and white whiskers, looking to the right."
    ),
    "china.jpg": (
        "A tall Chinese pagoda with red columns and four curved roofs of orange tiles edged in green, above treetops. "
        "Behind it a wide lake with small boats and an island, in haze."
    ),
    "coffee.png": (
        "Espresso in a red cup with a white inside, on a red saucer with a small spoon, on a wooden table at Pikolo "
        "Espresso Bar."
    ),
    "coins.png": (
        "Twenty-four ancient Greek coins from Pompeii, laid out in four rows on a dark ground, in black and white."
    ),
    "rocket.jpg": (
        "A SpaceX Falcon 9 rocket with the DSCOVR satellite at dusk at Cape Canaveral, upright between four lightning "
        "towers, lit by floodlights."
    ),
}
"""Written for Foveal by looking at the photographs and at what their sources say of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who made a sample, and what allows us to use it."""

    what: str
    author: str
    licence: str
    url: str = ""


_CC0 = "CC0 1.0"
_PUBLIC_DOMAIN = "public domain"
_UNRESTRICTED = "no known copyright restrictions"
_CC_BY = "CC BY 2.0 (https://creativecommons.org/licenses/by/2.0/)"

ORIGINS: Mapping[str, Origin] = {
    "astronaut.png": Origin(
        what="Eileen Collins, astronaut", author="NASA", licence=_PUBLIC_DOMAIN, url="https://flic.kr/p/r9qvLn"
    ),
    "brick.png": Origin(what="a brick wall", author="CC0Textures, Bricks25", licence=_CC0),
    "camera.png": Origin(what="a man with a camera", author="Lav Varshney", licence=_CC0),
    "cell.png": Origin(
        what="a cell floating in saline",
        author="Paul Müller and others",
        licence=_CC0,
        url="https://doi.org/10.1364/OE.26.010729",
    ),
    "chelsea.png": Origin(what="Chelsea the cat", author="Stefan van der Walt", licence=_CC0),
    "clock_motion.png": Origin(
        what="a wall clock, blurred by motion", author="Stefan van der Walt", licence=_PUBLIC_DOMAIN
    ),
    "coffee.png": Origin(
        what="a cup of coffee", author="Rachel Michetti, courtesy of Pikolo Espresso Bar", licence=_CC0
    ),
    "coins.png": Origin(
        what="Greek coins from Pompeii",
        author="Brooklyn Museum",
        licence=_UNRESTRICTED,
        url="https://www.brooklynmuseum.org/opencollection/archives/image/51611",
    ),
    "grass.png": Origin(
        what="grass",
        author="linolafett",
        licence=_CC0,
        url="https://www.deviantart.com/linolafett/art/Grass-01-434853879",
    ),
    "gravel.png": Origin(what="gravel", author="CC0Textures, Gravel04", licence=_CC0),
    "hubble_deep_field.jpg": Origin(
        what="the Hubble eXtreme Deep Field",
        author="NASA",
        licence=_PUBLIC_DOMAIN,
        url="http://hubblesite.org/newscenter/archive/releases/2012/37/image/a/",
    ),
    "ihc.png": Origin(
        what="colonic glands, stained",
        author="Center for Microscopy And Molecular Imaging (CMMI)",
        licence=_UNRESTRICTED,
    ),
    "microaneurysms.png": Origin(
        what="a detail of a retina",
        author="Andreas Maier, High-Resolution Fundus Image Database",
        licence=_CC0,
        url="https://www5.cs.fau.de/research/data/fundus-images/",
    ),
    "retina.jpg": Origin(
        what="the retina of a left eye",
        author="Mikael Häggström",
        licence=_CC0,
        url="https://commons.wikimedia.org/wiki/File:Fundus_photograph_of_normal_left_eye.jpg",
    ),
    "rocket.jpg": Origin(
        what="the launch of DSCOVR on a Falcon 9",
        author="SpaceX",
        licence=_PUBLIC_DOMAIN,
        url="https://www.flickr.com/photos/spacexphotos/16511594820/",
    ),
    "text.png": Origin(
        what="handwriting on paper",
        author="Wikipedia",
        licence=_PUBLIC_DOMAIN,
        url="https://en.wikipedia.org/wiki/File:Corner.png",
    ),
    "china.jpg": Origin(
        what="a pagoda above a lake",
        author="danielbuechele",
        licence=_CC_BY,
        url="https://www.flickr.com/photos/danielbuechele/6061409035/",
    ),
    "flower.jpg": Origin(
        what="a dahlia",
        author="vultilion",
        licence=_CC_BY,
        url="https://www.flickr.com/photos/vultilion/6056698931/",
    ),
}
"""As stated in scikit-image 0.26 (`skimage/data/_fetchers.py`) and scikit-learn 1.9 (`datasets/images/README.txt`)."""


def materialise(folder: ModelFolder, target: Path) -> list[Path]:
    """Lay the collection out in a folder: the photographs, `metadata.json` with descriptions; beside it, `SOURCES.md`.

    A file that is there already with the right content is not touched, so that a second demo finds nothing to do.

    Args:
        folder: Where the card's files are; pulled when missing.
        target: The folder to fill; made when missing.

    Returns:
        The photographs, sorted by name.

    Raises:
        ModelUnavailableError: They are not here and cannot be pulled.
    """
    originals = {file.name: folder.path(SAMPLES, file.name) for file in SAMPLES.files}
    target.mkdir(parents=True, exist_ok=True)
    for name, original in originals.items():
        _write(target / name, original.read_bytes())
    described = [{"image_blob_path": name, "description": words} for name, words in DESCRIPTIONS.items()]
    _write(target / "metadata.json", (json.dumps(described, indent=2, ensure_ascii=False) + "\n").encode())
    _write(target.parent / "SOURCES.md", _sources().encode())
    return sorted(target / name for name in originals)


def _sources() -> str:
    lines = [
        "# Where these photographs come from",
        "",
        "Taken out of the scikit-image 0.26.0 and scikit-learn 1.9.1 packages, unchanged.",
        "",
    ]
    for name, origin in sorted(ORIGINS.items()):
        url = f", {origin.url}" if origin.url else ""
        lines.append(f"- `{name}`: {origin.what}. By {origin.author}; {origin.licence}{url}.")
    return "\n".join(lines) + "\n"


def _write(path: Path, data: bytes) -> None:
    if path.is_file() and path.read_bytes() == data:
        return
    partial = path.with_name(f".{path.name}.part")
    partial.write_bytes(data)
    os.replace(partial, path)
