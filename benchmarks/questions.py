"""Questions with known pages: are they cited, answered, refused? The Northwind handbook and the chart slides.

    python -m benchmarks questions

`docs` of the test data is ingested with every file in it, then the questions of `qa/grounded` are asked without a
language model. A page counts as right when it is the gold page or the one after it, since answers run on. Of the search
alone: the share of questions with a right page among the first hit and the first five. Of the answers: `cited`, a right
page behind a `[docN]` mark; `fact`, half or more of the content words of the gold answer stand in the answer, or, of a
gold answer with figures, all its figures do; `refused`, it said that the data has no answer. Then the same five
questions about things the documents do not say: there `refused` is what is wanted.

Beside it, what the authors of these questions published for their own application with a language model, over twice as
many questions of the same set: a citation of the gold page .52 (`citations_matched`), any citation .98
(Azure-Samples/azure-search-openai-demo, evals/results/baseline/summary.json).
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.data import test_data
from foveal.runtime import Foveal
from foveal.settings import load
from foveal.types.chat import Answer, ChatRequest, DataSource, Message
from foveal.types.chunks import Chunk
from foveal.types.search import Mode, Query

INDEX = "docs"
OUTSIDE = (
    "Which football club won the league in 1987?",
    "How do I change the oil of a motorbike?",
    "What is the boiling point of mercury?",
    "Who painted the ceiling of the Sistine Chapel?",
    "How many moons does Neptune have?",
)
STOP = frozenset(
    re.findall(
        r"\w+",
        """a an and are as at be by can do does for from has have how if in into is it its may must not of on or that
        the their them there these they this to under up was what when which who will with you your""",
    )
)


@dataclass
class Counts:
    first: int = 0
    five: int = 0
    cited: int = 0
    fact: int = 0
    refused: int = 0
    asked: int = 0


def main(arguments: list[str]) -> None:
    lines = (test_data() / "qa" / "grounded" / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [json.loads(line) for line in lines]
    handbook = [q for q in questions if q["id"].startswith("nw")]
    slides = [q for q in questions if q not in handbook]
    with (
        tempfile.TemporaryDirectory(prefix="foveal-bench-") as home,
        Foveal(load({"home": Path(home), "index": INDEX})) as foveal,
    ):
        jobs = foveal.ingest([test_data() / "docs"], index=INDEX)
        print(f"{jobs[0].counts.found} files, {len(handbook)} and {len(slides)} questions\n")
        print(f"{'set':<10}{'search':<10}{'first':>7}{'in 5':>7}{'cited':>8}{'fact':>7}{'refused':>9}")
        for name, asked in (("handbook", handbook), ("slides", slides)):
            for mode in (Mode.KEYWORD, Mode.VECTOR, Mode.HYBRID, Mode.SEMANTIC):
                _row(name, mode, measured(foveal, asked, mode))
        outside = sum(not ask(foveal, text, Mode.HYBRID).finished.answered for text in OUTSIDE)
        print(f"\noutside the documents: {outside} of {len(OUTSIDE)} refused")
        print("published for the authors' own application with a language model, 50 questions: gold page cited .52")


def measured(foveal: Foveal, questions: Sequence[dict[str, Any]], mode: Mode) -> Counts:
    counts = Counts(asked=len(questions))
    for question in questions:
        gold = {place for citation in question["citations"] for place in _gold(citation)}
        found = foveal.search(INDEX, Query(text=question["question"], mode=mode, top=5)).hits
        pages = [_place(hit.chunk) in gold for hit in found]
        counts.first += any(pages[:1])
        counts.five += any(pages)
        answer = ask(foveal, question["question"], mode)
        marked = {int(n) for n in re.findall(r"\[doc(\d+)\]", answer.text)}
        counts.cited += any(_place(c.chunk) in gold for c in answer.retrieved.citations if c.number in marked)
        counts.fact += _has_fact(answer.text, question["answer"])
        counts.refused += not answer.finished.answered
    return counts


def ask(foveal: Foveal, text: str, mode: Mode) -> Answer:
    request = ChatRequest(messages=(Message(role="user", text=text),), sources=(DataSource(index=INDEX, mode=mode),))
    return foveal.ask(request)


def _gold(citation: dict[str, Any]) -> list[tuple[str, int]]:
    """Where an answer may be: a slide that is a picture by itself has no page but its own, whatever its deck had."""
    name = Path(citation["file"]).name
    return [(name, 1)] if name.endswith(".png") else [(name, citation["page"] + more) for more in (0, 1)]


def _place(chunk: Chunk) -> tuple[str, int]:
    return Path(chunk.filepath).name, chunk.locator.page or 1


def _has_fact(answer: str, gold: str) -> bool:
    figures = re.findall(r"\d[\d,.]*\d|\d", gold)
    if figures:
        return all(figure in answer for figure in figures)
    words = {w for w in re.findall(r"[a-z]{3,}", gold.lower()) if w not in STOP}
    said = set(re.findall(r"[a-z]{3,}", answer.lower()))
    return len(words & said) >= len(words) / 2


def _row(name: str, mode: Mode, counts: Counts) -> None:
    shares = (counts.first, counts.five, counts.cited, counts.fact, counts.refused)
    first, five, cited, fact, refused = (f"{n / counts.asked:.2f}" for n in shares)
    print(f"{name:<10}{mode:<10}{first:>7}{five:>7}{cited:>8}{fact:>7}{refused:>9}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
