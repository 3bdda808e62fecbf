"""The search engine alone: how fast, and how much a filter costs in recall.

    python benchmarks/search_engine.py [--rows 100000] [--queries 100]

Vectors are crowded like those of real text (no gap after the tenth neighbour): in well separated clusters every
setting of every index has a recall of 1 and the figure says nothing. The control is a walk crippled on purpose: where
it reaches 1.000 too, the engine compared the filtered rows exactly and the row says nothing about the walk. Words are
drawn from a vocabulary by Zipf's law; the same rows every time.
"Hybrid" is the two calls that a hybrid search makes of the engine, one after the other. Recall is of the first ten
against a comparison with every vector.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from foveal.stores.lance import LanceChunkStore, LanceSnapshot
from foveal.stores.lance_indexes import VectorSearch
from foveal.types.assets import AssetId, DocumentId, MediaKind
from foveal.types.chunks import Chunk, ChunkChange, ChunkId, IndexSchema, SeenVectors
from foveal.types.filters import ITEM, AnyItem, Filter, Not, Or, SearchIn
from foveal.types.vectors import FloatArray

DIM, IMAGE_DIM, VOCABULARY, BATCH = 384, 64, 30_000, 1_000
FIELDS = ("text_vector", "seen_vector")


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """Rows and questions, with everything an exact answer needs.

    Attributes:
        vectors: By field, float32 [rows, dim]; `seen_vector` rows have lengths between 0.5 and 1.5.
        group: Of every row, 0..99: a group is 1 % of the rows, ten groups are 10 %.
        questions: float32 [questions, dim], L2-normalised.
    """

    vectors: dict[str, FloatArray]
    texts: list[str]
    group: np.ndarray
    questions: FloatArray
    asked: list[str]


def make_collection(rows: int, questions: int, seed: int = 0) -> Collection:
    """The same for the same numbers."""
    rng = np.random.default_rng(seed)
    centre = 1.6 * rng.normal(size=DIM).astype(np.float32) / np.sqrt(DIM)
    spread = (np.arange(1, DIM + 1) ** -0.5).astype(np.float32)
    spread /= np.linalg.norm(spread)

    def points(count: int) -> FloatArray:
        found = centre + spread * rng.normal(size=(count, DIM)).astype(np.float32)
        unit: FloatArray = (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)
        return unit

    def words(count: int) -> str:
        return " ".join(f"word{n}" for n in np.minimum(rng.zipf(1.2, size=count), VOCABULARY))

    seen = points(rows) * rng.uniform(0.5, 1.5, size=(rows, 1)).astype(np.float32)
    return Collection(
        vectors={"text_vector": points(rows), "seen_vector": seen},
        texts=[words(60) for _ in range(rows)],
        group=rng.integers(100, size=rows),
        questions=points(questions),
        asked=[words(6) for _ in range(questions)],
    )


def chunk(collection: Collection, row: int) -> Chunk:
    """One row as a chunk; its group is written twice over, as `one-<n>` and `ten-<n // 10>`."""
    group = int(collection.group[row])
    return Chunk(
        chunk_id=ChunkId(f"d{row:07}-0"),
        document_id=DocumentId(f"d{row:07}"),
        asset_id=AssetId(f"{row:064}"),
        kind=MediaKind.IMAGE,
        media_type="image/jpeg",
        source="benchmark",
        title="",
        filepath=f"{row}.jpg",
        content=collection.texts[row],
        group_ids=(f"one-{group}", f"ten-{group // 10}"),
        text_vector=collection.vectors["text_vector"][row],
        seen_vector=collection.vectors["seen_vector"][row],
    )


def member_of(*groups: str) -> Filter:
    """What a caller in these groups may see."""
    nobody = Not(operand=AnyItem(field="group_ids", condition=None))
    return Or(operands=(nobody, AnyItem(field="group_ids", condition=SearchIn(field=ITEM, values=groups))))


def recall_at_10(found: Sequence[str], field: str, collection: Collection, question: int, rows: np.ndarray) -> float:
    """Of the ten rows of `rows` with the largest dot products, the fraction that was found."""
    scores = collection.vectors[field][rows] @ collection.questions[question]
    best = rows[np.argsort(-scores, kind="stable")[:10]]
    return len({f"d{row:07}-0" for row in best} & set(found)) / len(best)


def timed(call: Callable[[int], object], count: int) -> str:
    """Milliseconds, p50/p95."""
    call(0)
    taken = []
    for number in range(count):
        start = time.perf_counter()
        call(number)
        taken.append((time.perf_counter() - start) * 1_000)
    return f"{np.percentile(taken, 50):7.1f} /{np.percentile(taken, 95):7.1f} ms"


def main(arguments: list[str]) -> None:
    """Build, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--queries", type=int, default=100)
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="foveal-bench-") as folder:
        run(Path(folder), args.rows, args.queries)


