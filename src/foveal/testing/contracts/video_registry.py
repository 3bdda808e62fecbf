"""What every `VideoRegistry` must do. Subclass it in your tests and give the fixture `registry`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from foveal.errors import ConflictError, IndexNotFoundError, PreconditionError
from foveal.ports.videos import VideoRegistry
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


class VideoRegistryContract:
    """The specification of `foveal.ports.VideoRegistry` as tests."""

    @pytest.fixture
    def registry(self) -> VideoRegistry:
        """An empty one."""
        raise pytest.UsageError("a subclass of VideoRegistryContract gives the fixture `registry`")

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
            registry.add_ingestion(replace(INGESTION, index="nothing"), TASKS)

    def test_an_ingestion_is_claimed_once_with_its_tasks(self, registry: VideoRegistry) -> None:
        """Whoever claims next finds nothing while the first works; with the end its addresses are forgotten."""
        registry.put_index(INDEX)
        assert registry.claim() is None
        registry.add_ingestion(INGESTION, TASKS)
        run = registry.claim()
        assert run is not None
        assert run.ingestion == INGESTION
        assert run.tasks == TASKS
        assert run.tasks[0].url.reveal == "https://x/b.mp4?sig=s"
        assert registry.claim() is None

    def test_progress_is_seen_and_the_end_is_the_end(self, registry: VideoRegistry) -> None:
        """An ingestion that is over is never claimed again, and its run is gone."""
        registry.put_index(INDEX)
        registry.add_ingestion(INGESTION, TASKS)
        run = registry.claim()
        assert run is not None
        result = TaskResult(document_id="b", url="https://x/b.mp4", at=NOW, code="unreadable", message="broken")
        running = replace(INGESTION, state=VideoIngestionState.RUNNING, results=(result,))
        registry.report(run.run_id, running)
        assert list(registry.ingestions("talks")) == [running]
        done = replace(running, state=VideoIngestionState.FAILED, message="all failed")
        registry.report(run.run_id, done)
        assert list(registry.ingestions("talks")) == [done]
        assert registry.claim() is None
        with pytest.raises(ConflictError):
            registry.report(run.run_id, running)

    def test_what_is_given_back_is_claimed_again_oldest_first(self, registry: VideoRegistry) -> None:
        """With its tasks, and as far as it was."""
        registry.put_index(INDEX)
        second = replace(INGESTION, name="second")
        registry.add_ingestion(INGESTION, TASKS)
        registry.add_ingestion(second, TASKS[:1])
        run = registry.claim()
        assert run is not None
        running = replace(INGESTION, state=VideoIngestionState.RUNNING)
        registry.report(run.run_id, running)
        registry.release(run.run_id)
        again, other = registry.claim(), registry.claim()
        assert again is not None
        assert other is not None
        assert (again.ingestion, again.tasks) == (running, TASKS)
        assert other.ingestion == second
        assert [one.name for one in registry.ingestions("talks")] == ["second", "first"]

    def test_names_of_ingestions_are_used_once_an_index(self, registry: VideoRegistry) -> None:
        """Another index may have the same name."""
        registry.put_index(INDEX)
        registry.put_index(replace(INDEX, name="other"))
        registry.add_ingestion(INGESTION, TASKS)
        with pytest.raises(ConflictError):
            registry.add_ingestion(INGESTION, TASKS)
        registry.add_ingestion(replace(INGESTION, index="other"), TASKS)

    def test_an_index_goes_with_everything(self, registry: VideoRegistry) -> None:
        """A run under way learns it at its next report; a new index of the name is empty."""
        registry.put_index(INDEX)
        registry.put_document("talks", DOCUMENT)
        registry.add_ingestion(INGESTION, TASKS)
        run = registry.claim()
        assert run is not None
        registry.remove_index("talks")
        registry.remove_index("talks")
        with pytest.raises(ConflictError):
            registry.report(run.run_id, INGESTION)
        registry.put_index(INDEX)
        assert list(registry.documents("talks")) == []
        assert list(registry.ingestions("talks")) == []
        assert registry.claim() is None
