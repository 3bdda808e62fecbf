"""Objects: how well the detector finds things, and what an answer's words keep of it, on the 80 COCO photos.

    python -m benchmarks.objects

Detection: average precision at an intersection over union of .5, by COCO's rules (101 recall points, crowds neither
asked for nor counted as wrong; T.-Y. Lin et al., arXiv:1405.0312), mean over the classes that occur; and by size of the
true object (small: under 32² pixels, medium: under 96², large). `sure` are the objects a person is told of, `all` also
the doubtful ones that only an answer's own words call upon. Precision and recall are those of all objects together.

Grounding: an answer that names every class in a photo ("person. dogs. ball."): of its true objects, the share with a
span whose box has an intersection over union of .5 or more, beside the detector's sure objects alone. The ratio of the
two must not fall under .95.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.data import test_data
from benchmarks.grounding import matched
from foveal.ports.models import ObjectDetector
from foveal.retrieval.alignment import Seen, align, polygon_of
from foveal.retrieval.object_words import plurals
from foveal.types.content import DetectedObject, Detections
from foveal.types.locators import Box
from foveal.types.vectors import Pixels

LEAST_OVERLAP = 0.5
LIMIT = 0.95
SIZES = {"all": (0.0, 1e12), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e12)}


@dataclass(frozen=True)
class Photo:
    """One photo with its true objects; boxes are fractions, areas square pixels."""

    pixels: Pixels
    true: tuple[tuple[str, Box, float], ...]
    crowds: tuple[tuple[str, Box], ...]

    @property
    def area(self) -> float:
        return float(self.pixels.shape[0] * self.pixels.shape[1])


def photos(data: Path) -> Iterable[Photo]:
    from PIL import Image, ImageOps

    for text in (data / "boxes" / "boxes.jsonl").read_text("utf-8").splitlines():
        line = json.loads(text)
        width, height = float(line["width"]), float(line["height"])
        with Image.open(data / line["file"]) as opened:
            pixels = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
        true, crowds = [], []
        for one in line["objects"]:
            x, y, w, h = one["bbox"]
            box = Box(x=x / width, y=y / height, width=w / width, height=h / height)
            if one["iscrowd"]:
                crowds.append((one["label"], box))
            else:
                true.append((one["label"], box, w * h))
        yield Photo(pixels=pixels, true=tuple(true), crowds=tuple(crowds))


def photo_labels(data: Path) -> dict[str, frozenset[str]]:
    """Classes in each photo, crowds too, by its place in the test data."""
    lines = (json.loads(text) for text in (data / "boxes" / "boxes.jsonl").read_text("utf-8").splitlines())
    return {line["file"]: frozenset(one["label"] for one in line["objects"]) for line in lines}


def _overlaps(box: Box, others: Sequence[Box], *, crowd: bool = False) -> list[float]:
    """Intersection over union; over the box's own area where the others are crowds."""
    found = []
    for other in others:
        width = min(box.x + box.width, other.x + other.width) - max(box.x, other.x)
        height = min(box.y + box.height, other.y + other.height) - max(box.y, other.y)
        shared = max(0.0, width) * max(0.0, height)
        own = box.width * box.height
        found.append(shared / max(1e-9, own if crowd else own + other.width * other.height - shared))
    return found


def average_precision(
    seen: Sequence[tuple[Photo, Sequence[DetectedObject]]], size: tuple[float, float]
) -> tuple[float, int]:
    """Mean over the classes that occur at that size, and their number."""
    labels = {name for photo, _ in seen for name, _, area in photo.true if size[0] <= area < size[1]}
    return float(np.mean([_class_precision(seen, label, size) for label in sorted(labels)])), len(labels)


def _class_precision(
    seen: Sequence[tuple[Photo, Sequence[DetectedObject]]], label: str, size: tuple[float, float]
) -> float:
    wanted, judged = 0, []
    for photo, objects in seen:
        true = [(box, size[0] <= area < size[1]) for name, box, area in photo.true if name == label]
        crowds = [box for name, box in photo.crowds if name == label]
        wanted += sum(counts for _, counts in true)
        judged += _judged(photo, [o for o in objects if o.label == label], true, crowds, size)
    judged.sort(key=lambda one: -one[0])
    right = np.cumsum([one for _, one in judged], dtype=np.float64)
    if not len(right):
        return 0.0
    precision = np.maximum.accumulate((right / np.arange(1, len(right) + 1))[::-1])[::-1]
    recall = right / wanted
    places = np.searchsorted(recall, np.linspace(0, 1, 101), side="left")
    return float(np.mean([precision[place] if place < len(precision) else 0.0 for place in places]))