def run(folder: Path, rows: int, queries: int) -> None:
    """The whole table."""
    collection = make_collection(rows, queries)
    store = LanceChunkStore(folder)
    generation = store.create("bench", IndexSchema(text_dim=DIM, image_dim=IMAGE_DIM))
    start, commits = time.perf_counter(), []
    for first in range(0, rows, BATCH):
        put = tuple(chunk(collection, row) for row in range(first, min(first + BATCH, rows)))
        begun = time.perf_counter()
        generation = store.apply("bench", generation, ChunkChange(put=put))
        commits.append((time.perf_counter() - begun) * 1_000)
    written = time.perf_counter()
    generation = store.optimize("bench", generation)
    built = time.perf_counter()
    print(f"{rows:,} chunks, {DIM} dimensions, {queries} questions")
    print(f"write                    {written - start:8.1f} s, {np.median(commits):.0f} ms a commit of {BATCH}")
    print(f"optimise                 {built - written:8.1f} s")
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print(f"on disk                  {size / 2**20:8.0f} MiB")

    snapshot = store.snapshot("bench", generation)
    everything = np.arange(rows)
    legs: list[tuple[str, Filter | None, Callable[[int], np.ndarray]]] = [
        ("no filter", None, lambda q: everything),
        ("groups 50 %", member_of(*(f"ten-{n}" for n in range(5))), lambda q: np.flatnonzero(collection.group < 50)),
        ("groups 10 %", member_of("ten-3", "none"), lambda q: np.flatnonzero(collection.group // 10 == 3)),
        ("groups 1 %", member_of("one-42", "none"), lambda q: np.flatnonzero(collection.group == 42)),
    ]
    crippled = LanceSnapshot(
        store._open("bench", generation),
        store._open("bench", generation).schema,
        "bench",
        VectorSearch(refine=1, ef=1, least_ef=1),
    )
    for name, where, allowed in legs:
        print(f"\n{name}")
        weak = [
            recall_at_10(
                [h.chunk_id for h in crippled.nearest("text_vector", collection.questions[q], where=where, limit=10)],
                "text_vector", collection, q, allowed(q),
            )
            for q in range(queries)
        ]  # fmt: skip
        print(
            f"  control, crippled walk  recall@10 {np.mean(weak):.3f} (1.000: these figures cannot tell settings apart)"
        )

        def keyword(q: int, where: Filter | None = where) -> object:
            return snapshot.keyword(collection.asked[q], where=where, limit=50)

        def nearest(q: int, where: Filter | None = where) -> list[str]:
            found = snapshot.nearest("text_vector", collection.questions[q], where=where, limit=50)
            return [hit.chunk_id for hit in found]

        print(f"  keyword, 50            {timed(keyword, queries)}")
        print(f"  nearest, 50            {timed(nearest, queries)}")
        print(f"  hybrid: both           {timed(lambda q: (keyword(q), nearest(q)), queries)}")
        for field in FIELDS:
            for limit in (10, 50):
                recalls = []
                for q in range(queries):
                    hits = snapshot.nearest(field, collection.questions[q], where=where, limit=limit)
                    found = [hit.chunk_id for hit in hits]
                    recalls.append(recall_at_10(found, field, collection, q, allowed(q)))
                print(f"  recall@10 {field:12} limit {limit:2}: {np.mean(recalls):.3f}")

    print("\nwriting to the built index")
    begun = time.perf_counter()
    one = chunk(collection, 0)
    change = ChunkChange(delete=(one.document_id,), put=(one,))
    generation = store.apply("bench", generation, change)
    print(f"  upsert of one          {(time.perf_counter() - begun) * 1_000:8.1f} ms")
    many = tuple(chunk(collection, row) for row in range(256))
    begun = time.perf_counter()
    change = ChunkChange(delete=tuple(c.document_id for c in many), put=many)
    generation = store.apply("bench", generation, change)
    print(f"  upsert of 256          {(time.perf_counter() - begun) * 1_000:8.1f} ms")
    begun = time.perf_counter()
    seen = SeenVectors(
        chunk_ids=tuple(ChunkId(f"d{row:07}-0") for row in range(rows)), vectors=collection.vectors["seen_vector"][::-1]
    )
    generation = store.apply("bench", generation, ChunkChange(seen=seen))
    print(f"  all seen vectors       {time.perf_counter() - begun:8.1f} s")
    begun = time.perf_counter()
    generation = store.optimize("bench", generation)
    print(f"  optimise               {time.perf_counter() - begun:8.1f} s")
    begun = time.perf_counter()
    snapshot = LanceChunkStore(folder).snapshot("bench", generation)
    opened = time.perf_counter()
    snapshot.nearest("text_vector", collection.questions[0], where=None, limit=10)
    searched = time.perf_counter()
    print(f"  open a generation      {(opened - begun) * 1_000:8.1f} ms")
    print(f"  first search of it     {(searched - opened) * 1_000:8.1f} ms")


if __name__ == "__main__":
    main(sys.argv[1:])
