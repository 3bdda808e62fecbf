"""English names of the classes that the vision models know, in the order of their outputs."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


def imagenet_labels() -> tuple[str, ...]:
    """The 1,000 classes of ILSVRC 2012.

    The names are WordNet lemmas made unambiguous for language models (`crane bird`, `construction crane`) after the
    list of OpenAI's CLIP (MIT); every name stands once.
    """
    return _read("imagenet_labels.txt")


def coco_labels() -> tuple[str, ...]:
    """The 80 classes of COCO 2017, in the order of their category numbers (cocodataset.org)."""
    return _read("coco_labels.txt")


@cache
def _read(name: str) -> tuple[str, ...]:
    return tuple(files("foveal.models").joinpath("data", name).read_text(encoding="utf-8").splitlines())
