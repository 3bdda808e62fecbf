"""Shared work in memory. Its only process is this one, so no worker is ever lost but by `lose`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from threading import RLock

from foveal.errors import ConflictError
from foveal.ports.ingestions import IngestionLog
from foveal.types.assets import AssetId
from foveal.types.ingestions import IngestionId
from foveal.types.work import Finished, GoneDocument, Outcome, WorkerId, WorkItem


@dataclass
class _Job:
    waiting: list[WorkItem]
    gone: list[GoneDocument]
    unmatched: Counter[AssetId]
    taken: dict[WorkerId, dict[int, WorkItem]] = field(default_factory=dict)
    committing: WorkerId | None = None


class InMemoryWorkQueue:
    """`foveal.ports.WorkQueue` over dictionaries; counts go to the log it is given."""

    def __init__(self, log: IngestionLog) -> None:
        self._log = log
        self._jobs: dict[IngestionId, _Job] = {}
        self._workers: dict[WorkerId, IngestionId] = {}
        self._lost: set[WorkerId] = set()
        self._count = 0
        self._lock = RLock()

    def lose(self, worker: WorkerId) -> None:
        """As if its process were gone."""
        self._lost.add(worker)

    def fill(self, job: IngestionId, items: Iterable[WorkItem], gone: Iterable[GoneDocument] = ()) -> None:
        """What is to be done for a job."""
        waiting, left = [replace(item, attempts=0, outcome=None) for item in items], list(gone)
        with self._lock:
            self._jobs[job] = _Job(waiting, left, Counter(document.asset_id for document in left))

    def clear(self, job: IngestionId) -> None:
        """Forget everything of a job."""
        with self._lock:
            self._jobs.pop(job, None)
            self._workers = {worker: of for worker, of in self._workers.items() if of != job}

    def join(self, job: IngestionId) -> WorkerId:
        """Become a worker."""
        with self._lock:
            self._count += 1
            worker = WorkerId(f"worker-{self._count}")
            self._workers[worker] = job
            self._jobs[job].taken[worker] = {}
            return worker

    def beat(self, worker: WorkerId, ready: int) -> None:
        """Say that it lives."""
        self._of(worker)

    def leave(self, worker: WorkerId) -> None:
        """Be no worker any more."""
        with self._lock:
            if worker in self._workers:
                self._give_back(worker, attempts=0)

    def take(self, worker: WorkerId, limit: int) -> list[WorkItem]:
        """Some items that nobody has."""
        with self._lock:
            job = self._of(worker)
            for lost in [w for w in job.taken if w in self._lost and not job.waiting]:
                self._give_back(lost, attempts=1)
            fresh = [item for item in job.waiting if not item.attempts][:limit]
            taken = fresh or job.waiting[:1]
            job.waiting = [item for item in job.waiting if item not in taken]
            job.taken[worker] |= {item.ordinal: item for item in taken}
            return taken

    def propose(self, worker: WorkerId, finished: Sequence[Finished]) -> bool:
        """Ask for the right to commit."""
        with self._lock:
            job = self._of(worker)
            if job.committing not in {None, worker, *self._lost}:
                return False
            self._check(worker, finished)
            own = job.taken[worker]
            own |= {one.ordinal: replace(own[one.ordinal], outcome=one.outcome) for one in finished}
            job.committing = worker
            return True

    def settle(self, worker: WorkerId, finished: Sequence[Finished]) -> None:
        """Count what is committed."""
        with self._lock:
            job, job_id = self._of(worker), self._workers[worker]
            self._check(worker, finished)
            kept = self._log.get(job_id)
            counts = Counter({name: getattr(kept.counts, name) for name in kept.counts.__dataclass_fields__})
            for one in finished:
                del job.taken[worker][one.ordinal]
                moved = one.outcome is Outcome.ADDED and job.unmatched[one.asset_id] > 0
                job.unmatched[one.asset_id] -= moved
                counts["moved" if moved else one.outcome.value] += 1
            size_bytes = sum(one.size_bytes for one in finished)
            done = replace(
                kept.progress,
                done=kept.progress.done + len(finished),
                bytes_done=kept.progress.bytes_done + size_bytes,
            )
            self._log.update(job_id, replace(kept.counts, **counts), progress=done)
            self._log.add_failures(job_id, [one.failure for one in finished if one.failure])
            job.committing = None

    def open_items(self, job: IngestionId) -> int:
        """Items that are not settled."""
        with self._lock:
            found = self._jobs.get(job)
            return len(found.waiting) + sum(map(len, found.taken.values())) if found else 0

    def others(self, worker: WorkerId) -> int:
        """Live workers beside this one."""
        with self._lock:
            return len([w for w in self._of(worker).taken if w != worker and w not in self._lost])

    def gone(self, job: IngestionId) -> list[GoneDocument]:
        """Documents to delete."""
        return list(self._jobs[job].gone) if job in self._jobs else []

    def _of(self, worker: WorkerId) -> _Job:
        if worker not in self._workers:
            raise ConflictError("Another process has taken over the items of this one, or the job has ended.")
        return self._jobs[self._workers[worker]]

    def _check(self, worker: WorkerId, finished: Sequence[Finished]) -> None:
        if any(one.ordinal not in self._of(worker).taken[worker] for one in finished):
            raise ConflictError("Another process has taken over the items of this one, or the job has ended.")

    def _give_back(self, worker: WorkerId, *, attempts: int) -> None:
        job = self._jobs[self._workers.pop(worker)]
        back = [replace(item, attempts=item.attempts + attempts) for item in job.taken.pop(worker).values()]
        job.waiting = sorted([*job.waiting, *back], key=lambda item: (item.attempts, item.ordinal))
