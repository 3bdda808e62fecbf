"""Ingestions of video indexes at work: fetch what is to be added, then bring the index in line with its files.

Files that were fetched are kept: they are what frames are shown from, and what an index is built anew from when a model
changes. So an ingestion is one of an ordinary folder, with everything that comes with it, and a job like any other: a
killed one goes on where it was, other processes help, a bad file is a line in the report.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import BinaryIO, cast
from urllib.parse import unquote, urlsplit

from foveal.errors import AssetError, ConflictError, FovealError, IndexNotFoundError, NotFoundError
from foveal.pipeline.ingest import SHARED_STAGES, IngestRequest
from foveal.pipeline.job_run import HEARTBEAT_S, JobRun, Observer
from foveal.pipeline.video_indexes import NAMED_BY
from foveal.ports.ingestions import IngestionLog
from foveal.ports.sources import Source
from foveal.ports.videos import Downloader, VideoRegistry
from foveal.types.ingestions import AssetFailure, DocumentState, Ingestion, IngestionState
from foveal.types.videos import (
    TaskResult,
    VideoDocument,
    VideoIngestion,
    VideoIngestionState,
    VideoMode,
    VideoTask,
)

FETCH_STAGE = "fetch"
"""The stage of a job in which files are fetched."""
MOST_NAME_CHARACTERS = 80
_GONE = "The index was removed."
_NOT_IN_NAMES = re.compile(r"[^\w .()-]+")

Keep = Callable[[str, str, Callable[[BinaryIO], object]], None]
"""Writes a file of an index, all of it or nothing: index, path, what writes it."""
BringIn = Callable[[JobRun, Callable[[], IngestRequest]], bool]
"""Runs an ingestion of the searched index within a job; whether it was cancelled."""


class VideoIngesting:
    """Does the jobs of video indexes.

    Args:
        registry: Where the ingestions are kept.
        log: Where the jobs are kept.
        downloader: Brings files.
        bring_in: Runs an ingestion of the searched index (`foveal.pipeline.ingest.Ingester.run_within`).
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
        log: IngestionLog,
        downloader: Downloader,
        *,
        bring_in: BringIn,
        source: Callable[[str], Source],
        keep: Keep,
        discard: Callable[[str, str], None],
        holds: Callable[[str, str], bool],
        record: Callable[[str, str], tuple[DocumentState, str, str] | None],
        drop: Callable[[str], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.registry = registry
        self.log = log
        self.downloader = downloader
        self.bring_in = bring_in
        self.source = source
        self.keep = keep
        self.discard = discard
        self.holds = holds
        self.record = record
        self.drop = drop
        self.now = now

    def run(self, job: Ingestion, observe: Observer = lambda _: None) -> Ingestion:
        """Do a job that this process claimed, to its end; the job as it is then.

        Raises:
            FovealError: Neither the files' fault nor a caller's: a model that does not answer, a full disk.
            ConflictError: Another process has taken over.
            KeyboardInterrupt: Asked to stop; whoever runs it next goes on.
        """
        name = job.option(NAMED_BY)
        with JobRun(self.log, job, observe) as run:
            meant = next((one for one in self.registry.ingestions(job.index) if one.name == name), None)
            if meant is None:
                run.end(IngestionState.CANCELLED, _GONE)
            elif meant.state.is_over:  # its process died between two words about its end, or somebody tries it again
                run.end(IngestionState.CANCELLED, "It is over: what it fetched from is forgotten. Send another one.")
            else:
                _Work(self, run, meant).all()
        return run.job


class _CancelledError(Exception):
    """Somebody asked the job to stop."""


class _IndexGoneError(Exception):
    """The index was removed."""


class _Work:
    """One ingestion under way."""

    def __init__(self, owner: VideoIngesting, run: JobRun, ingestion: VideoIngestion) -> None:
        self._owner = owner
        self._run = run
        self._index = ingestion.index
        self._tasks = owner.registry.tasks(ingestion.index, ingestion.name)
        self._results = {result.number: result for result in ingestion.results}
        self._present = replace(ingestion, state=VideoIngestionState.RUNNING, batch=run.job.ingestion_id, message="")

    def all(self) -> None:
        try:
            self._end(cancelled=self._work())
        except _IndexGoneError:
            self._run.end(IngestionState.CANCELLED, _GONE)
        except FovealError as error:
            if not self._is_gone():
                self._fail(error)
                raise
            self._run.end(IngestionState.CANCELLED, _GONE)
        if self._is_gone():
            self._owner.drop(self._index)  # removed while its files were brought in

    def _work(self) -> bool:
        """Everything but the end; whether it was cancelled."""
        try:
            if self._run.job.stage not in SHARED_STAGES:  # else by a process that is gone
                self._settle_all()
            return self._is_touched() and self._bring_in()
        except _CancelledError:
            return True

    def _settle_all(self) -> None:
        self._run.stage(FETCH_STAGE, todo=len(self._tasks))
        for number, task in enumerate(self._tasks):
            self._check()
            size_bytes = 0
            if number not in self._results:
                try:
                    size_bytes = self._settle(number, task)
                except (AssetError, NotFoundError) as error:
                    self._note(number, task, error.code, error.message)
                    self._run.fail([_failure(task, error)])
                self._report()
            self._run.advance(size_bytes=size_bytes)

    def _is_touched(self) -> bool:
        """Whether files came or went, so that the index has to be brought in line."""
        through = {number for number, result in self._results.items() if not result.succeeded}
        return any(t.mode is not VideoMode.UPDATE and n not in through for n, t in enumerate(self._tasks))

    def _settle(self, number: int, task: VideoTask) -> int:
        """Do what can be done before the index is brought in line; how many bytes were fetched."""
        if task.mode is VideoMode.ADD:
            return self._fetch(task)
        found = self._meant(task)
        if task.mode is VideoMode.UPDATE:
            changed = {"metadata": task.metadata or found.metadata, "user_data": task.user_data or found.user_data}
            self._put(replace(found, **changed, modified_at=self._owner.now()))  # type: ignore[arg-type]
        else:
            self._owner.discard(self._index, found.path)
            self._owner.registry.remove_documents(self._index, [found.document_id])
        self._note(number, task)
        return 0

    def _fetch(self, task: VideoTask) -> int:
        owner, url = self._owner, task.url.reveal
        before = next((d for d in self._documents() if d.document_id == task.document_id), None)
        path, size_bytes = path_of(task.document_id, url), 0
        fetched = before and before.modified_at >= self._present.created_at
        same = before and (before.path, before.url) == (path, without_query(url))
        if not (fetched and same and owner.holds(self._index, path)):  # else by a process that is gone

            def write(into: BinaryIO) -> None:
                nonlocal size_bytes
                size_bytes = owner.downloader.download(url, cast(BinaryIO, _Watched(into, self._check)))

            owner.keep(self._index, path, write)
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
        return size_bytes

    def _bring_in(self) -> bool:
        index = self._owner.registry.index(self._index)
        if index is None:
            raise _IndexGoneError
        source = self._owner.source(self._index)
        request = IngestRequest(source=source, index=self._index, groups=index.groups)
        return self._owner.bring_in(self._run, lambda: request)

    def _judge(self, number: int, task: VideoTask, *, cancelled: bool) -> None:
        """What became of a document: of one that could not be read nothing stays."""
        code, message = ("cancelled", "It was cancelled before this was done.") if cancelled else ("", "")
        if task.mode is VideoMode.ADD and not self._is_replaced(number, task):
            path = path_of(task.document_id, task.url.reveal)
            known = self._owner.record(self._index, path)
            if known is not None and known[0] is DocumentState.INDEXED:
                code = message = ""
            else:
                code, message = known[1:] if known else (code or "unreadable", message or "It was not read.")
                self._owner.discard(self._index, path)
                self._owner.registry.remove_documents(self._index, [task.document_id])
        self._note(number, task, code, message)

    def _is_replaced(self, number: int, task: VideoTask) -> bool:
        """Whether a later task put another file in this one's place, or took it away: what is there is not its file."""
        later = [n for n, other in enumerate(self._tasks) if n > number and _takes_place_of(other, task)]
        return any(n not in self._results or self._results[n].succeeded for n in later)

    def _end(self, *, cancelled: bool) -> None:
        for number, task in enumerate(self._tasks):
            if number not in self._results:
                self._judge(number, task, cancelled=cancelled)
        self._close()
        if cancelled:
            self._run.end(IngestionState.CANCELLED)
        elif self._present.state is VideoIngestionState.FAILED:
            self._run.end(IngestionState.FAILED, self._present.message)

    def _fail(self, error: FovealError) -> None:
        """A model that does not answer, a full disk: nothing is wrong with the files."""
        try:
            self._run.save()
            for number, task in enumerate(self._tasks):
                if number not in self._results:
                    self._note(number, task, error.code, error.message)
            self._present = replace(self._present, message=str(error))
            self._close()
        except (FovealError, _IndexGoneError):
            return  # another process has it, or the database is away: then the job's end says it

    def _close(self) -> None:
        results = self._present.results
        failed = [one for one in results if not one.succeeded]
        state = VideoIngestionState.COMPLETED
        if failed:
            all_failed = len(failed) == len(results)
            state = VideoIngestionState.FAILED if all_failed else VideoIngestionState.PARTIAL
        message = self._present.message or "; ".join(f"{one.document_id}: {one.message}" for one in failed)
        self._present = replace(self._present, state=state, message=message)
        self._report()

    def _note(self, number: int, task: VideoTask, code: str = "", message: str = "") -> None:
        url, at = without_query(task.url.reveal), self._owner.now()
        result = TaskResult(number=number, document_id=task.document_id, url=url, at=at, code=code, message=message)
        self._results[number] = result
        ordered = tuple(self._results[n] for n in sorted(self._results))
        self._present = replace(self._present, results=ordered, modified_at=at)

    def _report(self) -> None:
        try:
            self._owner.registry.report(self._present)
        except ConflictError:
            raise _IndexGoneError from None

    def _check(self) -> None:
        """To be called every second or so."""
        self._run.tell()  # whoever is told may want to stop
        if self._run.look():
            raise _CancelledError

    def _is_gone(self) -> bool:
        return self._owner.registry.index(self._index) is None

    def _put(self, document: VideoDocument) -> None:
        try:
            self._owner.registry.put_document(self._index, document)
        except IndexNotFoundError:
            raise _IndexGoneError from None

    def _documents(self) -> Sequence[VideoDocument]:
        return self._owner.registry.documents(self._index)

    def _meant(self, task: VideoTask) -> VideoDocument:
        """The document that a task names by its id, or by its address alone."""
        url = without_query(task.url.reveal)
        for document in self._documents():
            if document.document_id == task.document_id or (not task.document_id and document.url == url):
                return document
        raise NotFoundError(f"There is no document {task.document_id or url!r} in the index.")


class _Watched:
    """A file being written, which has somebody look every second or so whether to go on.

    Args:
        file: Where it goes.
        look: Raises to stop.
    """

    def __init__(self, file: BinaryIO, look: Callable[[], None]) -> None:
        self._look = look
        self._looked_at = time.monotonic()
        self._file = file
        self.seek = file.seek
        self.tell = file.tell
        self.truncate = file.truncate

    def write(self, data: bytes) -> int:
        """Pass it on."""
        if time.monotonic() - self._looked_at >= HEARTBEAT_S:
            self._look()
            self._looked_at = time.monotonic()
        return self._file.write(data)


def _failure(task: VideoTask, error: FovealError) -> AssetFailure:
    named = without_query(task.url.reveal) or task.document_id
    return AssetFailure(path=named, stage=FETCH_STAGE, code=error.code, reason=error.message, remedy=error.remedy)


def _takes_place_of(later: VideoTask, task: VideoTask) -> bool:
    if later.mode is VideoMode.UPDATE:
        return False
    if later.document_id:
        return later.document_id == task.document_id
    return without_query(later.url.reveal) == without_query(task.url.reveal)


def without_query(url: str) -> str:
    """An address without what may be a signature."""
    return url.partition("?")[0].partition("#")[0]


def path_of(document_id: str, url: str) -> str:
    """Where a document's file is in the folder of its index: a folder for the id, and the name it had."""
    folder = hashlib.sha256(document_id.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    last = unquote(urlsplit(without_query(url)).path.rpartition("/")[2])
    name = _NOT_IN_NAMES.sub("_", last).strip(" ._~")[-MOST_NAME_CHARACTERS:].strip(" ._~")
    return f"{folder}/{name or 'video'}"
