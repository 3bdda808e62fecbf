"""Ingest: bring an index in line with a source.

List → compare with the catalog → hand out the files that are new or changed → this process and any others that help
prepare and commit them (`share.py`) → one process finishes: deletes what is gone, refits the adapter, optimises.
Idempotent on (asset hash, recipe); killed at any point, the next run goes on from the last commit, and no model call is
paid twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from foveal.errors import IndexNotFoundError
from foveal.pipeline.adapt import AdapterKeeper
from foveal.pipeline.calibrate import CalibrationKeeper
from foveal.pipeline.job_run import HEARTBEAT_S, JobRun, Observer
from foveal.pipeline.prepare import Preparer
from foveal.pipeline.share import NOTHING, Share, SharedParts, Worked, hashed
from foveal.pipeline.sidecars import all_subtitles, subtitles_by_path
from foveal.ports.ingestions import IngestionLog
from foveal.ports.sources import Source
from foveal.ports.stores import ByteStore, Catalog, ChunkStore
from foveal.ports.work import WorkQueue
from foveal.types.assets import SourceItem
from foveal.types.chunks import ChunkChange, Generation
from foveal.types.ingestions import (
    AssetFailure,
    DocumentRecord,
    Ingestion,
    IngestionCounts,
    IngestionProgress,
    IngestionState,
    JobOrder,
)
from foveal.types.work import GoneDocument, WorkItem

__all__ = ["FINISHED", "NOTHING", "Difference", "IngestRequest", "Ingester", "compare"]

FINISHED = "finished"
"""Attachment: the generation that an ingestion ended with, its search indexes built. Another one is yet to be."""
MOST_RETRIED = 1_000_000
"""Failed files that one job tries again."""
OTHERS_S = 0.2
"""Time between two looks at whether other processes are through with their items."""
LEAVING_S = 10.0
"""Longest wait for other processes to commit what they have, when a job is cancelled."""
SHARED_STAGES = frozenset({"understand", "finish"})
"""A job in one of these has its items handed out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestRequest:
    """What to ingest and how.

    Attributes:
        descriptions: A person's words by path.
        ignore: Paths that are no documents (the metadata files themselves).
        failures: What was wrong with descriptions; goes into the report.
        groups: Groups that may see the documents; empty: everybody.
        only: These paths and no others, also where they were settled; None: everything.
    """

    source: Source
    index: str
    descriptions: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    ignore: frozenset[str] = frozenset()
    failures: tuple[AssetFailure, ...] = ()
    groups: tuple[str, ...] = ()
    only: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How a source and the catalog differ.

    Attributes:
        todo: Files to work on, with what the catalog knew of them.
        gone: Documents whose file is no longer there.
        unchanged: Files that need nothing.
        subtitles: Of videos that have subtitles beside them, the file with them, by path.
    """

    todo: tuple[tuple[SourceItem, DocumentRecord | None], ...]
    gone: tuple[DocumentRecord, ...]
    unchanged: int
    subtitles: Mapping[str, SourceItem] = field(default_factory=lambda: MappingProxyType({}))


def compare(catalog: Catalog, preparer: Preparer, request: IngestRequest) -> Difference:
    """List the source and set it against the catalog.

    A file is left alone when its version and recipe are those of the last run, whether it was indexed, skipped or
    refused then; one that could not be fetched is tried again. Subtitles beside a video are part of the video. Of a
    request for some paths only, those are all tried again, and nothing is gone.
    """
    items = [item for item in request.source.items() if item.path not in request.ignore]
    subtitles, beside = subtitles_by_path(items), all_subtitles(items)
    try:
        known = {d.item.path: d for d in catalog.documents(request.index, request.source.name)}
    except IndexNotFoundError:  # a plan for an index that is yet to be made
        known = {}
    todo: list[tuple[SourceItem, DocumentRecord | None]] = []
    unchanged = 0
    for item in items:
        if item.path in beside or (request.only is not None and item.path not in request.only):
            continue
        before = known.pop(item.path, None)
        if (
            request.only is None
            and before
            and _settled(before, item, _recipe(preparer, request, before.media_type, item, subtitles))
        ):
            unchanged += 1
        else:
            todo.append((item, before))
    gone = tuple(known.values()) if request.only is None else ()
    return Difference(todo=tuple(todo), gone=gone, unchanged=unchanged, subtitles=MappingProxyType(dict(subtitles)))


def _recipe(
    preparer: Preparer,
    request: IngestRequest,
    media_type: str,
    item: SourceItem,
    subtitles: Mapping[str, SourceItem],
) -> str:
    description = request.descriptions.get(item.path, "")
    return preparer.recipe(description, request.groups, media_type=media_type, subtitles=subtitles.get(item.path))


def _settled(before: DocumentRecord, item: SourceItem, recipe: str) -> bool:
    same = before.item.version == item.version and before.recipe == recipe
    return same and not (before.failure and before.failure.stage == "fetch")


class Ingester:
    """Runs ingestions. One at a time an index, which the log's lease sees to; any number of processes share one.

    Args:
        source_of: Opens what an order reads, for a process that did not list it.
        ensure_index: Makes an index that does not exist yet; called when the lease is held, so that two processes
            never make the same one.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        store: ChunkStore,
        log: IngestionLog,
        queue: WorkQueue,
        derived: ByteStore,
        preparer: Preparer,
        adapters: AdapterKeeper,
        calibrations: CalibrationKeeper,
        workers: int,
        commit_assets: int,
        source_of: Callable[[JobOrder], Source],
        ensure_index: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._log = log
        self._queue = queue
        self._adapters = adapters
        self._source_of = source_of
        self._ensure_index = ensure_index
        self._shared = SharedParts(
            catalog=catalog,
            store=store,
            queue=queue,
            derived=derived,
            preparer=preparer,
            workers=workers,
            commit_assets=commit_assets,
        )
        self._finishing = _Finishing(self._shared, adapters, calibrations)

    def run(self, request: IngestRequest, observe: Observer = lambda _: None) -> Ingestion:
        """Ingest, to the end or until cancelled; see `run_job`."""
        order = JobOrder(index=request.index, source=request.source.name, groups=request.groups)
        return self.run_job(order, lambda: request, observe)

    def run_job(
        self,
        order: JobOrder,
        request: Callable[[], IngestRequest],
        observe: Observer = lambda _: None,
        *,
        job: Ingestion | None = None,
    ) -> Ingestion:
        """Ingest, to the end or until cancelled.

        Args:
            order: What to do, as it is kept with the job.
            request: Lists the source; called once the job is there, so that what is wrong with it is the job's.
            observe: Told of progress, from the calling thread.
            job: A job of that order which this process claimed; a new one when None. Where the process that had it
                is gone, its items are gone on with.

        Returns:
            The finished job.

        Raises:
            ConflictError: Another process is ingesting into that index.
            ModelError: A model stopped answering; what was done so far is kept and the next run goes on.
            KeyboardInterrupt: Likewise.
        """
        with JobRun(self._log, job or self._log.start(order), observe) as run:
            try:
                if run.job.stage in SHARED_STAGES:
                    source = self._source_of(order)
                    run.share()
                else:
                    source = self._hand_out(run, request, order)
                if self._work_through(run, source):
                    run.end(IngestionState.CANCELLED)
                else:
                    run.enter("finish")
                    self._finishing.finish(run, self._queue.gone(run.job.ingestion_id))
            finally:
                self._queue.clear(run.job.ingestion_id)
        return run.job

    def help(self, job: Ingestion, observe: Observer = lambda _: None) -> int:
        """Do a share of a job that another process runs, until there is no item left that nobody has.

        Returns:
            How many items were done here.

        Raises:
            ConflictError: The job has ended, or this process was taken for lost.
            ModelError: A model stopped answering here.
        """
        done = 0
        looked = time.monotonic()

        def watch(worked: Worked | None) -> bool:
            nonlocal done, looked
            done += worked is not None
            if time.monotonic() - looked < HEARTBEAT_S:
                return False
            looked = time.monotonic()
            now = self._log.get(job.ingestion_id)
            observe(_progress(now))
            return now.final or now.cancel_asked

        adapter = self._adapters.placing(job.index)
        with Share(self._shared, job, self._source_of(job.order), adapter, watch=watch) as share:
            share.work()
        return done

    def _hand_out(self, run: JobRun, request: Callable[[], IngestRequest], order: JobOrder) -> Source:
        """List, compare, and put what is to be done where every process can take it."""
        run.stage("list")
        made = self._again(request(), order)
        self._ensure_index(made.index)
        run.fail(made.failures)
        difference = compare(self._shared.catalog, self._shared.preparer, made)
        todo = len(difference.todo)
        run.counts = IngestionCounts(found=difference.unchanged + todo, unchanged=difference.unchanged)
        self._queue.fill(
            run.job.ingestion_id,
            (
                WorkItem(
                    ordinal=n,
                    item=item,
                    description=made.descriptions.get(item.path, ""),
                    subtitles=difference.subtitles.get(item.path),
                )
                for n, (item, _) in enumerate(difference.todo)
            ),
            (GoneDocument(document_id=d.document_id, path=d.item.path, asset_id=d.asset_id) for d in difference.gone),
        )
        run.stage("understand", todo=todo)
        run.share()
        return made.source

    def _again(self, request: IngestRequest, order: JobOrder) -> IngestRequest:
        """Cut down to what failed in an earlier job, where it is that which is to be tried again."""
        if not order.retries:
            return request
        failed = frozenset(failure.path for failure in self._log.failures(order.retries, limit=MOST_RETRIED))
        return replace(request, only=failed)

    def _work_through(self, run: JobRun, source: Source) -> bool:
        """This process's share, until those of all others are done too; True when it was cancelled."""
        looked = time.monotonic()

        def watch(worked: Worked | None) -> bool:
            nonlocal looked
            if worked and worked.finished.failure:
                run.tell([worked.finished.failure])
            if worked:
                run.advance(size_bytes=worked.finished.size_bytes)
            if share.ready and time.monotonic() - looked < HEARTBEAT_S:
                return False
            looked = time.monotonic()
            share.beat()
            return run.look()

        adapter = self._adapters.placing(run.job.index)
        with Share(self._shared, run.job, source, adapter, watch=watch) as share:
            while not (cancelled := share.work()) and self._queue.open_items(run.job.ingestion_id):
                time.sleep(OTHERS_S)  # others have what is left; what they lose is taken at the next turn
                if watch(None):
                    cancelled = True
                    break
            deadline = time.monotonic() + LEAVING_S
            while cancelled and self._queue.others(share.worker) and time.monotonic() < deadline:
                time.sleep(OTHERS_S)
        run.look()
        return cancelled


