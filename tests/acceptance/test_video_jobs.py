"""V1, S9: an ingestion of a video index is a job like any other, killed or not."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import pytest
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

import foveal as package
from foveal.testing.serving import served
from foveal.testing.videos import Scene, video_of
from foveal.types.ingestions import Ingestion, IngestionState
from foveal.types.sources import Secret
from foveal.types.videos import IndexFeature, VideoMode, VideoTask

from .conftest import Program

LIGHT = ("OBJECTS", "OCR", "SAFETY", "REGIONS")


class Storage:
    """Serves videos by name, and holds back the second half of `slow.mp4` until it is let go."""

    def __init__(self) -> None:
        low = np.random.default_rng(3).integers(0, 255, (6, 8, 3), np.uint8)
        self.video = video_of([Scene(pixels=np.kron(low, np.ones((16, 16, 1), np.uint8)), seconds=2)])
        self.asked: Counter[str] = Counter()
        self.let_go = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = Request(scope).url.path.strip("/")
        self.asked[name] += 1
        await StreamingResponse(self._pieces(slow=name == "slow.mp4"), media_type="video/mp4")(scope, receive, send)

    async def _pieces(self, *, slow: bool) -> AsyncIterator[bytes]:
        half = len(self.video) // 2
        yield self.video[:half]
        if slow:
            await asyncio.to_thread(self.let_go.wait)
        yield self.video[half:]


@pytest.fixture
def storage() -> Iterator[tuple[Storage, str]]:
    own = Storage()
    with served(own) as url:
        yield own, url
        own.let_go.set()


@pytest.fixture
def program(tmp_path: Path, all_models: Path) -> Program:
    variables = {f"FOVEAL_UNDERSTANDING_{name}": "false" for name in LIGHT}
    variables |= {"FOVEAL_SPEECH_ON": "false", "FOVEAL_OFFLINE": "false", "FOVEAL_FETCH_ALLOW": "127.0.0.1"}
    return Program(home=tmp_path / "home", models=all_models, variables=tuple(variables.items()))


def _fetched_one(home: package.Foveal) -> Ingestion:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        (job,) = home.jobs.recent()
        if job.stage == "fetch" and job.progress.done == 1:
            return job
        time.sleep(0.1)
    raise AssertionError("nothing was fetched in time")


@pytest.mark.timeout(240)
def test_a_killed_ingestion_is_gone_on_with_by_another_worker_and_what_was_fetched_stays(
    program: Program, storage: tuple[Storage, str]
) -> None:
    own, url = storage
    names = ("quick", "slow")
    tasks = [VideoTask(mode=VideoMode.ADD, document_id=n, url=Secret(f"{url}/{n}.mp4?sig=s")) for n in names]
    with package.open(program.home, models=program.models) as home:
        videos = home.vision.videos
        features = (IndexFeature(name="vision"),)
        videos.create("talks", fields=(), language="en", features=features, user_data={}, groups=("board",))
        batch = videos.start("talks", "one", tasks, None).batch
        killed = program.start("work", "--once")
        job = _fetched_one(home)
        assert (job.ingestion_id, job.kind, job.index, job.groups) == (batch, "videos", "talks", ("board",))
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        assert home.jobs.get(batch).state is IngestionState.INTERRUPTED
        assert videos.ingestion("talks", "one", None).state == "Running"

        own.let_go.set()
        assert "2 added" in program("work", "--once").out + program("jobs", "list").out
        assert own.asked == {"quick.mp4": 1, "slow.mp4": 2}
        (ended,) = home.jobs.recent()
        assert (ended.ingestion_id, ended.state) == (batch, IngestionState.SUCCEEDED)
        done = videos.ingestion("talks", "one", None)
        assert done.state == "Completed"
        assert [result.document_id for result in done.results] == ["quick", "slow"]
        assert len(list(home.catalog.documents("talks"))) == 2
