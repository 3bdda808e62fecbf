"""S10: jobs over HTTP: seen, followed, stopped and tried again by those who may."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import httpx
import pytest

from foveal.api.auth import Role
from foveal.api.native import jobs as routes
from foveal.testing.fakes_engine import FakeEngine
from foveal.types.ingestions import AssetFailure, Ingestion, IngestionCounts, IngestionState, JobOrder, JobProgress

from .test_sources import code

PHOTOS = JobOrder(index="photos", source="/photos")
BROKEN = AssetFailure(path="a.jpg", stage="read", code="unreadable", reason="Broken.", remedy="Mend it.")


def partly_failed(engine: FakeEngine, order: JobOrder = PHOTOS) -> Ingestion:
    job = engine.log.start(order)
    counts = IngestionCounts(found=2, added=1, failed=1)
    engine.log.add_failures(job.ingestion_id, [BROKEN])
    engine.log.update(job.ingestion_id, counts, state=IngestionState.PARTIAL)
    return job


def test_jobs_are_listed_newest_first_and_shown_with_what_failed(http: httpx.Client, engine: FakeEngine) -> None:
    old = partly_failed(engine)
    new = engine.log.start(JobOrder(index="texts", source="/texts"))
    engine.log.update(new.ingestion_id, stage="understand")
    time.sleep(0.01)
    engine.log.update(new.ingestion_id, progress=JobProgress(todo=10, done=5, bytes_done=50))
    listed = http.get("/v1/jobs").json()["jobs"]
    assert [job["id"] for job in listed] == [new.ingestion_id, old.ingestion_id]
    assert [job["id"] for job in http.get("/v1/jobs?index=photos").json()["jobs"]] == [old.ingestion_id]
    assert len(http.get("/v1/jobs?limit=1").json()["jobs"]) == 1
    shown = http.get(f"/v1/jobs/{new.ingestion_id}").json()
    assert (shown["stage"], shown["todo"], shown["done"], shown["bytes_done"]) == ("understand", 10, 5, 50)
    assert shown["seconds_left"] > 0
    ended = http.get(f"/v1/jobs/{old.ingestion_id}").json()
    assert (ended["state"], ended["counts"]["failed"]) == ("partially_succeeded", 1)
    assert ended["failures"] == [
        {"path": "a.jpg", "stage": "read", "code": "unreadable", "reason": "Broken.", "remedy": "Mend it."}
    ]
    assert code(http.get("/v1/jobs/nothing")) == (404, "not_found")


def test_a_job_is_cancelled_and_what_failed_is_tried_again(http: httpx.Client, engine: FakeEngine) -> None:
    failed = partly_failed(engine)
    running = engine.log.start(JobOrder(index="texts", source="/texts"))
    stopped = http.post(f"/v1/jobs/{running.ingestion_id}/cancel")
    assert (stopped.status_code, stopped.json()["cancel_asked"], stopped.json()["state"]) == (202, True, "running")
    assert engine.log.cancelled(running.ingestion_id)
    assert code(http.post(f"/v1/jobs/{running.ingestion_id}/retry")) == (409, "conflict")
    again = http.post(f"/v1/jobs/{failed.ingestion_id}/retry")
    assert (again.status_code, again.json()["state"], again.json()["retries"]) == (202, "queued", failed.ingestion_id)
    assert http.get(again.headers["location"]).json()["id"] == again.json()["id"]


def test_a_job_is_followed_to_its_end(http: httpx.Client, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(routes, "ALIVE_EVERY_S", 0.06)
    job = engine.log.start(PHOTOS)

    address = f"/v1/jobs/{job.ingestion_id}/events"
    lines: list[str] = []
    with http.stream("GET", address) as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        for line in reply.iter_lines():
            lines.append(line)
            if line == ": alive" and lines.count(line) == 1:  # the job goes on once the stream was seen to wait for it
                engine.log.update(job.ingestion_id, stage="understand", progress=JobProgress(todo=2, done=1))
            elif line.startswith("data: ") and json.loads(line.removeprefix("data: "))["done"] == 1:
                engine.log.update(job.ingestion_id, progress=JobProgress(todo=2, done=2))
                engine.log.update(job.ingestion_id, state=IngestionState.SUCCEEDED)
    told = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    assert (told[0]["state"], told[0]["done"]) == ("running", 0)
    assert (told[-1]["state"], told[-1]["done"]) == ("succeeded", 2)
    ids = [line.removeprefix("id: ") for line in lines if line.startswith("id: ")]
    assert http.get(address, headers={"last-event-id": ids[-1]}).status_code == 204
    assert http.get(address, headers={"last-event-id": ids[0]}).status_code == 200


def test_jobs_are_for_contributors(keyed: Callable[..., httpx.Client], engine: FakeEngine) -> None:
    job = engine.log.start(PHOTOS).ingestion_id
    reader = keyed(Role.READER)
    for response in (
        reader.get("/v1/jobs"),
        reader.get(f"/v1/jobs/{job}"),
        reader.get(f"/v1/jobs/{job}/events"),
        reader.post(f"/v1/jobs/{job}/cancel"),
        reader.post(f"/v1/jobs/{job}/retry"),
    ):
        assert code(response) == (403, "forbidden")


def test_a_key_with_groups_has_the_jobs_of_its_groups_only(
    keyed: Callable[..., httpx.Client], engine: FakeEngine
) -> None:
    hidden = [
        partly_failed(engine),
        partly_failed(engine, JobOrder(index="board", source="/b", groups=("board", "press"))),
    ]
    mine = partly_failed(engine, JobOrder(index="press", source="/p", groups=("press",)))
    press = keyed(Role.CONTRIBUTOR, ("press", "radio"))
    assert [job["id"] for job in press.get("/v1/jobs?limit=1").json()["jobs"]] == [mine.ingestion_id]
    assert press.post(f"/v1/jobs/{mine.ingestion_id}/retry").status_code == 202
    for job in hidden:
        address = f"/v1/jobs/{job.ingestion_id}"
        for response in (
            press.get(address),
            press.get(f"{address}/events"),
            press.post(f"{address}/cancel"),
            press.post(f"{address}/retry"),
        ):
            assert code(response) == (404, "not_found")
