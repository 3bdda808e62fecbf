"""A process's share of an ingestion: take items, prepare them in threads, commit in batches, until none is left.

Any number of processes do this on one job at once, the one that started it among them. A commit is made by one at a
time, on the index as the last one left it; what is committed and what is counted are the same even where a process
dies between the two, because whoever takes its items over finds them done.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, replace

from foveal.errors import (
    AssetError,
    ConflictError,
    FovealError,
    StoreBusyError,
    UnreadableAssetError,
    UnsupportedAssetError,
)
from foveal.pipeline.job_run import HEARTBEAT_S
from foveal.pipeline.places import document_id
from foveal.pipeline.prepare import Prepared, Preparer
from foveal.ports.sources import Source
from foveal.ports.stores import ByteStore, Catalog, ChunkStore
from foveal.ports.work import WorkQueue
from foveal.retrieval.adapter import Adapter
from foveal.types.assets import Asset, AssetId
from foveal.types.chunks import ChunkChange
from foveal.types.ingestions import AssetFailure, DocumentRecord, DocumentState, Ingestion
from foveal.types.work import Finished, Outcome, WorkerId, WorkItem

NOTHING = AssetId("")
"""Asset id of a file whose bytes could not be had."""
MOST_ATTEMPTS = 3
"""A file that so many processes were lost with is given up."""
TAKEN_PER_THREAD = 4
BEAT_S = 1.0
TURN_S = 0.02
"""Time between two looks at whether it is this process's turn to commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedParts:
    """What every process needs to do its share."""

    catalog: Catalog
    store: ChunkStore
    queue: WorkQueue
    derived: ByteStore
    preparer: Preparer
    workers: int
    commit_assets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """What became of one file. `prepared` is None when nothing has to be written but the record."""

    finished: Finished
    record: DocumentRecord
    before: DocumentRecord | None
    prepared: Prepared | None


