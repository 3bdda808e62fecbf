"""The port of shared work: items of a job that any number of processes take, a few at a time.

Every item is done at least once, and counted exactly once. A worker takes items, prepares them, says what it is about
to commit (`propose`, which gives it the right to write to the index), commits, and says so (`settle`). Items of a
worker whose process is gone, or whose heart has stopped, are given to others; what it says afterwards is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from foveal.types.ingestions import IngestionId
from foveal.types.work import Finished, GoneDocument, WorkerId, WorkItem


class WorkQueue(Protocol):
    """Items of running jobs, and the workers that share them. Safe to use from several threads and processes."""

    def fill(self, job: IngestionId, items: Iterable[WorkItem], gone: Iterable[GoneDocument] = ()) -> None:
        """What is to be done for a job, in place of what was there; `attempts` and `outcome` are not kept."""

    def clear(self, job: IngestionId) -> None:
        """Forget everything of a job that has ended; its workers are refused from now on."""

    def join(self, job: IngestionId) -> WorkerId:
        """Become a worker of a job, with a lease of this process."""

    def beat(self, worker: WorkerId, ready: int) -> None:
        """Renew the lease, and say how many items are prepared and not yet committed.

        Raises:
            ConflictError: It was taken for lost, or the job has ended: drop everything.
        """

    def leave(self, worker: WorkerId) -> None:
        """Be no worker any more; items that are not settled are given to others."""

    def take(self, worker: WorkerId, limit: int) -> list[WorkItem]:
        """Some items that nobody has, in order; of those that lost workers had, when there are no others, one at a
        time. Empty when there are none now.

        Raises:
            ConflictError: As `beat`.
        """

    def propose(self, worker: WorkerId, finished: Sequence[Finished]) -> bool:
        """Ask for the right to commit these items to the index. False while another live worker has it: ask again.
        Once it is given, it is kept until `settle`.

        Raises:
            ConflictError: As `beat`; none of the items is this worker's any more.
        """

    def settle(self, worker: WorkerId, finished: Sequence[Finished]) -> None:
        """Those items are committed: count them, keep their failures with the job, and give the right to commit back.
        An added one whose bytes are those of a document that is gone counts as moved.

        Raises:
            ConflictError: As `beat`. Nothing was counted.
        """

    def open_items(self, job: IngestionId) -> int:
        """Items that are not settled."""

    def others(self, worker: WorkerId) -> int:
        """Live workers of the same job beside this one."""

    def gone(self, job: IngestionId) -> list[GoneDocument]:
        """Documents to delete."""
