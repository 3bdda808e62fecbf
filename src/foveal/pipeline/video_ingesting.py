"""Ingestions of video indexes at work: fetch what is to be added, then bring the index in line with its files.

Files that were fetched are kept: they are what frames are shown from, and what an index is built anew from when a model
changes. So an ingestion is one of an ordinary folder, with everything that comes with it: a killed one goes on where
it was, a bad file is a line in the report.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from foveal.errors import AssetError, ConflictError, FovealError, IndexNotFoundError, NotFoundError
from foveal.pipeline.ingest import IngestRequest
from foveal.pipeline.job_run import Observer
from foveal.ports.sources import Source
from foveal.ports.videos import Downloader, VideoRegistry
from foveal.types.ingestions import DocumentState, Ingestion, IngestionProgress
from foveal.types.videos import (
    TaskResult,
    VideoDocument,
    VideoIngestion,
    VideoIngestionState,
    VideoMode,
    VideoRun,
    VideoTask,
)

RENEW_S = 20.0
"""Time between two renewals of a run's lease."""
MOST_NAME_CHARACTERS = 80
_NOT_IN_NAMES = re.compile(r"[^\w .()-]+")

Keep = Callable[[str, str, Callable[[BinaryIO], object]], None]
"""Writes a file of an index, all of it or nothing: index, path, what writes it."""


