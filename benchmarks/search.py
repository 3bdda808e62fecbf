"""Search: how much slower than the engine alone, and how good on real questions.

    python -m benchmarks.search [--rows 100000] [--queries 200] [--only speed|quality]

**Speed.** Synthetic chunks, three quarters texts and one quarter images (one in ten of them described), written to the
real stores. `Searcher` is timed beside the engine's own two calls (keyword, nearest text vector; the same limits, one
after the other), query by query in the same run, taking turns in going first. Embedding a question is not counted on
either side: it is cached. With groups, recall@10 of the text leg is against a comparison with every vector allowed; the
control is a walk crippled on purpose: where it reaches 1.000 too, the engine compared exactly and the figure says
nothing about the walk.

**Quality.** XQuAD (paragraphs and questions, one relevant paragraph a question) and photos of which some are described
by their COCO descriptions (the questions are their other captions, and captions of photos without a description).
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from benchmarks.data import test_data
from foveal.pipeline.adapt import ATTACHMENT as ADAPTER
from foveal.pipeline.adapt import AdapterKeeper
from foveal.pipeline.calibrate import CalibrationKeeper
from foveal.pipeline.search import POOL, Searcher
from foveal.pipeline.understand import ImageUnderstanding, TextUnderstanding
from foveal.ports.stores import ChunkSnapshot
from foveal.retrieval.adapter import Adapter, FeatureLayout, fit
from foveal.retrieval.filtering import visible_to
from foveal.retrieval.text_space import build_text_space
from foveal.stores.catalog import SqlCatalog, open_engine
from foveal.stores.lance import LanceChunkStore, LanceSnapshot
from foveal.stores.lance_indexes import VectorSearch
from foveal.stores.model_cache import SqlModelCache
from foveal.testing.fakes_remote import FakeReranker
from foveal.testing.fakes_text import FakeTextEmbedder
from foveal.testing.fakes_vision import FakeImageEncoder
from foveal.types.assets import AssetId, DocumentId, MediaKind
from foveal.types.chunks import Chunk, ChunkChange, ChunkId, IndexSchema
from foveal.types.search import Mode, Query, SearchResult
from foveal.types.vectors import FloatArray

if TYPE_CHECKING:
    from foveal import Foveal

INDEX = "bench"
DIM, IMAGE_DIM, VOCABULARY, BATCH, CLUSTERS = 384, 1_280, 30_000, 2_000, 200
"""Lengths of the default models' vectors."""
WORDS, ASKED = 60, 6
CALLERS: dict[str, tuple[str, ...] | None] = {
    "no groups": None,
    "groups, 10 %": ("ten-3",),
    "groups, 1 %": ("one-42",),
}
LIMIT = 1.5
ASKED_OF_EACH, RERANKED_OF_EACH, UNDESCRIBED = 150, 40, 160


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--only", choices=("speed", "quality"))
    args = parser.parse_args(arguments)
    if args.only != "quality":
        with tempfile.TemporaryDirectory(prefix="foveal-bench-") as folder:
            speed(Path(folder), args.rows, args.queries)
    if args.only != "speed":
        with tempfile.TemporaryDirectory(prefix="foveal-bench-") as folder:
            questions(Path(folder))
            photos(Path(folder))


# --- speed


class Vectors:
    """Crowded vectors like those of real text, in clusters: the same for the same seed."""

    def __init__(self, dim: int, rng: np.random.Generator) -> None:
        self._rng = rng
        spread = (np.arange(1, dim + 1) ** -0.5).astype(np.float32)
        self._spread = spread / np.linalg.norm(spread)
        self._shared = 1.6 * rng.normal(size=dim).astype(np.float32) / np.sqrt(dim)
        self._centres = 0.6 * self._spread * rng.normal(size=(CLUSTERS, dim)).astype(np.float32)

    def __call__(self, count: int) -> FloatArray:
        """float32 [count, dim], rows L2-normalised."""
        noise = self._spread * self._rng.normal(size=(count, len(self._spread))).astype(np.float32)
        found = self._shared + self._centres[self._rng.integers(CLUSTERS, size=count)] + noise
        unit: FloatArray = (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)
        return unit


