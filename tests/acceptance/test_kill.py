"""S9: killed at any moment, an ingestion goes on where it was, and ends as if nothing had happened."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

import foveal as package

from .conftest import Program


def _photos(source: Path, target: Path, count: int) -> Path:
    target.mkdir()
    for path in sorted((source / "photos").rglob("*.jpg"))[:: max(1, 1000 // count)][:count]:
        shutil.copy(path, target / path.name)
    return target


def _content(program: Program) -> dict[str, tuple[object, ...]]:
    with package.open(program.home, models=program.models, offline=True) as home:
        record = home.catalog.index("default")
        return {
            c.filepath: (c.asset_id, c.content, c.tags, c.text_vector, c.image_vector, c.seen_vector)
            for c in home.store.snapshot("default", record.generation).scan(vectors=True)
        }


def _under_way(program: Program, process: subprocess.Popen[str], done: int) -> str:
    """The id of the one job, as soon as so many of its files are through."""
    with package.open(program.home, models=program.models, offline=True) as home:
        while process.poll() is None:
            for job in home.jobs.recent():
                if job.final or (job.stage == "understand" and job.progress.done >= done):
                    return job.ingestion_id
            time.sleep(0.1)
    raise AssertionError(process.communicate())


@pytest.mark.timeout(400)
def test_killed_three_times_midway_the_end_state_is_that_of_an_undisturbed_run(
    tmp_path: Path, all_models: Path, test_data: Path
) -> None:
    photos = _photos(test_data, tmp_path / "photos", 60)
    calm = Program(home=tmp_path / "calm", models=all_models)
    calm("--set", "commit_assets=8", "ingest", photos)
    harried = Program(home=tmp_path / "harried", models=all_models)
    rng = random.Random(7)
    killed = 0
    for _ in range(3):
        process = harried.start("--set", "commit_assets=8", "ingest", photos)
        time.sleep(3 + 2 * rng.random())
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.communicate()

    harried("--set", "commit_assets=8", "ingest", photos)

    assert killed >= 1
    expected, found = _content(calm), _content(harried)
    assert found.keys() == expected.keys()
    for path, values in expected.items():
        assert found[path][:3] == values[:3]
        for mine, theirs in zip(found[path][3:], values[3:], strict=True):
            assert (mine is None) == (theirs is None)
            if mine is not None:
                np.testing.assert_allclose(mine, theirs, atol=1e-4)  # type: ignore[arg-type]


def test_ctrl_c_leaves_a_state_to_go_on_from(tmp_path: Path, all_models: Path, test_data: Path) -> None:
    photos = _photos(test_data, tmp_path / "photos", 40)
    program = Program(home=tmp_path / "home", models=all_models)
    process = program.start("--set", "commit_assets=4", "ingest", photos)
    _under_way(program, process, 5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)

    assert process.returncode in {0, 130}
    assert "Traceback" not in err
    program("ingest", photos)
    assert len(_content(program)) == 40


def test_a_running_ingestion_is_cancelled_from_another_process(
    tmp_path: Path, all_models: Path, test_data: Path
) -> None:
    photos = _photos(test_data, tmp_path / "photos", 60)
    program = Program(home=tmp_path / "home", models=all_models)
    process = program.start("--set", "commit_assets=2", "ingest", photos)
    program("jobs", "cancel", _under_way(program, process, 5))
    out, _ = process.communicate(timeout=120)

    assert "cancelled" in out or "succeeded" in out
    program("ingest", photos)
    assert len(_content(program)) == 60
