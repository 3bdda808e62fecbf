"""On Your Data: how long a whole answer takes over HTTP, without a language model.

    python -m benchmarks.on_your_data [--rows 100000] [--questions 150] [--sentences 5 25]

XQuAD's paragraphs among synthetic chunks (sentences of other paragraphs, shuffled; a quarter are images), asked XQuAD's
questions by the wire of Azure OpenAI. Chunks of the paragraphs carry the real text model's vectors, the others vectors
as crowded as real ones: embedding a hundred thousand texts would take hours. Questions are embedded as they come, none
twice. The server and its client share one process and one core, by affinity, so that its CPU time is what a machine
without other work would take; the index is built before, with all cores. `--sentences`
is the length of the chunks: 5 is a paragraph, 25 near the longest chunk that ingestion makes.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.data import test_data

INDEX = "bench"
PATH = "/openai/deployments/foveal/chat/completions"
LIMIT_MS = 300.0
BATCH = 2_000
WARM_UP = 5


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.on_your_data")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=150)
    parser.add_argument("--sentences", type=int, nargs="+", default=[5, 25])
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.measure:
        measure(args.measure, args.questions)
        return
    print(f"{args.rows:,} chunks, {args.questions} questions, one core; milliseconds a whole answer")
    print(f"{'sentences':<11}{'p50':>8}{'p95':>8}{'CPU p95':>10}{'of limit':>10}{'search p50':>12}{'found':>8}")
    for sentences in args.sentences:
        with tempfile.TemporaryDirectory(prefix="foveal-bench-") as folder:
            build(Path(folder), args.rows, sentences)
            command = [sys.executable, "-m", "benchmarks.on_your_data", "--measure", folder]
            done = subprocess.run(
                [*command, "--questions", str(args.questions)], check=True, capture_output=True, text=True
            )
            print(f"{sentences:<11}{done.stdout.rstrip()}")
    print(f"limit of p95: {LIMIT_MS:.0f} ms; found: the answer's citations have the question's own paragraph")


def measure(home: Path, questions: int) -> None:
    """Ask over HTTP, all on one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # before any library counts the cores
    import httpx
    import numpy as np

    from foveal.asgi import create_app
    from foveal.runtime import Foveal
    from foveal.settings import load
    from foveal.testing.serving import served

    own, asked = _questions(questions + WARM_UP)
    wall, cpu, searched, found = [], [], [], 0
    with (
        Foveal(load({"home": home, "offline": True, "index": INDEX}, environ=_models())) as foveal,
        served(create_app(foveal)) as url,
        httpx.Client(base_url=url, timeout=60, trust_env=False) as http,
    ):
        for question in asked:
            started, worked = time.perf_counter(), time.process_time()
            reply = http.post(PATH, params={"api-version": "2024-10-21"}, json=_request(question["text"]))
            wall.append((time.perf_counter() - started) * 1_000)
            cpu.append((time.process_time() - worked) * 1_000)
            context = reply.raise_for_status().json()["choices"][0]["message"]["context"]
            found += f"{own[question['_id']]}.txt" in [c["filepath"] for c in context["citations"]]
            searched.append(_search_ms(foveal, question["text"]))
    p50, p95 = np.percentile(wall[WARM_UP:], (50, 95))
    worked, search = np.percentile(cpu[WARM_UP:], 95), np.median(searched[WARM_UP:])
    print(f"{p50:>8.0f}{p95:>8.0f}{worked:>10.0f}{p95 / LIMIT_MS:>10.2f}{search:>12.0f}{found / len(asked):>8.2f}")


def _search_ms(foveal: Any, text: str) -> float:
    """The search alone, its question's vector known."""
    from foveal.types.search import Query

    started = time.perf_counter()
    foveal.search(INDEX, Query(text=text, strictness=3))
    return (time.perf_counter() - started) * 1_000


def _request(question: str) -> dict[str, Any]:
    source = {"type": "azure_search", "parameters": {"index_name": INDEX}}
    return {"messages": [{"role": "user", "content": question}], "data_sources": [source]}