def _judged(
    photo: Photo,
    objects: Sequence[DetectedObject],
    true: Sequence[tuple[Box, bool]],
    crowds: Sequence[Box],
    size: tuple[float, float],
) -> list[tuple[float, bool]]:
    """Score and rightness of each object that counts."""
    free = set(range(len(true)))
    judged = []
    for one in sorted(objects, key=lambda o: -o.score):
        shares = _overlaps(one.box, [box for box, _ in true])
        # Objects of the size that is asked for come first, as in COCO's own evaluation.
        best = max((i for i in free if shares[i] >= LEAST_OVERLAP), key=lambda i: (true[i][1], shares[i]), default=None)
        if best is not None:
            free.discard(best)
            if true[best][1]:
                judged.append((one.score, True))
        elif max(_overlaps(one.box, crowds, crowd=True), default=0.0) < LEAST_OVERLAP:
            area = one.box.width * one.box.height * photo.area
            if size[0] <= area < size[1]:
                judged.append((one.score, False))
    return judged


def precision_and_recall(seen: Sequence[tuple[Photo, Sequence[DetectedObject]]]) -> tuple[float, float]:
    right = told = wanted = 0
    for photo, objects in seen:
        for label in {o.label for o in objects} | {name for name, _, _ in photo.true}:
            true = [(box, True) for name, box, _ in photo.true if name == label]
            crowds = [box for name, box in photo.crowds if name == label]
            judged = _judged(photo, [o for o in objects if o.label == label], true, crowds, SIZES["all"])
            right += sum(one for _, one in judged)
            told += len(judged)
            wanted += len(true)
    return right / max(1, told), right / max(1, wanted)


def grounded(photo: Photo, found: Detections) -> tuple[int, int, int]:
    """True objects, those with a span, those the detector alone has."""
    by_label: Mapping[str, list[Box]] = defaultdict(list)
    for name, box, _ in photo.true:
        by_label[name].append(box)
    answer = " ".join(f"{plurals(name)[0] if len(b) > 1 and plurals(name) else name}." for name, b in by_label.items())
    spans = align(answer, [Seen(objects=found.objects, doubtful=found.doubtful)])
    names = {polygon_of(one.box): (one.label, one.box) for one in (*found.objects, *found.doubtful)}
    placed = [names[polygon] for polygon in {span.polygon for span in spans}]
    aligned = sum(matched(boxes, [b for n, b in placed if n == name]) for name, boxes in by_label.items())
    alone = sum(matched(boxes, [o.box for o in found.objects if o.label == name]) for name, boxes in by_label.items())
    return len(photo.true), aligned, alone


def main(argv: list[str]) -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args(argv)
    from foveal.models.nanodet import NanoDet
    from foveal.models.objects import both
    from foveal.models.pull import ModelFolder
    from foveal.models.ssdlite import SsdLite
    from foveal.settings import load

    folder = ModelFolder(load().models)
    listed = list(photos(test_data()))
    for name, detector in (("nanodet", NanoDet(folder)), ("ssdlite", SsdLite(folder)), ("fused", both(folder))):
        found, ms = timed(detector, listed)
        print(f"\n### {name}\n")
        sure = [(photo, one.objects) for photo, one in zip(listed, found, strict=True)]
        every = [(photo, (*one.objects, *one.doubtful)) for photo, one in zip(listed, found, strict=True)]
        table(sure, every, ms)
    counts = np.array([grounded(photo, one) for photo, one in zip(listed, found, strict=True)]).sum(axis=0)
    ratio = counts[1] / max(1, counts[2])
    print(f"\ngrounding: {counts[0]} true objects, span found {counts[1] / counts[0]:.1%}, detector alone "
          f"{counts[2] / counts[0]:.1%}, ratio {ratio:.2f} (limit {LIMIT})")  # fmt: skip


def timed(detector: ObjectDetector, listed: Sequence[Photo]) -> tuple[list[Detections], float]:
    """What it finds, and the milliseconds a photo takes, the first left out."""
    detector.detect([listed[0].pixels])
    started = time.perf_counter()
    found = [detector.detect([photo.pixels])[0] for photo in listed]
    return found, (time.perf_counter() - started) * 1000 / len(listed)


def table(
    sure: Sequence[tuple[Photo, Sequence[DetectedObject]]],
    every: Sequence[tuple[Photo, Sequence[DetectedObject]]],
    ms: float,
) -> None:
    print(
        f"{'mAP@.5':<8}" + "".join(f"{name:>9}" for name in SIZES) + f"{'precision':>11}{'recall':>9}{'ms a photo':>12}"
    )
    for name, seen in (("sure", sure), ("all", every)):
        scores: list[float] = [average_precision(seen, size)[0] for size in SIZES.values()]
        precision, recall = precision_and_recall(seen)
        cells: npt.NDArray[np.float64] = np.array(scores)
        print(
            f"{name:<8}" + "".join(f"{value:>9.3f}" for value in cells) + f"{precision:>11.3f}{recall:>9.3f}{ms:>12.0f}"
        )
    classes = average_precision(sure, SIZES["all"])[1]
    print(f"{len(sure)} photos, {sum(len(photo.true) for photo, _ in sure)} objects of {classes} classes")


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
