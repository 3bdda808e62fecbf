"""Ingest: bring an index in line with a source.

List → compare with the catalog → for each file that is new or changed: identify, prepare → commit in batches →
refit the adapter → optimise. Idempotent on (asset hash, recipe); killed at any point, the next run goes on from the
last commit, and no model call is paid twice.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from foveal.errors import (
    AssetError,
    ConflictError,
    IndexNotFoundError,
    UnsupportedAssetError,
)
from foveal.pipeline.adapt import AdapterKeeper
from foveal.pipeline.calibrate import CalibrationKeeper
from foveal.pipeline.job_run import HEARTBEAT_S, JobRun, Observer
from foveal.pipeline.places import document_id
from foveal.pipeline.prepare import Prepared, Preparer
from foveal.pipeline.sidecars import all_subtitles, subtitles_by_path
from foveal.ports import ByteStore, Catalog, ChunkStore, IngestionLog, Source
from foveal.retrieval.adapter import Adapter
from foveal.types.assets import Asset, AssetId, SourceItem
from foveal.types.chunks import ChunkChange, Generation
from foveal.types.ingestions import (
    AssetFailure,
    DocumentRecord,
    DocumentState,
    Ingestion,
    IngestionCounts,
    IngestionState,
    JobOrder,
)

FINISHED = "finished"
"""Attachment: the generation that an ingestion ended with, its search indexes built. Another one is yet to be."""
NOTHING = AssetId("")
"""Asset id of a file whose bytes could not be had."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What became of one file. `prepared` is None when nothing has to be written but the record."""

    record: DocumentRecord
    before: DocumentRecord | None
    prepared: Prepared | None


MOST_RETRIED = 1_000_000
"""Failed files that one job tries again."""


class Ingester:
    """Runs ingestions. One writer an index at a time, which the log's lease sees to.

    Args:
        ensure_index: Makes an index that does not exist yet; called when the lease is held, so that two processes
            never make the same one.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        store: ChunkStore,
        log: IngestionLog,
        derived: ByteStore,
        preparer: Preparer,
        adapters: AdapterKeeper,
        calibrations: CalibrationKeeper,
        workers: int,
        commit_assets: int,
        ensure_index: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._log = log
        self._derived = derived
        self._preparer = preparer
        self._adapters = adapters
        self._calibrations = calibrations
        self._workers = workers
        self._commit_assets = commit_assets
        self._ensure_index = ensure_index

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
            job: A job of that order which this process claimed; a new one when None.

        Returns:
            The finished job.

        Raises:
            ConflictError: Another process is ingesting into that index.
            ModelError: A model stopped answering; what was done so far is kept and the next run goes on.
            KeyboardInterrupt: Likewise.
        """
        with JobRun(self._log, job or self._log.start(order), observe) as run:
            run.stage("list")
            made = request()
            self._ensure_index(made.index)
            _Run(self, self._again(made, order), run).all()
        return run.job

    def _again(self, request: IngestRequest, order: JobOrder) -> IngestRequest:
        """Cut down to what failed in an earlier job, where it is that which is to be tried again."""
        if not order.retries:
            return request
        failed = frozenset(failure.path for failure in self._log.failures(order.retries, limit=MOST_RETRIED))
        return replace(request, only=failed)


