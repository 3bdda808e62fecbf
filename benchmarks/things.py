"""Things asked for by name: are photos that show them shown, and is it said when none does?

    python -m benchmarks.things

The 80 COCO photos whose objects people marked, in two collections of 40, nothing described and no language model.
Every class of the detector is asked for in six languages, three ways each. Of the classes that a collection has: the
share of questions whose answer shows a photo first that truly has one (`right`), shows another first (`wrong`), or says
there is none (`refused`). Of the classes that it lacks: the share that is refused, as it should be. Beside it the same
by ranking alone: the first hit of a search, whatever it is sure of.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from benchmarks.data import test_data
from benchmarks.objects import photo_labels
from foveal import Foveal, question
from foveal.retrieval.composing import plural
from foveal.retrieval.object_words_abroad import names_of
from foveal.settings import load
from foveal.types.search import Query

LANGUAGES: Mapping[str, tuple[str, ...]] = {
    "en": ("Is there a photo of a {}?", "Where did we see {}?", "{}"),
    "de": ("Gibt es Fotos mit {}?", "Wo haben wir {} gesehen?", "{}"),
    "es": ("¿Hay fotos con {}?", "¿Dónde vimos {}?", "{}"),
    "th": ("มีรูป{}ไหม", "เราเห็น{}ที่ไหน", "{}"),
    "ja": ("{}の写真はありますか", "どこで{}を見ましたか", "{}"),
    "zh": ("有{}的照片吗?", "我们在哪里看到{}?", "{}"),
}


def main(argv: list[str]) -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args(argv)
    labels = photo_labels(test_data())
    classes = sorted(set().union(*labels.values()) | {label for label, _ in names_of("de").values()})
    with tempfile.TemporaryDirectory() as home, Foveal(load({"home": Path(home)})) as foveal:
        halves = [sorted(labels)[start::2] for start in (0, 1)]
        for number, half in enumerate(halves):
            foveal.ingest([test_data() / file for file in half], index=f"half-{number}")
        print(f"{'':<4}{'asked':>7}{'right':>8}{'wrong':>8}{'refused':>9}{'ranked right':>14}   absent{'refused':>9}")
        for language, templates in LANGUAGES.items():
            counts: Counter[str] = Counter()
            for number, half in enumerate(halves):
                truth = {Path(file).name: labels[file] for file in half}
                for label in classes:
                    for at, template in enumerate(templates):
                        text = template.format(_word(language, label, many=at == 1))
                        counts.update(_judged(foveal, f"half-{number}", text, label, truth))
            _print(language, counts)


def _word(language: str, label: str, *, many: bool) -> str:
    if language == "en":
        return plural(label) if many else label
    return next(name for name, (known, _) in names_of(language).items() if known == label)


def _judged(foveal: Foveal, index: str, text: str, label: str, truth: Mapping[str, frozenset[str]]) -> list[str]:
    """What the answer counts as."""
    answer = foveal.ask(question(text, indexes=(index,)))
    marks = re.findall(r"\[doc(\d+)\]", answer.text) if answer.finished.answered else []
    shown = [Path(answer.retrieved.citations[int(mark) - 1].chunk.filepath).name for mark in marks]
    if not any(label in found for found in truth.values()):
        return ["absent", "absent refused"] if not shown else ["absent"]
    hits = foveal.search(index, Query(text=text, top=1)).hits
    ranked = bool(hits) and label in truth[Path(hits[0].chunk.filepath).name]
    said = "refused" if not shown else "right" if label in truth[shown[0]] else "wrong"
    return ["asked", said, *(["ranked"] if ranked else [])]


def _print(language: str, counts: Mapping[str, int]) -> None:
    share = {name: counts[name] / max(1, counts["asked"]) for name in ("right", "wrong", "refused", "ranked")}
    absent = counts["absent refused"] / max(1, counts["absent"])
    print(
        f"{language:<4}{counts['asked']:>7}{share['right']:>8.0%}{share['wrong']:>8.0%}{share['refused']:>9.0%}"
        f"{share['ranked']:>14.0%}{counts['absent']:>9}{absent:>9.0%}",
        flush=True,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