class Prepared(FakeTextEmbedder):
    """Questions whose vectors are known, as after a cache hit; the rest is hashed."""

    def __init__(self) -> None:
        super().__init__(dim=DIM)
        self.known: dict[str, FloatArray] = {}

    def embed_queries(self, texts: Sequence[str]) -> FloatArray:
        if len(texts) == 1 and texts[0] in self.known:
            return self.known[texts[0]][None]
        return super().embed_queries(texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Rows, questions and what searches them.

    Attributes:
        crippled: The same snapshot with the weakest walk there is: the control.
        texts: float32 [rows, DIM], zero where a row has no text vector.
        group: Of every row, 0..99: a group is 1 % of the rows, ten groups are 10 %.
        asked: Questions, with their vectors float32 [questions, DIM].
    """

    searcher: Searcher
    snapshot: ChunkSnapshot
    crippled: ChunkSnapshot
    texts: FloatArray
    group: npt.NDArray[np.int64]
    asked: dict[str, FloatArray]


def speed(root: Path, rows: int, queries: int) -> None:
    bench = _build(root, rows, queries)
    print(f"{rows:,} chunks, {queries} questions; milliseconds, p50 / p95")
    print(f"{'':<16}{'engine, two calls':>20}{'Searcher':>20}{'ratio p50':>11}{'p95':>6}   text recall@10 (control)")
    for name, groups in CALLERS.items():
        engine, ours, stages = _times(bench, groups)
        halves = [np.percentile(side, (50, 95)) for side in (engine, ours)]
        ratio = halves[1] / halves[0]
        shown = "".join(f"{half[0]:>12.1f} /{half[1]:6.1f}" for half in halves)
        recall = _recall(bench, bench.snapshot, groups, POOL)
        control = _recall(bench, bench.crippled, groups, 10)
        print(f"{name:<16}{shown}{ratio[0]:>11.2f}{ratio[1]:>6.2f}   {recall:.3f} ({control:.3f})")
        print(f"{'':<16}  of it, p50: " + ", ".join(f"{stage} {ms:.1f}" for stage, ms in stages.items()))
    print(f"limit of the ratio at p95: {LIMIT}")


def _times(bench: Bench, groups: tuple[str, ...] | None) -> tuple[list[float], list[float], dict[str, float]]:
    where = visible_to(groups)
    stages: dict[str, list[float]] = {}
    spent: tuple[list[float], list[float]] = ([], [])

    def engine(text: str) -> None:
        bench.snapshot.keyword(text, where=where, limit=POOL)
        bench.snapshot.nearest("text_vector", bench.asked[text], where=where, limit=POOL)

    def ours(text: str) -> None:
        found = bench.searcher.search(INDEX, Query(text=text, groups=groups))
        for stage, ms in found.elapsed_ms:
            stages.setdefault(stage, []).append(ms)

    calls: tuple[Callable[[str], None], ...] = (engine, ours)
    for text in list(bench.asked)[:5]:
        engine(text)
        ours(text)
    stages.clear()
    for number, text in enumerate(bench.asked):
        for side in (0, 1) if number % 2 else (1, 0):
            started = time.perf_counter()
            calls[side](text)
            spent[side].append((time.perf_counter() - started) * 1_000)
    return *spent, {stage: float(np.median(ms)) for stage, ms in stages.items()}


def _recall(bench: Bench, snapshot: ChunkSnapshot, groups: tuple[str, ...] | None, limit: int) -> float:
    where = visible_to(groups)
    allowed = np.linalg.norm(bench.texts, axis=1) > 0
    if groups:
        size, number = groups[0].split("-")
        allowed &= (bench.group if size == "one" else bench.group // 10) == int(number)
    rows = np.flatnonzero(allowed)
    kept = bench.texts[rows]
    shares = []
    for vector in bench.asked.values():
        best = rows[np.argsort(-(kept @ vector), kind="stable")[:10]]
        found = snapshot.nearest("text_vector", vector, where=where, limit=limit)[:10]
        shares.append(len({_id(row) for row in best} & {one.chunk_id for one in found}) / len(best))
    return float(np.mean(shares))


def _build(root: Path, rows: int, queries: int) -> Bench:
    rng = np.random.default_rng(0)
    points, pictures = Vectors(DIM, rng), Vectors(IMAGE_DIM, rng)
    catalog = SqlCatalog(open_engine(f"sqlite:///{root / 'catalog.sqlite'}"))
    store = LanceChunkStore(root / "indexes")
    schema = IndexSchema(text_dim=DIM, image_dim=IMAGE_DIM)
    generation = store.create(INDEX, schema)
    catalog.create_index(INDEX, schema, generation)
    texts, group = points(rows), rng.integers(100, size=rows)
    image = np.arange(rows) % 4 == 3
    texts[image & (np.arange(rows) % 40 != 3)] = 0.0
    adapter, embedder = _adapter(pictures)
    started = time.monotonic()
    for first in range(0, rows, BATCH):
        at = range(first, min(first + BATCH, rows))
        images = pictures(len(at))
        seen = adapter.project(images)
        put = tuple(
            _chunk(
                row, int(group[row]), texts[row], (images[row - first], seen[row - first]) if image[row] else None, rng
            )
            for row in at
        )
        generation = store.apply(INDEX, generation, ChunkChange(put=put))
    written = time.monotonic()
    generation = store.optimize(INDEX, generation)
    print(f"writing {written - started:.0f} s, optimising {time.monotonic() - written:.0f} s")
    understanding = TextUnderstanding(embedder, SqlModelCache(root / "cache.sqlite"))
    calibrations = CalibrationKeeper(catalog=catalog, store=store, texts=understanding)
    adapters = AdapterKeeper(
        catalog=catalog, store=store, images=_no_images, texts=understanding, space=lambda: adapter.space
    )
    kept = {ADAPTER: adapter.to_bytes(), **calibrations.measured(INDEX, generation)}
    catalog.commit(INDEX, generation, attachments=kept)
    embedder.known = dict(zip((_words(rng, ASKED) for _ in range(queries)), points(queries), strict=True))
    searcher = Searcher(
        catalog=catalog, store=store, embedder=embedder, encoder=FakeImageEncoder, adapters=adapters,
        calibrations=calibrations, reranker=FakeReranker,
    )  # fmt: skip
    return Bench(
        searcher=searcher,
        snapshot=store.snapshot(INDEX, generation),
        crippled=LanceSnapshot(
            store._open(INDEX, generation),
            store._open(INDEX, generation).schema,
            INDEX,
            VectorSearch(refine=1, ef=1, least_ef=1),
        ),
        texts=texts,
        group=group,
        asked=embedder.known,
    )


def _no_images() -> ImageUnderstanding:
    raise AssertionError("a search needs no image model for words")


def _adapter(pictures: Vectors) -> tuple[Adapter, Prepared]:
    """An adapter taught with two hundred random pairs: its seen vectors are as crowded as real ones."""
    embedder = Prepared()
    space = build_text_space(embedder, (), ())
    features = pictures(1_000)
    targets = embedder.embed_passages([f"picture {n} of thing {n * 7}" for n in range(200)])
    layout = FeatureLayout(vector=IMAGE_DIM)
    return fit(features[:200], targets, collection=features, space=space, layout=layout), embedder


def _chunk(
    row: int, group: int, text: FloatArray, image: tuple[FloatArray, FloatArray] | None, rng: np.random.Generator
) -> Chunk:
    described = image is not None and bool(text.any())
    content = _words(rng, WORDS)
    return Chunk(
        chunk_id=_id(row),
        document_id=DocumentId(f"d{row:07}"),
        asset_id=AssetId(f"{row:064}"),
        kind=MediaKind.IMAGE if image else MediaKind.TEXT,
        media_type="image/jpeg" if image else "text/plain",
        source="/benchmark",
        title=f"{row}",
        filepath=f"folder/{row}.jpg",
        content=content,
        description=content if described else "",
        composed=content if image and not described else "",
        language="en",
        perceptual_hash=int(rng.integers(2**63)) if image else None,
        group_ids=(f"one-{group}", f"ten-{group // 10}"),
        text_vector=text if text.any() else None,
        image_vector=image[0] if image else None,
        seen_vector=image[1] if image else None,
    )


def _id(row: int) -> ChunkId:
    return ChunkId(f"d{row:07}-0")


def _words(rng: np.random.Generator, count: int) -> str:
    """By Zipf's law."""
    return " ".join(f"word{n}" for n in np.minimum(rng.zipf(1.2, size=count), VOCABULARY))


# --- quality


def questions(root: Path) -> None:
    """XQuAD: English paragraphs, asked in English and in German; one file a paragraph, so that hits name them."""
    import foveal

    data = test_data() / "qa" / "xquad"
    own = dict(line.split("\t")[:2] for line in (data / "qrels.tsv").read_text("utf-8").splitlines()[1:])
    texts = root / "texts"
    texts.mkdir()
    for paragraph in _lines(data / "corpus.en.jsonl"):
        (texts / f"{paragraph['_id']}.txt").write_text(paragraph["text"], "utf-8")
    with foveal.open(root / "home") as home:
        home.ingest([texts], index="xquad")
        print(f"\nXQuAD, nDCG@10 ({ASKED_OF_EACH} questions; semantic: {RERANKED_OF_EACH})")
        print(f"{'':<10}" + "".join(f"{mode.value:>10}" for mode in Mode))
        for language in ("en", "de"):
            asked = [q for q in _lines(data / f"queries.{language}.jsonl") if q["_id"] in own]
            chosen = np.random.default_rng(0).permutation(len(asked))
            row = []
            for mode in Mode:
                some = chosen[: RERANKED_OF_EACH if mode is Mode.SEMANTIC else ASKED_OF_EACH]
                places = [
                    _place(home.search("xquad", Query(text=asked[i]["text"], mode=mode)), f"{own[asked[i]['_id']]}.txt")
                    for i in some
                ]
                row.append(np.mean([1 / np.log2(place + 1) if place else 0.0 for place in places]))
            print(f"{language} → en   " + "".join(f"{value:>10.3f}" for value in row))


def photos(root: Path) -> None:
    """Captions find their photos: described ones by captions that are not the description, and undescribed ones."""
    import foveal

    data = test_data() / "photos"
    captions = {one["file"].removeprefix("photos/"): one["captions"] for one in _lines(data / "captions.jsonl")}
    described = {one["image_blob_path"] for one in json.loads((data / "coco" / "metadata.json").read_text("utf-8"))}
    words = {one["description"].strip() for one in json.loads((data / "coco" / "metadata.json").read_text("utf-8"))}
    names = sorted(captions)
    plain = [name for name in names if Path(name).name not in described]
    plain = [plain[i] for i in np.random.default_rng(0).permutation(len(plain))[:UNDESCRIBED]]
    for name in (*plain, *(n for n in names if Path(n).name in described)):
        place = root / "photos" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(data / name, place)
    shutil.copy(data / "coco" / "metadata.json", root / "photos" / "coco" / "metadata.json")
    with foveal.open(root / "home") as home:
        home.ingest([root / "photos"], index="photos")
        print(f"\nphotos, R@1 / 5 / 10 ({len(plain)} undescribed, {len(described)} described)")
        for title, targets in (("undescribed", plain), ("described", [n for n in names if Path(n).name in described])):
            asked = [(c, name) for name in targets for c in captions[name][:3] if c.strip() not in words]
            chosen = [asked[i] for i in np.random.default_rng(1).permutation(len(asked))[:ASKED_OF_EACH]]
            places = [_ways(home, caption, name) for caption, name in chosen]
            for way in places[0]:
                shares = [np.mean([0 < place[way] <= k for place in places]) for k in (1, 5, 10)]
                print(f"{title:<12}{way:<10}" + "".join(f"{share:>7.3f}" for share in shares))


def _ways(home: Foveal, caption: str, name: str) -> dict[str, int]:
    """Place of a photo, 0 when it is not among the first ten: fused, and in each leg alone."""
    generation = home.catalog.index("photos").generation
    snapshot = home.store.snapshot("photos", generation)
    asked = home.models.queries.embed_queries([caption])[0]
    adapter = home.parts.adapters.current("photos", generation)
    assert adapter is not None
    legs = {
        "keyword": snapshot.keyword(caption, where=None, limit=10),
        "text": snapshot.nearest("text_vector", asked, where=None, limit=10),
        "seen": snapshot.nearest("seen_vector", adapter.query(asked), where=None, limit=10),
    }
    found = {"hybrid": _place(home.search("photos", Query(text=caption)), name)}
    for way, scored in legs.items():
        paths = [chunk.filepath for chunk in snapshot.fetch([one.chunk_id for one in scored])]
        found[way] = paths.index(name) + 1 if name in paths else 0
    return found


def _place(found: SearchResult, path: str) -> int:
    return next((place for place, hit in enumerate(found.hits, start=1) if hit.chunk.filepath == path), 0)


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
