"""Watched folders, over the system's own events: with a counting ingestion, and served with a real one."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from foveal.models.cards import Card
from foveal.pipeline.jobs import Jobs
from foveal.pipeline.saved_sources import SavedSources
from foveal.runtime.watching import Watcher
from foveal.testing.fakes_sources import InMemorySourceRegistry, counting_sources
from foveal.testing.fakes_stores import InMemoryIngestionLog
from foveal.testing.serving import environment, launched
from foveal.types.ingestions import Ingestion, IngestionState, JobKind
from foveal.types.sources import SourceDraft, SourceKind


class World:
    def __init__(self) -> None:
        self.log = InMemoryIngestionLog()
        self.sources: SavedSources = counting_sources(InMemorySourceRegistry(), self.log)
        self.jobs = Jobs(self.log, {JobKind.REFRESH: lambda job, _: self.sources.refresh(job.saved_source, job=job)})
        self.told: list[str] = []

    def add(self, folder: Path, *, name: str = "texts", watch: bool = True, every: str = "") -> None:
        draft = SourceDraft(
            name=name, kind=SourceKind.FOLDER, index="texts", path=str(folder), watch=watch, every=every
        )
        self.sources.add(self.sources.settle(draft, None), None)

    @contextmanager
    def watched(self, *only: str, fallback_s: float = 60.0) -> Iterator[None]:
        over = threading.Event()
        watcher = Watcher(self.sources, tell=self.told.append, only=only or None, fallback_s=fallback_s)
        thread = threading.Thread(target=watcher.run, args=(over,), kwargs={"look_s": 0.1})
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(timeout=30)
            assert not thread.is_alive()

    def next_run(self, within_s: float = 20.0) -> Ingestion:
        deadline = time.monotonic() + within_s
        while (job := self.jobs.run_next()) is None:
            assert time.monotonic() < deadline, "nothing was queued"
            time.sleep(0.05)
        return job


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "texts"
    made.mkdir()
    (made / "a.txt").write_text("words")
    return made


def test_a_watched_folder_is_read_at_first_and_after_every_change(world: World, folder: Path) -> None:
    world.add(folder)
    with world.watched():
        assert world.next_run().counts.found == 1
        (folder / "b.txt").write_text("more words")
        assert world.next_run().counts.found == 2
        (folder / "deep").mkdir()
        (folder / "b.txt").rename(folder / "deep" / "c.txt")
        assert world.next_run().counts.found == 2
        shutil.rmtree(folder / "deep")
        assert world.next_run().counts.found == 1


def test_many_changes_of_a_moment_are_one_run(world: World, folder: Path) -> None:
    world.add(folder)
    with world.watched():
        world.next_run()
        for number in range(200):
            (folder / f"{number}.txt").write_text("words")
        assert world.next_run().counts.found == 201
        time.sleep(0.5)
        assert world.jobs.run_next() is None


def test_changes_during_a_run_are_read_after_it_and_never_at_once(world: World, folder: Path) -> None:
    world.add(folder)
    with world.watched():
        world.next_run()
        (folder / "b.txt").write_text("words")
        deadline = time.monotonic() + 20
        while (first := world.log.claim()) is None:
            assert time.monotonic() < deadline
        (folder / "c.txt").write_text("words")
        time.sleep(1.0)
        assert world.jobs.run_next() is None
        world.log.update(first.ingestion_id, state=IngestionState.SUCCEEDED)
        assert world.next_run().counts.found == 3


def test_what_a_folder_source_does_not_list_is_not_waited_for(world: World, folder: Path) -> None:
    world.add(folder)
    with world.watched():
        world.next_run()
        (folder / ".hidden").write_text("words")
        (folder / "~$report.docx").write_text("a lock of Word")
        time.sleep(1.0)
        assert world.jobs.run_next() is None


def test_only_sources_that_say_so_are_watched(world: World, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "others"
    other.mkdir()
    world.add(folder, watch=False)
    world.add(other, name="others")
    with world.watched():
        assert world.next_run().saved_source == "others"
        (folder / "b.txt").write_text("words")
        time.sleep(1.0)
        assert world.jobs.run_next() is None
    with world.watched("texts"):  # named on the command line
        assert world.next_run().saved_source == "texts"


def test_a_source_is_watched_from_when_it_is_added_until_it_is_removed(world: World, folder: Path) -> None:
    with world.watched():
        time.sleep(0.3)
        world.add(folder)
        assert world.next_run().counts.found == 1
        world.sources.remove("texts", keep_data=True)
        time.sleep(0.5)
        (folder / "b.txt").write_text("words")
        time.sleep(1.0)
        assert world.jobs.run_next() is None


def test_where_there_are_no_events_it_is_told_and_read_again_after_a_while(world: World, tmp_path: Path) -> None:
    world.add(tmp_path / "later")
    world.add(tmp_path / "scheduled", name="scheduled", every="6h")
    with world.watched(fallback_s=0.2):
        run = world.next_run()
        assert (run.saved_source, run.state) == ("texts", IngestionState.FAILED)
        assert len([line for line in world.told if "texts cannot be watched" in line]) == 1
        assert any("scheduled cannot be watched" in line for line in world.told)
        (tmp_path / "later").mkdir()
        (tmp_path / "later" / "a.txt").write_text("words")
        deadline = time.monotonic() + 20
        while world.next_run().counts.found != 1:
            assert time.monotonic() < deadline
        assert all(job.saved_source == "texts" for job in world.jobs.recent())


def test_a_change_is_searchable_within_seconds_while_a_server_runs(
    tmp_path: Path, models_dir: Path, pulled: Callable[[str], Card], folder: Path
) -> None:
    pulled("multilingual-e5-small")
    environ = environment(home=tmp_path / "home", models=models_dir, offline=1)
    program = [sys.executable, "-m", "foveal"]
    add = ["source", "add", "texts", "--kind", "folder", "--path", str(folder), "--watch", "--index", "texts"]
    said = subprocess.run([*program, *add], check=True, timeout=60, capture_output=True, env=environ)
    assert b"watched" in said.stdout
    with launched(environ) as running, httpx.Client(base_url=running.address, trust_env=False, timeout=30) as http:

        def names(text: str) -> set[str]:
            answer = http.post("/v1/search", json={"index": "texts", "text": text})
            return {hit["filepath"] for hit in answer.json().get("hits", [])}

        def until(text: str, wanted: Callable[[set[str]], bool]) -> float:
            began = time.monotonic()
            while not wanted(names(text)):
                assert time.monotonic() - began < 60, names(text)
                time.sleep(0.1)
            return time.monotonic() - began

        until("words", lambda seen: "a.txt" in seen)
        (folder / "zeppelin.txt").write_text("The zeppelin lands in the harbour at noon.")
        until("zeppelin harbour", lambda seen: "zeppelin.txt" in seen)
        (folder / "zeppelin.txt").unlink()
        until("zeppelin harbour", lambda seen: "zeppelin.txt" not in seen)