class _Run:
    """One ingestion under way."""

    def __init__(self, owner: Ingester, request: IngestRequest, run: JobRun) -> None:
        self._catalog = owner._catalog
        self._store = owner._store
        self._derived = owner._derived
        self._preparer = owner._preparer
        self._adapters = owner._adapters
        self._calibrations = owner._calibrations
        self._workers = owner._workers
        self._commit_assets = owner._commit_assets
        self._request = request
        self._run = run
        self._waiting: list[_Outcome] = []
        self._gone_assets: dict[AssetId, int] = {}
        self._subtitles: Mapping[str, SourceItem] = {}

    def all(self) -> None:
        request, run = self._request, self._run
        run.fail(request.failures)
        difference = compare(self._catalog, self._preparer, request)
        todo = len(difference.todo)
        self._subtitles = difference.subtitles
        for record in difference.gone:
            self._gone_assets[record.asset_id] = self._gone_assets.get(record.asset_id, 0) + 1
        run.counts = IngestionCounts(found=difference.unchanged + todo, unchanged=difference.unchanged)
        run.stage("understand", todo=todo)
        if self._work_through(difference):
            self._commit(())
            run.end(IngestionState.CANCELLED)
            return
        self._commit(difference.gone)
        run.counts = replace(run.counts, deleted=len(difference.gone) - run.counts.moved)
        run.enter("finish")
        if todo or difference.gone or not self._is_finished():
            self._finish()
        if request.failures:
            run.end(IngestionState.PARTIAL)

    def _work_through(self, difference: Difference) -> bool:
        """Prepare every file, committing as it goes; True when it was cancelled."""
        adapter = self._adapters.placing(self._request.index)
        beat = time.monotonic()
        try:
            with closing(self._outcomes(difference, adapter)) as outcomes:
                for outcome in outcomes:
                    if outcome is not None:
                        self._take(outcome)
                    full = len(self._waiting) >= self._commit_assets
                    if full:
                        self._commit(())
                    if full or time.monotonic() - beat >= HEARTBEAT_S:
                        beat = time.monotonic()
                        if self._run.look():
                            return True
        except ConflictError:  # the lease is another process's now: write nothing more
            raise
        except BaseException:
            self._commit(())
            raise
        return False

    def _outcomes(self, difference: Difference, adapter: Adapter | None) -> Generator[_Outcome | None, None, None]:
        """Outcomes as they come; None when `HEARTBEAT_S` passed without one. At most two files wait per worker."""
        todo = deque(difference.todo)
        running: set[Future[_Outcome]] = set()
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix="foveal-ingest")
        try:
            while todo or running:
                while todo and len(running) < 2 * self._workers:
                    running.add(pool.submit(self._work, *todo.popleft(), adapter))
                finished, running = wait(running, timeout=HEARTBEAT_S, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield future.result()
                if not finished:
                    yield None
        finally:
            pool.shutdown(cancel_futures=True)

    def _work(self, item: SourceItem, before: DocumentRecord | None, adapter: Adapter | None) -> _Outcome:
        """One file, in a worker thread. This is the per-asset isolation: an `AssetError` becomes a record."""
        request = self._request
        description = request.descriptions.get(item.path, "")
        recipe = _recipe(self._preparer, request, "", item, {})
        record = DocumentRecord(
            document_id=document_id(request.source.name, item.path),
            source=request.source.name,
            item=item,
            asset_id=NOTHING,
            recipe=recipe,
            state=DocumentState.FAILED,
        )
        try:
            with request.source.open(item) as file:
                asset = self._preparer.identify(request.source, item, file)
                recipe = _recipe(self._preparer, request, asset.media_type, item, self._subtitles)
                record = replace(record, asset_id=asset.asset_id, media_type=asset.media_type, recipe=recipe)
                if before and _same_result(before, asset, recipe):
                    return _Outcome(record=replace(before, item=item), before=before, prepared=None)
                prepared = self._preparer.prepare(
                    request.source,
                    item,
                    asset,
                    file,
                    description=description,
                    groups=request.groups,
                    adapter=adapter,
                    subtitles=self._subtitles.get(item.path),
                )
        except AssetError as error:
            return _Outcome(record=_failed(record, error), before=before, prepared=None)
        indexed = replace(
            record,
            state=DocumentState.INDEXED,
            chunk_count=len(prepared.chunks),
            warnings=prepared.warnings,
        )
        return _Outcome(record=indexed, before=before, prepared=prepared)

    def _take(self, outcome: _Outcome) -> None:
        self._waiting.append(outcome)
        record, before, counts = outcome.record, outcome.before, self._run.counts
        if record.failure and record.state is DocumentState.FAILED:
            self._run.fail([record.failure])
            counts = replace(counts, failed=counts.failed + 1)
        elif record.state is DocumentState.SKIPPED:
            counts = replace(counts, skipped=counts.skipped + 1)
        elif outcome.prepared is None:
            counts = replace(counts, unchanged=counts.unchanged + 1)
        elif before and before.state is DocumentState.INDEXED:
            counts = replace(counts, changed=counts.changed + 1)
        elif self._gone_assets.get(record.asset_id, 0):
            self._gone_assets[record.asset_id] -= 1
            counts = replace(counts, moved=counts.moved + 1)
        else:
            counts = replace(counts, added=counts.added + 1)
        self._run.advance(size_bytes=record.item.size_bytes, counts=counts)

    def _commit(self, gone: Sequence[DocumentRecord]) -> None:
        """Make everything waiting visible at once: chunks first, then the catalog names their generation."""
        gone_ids = tuple(record.document_id for record in gone)
        waiting, self._waiting = self._waiting, []
        if not waiting and not gone:
            return
        index = self._request.index
        self._run.save()  # refused where the lease was lost (a laptop that slept)
        had_chunks = tuple(o.record.document_id for o in waiting if _replaces_chunks(o))
        chunks = tuple(c for o in waiting if o.prepared for c in o.prepared.chunks)
        generation = self._catalog.index(index).generation
        if chunks or had_chunks or gone:
            change = ChunkChange(delete=(*gone_ids, *had_chunks), put=chunks)
            generation = self._store.apply(index, generation, change)
        self._catalog.commit(index, generation, put=[o.record for o in waiting], delete=gone_ids)
        replaced = {o.before.asset_id for o in waiting if o.before and o.before.asset_id != o.record.asset_id}
        self._derived.delete(_hashed({record.asset_id for record in gone} | replaced))

    def _finish(self) -> None:
        """Refit the adapter where it is due, measure what is ordinary now, then build the search indexes."""
        index = self._request.index
        generation = self._catalog.index(index).generation
        refitted = self._adapters.refit_if_due(index, generation)
        if refitted is not None:
            generation = refitted.generation
            self._publish(index, generation, refitted.attachments)
        measured = self._calibrations.measured(index, generation)
        optimized = self._store.optimize(index, generation)
        self._publish(index, optimized, {**measured, FINISHED: str(optimized).encode()})

    def _is_finished(self) -> bool:
        """Whether the last ingestion came to its end; one that was stopped may have left no file to do."""
        index = self._request.index
        return self._catalog.attachment(index, FINISHED) == str(self._catalog.index(index).generation).encode()

    def _publish(self, index: str, generation: Generation, attachments: Mapping[str, bytes]) -> None:
        self._run.save()  # as in `_commit`
        self._catalog.commit(index, generation, attachments=attachments)


def _hashed(asset_ids: Iterable[AssetId]) -> set[AssetId]:
    """Without `NOTHING`."""
    return {asset_id for asset_id in asset_ids if asset_id != NOTHING}


def _same_result(before: DocumentRecord, asset: Asset, recipe: str) -> bool:
    """Whether a touched file has the bytes and the recipe of its present chunks."""
    return before.state is DocumentState.INDEXED and before.asset_id == asset.asset_id and before.recipe == recipe


def _replaces_chunks(outcome: _Outcome) -> bool:
    """Whether chunks of an earlier version must go."""
    had = outcome.before is not None and outcome.before.chunk_count > 0
    untouched = outcome.prepared is None and outcome.record.state is DocumentState.INDEXED
    return had and not untouched


def _failed(record: DocumentRecord, error: AssetError) -> DocumentRecord:
    failure = AssetFailure(
        path=record.item.path, stage=error.stage, code=error.code, reason=error.message, remedy=error.remedy
    )
    skipped = isinstance(error, UnsupportedAssetError)
    return replace(record, state=DocumentState.SKIPPED if skipped else DocumentState.FAILED, failure=failure)