class _Finishing:
    """What one process does when every item is through."""

    def __init__(self, parts: SharedParts, adapters: AdapterKeeper, calibrations: CalibrationKeeper) -> None:
        self._parts = parts
        self._catalog = parts.catalog
        self._store = parts.store
        self._adapters = adapters
        self._calibrations = calibrations

    def finish(self, run: JobRun, gone: list[GoneDocument]) -> None:
        """Delete what is gone, refit the adapter where it is due, measure what is ordinary now, then build the search
        indexes.
        """
        index = run.job.index
        self._delete(run, index, gone)
        run.own(replace(run.counts, deleted=len(gone) - run.counts.moved))
        if not run.progress.todo and not gone and self._is_finished(index):
            return
        generation = self._catalog.index(index).generation
        refitted = self._adapters.refit_if_due(index, generation)
        if refitted is not None:
            self._publish(run, index, generation, refitted.generation, refitted.attachments)
            generation = refitted.generation
        measured = self._calibrations.measured(index, generation)
        optimized = self._store.optimize(index, generation)
        self._publish(run, index, generation, optimized, {**measured, FINISHED: str(optimized).encode()})

    def _delete(self, run: JobRun, index: str, gone: list[GoneDocument]) -> None:
        if not gone:
            return
        run.save()  # refused where the lease was lost (a laptop that slept)
        ids = tuple(document.document_id for document in gone)
        base = self._catalog.index(index).generation
        generation = self._store.apply(index, base, ChunkChange(delete=ids))
        self._catalog.commit(index, generation, delete=ids, base=base)
        self._parts.derived.delete(hashed({document.asset_id for document in gone}))

    def _is_finished(self, index: str) -> bool:
        """Whether the last ingestion came to its end; one that was stopped may have left no file to do."""
        return self._catalog.attachment(index, FINISHED) == str(self._catalog.index(index).generation).encode()

    def _publish(
        self, run: JobRun, index: str, base: Generation, generation: Generation, attachments: Mapping[str, bytes]
    ) -> None:
        run.save()  # as in `_delete`
        self._catalog.commit(index, generation, attachments=attachments, base=base)


def _progress(job: Ingestion) -> IngestionProgress:
    progress = job.progress
    return IngestionProgress(
        counts=job.counts,
        stage=job.stage,
        todo=progress.todo,
        done=progress.done,
        bytes_done=progress.bytes_done,
    )
