"""R7: another embedding model is built beside the live index, switched to at once, and back."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from foveal.__main__ import main
from foveal.errors import ConflictError, DeploymentNotFoundError, IndexNotFoundError, ModelError, OperationError
from foveal.models.cards import Card
from foveal.pipeline.reembed import embedded_words
from foveal.runtime import Foveal
from foveal.settings import load
from foveal.testing.openai_server import Faults, OpenAIServer
from foveal.types.ingestions import IngestionProgress, IngestionState, JobKind
from foveal.types.search import Leg, Mode, Query, SearchResult

DIM = 64
QUESTION = "After which time does the dental plan pay for a crown?"
TEXTS = {
    "dental.md": "# Dental\n\nThe dental plan pays for a crown after one year of service.",
    "vision.md": "# Vision\n\n## Glasses\n\nThe vision plan pays for new glasses every second year.",
    "parking.txt": "Parking in the garage is free for everybody before nine in the morning.",
}


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as started:
        yield started


@pytest.fixture
def home(tmp_path: Path, server: OpenAIServer, models_dir: Path, pulled: Callable[[str], Card]) -> Iterator[Foveal]:
    for card in ("multilingual-e5-small", "efficientnet-lite2"):
        pulled(card)
    (tmp_path / "files").mkdir()
    for name, text in TEXTS.items():
        (tmp_path / "files" / name).write_text(text)
    deployment = {"kind": "embedding", "base_url": server.base_url, "model": "served", "dim": DIM, "retries": 0}
    flags = {
        "home": str(tmp_path / "home"),
        "models": str(models_dir),
        "offline": True,
        "index": "plans",
        "deployments": {"served": deployment, "talking": {"kind": "chat"}},
    }
    with Foveal(load(flags, environ={})) as foveal:
        foveal.ingest([tmp_path / "files"])
        yield foveal


def by_vector(foveal: Foveal) -> SearchResult:
    return foveal.search("plans", Query(text=QUESTION, mode=Mode.VECTOR))


def vectors(foveal: Foveal) -> dict[str, int]:
    record = foveal.catalog.index("plans")
    chunks = foveal.store.snapshot("plans", record.generation).scan(vectors=True)
    return {c.chunk_id: len(c.text_vector) for c in chunks if c.text_vector is not None}


def embedded(server: OpenAIServer, mark: int) -> list[str]:
    """What it was sent since."""
    return [text for call in server.calls[mark:] if "embeddings" in call.path for text in call.body["input"]]  # type: ignore[union-attr]


def test_the_vectors_of_another_model_and_length_take_over_and_the_chunks_stay(
    home: Foveal, server: OpenAIServer
) -> None:
    before, words = by_vector(home), home.search("plans", Query(text="crown", mode=Mode.KEYWORD))
    assert before.hits[0].chunk.filepath == "dental.md"
    told: list[IngestionProgress] = []
    job = home.reembed("plans", "served", observe=told.append)
    assert (job.kind, job.state, job.counts.changed) == (JobKind.REEMBED, IngestionState.SUCCEEDED, 3)
    assert [(p.done, p.todo) for p in told if p.stage == "embed"][-1] == (3, 3)
    assert home.jobs.recent("plans")[0] == job
    assert set(vectors(home).values()) == {DIM}
    record = home.catalog.index("plans")
    assert (record.text_model, record.schema.text_dim) == ("served", DIM)
    mark = len(server.calls)
    after = by_vector(home)
    assert embedded(server, mark) == [QUESTION]
    assert after.hits[0].legs[0].leg is Leg.TEXT
    assert {h.chunk.chunk_id for h in after.hits} == {h.chunk.chunk_id for h in before.hits}
    assert [h.chunk for h in home.search("plans", Query(text="crown", mode=Mode.KEYWORD)).hits] == [
        h.chunk for h in words.hits
    ]
    assert (
        home.index_status("plans").text_model.startswith(server.base_url)
        or "served" in home.index_status("plans").text_model
    )


def test_switching_back_embeds_nothing_and_gives_what_was_there(home: Foveal, server: OpenAIServer) -> None:
    before = by_vector(home)
    home.reembed("plans", "served")
    assert [(e.text_model, e.text_dim) for e in home.editions("plans")] == [("", 384)]
    job = home.reembed("plans", "foveal-embedding")
    assert "Switched back" in job.message
    again = by_vector(home)
    assert [(h.chunk.chunk_id, h.score, h.confidence) for h in again.hits] == [
        (h.chunk.chunk_id, h.score, h.confidence) for h in before.hits
    ]
    mark = len(server.calls)
    assert "Switched back" in home.reembed("plans", "served").message
    assert embedded(server, mark) == []
    assert set(vectors(home).values()) == {DIM}


def test_an_index_that_changed_meanwhile_is_built_anew_from_what_is_cached(
    home: Foveal, server: OpenAIServer, tmp_path: Path
) -> None:
    home.reembed("plans", "served")
    (tmp_path / "files" / "new.txt").write_text("The canteen serves soup on Mondays.")
    mark = len(server.calls)
    home.ingest([tmp_path / "files"])
    assert any(text.endswith("The canteen serves soup on Mondays.") for text in embedded(server, mark))
    assert set(vectors(home).values()) == {DIM}
    assert len(vectors(home)) == 4
    job = home.reembed("plans", "foveal-embedding")
    assert "Switched back" not in job.message
    assert set(vectors(home).values()) == {384}
    assert len(vectors(home)) == 4
    assert home.search("plans", Query(text="soup on Mondays", mode=Mode.VECTOR)).hits[0].chunk.filepath == "new.txt"


def test_the_old_vectors_are_searched_until_the_new_ones_are_all_there(home: Foveal, server: OpenAIServer) -> None:
    before = by_vector(home)
    seen: list[tuple[str, SearchResult]] = []

    def watching(progress: IngestionProgress) -> None:
        seen.append((home.catalog.index("plans").text_model, by_vector(home)))

    home.reembed("plans", "served", observe=watching)
    assert seen
    assert {name for name, _ in seen} == {""}
    assert all(found.hits == before.hits for _, found in seen)


def test_readers_in_other_threads_never_meet_vectors_of_another_length(home: Foveal) -> None:
    stop, failures, done = threading.Event(), [], []

    def read() -> None:
        while not stop.is_set():
            try:
                done.append(len(by_vector(home).hits))
            except Exception as error:  # noqa: BLE001 - any is a failure of the test
                failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for name in ("served", "foveal-embedding", "served"):
        home.reembed("plans", name)
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures
    assert set(done) == {3}


@pytest.mark.parametrize("how", ["killed", "cancelled", "failed"])
def test_what_stops_half_way_leaves_the_index_as_it_was_and_can_be_done_again(
    home: Foveal, server: OpenAIServer, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foveal.pipeline.reembed.BATCH", 1)
    before, usual = by_vector(home), server.faults

    def stopping(progress: IngestionProgress) -> None:
        if progress.done == 1 and how == "killed":
            raise KeyboardInterrupt
        if progress.done == 1 and how == "cancelled":
            home.jobs.cancel(home.jobs.recent("plans")[0].ingestion_id)
        if progress.done == 1 and how == "failed":
            server.faults = Faults(status=503)

    if how == "cancelled":
        assert home.reembed("plans", "served", observe=stopping).state is IngestionState.CANCELLED
    else:
        with pytest.raises(KeyboardInterrupt if how == "killed" else ModelError):
            home.reembed("plans", "served", observe=stopping)
    assert home.catalog.index("plans").text_model == ""
    assert by_vector(home).hits == before.hits
    server.faults = usual
    mark = len(server.calls)
    assert home.reembed("plans", "served").state is IngestionState.SUCCEEDED
    again = [text for text in embedded(server, mark) if any(text.endswith(known[-20:]) for known in TEXTS.values())]
    assert len(again) == 2  # the first was in the cache
    assert set(vectors(home).values()) == {DIM}


def test_what_cannot_be_done_is_refused_and_changes_nothing(home: Foveal) -> None:
    for index, model, error in (
        ("nowhere", "served", IndexNotFoundError),
        ("plans", "unknown", DeploymentNotFoundError),
        ("plans", "talking", OperationError),
        ("plans", "foveal-embedding", ConflictError),
    ):
        with pytest.raises(error):
            home.reembed(index, model)
    assert set(vectors(home).values()) == {384}


def test_the_words_that_are_embedded_are_those_that_were_at_the_ingest(home: Foveal, server: OpenAIServer) -> None:
    record = home.catalog.index("plans")
    chunks = {c.filepath: c for c in home.store.snapshot("plans", record.generation).scan()}
    words = {path: embedded_words(chunk) for path, chunk in chunks.items()}
    cached = home.parts.texts
    for path, chunk in chunks.items():
        found = home.store.snapshot("plans", record.generation).fetch([chunk.chunk_id])[0].text_vector
        assert found is not None
        np.testing.assert_allclose(cached.embed([words[path]])[0], found, atol=1e-6)


def test_the_command_line_shows_and_switches(
    home: Foveal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "foveal.toml"
    server = home.settings.deployments["served"]
    config.write_text(
        f'[deployments.served]\nkind = "embedding"\nbase_url = "{server.base_url}"\nmodel = "served"\ndim = {DIM}\n'
    )

    def run(*arguments: str) -> str:
        flags = ["--config", str(config), "--home", str(home.settings.home), "--set", f"models={home.settings.models}"]
        monkeypatch.setattr(sys, "argv", ["foveal", "--offline", *flags, *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        assert not end.value.code
        return capsys.readouterr().out

    assert "3 changed (succeeded" in run("index", "reembed", "plans", "--model", "served")
    shown = json.loads(run("index", "models", "plans", "--json"))
    assert shown == [
        {"model": "served", "dimensions": DIM, "state": "live"},
        {"model": "foveal-embedding", "dimensions": 384, "state": "kept"},
    ]
    assert "Switched back" in run("index", "reembed", "plans", "--model", "foveal-embedding")
