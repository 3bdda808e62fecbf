"""Video retrieval of a home: its indexes, and what does the jobs that bring their documents in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO

from foveal.errors import IndexNotFoundError, NotFoundError, UnreadableAssetError
from foveal.pipeline.places import document_id
from foveal.pipeline.video_indexes import VideoIndexes
from foveal.pipeline.video_ingesting import VideoIngesting
from foveal.types.ingestions import DocumentState, Ingestion, IngestionId
from foveal.types.search import Query, SearchResult

if TYPE_CHECKING:
    from foveal.pipeline.ingest import IngestRequest
    from foveal.pipeline.job_run import JobRun
    from foveal.ports.videos import Downloader, VideoRegistry
    from foveal.runtime.parts import Parts
    from foveal.runtime.video_files import VideoFiles


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
        self.ingesting = self._ingesting(self._files)

    def _indexes(self) -> VideoIndexes:
        def search(index: str, query: Query) -> SearchResult:
            return self._parts.retrieving.search(index, query)

        return VideoIndexes(
            self.registry,
            search=search,
            is_taken=lambda name: name in self._parts.retrieving.names(),
            is_there=self._is_there,
            drop=self._drop,
            place=self._files.place,
            job=self._job,
            cancel=self._cancel,
        )

    def _ingesting(self, files: VideoFiles) -> VideoIngesting:
        parts = self._parts

        def bring_in(run: JobRun, request: Callable[[], IngestRequest]) -> bool:
            return parts.of(run.job.index).ingester.run_within(run, request)

        return VideoIngesting(
            self.registry,
            parts.log,
            _downloader(parts),
            bring_in=bring_in,
            source=files.source,
            keep=files.keep,
            discard=files.discard,
            holds=files.holds,
            record=self._record,
            drop=self._drop,
        )

    def _job(self, job: str) -> Ingestion | None:
        try:
            return self._parts.log.get(IngestionId(job))
        except NotFoundError:
            return None

    def _cancel(self, job: str) -> None:
        with suppress(NotFoundError):
            self._parts.log.cancel(IngestionId(job))

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
        from foveal.runtime.indexes import drop_index

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
