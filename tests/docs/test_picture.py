"""The picture in ARCHITECTURE.md is the import order that CI checks."""

from __future__ import annotations

import re
import tomllib

from .pages import ARCHITECTURE, ROOT

ENTRY = "__main__"
"""Above `cli`, and too thin to be drawn: it starts it."""


def _layers() -> list[frozenset[str]]:
    """The layers of the import contract, the upper first; siblings together."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    layers = [
        layer
        for contract in project["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
        for layer in contract["layers"]
    ]
    return [frozenset(part.strip().removeprefix("foveal.") for part in re.split(r"[|:]", layer)) for layer in layers]


def _drawn() -> list[frozenset[str]]:
    """The same as drawn: names of a line are before the remark, which stands two blanks or more behind them."""
    (picture,) = re.findall(
        r"^## Picture\n\n```\n(.*?)^```$", ARCHITECTURE.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    lines = (re.split(r"(?<=\S) {2,}", line.strip())[0] for line in picture.splitlines())
    named = (re.findall(r"[a-z]\w*(?:\.py)?", line) for line in lines)
    return [frozenset(name.removesuffix(".py") for name in names) for names in named if names]


def test_the_picture_draws_exactly_the_layers_in_their_order() -> None:
    layers = [layer for layer in _layers() if layer != {ENTRY}]
    assert _drawn() == layers


def test_every_package_of_the_product_is_in_the_picture() -> None:
    modules = {
        p.stem for p in (ROOT / "src" / "foveal").iterdir() if p.suffix == ".py" or (p / "__init__.py").is_file()
    }
    assert modules - {"__init__", ENTRY, "testing"} == set().union(*_drawn())
