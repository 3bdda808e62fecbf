"""The review before start: a plan says what the run then does, what is not used and why, and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from foveal.pipeline.plan import CAPTION_COMPLETION_TOKENS, CAPTION_PROMPT_TOKENS, Planner, PricedModel
from foveal.types.assets import MediaKind, Sniffed

from .conftest import INDEX, Home

Photo = Callable[..., Path]


def planner(home: Home, *, captioner: PricedModel | None = None, limit_bytes: int | None = None) -> Planner:
    def limit_of(sniffed: Sniffed) -> int | None:
        return limit_bytes if sniffed.kind is MediaKind.IMAGE else None

    return Planner(
        catalog=home.catalog,
        log=home.log,
        preparer=home.preparer(),
        workers=2,
        words=home.words,
        captioner=captioner,
        limit_of=limit_of,
    )


def test_a_plan_counts_what_the_run_then_does(home: Home, photo: Photo) -> None:
    for number in range(4):
        photo(f"{number}.png", number)
    home.ingest()
    photo("0.png", 10)
    photo("new.png", 11)
    (home.photos / "1.png").unlink()
    (home.photos / "notes.txt").write_text("Words.")
    (home.photos / "drawing.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    plan = planner(home).plan(home.request())
    assert dict(plan.by_media_type) == {"image/png": 2, "text/plain": 1, "image/svg+xml": 1}
    done = home.ingest().counts
    for name in ("found", "added", "changed", "deleted", "unchanged", "skipped", "failed"):
        assert getattr(plan.counts, name) == getattr(done, name), name
    assert planner(home).plan(home.request()).counts.unchanged == done.found


def test_what_will_not_be_used_is_told_with_its_reason(home: Home, photo: Photo) -> None:
    size = photo("a.png", 1).stat().st_size
    (home.photos / "large.png").write_bytes((home.photos / "a.png").read_bytes() + b"\0" * size)
    (home.photos / "drawing.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (home.photos / "metadata.json").write_text('[{"image_blob_path": "nowhere.png", "description": "x"}]')
    plan = planner(home, limit_bytes=size).plan(home.request())
    told = {unused.path: unused.reason for unused in plan.unused}
    assert set(told) == {"metadata.json", "drawing.svg", "large.png"}
    assert "nowhere.png" in told["metadata.json"]
    assert "SVG" in told["drawing.svg"]
    assert "larger than" in told["large.png"]
    assert (plan.counts.added, plan.counts.skipped, plan.counts.failed) == (1, 1, 1)


def test_captions_cost_what_the_deployment_says_and_described_images_nothing(home: Home, photo: Photo) -> None:
    for number in range(3):
        photo(f"{number}.png", number)
    (home.photos / "metadata.json").write_text('[{"image_blob_path": "0.png", "description": "A teapot."}]')
    priced = PricedModel(name="gpt-4o", price_prompt=2.5, price_completion=10.0, concurrency=2)
    (work,) = planner(home, captioner=priced).plan(home.request()).work
    assert (work.role, work.model, work.calls) == ("caption", "gpt-4o", 2)
    cost = 2 * (CAPTION_PROMPT_TOKENS * 2.5 + CAPTION_COMPLETION_TOKENS * 10.0) / 1e6
    assert work.cost == pytest.approx(cost)
    free = PricedModel(name="local", price_prompt=None, price_completion=None, concurrency=1)
    assert planner(home, captioner=free).plan(home.request()).work[0].cost is None


def test_time_is_a_guess_until_a_job_was_done_and_then_what_it_took(home: Home, photo: Photo) -> None:
    for number in range(20):
        photo(f"{number}.png", number)
    guess = planner(home).plan(home.request())
    assert not guess.measured
    job = home.ingest()
    assert job.finished_at is not None
    took = (job.finished_at - job.started_at).total_seconds()
    for number in range(20, 40):
        photo(f"{number}.png", number)
    plan = planner(home).plan(home.request())
    assert plan.measured
    assert plan.seconds == pytest.approx(took, rel=0.2)  # as many again
    assert [job.index for job in home.log.recent()] == [INDEX]  # a plan is no job
