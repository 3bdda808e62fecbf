"""S1, S9, S11, S12: an index follows its source, each model call is made once, one bad file stops nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from foveal.errors import ConflictError, ModelUnavailableError, SourceUnusableError
from foveal.pipeline.adapt import ATTACHMENT
from foveal.pipeline.ingest import Ingester, IngestRequest
from foveal.testing.fakes_remote import FakeCaptioner
from foveal.testing.fakes_text import FakeTextEmbedder
from foveal.types.content import Caption
from foveal.types.ingestions import DocumentState, IngestionProgress, IngestionState, JobOrder
from foveal.types.vectors import Pixels

from .conftest import INDEX, Home

Photo = Callable[..., Path]


class Exhausted(FakeCaptioner):
    """Answers five calls, then no more."""

    def caption(self, image: Pixels, facts: str) -> Caption:
        if self.calls >= 5:
            raise ModelUnavailableError("The captioner does not answer.")
        return super().caption(image, facts)


def test_every_readable_file_of_a_folder_becomes_searchable(home: Home, photo: Photo) -> None:
    photo("a.png", 1)
    photo("deep/er/b.jpg", 2)
    (home.photos / "notes.md").write_text("# Trip\n\nWe saw two dogs on the beach.\n")

    job = home.ingest()

    assert job.state is IngestionState.SUCCEEDED
    assert job.counts.added == 3
    assert set(home.chunks()) == {"a.png#0", "deep/er/b.jpg#0", "notes.md#0"}
    note = home.chunks()["notes.md#0"]
    assert note.title == "Trip"
    assert "two dogs" in note.content


def test_an_unchanged_collection_costs_no_model_call(home: Home, photo: Photo) -> None:
    home.captioner = FakeCaptioner()
    for seed in range(6):
        photo(f"{seed}.png", seed)
    home.ingest()
    before = home.model_calls
    assert home.captioner.calls == 6

    job = home.ingest()

    assert home.model_calls == before
    assert job.counts.unchanged == 6
    assert job.counts.added == job.counts.changed == 0


def test_a_touched_file_with_the_same_bytes_costs_no_model_call(home: Home, photo: Photo) -> None:
    path = photo("a.png", 1)
    home.ingest()
    before, generation = home.model_calls, home.catalog.index(INDEX).generation
    os.utime(path, ns=(1, 1))

    job = home.ingest()

    assert home.model_calls == before
    assert job.counts.unchanged == 1
    assert home.catalog.index(INDEX).generation >= generation
    assert list(home.chunks()) == ["a.png#0"]


def test_a_moved_file_is_followed_without_a_model_call(home: Home, photo: Photo) -> None:
    path = photo("old/a.png", 1)
    home.ingest()
    before = home.model_calls
    (home.photos / "new").mkdir()
    path.rename(home.photos / "new" / "b.png")

    job = home.ingest()

    assert home.model_calls == before
    assert (job.counts.moved, job.counts.deleted, job.counts.added) == (1, 0, 0)
    assert list(home.chunks()) == ["new/b.png#0"]


def test_a_changed_file_replaces_its_chunks(home: Home, photo: Photo) -> None:
    photo("a.png", 1)
    home.ingest()
    first = home.chunks()["a.png#0"]
    photo("a.png", 2)

    job = home.ingest()

    assert job.counts.changed == 1
    second = home.chunks()["a.png#0"]
    assert second.asset_id != first.asset_id
    assert not np.allclose(second.image_vector, first.image_vector)


def test_a_deleted_file_is_gone_from_index_catalog_and_derived_bytes(home: Home, photo: Photo) -> None:
    photo("a.png", 1)
    path = photo("b.png", 2)
    home.ingest()
    asset = home.chunks()["b.png#0"].asset_id
    home.derived.put(asset, "0-320.jpg", b"thumbnail")
    path.unlink()

    job = home.ingest()

    assert job.counts.deleted == 1
    assert list(home.chunks()) == ["a.png#0"]
    assert [d.item.path for d in home.catalog.documents(INDEX)] == ["a.png"]
    assert home.derived.get(asset, "0-320.jpg") is None


def test_one_broken_file_is_listed_with_a_reason_and_the_rest_is_searchable(home: Home, photo: Photo) -> None:
    photo("good.png", 1)
    (home.photos / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"rubbish" * 20)
    (home.photos / "empty.jpg").write_bytes(b"")
    (home.photos / "programme.bin").write_bytes(bytes(range(256)))
    seen: list[IngestionProgress] = []

    job = home.ingester().run(home.request(), seen.append)

    assert job.state is IngestionState.PARTIAL
    assert (job.counts.added, job.counts.failed, job.counts.skipped) == (1, 2, 1)
    failures = {f.path: f for p in seen for f in p.failures}
    assert set(failures) == {"broken.png", "empty.jpg"}
    assert all(f.reason for f in failures.values())
    states = {d.item.path: d.state for d in home.catalog.documents(INDEX)}
    assert states["broken.png"] is DocumentState.FAILED
    assert states["programme.bin"] is DocumentState.SKIPPED
    assert list(home.chunks()) == ["good.png#0"]


def test_a_file_that_breaks_loses_its_old_chunks(home: Home, photo: Photo) -> None:
    path = photo("a.png", 1)
    home.ingest()
    path.write_bytes(path.read_bytes()[:40])

    home.ingest()

    assert home.chunks() == {}


def test_a_persons_description_wins_and_is_kept_apart(home: Home, photo: Photo) -> None:
    home.captioner = FakeCaptioner()
    photo("a.png", 1)
    photo("b.png", 2)
    (home.photos / "metadata.json").write_text(
        json.dumps([{"image_blob_path": "a.png", "description": "Grandmother's blue teapot"}])
    )

    home.ingest()

    described, captioned = home.chunks()["a.png#0"], home.chunks()["b.png#0"]
    assert described.description == "Grandmother's blue teapot"
    assert described.caption == ""
    assert described.content.startswith("Grandmother's blue teapot")
    assert captioned.description == ""
    assert captioned.caption
    assert home.captioner.calls == 1
    assert "metadata.json#0" not in home.chunks()


def test_a_changed_description_is_followed_without_looking_at_the_image_again(home: Home, photo: Photo) -> None:
    photo("a.png", 1)
    metadata = home.photos / "metadata.json"
    metadata.write_text(json.dumps([{"image_blob_path": "a.png", "description": "first words"}]))
    home.ingest()
    looked = home.encoder.calls + home.detector.calls + home.recognizer.calls
    metadata.write_text(json.dumps([{"image_blob_path": "a.png", "description": "second words"}]))

    job = home.ingest()

    assert job.counts.changed == 1
    assert home.chunks()["a.png#0"].description == "second words"
    assert home.encoder.calls + home.detector.calls + home.recognizer.calls == looked


def test_other_words_on_as_many_images_teach_the_adapter_anew(home: Home, photo: Photo) -> None:
    metadata = home.photos / "metadata.json"

    def describe(words: str) -> bytes | None:
        entries = [{"image_blob_path": f"{n}.png", "description": f"{words} {n}"} for n in range(3)]
        metadata.write_text(json.dumps(entries))
        home.ingest()
        return home.catalog.attachment(INDEX, ATTACHMENT)

    for n in range(6):
        photo(f"{n}.png", n)
    first, same, other = describe("red teapot"), describe("red teapot"), describe("steam engine")
    assert first is not None
    assert first == same
    assert other != first


def test_a_new_text_model_redoes_text_vectors_and_nothing_else(home: Home, photo: Photo) -> None:
    photo("a.png", 1)
    home.ingest()
    looked = home.encoder.calls + home.detector.calls + home.recognizer.calls + home.scorer.calls
    before = home.chunks()["a.png#0"]
    home.embedder = FakeTextEmbedder(identity="another-text-model/1")

    job = home.ingest()

    assert job.counts.changed == 1
    assert home.encoder.calls + home.detector.calls + home.recognizer.calls + home.scorer.calls == looked
    assert home.embedder.calls > 0
    assert home.chunks()["a.png#0"].content == before.content


def test_groups_stand_on_every_chunk(home: Home, photo: Photo) -> None:
    photo("a.png", 1)
    (home.photos / "notes.txt").write_text("for the board only")

    home.ingest(groups=("board",))

    assert {c.group_ids for c in home.chunks().values()} == {("board",)}


def test_a_model_that_stops_answering_stops_the_run_and_loses_nothing(home: Home, photo: Photo) -> None:
    for seed in range(12):
        photo(f"{seed:02}.png", seed)
    home.captioner = Exhausted()

    with pytest.raises(ModelUnavailableError):
        home.ingester(commit_assets=1).run(home.request())
    kept = len(home.chunks())
    home.captioner = FakeCaptioner()
    job = home.ingest()

    assert 0 < kept < 12
    assert job.state is IngestionState.SUCCEEDED
    assert len(home.chunks()) == 12
    assert home.captioner.calls == 12 - 5
    assert [j.state for j in home.log.recent(INDEX)] == [IngestionState.SUCCEEDED, IngestionState.FAILED]


def test_a_cancelled_ingestion_keeps_what_is_done_and_deletes_nothing(home: Home, photo: Photo) -> None:
    for seed in range(40):
        photo(f"{seed:02}.png", seed)

    job = home.ingester(commit_assets=1).run(home.request(), home.cancel_after(3))

    assert job.state is IngestionState.CANCELLED
    assert 0 < len(home.chunks()) < 40
    assert home.ingest().state is IngestionState.SUCCEEDED
    assert len(home.chunks()) == 40


def test_two_writers_of_one_index_are_refused(home: Home, photo: Photo) -> None:
    photo("a.png", 1)
    home.log.start(JobOrder(index=INDEX, source="elsewhere"))

    with pytest.raises(ConflictError, match="photos"):
        home.ingest()


def test_a_writer_that_died_between_store_and_catalog_leaves_no_trace(home: Home, photo: Photo) -> None:
    photo("a.png", 1)
    home.ingest()
    expected = home.chunks()
    photo("b.png", 2)

    class Dying(type(home.catalog)):  # type: ignore[misc]
        def commit(self, *args: object, **kwargs: object) -> None:
            raise KeyboardInterrupt

    home.catalog.__class__ = Dying
    with pytest.raises(KeyboardInterrupt):
        home.ingest()
    home.catalog.__class__ = Dying.__mro__[1]

    assert home.chunks().keys() == expected.keys()
    home.ingest()
    assert set(home.chunks()) == {"a.png#0", "b.png#0"}


def test_an_ingester_reports_progress_to_the_end(home: Home, photo: Photo) -> None:
    for seed in range(5):
        photo(f"{seed}.png", seed)
    seen: list[IngestionProgress] = []
    ingester: Ingester = home.ingester()

    ingester.run(home.request(), seen.append)

    assert seen[-1].done == seen[-1].todo == 5
    assert [p.done for p in seen] == sorted(p.done for p in seen)


def test_only_what_failed_is_tried_again_also_where_nothing_changed(home: Home, photo: Photo) -> None:
    photo("a.png", 1)
    (home.photos / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"rubbish" * 20)
    first = home.ingest()
    assert first.state is IngestionState.PARTIAL
    assert [failure.path for failure in home.log.failures(first.ingestion_id)] == ["b.png"]
    photo("c.png", 3)
    (home.photos / "a.png").unlink()

    again = home.ingester().run_job(replace(first.order, retries=first.ingestion_id), home.request)

    assert (again.counts.found, again.counts.failed, again.counts.deleted) == (1, 1, 0)
    assert [failure.path for failure in home.log.failures(again.ingestion_id)] == ["b.png"]
    assert set(home.chunks()) == {"a.png#0"}


def test_a_source_that_cannot_be_listed_is_a_failed_job(home: Home) -> None:
    def unreadable() -> IngestRequest:
        raise SourceUnusableError("The container is gone.", reason="not_found")

    with pytest.raises(SourceUnusableError):
        home.ingester().run_job(JobOrder(index=INDEX, source="container"), unreadable)

    [job] = home.log.recent(INDEX)
    assert (job.state, job.message, job.stage) == (IngestionState.FAILED, "The container is gone.", "list")