class Share:
    """This process's share of one job, for use in a `with` statement: a worker of it as long as that lasts.

    Args:
        parts: What is worked with.
        job: Which.
        source: Where the files are.
        adapter: Places images in the text space.
        watch: Told of every item that is prepared here; raises to stop, says True to stop without an error.
    """

    def __init__(
        self,
        parts: SharedParts,
        job: Ingestion,
        source: Source,
        adapter: Adapter | None,
        *,
        watch: Callable[[Worked | None], bool],
    ) -> None:
        self._parts = parts
        self._job = job
        self._source = source
        self._adapter = adapter
        self._watch = watch
        self._waiting: list[Worked] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="foveal-worker", daemon=True)

    def __enter__(self) -> Share:
        self.worker: WorkerId = self._parts.queue.join(self._job.ingestion_id)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._parts.queue.leave(self.worker)

    @property
    def ready(self) -> int:
        """Items prepared here and not yet committed."""
        return len(self._waiting)

    def beat(self) -> None:
        """Renew this worker's lease, and say how far it is.

        Raises:
            ConflictError: It was taken for lost, or the job has ended.
        """
        self._parts.queue.beat(self.worker, self.ready)

    def work(self) -> bool:
        """Until there is no item that nobody has; True when it was told to stop. What was prepared is committed.

        Raises:
            ConflictError: This process was taken for lost, or the job has ended.
            ModelError: A model stopped answering; what was done so far is committed.
        """
        try:
            with closing(self._outcomes()) as outcomes:
                for worked in outcomes:
                    if worked is not None:
                        self._waiting.append(worked)
                    if len(self._waiting) >= self._parts.commit_assets:
                        self._commit()
                    if self._watch(worked):
                        self._commit()
                        return True
        except ConflictError:  # the items are another process's now: write nothing more
            raise
        except BaseException:
            self._commit()
            raise
        self._commit()
        return False

    def _beat(self) -> None:
        while not self._over.wait(BEAT_S):
            try:
                self.beat()
            except StoreBusyError:
                continue  # next time
            except FovealError:
                return  # lost; the work meets the same error at its next take or commit

    def _outcomes(self) -> Generator[Worked | None, None, None]:
        """As they come; None when `HEARTBEAT_S` passed without one. At most two files wait per thread."""
        threads = self._parts.workers
        todo: deque[tuple[WorkItem, DocumentRecord | None]] = deque()
        running: set[Future[Worked]] = set()
        more = True
        pool = ThreadPoolExecutor(threads, thread_name_prefix="foveal-ingest")
        try:
            while more or todo or running:
                if more and len(todo) + len(running) < 2 * threads:
                    taken = self._take(TAKEN_PER_THREAD * threads)
                    more = bool(taken)
                    todo.extend(taken)
                while todo and len(running) < 2 * threads:
                    running.add(pool.submit(self._work, *todo.popleft()))
                if not running:
                    continue
                finished, running = wait(running, timeout=HEARTBEAT_S, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield future.result()
                if not finished:
                    yield None
        finally:
            pool.shutdown(cancel_futures=True)

    def _take(self, limit: int) -> list[tuple[WorkItem, DocumentRecord | None]]:
        taken = self._parts.queue.take(self.worker, limit)
        ids = {document_id(self._source.name, work.item.path): work for work in taken}
        known = {record.document_id: record for record in self._parts.catalog.find(self._job.index, ids)}
        return [(work, known.get(key)) for key, work in ids.items()]

    def _work(self, work: WorkItem, before: DocumentRecord | None) -> Worked:
        """One file, in a worker thread. This is the per-asset isolation: an `AssetError` becomes a record."""
        preparer, item = self._parts.preparer, work.item
        recipe = self._recipe(work, "")
        record = DocumentRecord(
            document_id=document_id(self._source.name, item.path),
            source=self._source.name,
            item=item,
            asset_id=NOTHING,
            recipe=recipe,
            state=DocumentState.FAILED,
        )
        if work.outcome and before and before.item == item and before.recipe == self._recipe(work, before.media_type):
            # It was committed, and not counted.
            return _worked(work, before, before, None, work.outcome)
        try:
            if work.attempts >= MOST_ATTEMPTS:
                raise UnreadableAssetError(
                    f"{work.attempts} processes ended while they worked on it.", stage="understand"
                )
            with self._source.open(item) as file:
                asset = preparer.identify(self._source, item, file)
                recipe = self._recipe(work, asset.media_type)
                record = replace(record, asset_id=asset.asset_id, media_type=asset.media_type, recipe=recipe)
                if before and _same_result(before, asset, recipe):
                    return _worked(work, replace(before, item=item), before, None, Outcome.UNCHANGED)
                prepared = preparer.prepare(
                    self._source,
                    item,
                    asset,
                    file,
                    description=work.description,
                    groups=self._job.groups,
                    adapter=self._adapter,
                    subtitles=work.subtitles,
                )
        except AssetError as error:
            failed = _failed(record, error)
            outcome = Outcome.SKIPPED if failed.state is DocumentState.SKIPPED else Outcome.FAILED
            return _worked(work, failed, before, None, outcome)
        indexed = replace(
            record, state=DocumentState.INDEXED, chunk_count=len(prepared.chunks), warnings=prepared.warnings
        )
        had = before is not None and before.state is DocumentState.INDEXED
        return _worked(work, indexed, before, prepared, Outcome.CHANGED if had else Outcome.ADDED)

    def _recipe(self, work: WorkItem, media_type: str) -> str:
        return self._parts.preparer.recipe(
            work.description, self._job.groups, media_type=media_type, subtitles=work.subtitles
        )

    def _commit(self) -> None:
        """Make everything waiting visible at once: chunks first, then the catalog names their generation."""
        waiting = self._waiting
        if not waiting:
            return
        parts, index = self._parts, self._job.index
        finished = [one.finished for one in waiting]
        while not parts.queue.propose(self.worker, finished):
            time.sleep(TURN_S)
        had_chunks = tuple(one.record.document_id for one in waiting if _replaces_chunks(one))
        chunks = tuple(chunk for one in waiting if one.prepared for chunk in one.prepared.chunks)
        base = generation = parts.catalog.index(index).generation
        if chunks or had_chunks:
            generation = parts.store.apply(index, base, ChunkChange(delete=had_chunks, put=chunks))
        parts.catalog.commit(index, generation, put=[one.record for one in waiting], base=base)
        self._waiting = []  # whatever fails from here on, these are committed: whoever takes them over counts them
        parts.queue.settle(self.worker, finished)
        replaced = {o.before.asset_id for o in waiting if o.before and o.before.asset_id != o.record.asset_id}
        parts.derived.delete(hashed(replaced))


def hashed(asset_ids: Iterable[AssetId]) -> set[AssetId]:
    """Without `NOTHING`."""
    return {asset_id for asset_id in asset_ids if asset_id != NOTHING}


def _worked(
    work: WorkItem, record: DocumentRecord, before: DocumentRecord | None, prepared: Prepared | None, outcome: Outcome
) -> Worked:
    finished = Finished(
        ordinal=work.ordinal,
        outcome=outcome,
        asset_id=record.asset_id,
        size_bytes=work.item.size_bytes,
        failure=record.failure if outcome is Outcome.FAILED else None,
    )
    return Worked(finished=finished, record=record, before=before, prepared=prepared)


def _same_result(before: DocumentRecord, asset: Asset, recipe: str) -> bool:
    """Whether a touched file has the bytes and the recipe of its present chunks."""
    return before.state is DocumentState.INDEXED and before.asset_id == asset.asset_id and before.recipe == recipe


def _replaces_chunks(worked: Worked) -> bool:
    """Whether chunks of an earlier version must go."""
    had = worked.before is not None and worked.before.chunk_count > 0
    untouched = worked.prepared is None and worked.record.state is DocumentState.INDEXED
    return had and not untouched


def _failed(record: DocumentRecord, error: AssetError) -> DocumentRecord:
    failure = AssetFailure(
        path=record.item.path, stage=error.stage, code=error.code, reason=error.message, remedy=error.remedy
    )
    skipped = isinstance(error, UnsupportedAssetError)
    return replace(record, state=DocumentState.SKIPPED if skipped else DocumentState.FAILED, failure=failure)
