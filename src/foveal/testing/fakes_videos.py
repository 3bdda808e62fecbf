"""Video retrieval in memory, of one process. For tests: addresses are not encrypted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from threading import RLock
from typing import BinaryIO

from foveal.errors import AssetLimitError, ConflictError, IndexNotFoundError, PreconditionError, UnreadableAssetError
from foveal.pipeline.video_indexes import VideoIndexes
from foveal.ports.videos import VideoRegistry
from foveal.types.chunks import NO_GENERATION
from foveal.types.search import Query, SearchResult
from foveal.types.videos import VideoDocument, VideoIndex, VideoIngestion, VideoRun, VideoTask


def fake_video_indexes(
    registry: VideoRegistry | None = None,
    search: Callable[[str, Query], SearchResult] | None = None,
    *,
    taken: Collection[str] = (),
) -> VideoIndexes:
    """Video indexes of a registry in memory (or another), searched by `search`; files of index X are in `/videos/X`.

    Args:
        taken: Names of indexes that are no video indexes.
    """
    return VideoIndexes(
        registry or InMemoryVideoRegistry(),
        search=search or _nothing,
        is_taken=lambda name: name in taken,
        is_there=lambda _: search is not None,
        drop=lambda _: None,
        place=lambda index: f"/videos/{index}",
    )


def _nothing(index: str, _: Query) -> SearchResult:
    return SearchResult(index=index, generation=NO_GENERATION, hits=())


class FakeDownloader:
    """Gives what stands behind an address, and refuses every other.

    Args:
        pages: Bytes by address, without its query.
        max_bytes: Longest file.

    Attributes:
        fetched: Addresses asked for, in order, with their queries.
    """

    def __init__(self, pages: Mapping[str, bytes], *, max_bytes: int = 2**30) -> None:
        self.pages = dict(pages)
        self._max_bytes = max_bytes
        self.fetched: list[str] = []

    def download(self, url: str, into: BinaryIO) -> int:
        """Write the bytes."""
        self.fetched.append(url)
        bare = url.partition("?")[0]
        data, name = self.pages.get(bare), bare.partition("://")[2]
        if data is None:
            raise UnreadableAssetError(f"There is nothing at {name}.", stage="fetch")
        if len(data) > self._max_bytes:
            raise AssetLimitError(f"The file at {name} is larger than {self._max_bytes} bytes.", stage="fetch")
        return into.write(data)


class InMemoryVideoRegistry:
    """`foveal.ports.VideoRegistry` over dictionaries; a run's id is `run-` and a number."""

    def __init__(self) -> None:
        self._indexes: dict[str, VideoIndex] = {}
        self._documents: dict[tuple[str, str], VideoDocument] = {}
        self._ingestions: dict[tuple[str, str], VideoIngestion] = {}
        self._tasks: dict[tuple[str, str], tuple[VideoTask, ...]] = {}
        self._runs: dict[str, tuple[str, str]] = {}
        self._count = 0
        self._lock = RLock()

    def put_index(self, index: VideoIndex, *, replaces: VideoIndex | None = None) -> None:
        """Keep one."""
        with self._lock:
            present = self._indexes.get(index.name)
            if replaces is not None and (present is None or present.etag != replaces.etag):
                raise PreconditionError(f"The index {index.name!r} was changed or removed meanwhile.")
            if replaces is None and present is not None:
                raise ConflictError(f"The index {index.name!r} exists already.")
            self._indexes[index.name] = index

    def index(self, name: str) -> VideoIndex | None:
        """One."""
        return self._indexes.get(name)

    def indexes(self) -> list[VideoIndex]:
        """By name."""
        with self._lock:
            return [self._indexes[name] for name in sorted(self._indexes)]

    def remove_index(self, name: str) -> None:
        """With everything that hangs on it."""
        with self._lock:
            self._indexes.pop(name, None)
            for table in (self._documents, self._ingestions, self._tasks):
                for key in [key for key in table if key[0] == name]:
                    del table[key]
            self._runs = {run: key for run, key in self._runs.items() if key[0] != name}

    def put_document(self, index: str, document: VideoDocument) -> None:
        """Keep one."""
        with self._lock:
            self._check(index)
            self._documents[index, document.document_id] = document

    def remove_documents(self, index: str, document_ids: Collection[str]) -> None:
        """By id."""
        with self._lock:
            for document_id in document_ids:
                self._documents.pop((index, document_id), None)

    def documents(self, index: str) -> list[VideoDocument]:
        """By id."""
        with self._lock:
            return [self._documents[key] for key in sorted(self._documents) if key[0] == index]

    def add_ingestion(self, ingestion: VideoIngestion, tasks: Sequence[VideoTask]) -> None:
        """Keep one."""
        key = (ingestion.index, ingestion.name)
        with self._lock:
            self._check(ingestion.index)
            if key in self._ingestions:
                raise ConflictError(f"The index {ingestion.index!r} has an ingestion {ingestion.name!r} already.")
            self._ingestions[key], self._tasks[key] = ingestion, tuple(tasks)

    def ingestions(self, index: str) -> list[VideoIngestion]:
        """Newest first."""
        with self._lock:
            return [one for key, one in reversed(self._ingestions.items()) if key[0] == index]

    def claim(self) -> VideoRun | None:
        """The oldest that is free."""
        with self._lock:
            held = set(self._runs.values())
            free = (key for key, one in self._ingestions.items() if not one.state.is_over and key not in held)
            key = next(free, None)
            if key is None:
                return None
            self._count += 1
            run_id = f"run-{self._count}"
            self._runs[run_id] = key
            return VideoRun(run_id=run_id, ingestion=self._ingestions[key], tasks=self._tasks[key])

    def report(self, run_id: str, ingestion: VideoIngestion) -> None:
        """Keep how far it is."""
        with self._lock:
            if run_id not in self._runs:
                raise ConflictError("Another process has taken over that ingestion, or its index was removed.")
            key = self._runs[run_id]
            self._ingestions[key] = ingestion
            if ingestion.state.is_over:
                del self._runs[run_id]
                self._tasks[key] = ()

    def release(self, run_id: str) -> None:
        """Give the right back."""
        with self._lock:
            self._runs.pop(run_id, None)

    def _check(self, index: str) -> None:
        if index not in self._indexes:
            raise IndexNotFoundError(f"There is no video index {index!r}.")
