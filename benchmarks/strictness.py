"""Does Foveal know when it has no answer? Strictness, re-ranking and extractive answers on XQuAD, and photos.

    python -m benchmarks strictness [--languages en de es th] [--step 4]

Half of the articles are the collection; questions on the other half have no answer in it (they are about other
subjects, so this is the easy kind of unanswerable; near misses are harder). Both halves take their turn. The share of
questions that get at least one hit is printed for each strictness: of those with an answer, and of those without.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.bm25 import Bm25
from benchmarks.data import test_data
from benchmarks.text_to_image import Collection, collect
from foveal.models.extractive import ExtractiveAnswerer
from foveal.models.local_reranker import LocalReranker
from foveal.models.pull import ModelFolder
from foveal.models.text_embedder import LocalTextEmbedder
from foveal.retrieval.adapter import fit
from foveal.retrieval.background import SUBJECTS
from foveal.retrieval.strictness import CUTOFFS, calibrate, keywords, seen_confidence
from foveal.settings import load
from foveal.types.assets import AssetId, DocumentId, MediaKind
from foveal.types.chat import ChatRequest, DataSource, Document, Finished, Message, TextDelta
from foveal.types.chunks import Chunk, ChunkId
from foveal.types.search import Hit, Passage
from foveal.types.vectors import FloatArray

CANDIDATES = 20
DOCUMENTS = 5
ABSENT = ("screenshot", "receipt", "letter", "chart", "map of", "medical", "microscope", "factory", "under water",
          "book cover", "workbench")  # fmt: skip
"""Subjects of the background that the photos of the test data do not show."""


class Remembering:
    """The text embedder, each text embedded once in the whole benchmark."""

    def __init__(self, embedder: LocalTextEmbedder) -> None:
        self._embedder = embedder
        self._known: dict[tuple[str, str], FloatArray] = {}
        self.identity, self.dim = embedder.identity, embedder.dim

    def embed_passages(self, texts: Sequence[str]) -> FloatArray:
        return self._all("passage", texts)

    def embed_queries(self, texts: Sequence[str]) -> FloatArray:
        return self._all("query", texts)

    def _all(self, kind: str, texts: Sequence[str]) -> FloatArray:
        missing = [t for t in dict.fromkeys(texts) if (kind, t) not in self._known]
        embed = self._embedder.embed_passages if kind == "passage" else self._embedder.embed_queries
        self._known.update({(kind, t): v for t, v in zip(missing, embed(missing), strict=True)})
        return np.stack([self._known[kind, t] for t in texts])


@dataclass(frozen=True)
class Questions:
    """Of one language, with the paragraph (index) that answers each and the answers in words."""

    texts: list[str]
    own: list[int]
    answers: list[list[str]]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def paragraphs(data: Path, language: str) -> list[str]:
    return [row["text"] for row in lines(data / "qa" / "xquad" / f"corpus.{language}.jsonl")]


def questions(data: Path, language: str, step: int) -> Questions:
    folder = data / "qa" / "xquad"
    place = {row["_id"]: i for i, row in enumerate(lines(folder / "corpus.en.jsonl"))}
    judged = dict(row.split("\t")[:2] for row in (folder / "qrels.tsv").read_text("utf-8").splitlines()[1:])
    rows = lines(folder / f"queries.{language}.jsonl")[::step]
    return Questions([r["text"] for r in rows], [place[judged[r["_id"]]] for r in rows], [r["answers"] for r in rows])


def halves(data: Path) -> list[npt.NDArray[np.int64]]:
    articles = [row["_id"][:3] for row in lines(data / "qa" / "xquad" / "corpus.en.jsonl")]
    first = set(sorted(set(articles))[::2])
    inside = np.array([article in first for article in articles])
    return [np.flatnonzero(inside), np.flatnonzero(~inside)]


def fused(*scores: npt.NDArray[np.floating]) -> npt.NDArray[np.int64]:
    """Reciprocal rank fusion (k 60) of several scores, best first."""
    total = sum(1 / (61 + np.argsort(np.argsort(-score, kind="stable"), kind="stable")) for score in scores)
    return np.argsort(-np.asarray(total), kind="stable")


def area(positive: list[float], negative: list[float]) -> float:
    """Area under the ROC curve: chance that one with an answer is surer than one without."""
    a, b = np.array(positive)[:, None], np.array(negative)[None]
    return float(((a > b) + 0.5 * (a == b)).mean())


def print_rates(name: str, positive: list[float], negative: list[float]) -> None:
    cells = []
    for cutoff in CUTOFFS.values():
        kept, wrong = (np.mean([c >= cutoff for c in side]) for side in (positive, negative))
        cells.append(f"{kept:>5.0%} /{wrong:>4.0%}")
    print(f"{name:<28}{area(positive, negative):>6.3f}   {'  '.join(cells)}", flush=True)


def texts(data: Path, embedder: Remembering, asked: str, told: str, step: int) -> None:
    """One pair of languages: of the questions and of the collection."""
    corpus, ask = paragraphs(data, told), questions(data, asked, step)
    vectors = embedder.embed_passages(corpus)
    background = embedder.embed_passages(list(SUBJECTS))
    sure: dict[str, tuple[list[float], list[float]]] = {leg: ([], []) for leg in ("text", "keyword", "best of both")}
    before, after = list[int](), list[int]()
    quoted, refused, invented = list[bool](), list[bool](), list[bool]()
    spent = 0.0
    reranker, answerer = LocalReranker(embedder), ExtractiveAnswerer(embedder, detect_language=lambda _: asked)
    for half in halves(data):
        ordinary = calibrate(vectors[half], [told] * len(half), np.zeros((0, 1), np.float32), background=background)
        engine = Bm25([corpus[i] for i in half])
        for number, question in enumerate(ask.texts):
            query = embedder.embed_queries([question])[0]
            cosines = vectors[half] @ query
            contents = [corpus[i] for i in half]
            words = keywords(question, contents)
            shares = np.array([words.share(content) for content in contents])
            by_text, by_words = int(cosines.argmax()), int(shares.argmax())
            text = ordinary.text_confidence(query, float(cosines[by_text]), told)
            keyword = words.confidence(contents[by_words])
            has_answer = ask.own[number] in half
            for leg, value in (("text", text), ("keyword", keyword), ("best of both", max(text, keyword))):
                sure[leg][0 if has_answer else 1].append(value)
            order = fused(cosines, engine.scores(question))[:CANDIDATES]
            found = [half[i] for i in order]
            if has_answer:
                passages = [Passage(chunk_id=ChunkId(str(i)), text=corpus[i]) for i in found]
                started = time.perf_counter()
                judged = reranker.rerank(question, passages)
                spent += time.perf_counter() - started
                again = [found[i] for i in np.argsort([-j.score for j in judged], kind="stable")]
                before.append(found.index(ask.own[number]) if ask.own[number] in found else 99)
                after.append(again.index(ask.own[number]) if ask.own[number] in again else 99)
            said, answered = answer(answerer, question, [corpus[i] for i in found[:DOCUMENTS]], told)
            if has_answer:
                quoted.append(answered and any(a in said for a in ask.answers[number]))
                refused.append(not answered)
            else:
                invented.append(answered)
    for leg, (positive, negative) in sure.items():
        print_rates(f"{asked} → {told}  {leg}", positive, negative)
    print(
        f"{'':<28}re-ranked: nDCG@10 {gain(before):.3f} → {gain(after):.3f},"
        f" R@1 {first(before):.3f} → {first(after):.3f}"
        f" ({1000 * spent / max(1, len(before)):.0f} ms, vectors remembered); extractive: answer's words quoted"
        f" {np.mean(quoted):.0%}, wrongly refused {np.mean(refused):.0%},"
        f" wrongly answered {np.mean(invented):.0%}\n",
        flush=True,
    )


def answer(answerer: ExtractiveAnswerer, question: str, found: list[str], language: str) -> tuple[str, bool]:
    documents = []
    for number, text in enumerate(found, start=1):
        chunk = Chunk(
            chunk_id=ChunkId(str(number)), document_id=DocumentId(str(number)), asset_id=AssetId("0" * 64),
            kind=MediaKind.TEXT, media_type="text/plain", source="", title="", filepath="", content=text,
            language=language,
        )  # fmt: skip
        hit = Hit(chunk=chunk, score=1.0, confidence=1.0, legs=())
        documents.append(Document(number=number, index="", hit=hit, text=text))

    async def collected() -> list[TextDelta | Finished]:
        request = ChatRequest(messages=(Message(role="user", text=question),), sources=(DataSource(index="x"),))
        return [event async for event in answerer.answer(request, documents)]

    *said, last = asyncio.run(collected())
    return "".join(event.text for event in said if isinstance(event, TextDelta)), getattr(last, "answered", False)


def gain(places: list[int]) -> float:
    """nDCG@10 with one relevant paragraph."""
    return float(np.mean([1 / np.log2(place + 2) if place < 10 else 0.0 for place in places]))


def first(places: list[int]) -> float:
    return float(np.mean([place == 0 for place in places]))


def photos(collection: Collection) -> None:
    """The seen leg alone: captions of photos that are there against subjects that are not."""
    order = np.random.default_rng(0).permutation(len(collection.features))
    held = order[:500]
    absent = [i for i, subject in enumerate(SUBJECTS) if any(word in subject for word in ABSENT)]
    for described in (0, 50, 500):
        taught = order[500 : 500 + described]
        adapter = fit(
            collection.features[taught],
            collection.descriptions[taught],
            collection=collection.features,
            space=collection.space,
            layout=collection.layout,
        )
        seen = adapter.project(collection.features[held])
        there = (adapter.query(collection.questions[held, 0]) @ seen.T).max(axis=1)
        not_there = (adapter.background()[absent] @ seen.T).max(axis=1)
        sure = [[seen_confidence(float(s), described=described) for s in side] for side in (there, not_there)]
        print_rates(f"photos, seen, {described} described", *sure)


def main(argv: list[str]) -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--languages", nargs="+", default=["en", "de", "es", "th"])
    options.add_argument("--step", type=int, default=4, help="take every so many-th question")
    options.add_argument("--cache", type=Path, help="features of the photos, as for text_to_image")
    chosen = options.parse_args(argv)
    data = test_data()
    embedder = Remembering(LocalTextEmbedder(ModelFolder(load().models)))
    print(f"{'questions → collection, leg':<28}{'AUC':>6}   strictness 1 to 5: hit with / without an answer")
    for language in chosen.languages:
        texts(data, embedder, language, language, chosen.step)
    for language in chosen.languages[1:]:
        texts(data, embedder, language, chosen.languages[0], chosen.step)
    photos(collect(data, chosen.cache))


if __name__ == "__main__":
    main(sys.argv[1:])