class VideoWorker:
    """Works on ingestions, one after another.

    Args:
        registry: Where they are kept.
        downloader: Brings files.
        ingest: Runs an ingestion of the searched index.
        source: The files of an index.
        keep: Writes one of them.
        discard: Removes one of them, silently where it is not there.
        holds: Whether one of them is there.
        record: What the catalog knows of the index's files, by path.
        drop: Removes everything of an index that is there no more.
    """

    def __init__(
        self,
        registry: VideoRegistry,
        downloader: Downloader,
        *,
        ingest: Callable[[IngestRequest, Observer], Ingestion],
        source: Callable[[str], Source],
        keep: Keep,
        discard: Callable[[str, str], None],
        holds: Callable[[str, str], bool],
        record: Callable[[str, str], tuple[DocumentState, str, str] | None],
        drop: Callable[[str], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.registry = registry
        self.downloader = downloader
        self.ingest = ingest
        self.source = source
        self.keep = keep
        self.discard = discard
        self.holds = holds
        self.record = record
        self.drop = drop
        self.now = now

    def run_next(self, is_over: Callable[[], bool] = lambda: False) -> VideoIngestion | None:
        """Work on the ingestion that waits longest, to its end.

        Args:
            is_over: Whether to stop: then the ingestion goes on with whoever claims it next.

        Returns:
            As it is then; None when none waits.
        """
        run = self.registry.claim()
        if run is None:
            return None
        return _Work(self, run, is_over).all()


class _Stopped(Exception):  # noqa: N818 - no failure
    """Asked to stop, or the index is gone, or another ingestion writes to it: not now."""


class _Work:
    """One ingestion under way."""

    def __init__(self, owner: VideoWorker, run: VideoRun, is_over: Callable[[], bool]) -> None:
        self._owner = owner
        self._run = run
        self._index = run.ingestion.index
        self._is_over = is_over
        self._present = replace(run.ingestion, state=VideoIngestionState.RUNNING, results=(), message="")
        self._results: dict[int, TaskResult] = {}
        self._lost = threading.Event()

    def all(self) -> VideoIngestion:
        try:
            with self._renewing():
                self._work()
                self._end()
        except _Stopped:
            with suppress(FovealError):
                self._owner.registry.release(self._run.run_id)
        if self._owner.registry.index(self._index) is None:
            self._owner.drop(self._index)  # removed while its files were brought in
        return self._present

    def _work(self) -> None:
        touched = False
        for number, task in enumerate(self._run.tasks):
            self._check()
            try:
                touched |= self._settle(task)
            except (AssetError, NotFoundError) as error:
                self._note(number, task, error.code, error.message)
            self._report()
        if touched:
            self._bring_in()
        for number, task in enumerate(self._run.tasks):
            if number not in self._results:
                self._judge(number, task)

    def _settle(self, task: VideoTask) -> bool:
        """Do what can be done before the index is brought in line; whether that has to be."""
        if task.mode is VideoMode.ADD:
            self._fetch(task)
            return True
        found = self._meant(task)
        if task.mode is VideoMode.UPDATE:
            changed = {"metadata": task.metadata or found.metadata, "user_data": task.user_data or found.user_data}
            self._put(replace(found, **changed, modified_at=self._owner.now()))  # type: ignore[arg-type]
            return False
        self._owner.discard(self._index, found.path)
        self._owner.registry.remove_documents(self._index, [found.document_id])
        return True

    def _fetch(self, task: VideoTask) -> None:
        owner, url = self._owner, task.url.reveal
        before = next((d for d in self._documents() if d.document_id == task.document_id), None)
        path = path_of(task.document_id, url)
        fetched = before and before.modified_at >= self._run.ingestion.created_at and before.path == path
        if not (fetched and owner.holds(self._index, path)):  # else by a process that is gone
            owner.keep(self._index, path, lambda into: owner.downloader.download(url, into))
        if before and before.path != path:
            owner.discard(self._index, before.path)
        now = owner.now()
        document = VideoDocument(
            document_id=task.document_id,
            url=without_query(url),
            path=path,
            metadata=task.metadata,
            user_data=task.user_data,
            created_at=before.created_at if before else now,
            modified_at=now,
        )
        self._put(document)

    def _bring_in(self) -> None:
        index = self._owner.registry.index(self._index)
        if index is None:
            raise _Stopped
        request = IngestRequest(source=self._owner.source(self._index), index=self._index, groups=index.groups)
        try:
            self._owner.ingest(request, self._observe)
        except ConflictError:  # somebody else writes to the index: another time
            raise _Stopped from None
        except KeyboardInterrupt:
            raise _Stopped from None
        except FovealError as error:  # a model that does not answer, a full disk: nothing is wrong with the files
            self._present = replace(self._present, message=str(error))
            for number, task in enumerate(self._run.tasks):
                if number not in self._results and task.mode is VideoMode.ADD:
                    self._note(number, task, error.code, error.message)

    def _observe(self, _: IngestionProgress) -> None:
        if self._is_over() or self._lost.is_set():
            raise KeyboardInterrupt  # what an ingestion takes for "stop here, go on another time"

    def _judge(self, number: int, task: VideoTask) -> None:
        """What became of a document: of one that could not be read nothing stays."""
        code, message = "", ""
        if task.mode is VideoMode.ADD:
            path = path_of(task.document_id, task.url.reveal)
            known = self._owner.record(self._index, path)
            if known is None or known[0] is not DocumentState.INDEXED:
                code, message = known[1:] if known else ("unreadable", "It was not read.")
                self._owner.discard(self._index, path)
                self._owner.registry.remove_documents(self._index, [task.document_id])
        self._note(number, task, code, message)

    def _end(self) -> None:
        results = self._present.results
        failed = [one for one in results if not one.succeeded]
        state = VideoIngestionState.COMPLETED
        if failed:
            all_failed = len(failed) == len(results)
            state = VideoIngestionState.FAILED if all_failed else VideoIngestionState.PARTIAL
        message = self._present.message or "; ".join(f"{one.document_id}: {one.message}" for one in failed)
        self._present = replace(self._present, state=state, message=message)
        self._report()

    def _note(self, number: int, task: VideoTask, code: str, message: str) -> None:
        url, at = without_query(task.url.reveal), self._owner.now()
        result = TaskResult(document_id=task.document_id, url=url, at=at, code=code, message=message)
        self._results[number] = result
        ordered = tuple(self._results[n] for n in sorted(self._results))
        self._present = replace(self._present, results=ordered, modified_at=at)

    def _report(self) -> None:
        try:
            self._owner.registry.report(self._run.run_id, self._present)
        except ConflictError:
            raise _Stopped from None

    def _check(self) -> None:
        if self._is_over() or self._lost.is_set():
            raise _Stopped

    def _put(self, document: VideoDocument) -> None:
        try:
            self._owner.registry.put_document(self._index, document)
        except IndexNotFoundError:
            raise _Stopped from None

    def _documents(self) -> Sequence[VideoDocument]:
        return self._owner.registry.documents(self._index)

    def _meant(self, task: VideoTask) -> VideoDocument:
        """The document that a task names by its id, or by its address alone."""
        url = without_query(task.url.reveal)
        for document in self._documents():
            if document.document_id == task.document_id or (not task.document_id and document.url == url):
                return document
        raise NotFoundError(f"There is no document {task.document_id or url!r} in the index.")

    @contextmanager
    def _renewing(self) -> Iterator[None]:
        """Renew the lease from a thread of its own: fetching takes minutes."""
        over = threading.Event()

        def renew() -> None:
            while not over.wait(RENEW_S):
                try:
                    self._owner.registry.report(self._run.run_id, self._present)
                except ConflictError:
                    self._lost.set()
                    return
                except FovealError:
                    continue  # next time

        thread = threading.Thread(target=renew, name="foveal-video-lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def without_query(url: str) -> str:
    """An address without what may be a signature."""
    return url.partition("?")[0].partition("#")[0]


def path_of(document_id: str, url: str) -> str:
    """Where a document's file is in the folder of its index: a folder for the id, and the name it had."""
    folder = hashlib.sha256(document_id.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    last = unquote(urlsplit(without_query(url)).path.rpartition("/")[2])
    name = _NOT_IN_NAMES.sub("_", last).strip(" ._~")[-MOST_NAME_CHARACTERS:].strip(" ._~")
    return f"{folder}/{name or 'video'}"
