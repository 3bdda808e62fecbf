"""Video retrieval of a home: its indexes, and the thread that works on their ingestions beside a running server.

Any number of processes may do that on one home: a lease in the database sees to it that each ingestion is one's work.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from foveal.errors import FovealError, IndexNotFoundError, UnreadableAssetError
from foveal.pipeline.places import document_id
from foveal.pipeline.video_indexes import VideoIndexes
from foveal.pipeline.video_ingesting import VideoWorker
from foveal.types.ingestions import DocumentState
from foveal.types.search import Query, SearchResult
from foveal.types.videos import VideoIngestion

if TYPE_CHECKING:
    from foveal.pipeline.ingest import IngestRequest
    from foveal.pipeline.job_run import Observer
    from foveal.ports.videos import Downloader, VideoRegistry
    from foveal.runtime.parts import Parts
    from foveal.runtime.video_files import VideoFiles
    from foveal.types.ingestions import Ingestion

POLL_S = 1.0
"""Time between two looks at what waits, each one small read of the database."""


class VideoRetrieval:
    """Put together of the parts of a home; no model is opened before it is needed."""

    def __init__(self, parts: Parts) -> None:
        from foveal.runtime.video_files import VideoFiles
        from foveal.stores.secret_file import read_or_make
        from foveal.stores.video_registry import SqlVideoRegistry

        home = parts.settings.home

        def key() -> bytes:
            return read_or_make(home / "source-key", loss="send ingestions that are not over again")

        self._parts = parts
        self._files = VideoFiles(home / "videos")
        self.registry: VideoRegistry = SqlVideoRegistry(parts.engine, key)
        self.indexes = self._indexes()
        self.worker = self._worker(self._files)

    def _indexes(self) -> VideoIndexes:
        def search(index: str, query: Query) -> SearchResult:
            return self._parts.searcher.search(index, query)

        return VideoIndexes(
            self.registry,
            search=search,
            is_taken=lambda name: name in self._parts.retrieving.names(),
            is_there=self._is_there,
            drop=self._drop,
            place=self._files.place,
        )

    def _worker(self, files: VideoFiles) -> VideoWorker:
        parts = self._parts

        def ingest(request: IngestRequest, observe: Observer) -> Ingestion:
            return parts.ingester.run(request, observe)

        return VideoWorker(
            self.registry,
            _downloader(parts),
            ingest=ingest,
            source=files.source,
            keep=files.keep,
            discard=files.discard,
            holds=files.holds,
            record=self._record,
            drop=self._drop,
        )

    def _is_there(self, name: str) -> bool:
        return any(record.name == name for record in self._parts.catalog.indexes())

    def _record(self, index: str, path: str) -> tuple[DocumentState, str, str] | None:
        """What the catalog knows of a file: its state, and code and words of what is wrong with it."""
        place = self._files.place(index)
        wanted = document_id(place, path)
        try:
            for record in self._parts.catalog.documents(index, place):
                if record.document_id == wanted:
                    failure = record.failure
                    return record.state, failure.code if failure else "", failure.reason if failure else ""
        except IndexNotFoundError:
            return None
        return None

    def _drop(self, name: str) -> None:
        from foveal.runtime.dropping import drop_index

        if self._is_there(name):
            drop_index(self._parts, name)
        self._files.drop(name)


def _downloader(parts: Parts) -> Downloader:
    from foveal.sources.public_addresses import Allowed
    from foveal.sources.web_files import WebDownloader

    fetch = parts.settings.fetch
    if not fetch.on or parts.settings.offline:
        return _NoDownloader()
    return WebDownloader(allowed=Allowed.of(fetch.allowed), max_bytes=fetch.file_bytes, seconds=fetch.file_seconds)


class _NoDownloader:
    """Where nothing is fetched (`fetch.on`, `offline`)."""

    def download(self, url: str, into: BinaryIO) -> int:
        from foveal.sources.web_client import shown

        raise UnreadableAssetError(
            f"The file is given by an address, {shown(url)}, and this server fetches none.",
            remedy="The operator may set fetch.on.",
            stage="fetch",
        )


@contextmanager
def ingesting_videos(
    worker: VideoWorker, tell: Callable[[VideoIngestion], None] = lambda _: None, *, poll_s: float = POLL_S
) -> Iterator[None]:
    """Work on ingestions from a thread of its own, one after another.

    On leaving, one under way stops at its next file, keeps what it did, and is taken up by whoever comes next.

    Args:
        worker: Whose.
        tell: Told of each that was worked on, from that thread.
        poll_s: Time between two looks.
    """
    over = threading.Event()

    def run() -> None:
        while not over.wait(poll_s):
            try:
                done = worker.run_next(over.is_set)
            except FovealError:
                continue  # the database is busy or away; it may be back at the next look
            if done is not None:
                tell(done)

    thread = threading.Thread(target=run, name="foveal-videos", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
