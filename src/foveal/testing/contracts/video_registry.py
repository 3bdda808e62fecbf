"""What every `VideoRegistry` must do. Subclass it in your tests and give the fixtures `registry` and `log`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from foveal.errors import ConflictError, IndexNotFoundError, PreconditionError
from foveal.ports.ingestions import IngestionLog
from foveal.ports.videos import VideoRegistry
from foveal.types.ingestions import JobKind, JobOrder
from foveal.types.sources import Secret
from foveal.types.videos import (
    IndexFeature,
    MetadataField,
    TaskResult,
    VideoDocument,
    VideoIndex,
    VideoIngestion,
    VideoIngestionState,
    VideoMode,
    VideoTask,
)

NOW = datetime(2024, 1, 2, 3, 4, 5, 678_900, tzinfo=UTC)
INDEX = VideoIndex(
    name="talks",
    fields=(MetadataField(name="cameraid", filterable=True), MetadataField(name="when", type="datetime")),
    features=(IndexFeature(name="vision", domain="surveillance"), IndexFeature(name="speech")),
    user_data={"team": ["a", 1, None]},
    groups=("board",),
    etag='"1"',
    created_at=NOW,
    modified_at=NOW,
)
DOCUMENT = VideoDocument(
    document_id="b é/1",
    url="https://example.org/b.mp4",
    path="b/b.mp4",
    metadata={"cameraid": "camera1"},
    user_data={"note": "x"},
    created_at=NOW,
    modified_at=NOW + timedelta(hours=1),
)
INGESTION = VideoIngestion(
    index="talks",
    name="first",
    state=VideoIngestionState.NOT_STARTED,
    batch="batch-1",
    created_at=NOW,
    modified_at=NOW,
)
TASKS = (
    VideoTask(mode=VideoMode.ADD, document_id="b", url=Secret("https://x/b.mp4?sig=s"), metadata={"cameraid": "1"}),
    VideoTask(mode=VideoMode.REMOVE, url=Secret("https://x/c.mp4"), user_data={"why": None}),
)


ORDER = JobOrder(kind=JobKind.VIDEOS, index="talks", source="/videos/talks", options=(("ingestion", "first"),))


class VideoRegistryContract:
    """The specification of `foveal.ports.VideoRegistry` as tests."""

    @pytest.fixture
    def registry(self) -> VideoRegistry:
        """An empty one."""
        raise pytest.UsageError("a subclass of VideoRegistryContract gives the fixture `registry`")

    @pytest.fixture
    def log(self, registry: VideoRegistry) -> IngestionLog:
        """The jobs of the same home."""
        raise pytest.UsageError("a subclass of VideoRegistryContract gives the fixture `log`")

    def test_an_index_comes_back_as_it_was_put(self, registry: VideoRegistry) -> None:
        """By name and in the list, which is sorted; an unknown name is None."""
        registry.put_index(INDEX)
        other = replace(INDEX, name="a", fields=(), user_data={})
        registry.put_index(other)
        assert registry.index("talks") == INDEX
        assert list(registry.indexes()) == [other, INDEX]
        assert registry.index("nothing") is None

    def test_an_index_is_put_once_and_replaced_only_as_it_was_seen(self, registry: VideoRegistry) -> None:
        """A second one of the name is a conflict, and so is a change of what somebody else changed meanwhile."""
        registry.put_index(INDEX)
        with pytest.raises(ConflictError):
            registry.put_index(INDEX)
        changed = replace(INDEX, etag='"2"', user_data={})
        registry.put_index(changed, replaces=INDEX)
        assert registry.index("talks") == changed
        with pytest.raises(PreconditionError):
            registry.put_index(replace(INDEX, etag='"3"'), replaces=INDEX)

    def test_documents_are_kept_by_id(self, registry: VideoRegistry) -> None:
        """In the order of ids; the last one put stays; removing an unknown one does nothing."""
        registry.put_index(INDEX)
        registry.put_document("talks", DOCUMENT)
        first = replace(DOCUMENT, document_id="a", metadata={})
        registry.put_document("talks", first)
        changed = replace(DOCUMENT, metadata={"cameraid": "camera2"})
        registry.put_document("talks", changed)
        assert list(registry.documents("talks")) == [first, changed]
        registry.remove_documents("talks", ["a", "nothing"])
        assert list(registry.documents("talks")) == [changed]
        assert list(registry.documents("nothing")) == []

    def test_nothing_is_kept_for_an_index_that_is_not_there(self, registry: VideoRegistry) -> None:
        """Neither documents nor ingestions."""
        with pytest.raises(IndexNotFoundError):
            registry.put_document("nothing", DOCUMENT)
        with pytest.raises(IndexNotFoundError):
            registry.add_ingestion(replace(INGESTION, index="nothing"), TASKS, ORDER)

    def test_an_ingestion_is_kept_with_its_tasks_and_queued_as_a_job(
        self, registry: VideoRegistry, log: IngestionLog
    ) -> None:
        """Which its `batch` names. Addresses come back whole."""
        registry.put_index(INDEX)
        kept = registry.add_ingestion(INGESTION, TASKS, ORDER)
        assert kept == replace(INGESTION, batch=kept.batch)
        job = log.claim()
        assert job is not None
        assert (job.ingestion_id, job.order) == (kept.batch, ORDER)
        assert tuple(registry.tasks("talks", "first")) == TASKS
        assert registry.tasks("talks", "first")[0].url.reveal == "https://x/b.mp4?sig=s"
        assert list(registry.tasks("talks", "nothing")) == []

    def test_progress_is_seen_and_the_end_is_the_end(self, registry: VideoRegistry) -> None:
        """What is over is never changed again, and its addresses are forgotten."""
        registry.put_index(INDEX)
        registry.add_ingestion(INGESTION, TASKS, ORDER)
        result = TaskResult(
            number=1, document_id="b", url="https://x/b.mp4", at=NOW, code="unreadable", message="broken"
        )
        running = replace(INGESTION, state=VideoIngestionState.RUNNING, results=(result,))
        registry.report(running)
        assert list(registry.ingestions("talks")) == [running]
        assert tuple(registry.tasks("talks", "first")) == TASKS
        done = replace(running, state=VideoIngestionState.FAILED, message="all failed")
        registry.report(done)
        assert list(registry.ingestions("talks")) == [done]
        assert list(registry.tasks("talks", "first")) == []
        with pytest.raises(ConflictError):
            registry.report(running)

    def test_ingestions_are_listed_newest_first(self, registry: VideoRegistry) -> None:
        """By when they came."""
        registry.put_index(INDEX)
        registry.add_ingestion(INGESTION, TASKS, ORDER)
        registry.add_ingestion(replace(INGESTION, name="second"), TASKS[:1], ORDER)
        assert [one.name for one in registry.ingestions("talks")] == ["second", "first"]

    def test_names_of_ingestions_are_used_once_an_index(self, registry: VideoRegistry, log: IngestionLog) -> None:
        """Another index may have the same name. For what is refused no job is queued."""
        registry.put_index(INDEX)
        registry.put_index(replace(INDEX, name="other"))
        registry.add_ingestion(INGESTION, TASKS, ORDER)
        with pytest.raises(ConflictError):
            registry.add_ingestion(INGESTION, TASKS, replace(ORDER, options=()))
        registry.add_ingestion(replace(INGESTION, index="other"), TASKS, replace(ORDER, index="other"))
        assert sorted(job.index for job in log.recent()) == ["other", "talks"]

    def test_an_index_goes_with_everything(self, registry: VideoRegistry) -> None:
        """A run under way learns it at its next report; a new index of the name is empty, and stays so."""
        registry.put_index(INDEX)
        registry.put_document("talks", DOCUMENT)
        running = registry.add_ingestion(INGESTION, TASKS, ORDER)
        registry.remove_index("talks")
        registry.remove_index("talks")
        with pytest.raises(ConflictError):
            registry.report(running)
        registry.put_index(INDEX)
        assert list(registry.documents("talks")) == []
        assert list(registry.ingestions("talks")) == []
        registry.add_ingestion(replace(INGESTION, created_at=NOW + timedelta(seconds=1)), TASKS, ORDER)
        with pytest.raises(ConflictError):
            registry.report(running)
