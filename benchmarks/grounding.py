"""Are words of an answer given the right places? Against the human boxes of the 80 COCO photos.

    python -m benchmarks.grounding

Two kinds of answers: what the local describer says of a photo ("Describe this picture:"), and what people wrote under
it (five captions a photo, as a vision model might). Of all true objects of a class that the answer names: the share
with a span whose box has an intersection over union of .5 or more, one span an object (`found`), beside the detector's
own boxes of those classes (`detector`). Of all spans: the share that lies on a true object of its class (`right`).
People name one dog of three; then only one can be found, so captions are also counted by classes: at least one object
of each named class found.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.data import test_data
from foveal.pipeline.enhancing import seen_in
from foveal.retrieval.alignment import Seen, align, overlap, polygon_of
from foveal.runtime import Foveal
from foveal.settings import load
from foveal.types.chat import ChatRequest, Enhancements, GroundedSpan, Message
from foveal.types.content import DetectedObject
from foveal.types.locators import Box

LEAST_OVERLAP = 0.5
QUESTION = "Describe this picture:"


@dataclass
class Counts:
    objects: int = 0
    found: int = 0
    detected: int = 0
    spans: int = 0
    right: int = 0
    classes: int = 0
    classes_found: int = 0
    classes_detected: int = 0
    answers: int = 0
    silent: int = 0


def matched(true: Sequence[Box], boxes: Sequence[Box]) -> int:
    """Pairs of true and other boxes that overlap, each in one pair at most, the closest first."""
    pairs = sorted(((overlap(t, b), i, j) for i, t in enumerate(true) for j, b in enumerate(boxes)), reverse=True)
    left, right = set(), set()
    for share, i, j in pairs:
        if share >= LEAST_OVERLAP and i not in left and j not in right:
            left.add(i)
            right.add(j)
    return len(left)


def count(counts: Counts, spans: Sequence[GroundedSpan], seen: Seen, true: Sequence[DetectedObject]) -> None:
    label = {polygon_of(one.box): (one.label, one.box) for one in (*seen.objects, *seen.doubtful)}
    placed = {span.polygon: label[span.polygon] for span in spans if span.polygon in label}
    named = {name for name, _ in placed.values()} & {one.label for one in true}
    counts.answers += 1
    counts.silent += not placed
    for name in {name for name, _ in placed.values()}:
        boxes = [box for other, box in placed.values() if other == name]
        counts.spans += len(boxes)
        counts.right += matched([one.box for one in true if one.label == name], boxes)
    for name in named:
        objects = [one.box for one in true if one.label == name]
        found = matched(objects, [box for other, box in placed.values() if other == name])
        detected = matched(objects, [one.box for one in seen.objects if one.label == name])
        counts.objects += len(objects)
        counts.found += found
        counts.detected += detected
        counts.classes += 1
        counts.classes_found += found > 0
        counts.classes_detected += detected > 0


def truth(line: dict[str, object]) -> list[DetectedObject]:
    width, height = float(line["width"]), float(line["height"])  # type: ignore[arg-type]
    found = []
    for one in line["objects"]:  # type: ignore[attr-defined]
        if not one["iscrowd"]:
            x, y, w, h = one["bbox"]
            box = Box(x=x / width, y=y / height, width=w / width, height=h / height)
            found.append(DetectedObject(label=one["label"], score=1.0, box=box))
    return found


def captions(data: Path) -> dict[str, list[str]]:
    lines = (json.loads(line) for line in (data / "photos" / "captions.jsonl").read_text("utf-8").splitlines())
    return {line["file"]: line["captions"] for line in lines}


def described(foveal: Foveal, file: Path) -> tuple[GroundedSpan, ...]:
    image = foveal.open_image(file.read_bytes())
    request = ChatRequest(
        messages=(Message(role="user", text=QUESTION, images=(image,)),), enhancements=Enhancements(grounding=True)
    )
    answer = foveal.ask(request)
    return answer.grounded.spans if answer.grounded else ()


def main(argv: list[str]) -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args(argv)
    data, by_describer, by_people = test_data(), Counts(), Counts()
    told = captions(data)
    with tempfile.TemporaryDirectory() as home, Foveal(load({"home": Path(home)})) as foveal:
        for text in (data / "boxes" / "boxes.jsonl").read_text("utf-8").splitlines():
            line = json.loads(text)
            file, true = data / line["file"], truth(line)
            found = foveal.look(foveal.open_image(file.read_bytes()))
            seen = seen_in(found)
            count(by_describer, described(foveal, file), seen, true)
            for caption in told.get(line["file"], []):
                count(by_people, align(caption, [seen]), seen, true)
    print(f"{'answers':<24}{'objects of named classes':>26}{'found':>8}{'detector':>10}{'right spans':>14}"
          f"{'classes':>9}{'found':>8}{'detector':>10}{'no span':>9}")  # fmt: skip
    for name, c in (("local describer", by_describer), ("people's captions", by_people)):
        print(
            f"{name + f' ({c.answers})':<24}{c.objects:>26}{c.found / c.objects:>8.0%}{c.detected / c.objects:>10.0%}"
            f"{c.right / c.spans:>14.0%}{c.classes:>9}{c.classes_found / c.classes:>8.0%}"
            f"{c.classes_detected / c.classes:>10.0%}{c.silent / c.answers:>9.0%}"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
