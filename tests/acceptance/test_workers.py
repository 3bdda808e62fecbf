"""S9, O4: worker processes share an ingestion on PostgreSQL; whichever is killed, nothing is lost or done twice."""

from __future__ import annotations

import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import foveal as package
from foveal.types.ingestions import Ingestion, IngestionState

from .conftest import Program

FILES, PICTURES = 500, 40


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Small texts and pictures, each unlike the others."""
    folder = tmp_path / "files"
    folder.mkdir()
    rng = np.random.default_rng(5)
    for number in range(PICTURES):
        low = rng.integers(0, 255, (4, 5, 3), np.uint8)
        Image.fromarray(low).resize((80, 64), Image.Resampling.BICUBIC).save(folder / f"{number:03}.png")
    for number in range(PICTURES, FILES):
        (folder / f"{number:03}.txt").write_text(f"Note {number}: the lighthouse of island {number * 7}.")
    return folder


@pytest.fixture
def program(tmp_path: Path, all_models: Path, postgres_url: str) -> Program:
    light = {"OBJECTS": "false", "OCR": "false", "SAFETY": "false"}
    variables = {f"FOVEAL_UNDERSTANDING_{name}": value for name, value in light.items()}
    variables |= {"FOVEAL_DATABASE": postgres_url, "FOVEAL_COMMIT_ASSETS": "16", "FOVEAL_WORKERS": "1"}
    return Program(home=tmp_path / "home", models=all_models, variables=tuple(variables.items()))


@pytest.fixture
def home(program: Program, postgres_url: str) -> Iterator[package.Foveal]:
    with package.open(program.home, models=program.models, offline=True, database=postgres_url) as opened:
        yield opened


def _when(home: package.Foveal, done: int, *processes: subprocess.Popen[str]) -> Ingestion:
    """The one job, as soon as so many items are through."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        jobs = home.jobs.recent()
        if jobs and (jobs[0].final or (jobs[0].stage == "understand" and jobs[0].progress.done >= done)):
            return jobs[0]
        assert any(process.poll() is None for process in processes), processes[0].communicate()
        time.sleep(0.1)
    raise AssertionError("nothing was done in time")


@pytest.mark.timeout(240)
@pytest.mark.parametrize("victim", ["the helper", "the one that started it"])
def test_one_of_two_workers_is_killed_and_all_is_there_once(
    program: Program, home: package.Foveal, files: Path, victim: str
) -> None:
    starter = program.start("ingest", files)
    _when(home, 0, starter)
    helper = program.start("work", "--once")
    job = _when(home, FILES // 3, starter, helper)
    assert not job.final
    killed, other = (helper, starter) if victim == "the helper" else (starter, helper)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    _, err = other.communicate(timeout=120)

    assert other.returncode == 0, err
    [ended] = home.jobs.recent()
    assert (ended.state, ended.counts.added, ended.counts.found) == (IngestionState.SUCCEEDED, FILES, FILES)
    assert ended.progress.done == ended.progress.todo == FILES
    record = home.catalog.index("default")
    chunks = Counter(c.filepath for c in home.store.snapshot("default", record.generation).scan())
    assert chunks == dict.fromkeys((path.name for path in files.iterdir()), 1)
    assert len(list(home.catalog.documents("default"))) == FILES
    assert home.parts.queue.open_items(ended.ingestion_id) == 0


@pytest.mark.timeout(240)
def test_processes_of_one_command_share_the_work(program: Program, home: package.Foveal, files: Path) -> None:
    for path in sorted(files.iterdir())[60:]:
        path.unlink()
    done = program("ingest", files, "--processes", "2")
    assert "60 added" in done.out
    again = program("ingest", files, "--processes", "2")
    assert "60 unchanged" in again.out
    assert home.index_status("default").documents == 60