def build(root: Path, rows: int, sentences: int) -> None:
    """A home whose index has `rows` chunks."""
    import numpy as np

    from benchmarks.search import IMAGE_DIM, Vectors
    from foveal.pipeline.adapt import ATTACHMENT as ADAPTER
    from foveal.retrieval.adapter import FeatureLayout, fit
    from foveal.retrieval.text_space import build_text_space
    from foveal.runtime import Foveal
    from foveal.settings import load
    from foveal.types.chunks import ChunkChange, IndexSchema

    rng = np.random.default_rng(0)
    paragraphs = _lines(test_data() / "qa" / "xquad" / "corpus.en.jsonl")
    pool = [s.strip() for p in paragraphs for s in p["text"].split(". ") if len(s) > 20]
    shuffle = random.Random(0)
    with Foveal(load({"home": root, "offline": True, "index": INDEX}, environ=_models())) as foveal:
        text_model = foveal.models.text
        schema = IndexSchema(text_dim=text_model.dim, image_dim=IMAGE_DIM)
        points, pictures = Vectors(text_model.dim, rng), Vectors(IMAGE_DIM, rng)
        store, catalog = foveal.store, foveal.catalog
        generation = store.create(INDEX, schema)
        catalog.create_index(INDEX, schema, generation)
        features = pictures(400)
        described = text_model.embed_passages([f"picture {n} of thing {n * 7}" for n in range(100)])
        adapter = fit(
            features[:100], described, collection=features, space=build_text_space(text_model, (), ()),
            layout=FeatureLayout(vector=IMAGE_DIM),
        )  # fmt: skip
        real = text_model.embed_passages([p["text"] for p in paragraphs])
        own = tuple(
            _chunk(n, f"{p['_id']}.txt", p["text"], vector)
            for n, (p, vector) in enumerate(zip(paragraphs, real, strict=True))
        )
        generation = store.apply(INDEX, generation, ChunkChange(put=own))
        for first in range(len(own), rows, BATCH):
            count = min(BATCH, rows - first)
            vectors, images = points(count), pictures(count)
            seen = adapter.project(images)
            put = []
            for n in range(count):
                content = ". ".join(shuffle.choices(pool, k=sentences)) + "."
                image = (images[n], seen[n]) if n % 4 == 3 else None
                put.append(_chunk(first + n, f"{first + n}.{'jpg' if image else 'txt'}", content, vectors[n], image))
            generation = store.apply(INDEX, generation, ChunkChange(put=tuple(put)))
        generation = store.optimize(INDEX, generation)
        measured = foveal.parts.calibrations.measured(INDEX, generation)
        catalog.commit(INDEX, generation, attachments={ADAPTER: adapter.to_bytes(), **measured})


def _chunk(number: int, path: str, content: str, text: Any, image: tuple[Any, Any] | None = None) -> Any:
    from foveal.types.assets import AssetId, DocumentId, MediaKind
    from foveal.types.chunks import Chunk, ChunkId

    return Chunk(
        chunk_id=ChunkId(f"d{number:07}-0"),
        document_id=DocumentId(f"d{number:07}"),
        asset_id=AssetId(f"{number:064}"),
        kind=MediaKind.IMAGE if image else MediaKind.TEXT,
        media_type="image/jpeg" if image else "text/plain",
        source="/benchmark",
        title=f"{number}",
        filepath=path,
        content=content,
        description=content if image else "",
        language="en",
        perceptual_hash=(number * 0x9E3779B97F4A7C15) % 2**63 if image else None,
        text_vector=text,
        image_vector=image[0] if image else None,
        seen_vector=image[1] if image else None,
    )


def _questions(count: int) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """The paragraph of every question, and some questions."""
    data = test_data() / "qa" / "xquad"
    rows = (line.split("\t") for line in (data / "qrels.tsv").read_text("utf-8").splitlines()[1:])
    own = {row[0]: row[1] for row in rows}
    asked = [question for question in _lines(data / "queries.en.jsonl") if question["_id"] in own]
    return own, random.Random(0).sample(asked, count)


def _models() -> dict[str, str]:
    """Of the environment, only where model files are."""
    return {key: value for key, value in os.environ.items() if key == "FOVEAL_MODELS"}


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


if __name__ == "__main__":
    main(sys.argv[1:])
