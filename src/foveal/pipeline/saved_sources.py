"""Saved sources at work: added, tried out, planned, refreshed when they are due, removed.

A refresh is an ingestion of what the source lists now: added, changed and moved files are read, deleted ones leave the
index with everything derived from them. Where a source as a whole cannot be read, its run fails, what was searchable
stays searchable, and the schedule tries again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Protocol

from foveal.errors import (
    AssetError,
    ConflictError,
    FovealError,
    InvalidRequestError,
    NotFoundError,
    SourceUnusableError,
    StoreBusyError,
)
from foveal.pipeline.ingest import IngestRequest
from foveal.pipeline.job_run import Observer
from foveal.pipeline.prepare import sniff_file
from foveal.ports.live import LiveIndex
from foveal.ports.sources import Sniffer, Source, SourceRegistry
from foveal.retrieval.live_mapping import report
from foveal.types.assets import SourceItem
from foveal.types.ingestions import Ingestion, IngestionPlan, IngestionState, JobKind, JobOrder
from foveal.types.live_settings import LiveSettings
from foveal.types.sources import (
    Credential,
    LiveReport,
    SavedSource,
    Schedule,
    SourceDraft,
    SourceReport,
    SourceRun,
    SourceSettings,
    SourceState,
)

RENEW_S = 20.0
"""Time between two renewals of a run's lease."""
WAIT_S = 15.0
"""A source whose index another ingestion writes to is tried again after so long."""
BEGIN_WITHIN_S = 5.0
"""How long a queued refresh waits for the right to run its source."""
LOOKED_AT = 50
"""Files opened to find one that is read, before a source is told to have none."""
PICTURES = frozenset({".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".heic", ".heif", ".avif"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How sources are made of what is kept; the runtime, which knows every kind, says.

    Attributes:
        settle: Checks what a person wrote.
        open: Opens a place; nothing is fetched yet.
        emptied: The same place as if nothing were in it.
        request: What to ingest of a source: its files, the descriptions of them, for whom.
        forgotten: Deletes what this product keeps of a source that is removed (uploads).
        open_live: Opens an index that is searched where it is; nothing is fetched yet.
        first_run: When a new source is due.
        next_run: When a source is due after a moment.
    """

    settle: Callable[[SourceDraft, Credential | None], SourceSettings]
    open: Callable[[SourceSettings, Credential | None], Source]
    emptied: Callable[[SourceSettings], Source]
    request: Callable[[Source, SourceSettings], IngestRequest]
    forgotten: Callable[[SourceSettings], None]
    open_live: Callable[[SourceSettings, Credential | None], LiveIndex]
    read_schedule: Callable[[str, str], Schedule]
    first_run: Callable[[Schedule, datetime], datetime | None]
    next_run: Callable[[Schedule, datetime], datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What became of one due source: its job, or why there is none."""

    name: str
    job: Ingestion | None = None
    error: FovealError | None = None


class Ingesting(Protocol):
    """Runs an ingestion as a job."""

    def __call__(
        self,
        order: JobOrder,
        request: Callable[[], IngestRequest],
        observe: Observer = ...,
        *,
        job: Ingestion | None = None,
    ) -> Ingestion:
        """`foveal.pipeline.ingest.Ingester.run_job`."""


class SavedSources:
    """Everything that is done with saved sources. Safe to use from several threads.

    Args:
        registry: Where they are kept.
        opening: How they are opened.
        ingest: Runs an ingestion.
        enqueue: Queues a job.
        plan: Says what one would do.
        sniff: Tells what a file is.
        has_index: Whether there is an index of that name.
        taken: Names of indexes, which a live index cannot have.
        embeds: Whether a deployment (empty: any) gives vectors of a length.
    """

    def __init__(
        self,
        registry: SourceRegistry,
        opening: Opening,
        *,
        ingest: Ingesting,
        enqueue: Callable[[JobOrder], Ingestion],
        plan: Callable[[IngestRequest], IngestionPlan],
        sniff: Sniffer,
        has_index: Callable[[str], bool],
        taken: Callable[[], Collection[str]] = list,
        embeds: Callable[[str, int], bool] = lambda _, dimensions: dimensions > 0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._registry = registry
        self._opening = opening
        self._ingest = ingest
        self._enqueue = enqueue
        self._plan = plan
        self._sniff = sniff
        self._has_index = has_index
        self._taken = taken
        self._embeds = embeds
        self._now = now

    # --- what there is

    def all(self) -> list[SavedSource]:
        """Every one, by name."""
        return self._registry.all()

    def get(self, name: str) -> SavedSource:
        """One.

        Raises:
            NotFoundError: There is none of that name.
        """
        return self._registry.get(name)

    def settle(self, draft: SourceDraft, credential: Credential | None) -> SourceSettings:
        """Check a draft; nothing is kept.

        Raises:
            InvalidRequestError: Something is missing, or wrong.
        """
        return self._opening.settle(draft, credential)

    def looked_at(self, settings: SourceSettings, credential: Credential | None) -> LiveReport | None:
        """What is found of an index that is searched where it is, and guessed of its fields; None of other sources.

        Raises:
            SourceUnusableError: It cannot be reached, or its key is refused.
            InvalidRequestError: A field is named that it does not have.
        """
        if settings.live is None:
            return None
        with closing(self._opening.open_live(settings, credential)) as index:
            return report(settings.live, index.describe(), embeds=self._embeds)

    def add(self, settings: SourceSettings, credential: Credential | None, *, later: bool = False) -> SavedSource:
        """Keep a source that `settle` gave; of an index that is searched where it is, first look at it.

        Args:
            settings: The source.
            credential: What opens it.
            later: Whether its first run is queued by the caller: with an interval it is due after that, not at once.

        Raises:
            ConflictError: There is one of that name, or of that place for that index.
            SourceUnusableError: A live index cannot be reached, or its key is refused.
        """
        if settings.live is not None:
            if settings.index in self._taken():
                raise ConflictError(f"There is an index {settings.index} already.", remedy="Take another name.")
            found = self.looked_at(settings, credential)
            settings = settings if found is None else replace(settings, live=found.settings)
        first = self._opening.next_run if later else self._opening.first_run
        due = first(settings.schedule, self._now())
        return self._registry.add(settings, credential, next_run_at=due)

    def credential_of(self, name: str) -> Credential | None:
        """What opens a source.

        Raises:
            NotFoundError: There is none of that name.
        """
        return self._registry.credential(name)

    def set_live(self, name: str, live: LiveSettings) -> SavedSource:
        """Give a live index another mapping; what is empty in it is guessed again.

        Raises:
            NotFoundError: There is none of that name.
            InvalidRequestError: It is no live index, or a field is named that it does not have.
            SourceUnusableError: It cannot be reached.
        """
        settings = self.get(name).settings
        if settings.live is None:
            raise InvalidRequestError(f"The source {name} is no live index: it has no mapping.")
        found = self.looked_at(replace(settings, live=live), self._registry.credential(name))
        self._registry.set_live(name, live if found is None else found.settings)
        return self.get(name)

    def set_credential(self, name: str, credential: Credential | None) -> None:
        """Give a source another key, after the old one was rotated.

        Raises:
            NotFoundError: There is none of that name.
            InvalidRequestError: It is a credential for another place, or of a kind that such a source has not.
        """
        settings = self.get(name).settings
        if settings.live is not None:
            self._opening.open_live(settings, credential).close()
        else:
            self._opening.open(settings, credential)
        self._registry.set_credential(name, credential)

    def set_schedule(self, name: str, *, every: str = "", cron: str = "") -> SavedSource:
        """Have a source read at other times, or with neither never by itself.

        Raises:
            NotFoundError: There is none of that name.
            InvalidRequestError: It is no interval, or no cron expression.
        """
        schedule = self._opening.read_schedule(every, cron)
        if schedule.on:
            _refuse_live(self.get(name).settings)
        self._registry.set_schedule(name, schedule, next_run_at=self._opening.next_run(schedule, self._now()))
        return self.get(name)

    def holding(self, location: str) -> Source:
        """The saved source of a place, opened, to read again what came from there.

        Raises:
            NotFoundError: None is saved any more.
        """
        found = next(
            (s.settings for s in self.all() if s.settings.location == location and s.settings.live is None), None
        )
        if found is None:
            raise NotFoundError(f"There is no source for {location} any more.", remedy="Add it again.")
        return self._opening.open(found, self._registry.credential(found.name))

    # --- before it is read

    def test(self, name: str) -> SourceReport:
        """Try a saved source out.

        Raises:
            SourceUnusableError: It cannot be read, or holds nothing that can.
        """
        return self.try_out(self.get(name).settings, self._registry.credential(name))

    def try_out(self, settings: SourceSettings, credential: Credential | None) -> SourceReport:
        """List a place and look for a file that is read.

        Raises:
            SourceUnusableError: It cannot be read, or holds nothing that can.
        """
        found = self.looked_at(settings, credential)
        if found is not None:
            return SourceReport(
                location=settings.location, files=found.documents or 0, size_bytes=0, readable="", live=found
            )
        request = self._opening.request(self._opening.open(settings, credential), settings)
        items = [item for item in request.source.items() if item.path not in request.ignore]
        if not items:
            raise SourceUnusableError(
                f"There is no file in {settings.location}.", remedy="Check the folder or the prefix.", reason="empty"
            )
        without = [i.path for i in items if _is_picture(i) and i.path not in request.descriptions]
        return SourceReport(
            location=settings.location,
            files=len(items),
            size_bytes=sum(item.size_bytes for item in items),
            readable=self._readable(request.source, items),
            described=len(request.descriptions),
            undescribed=tuple(without) if request.descriptions else (),
            failures=request.failures,
        )

    def plan(self, name: str) -> IngestionPlan:
        """What a refresh would do and cost.

        Raises:
            SourceUnusableError: It cannot be read.
        """
        settings = self.get(name).settings
        _refuse_live(settings)
        return self._plan(self._request(settings))

    # --- reading it

    def refresh(self, name: str, observe: Observer = lambda _: None, *, job: Ingestion | None = None) -> Ingestion:
        """Bring the index in line with a source, now.

        Args:
            name: Which.
            observe: Told of progress.
            job: A queued refresh that this process claimed; a new job when None.

        Raises:
            ConflictError: It is running, or another ingestion writes to its index.
            SourceUnusableError: It cannot be read; what was searchable before still is.
        """
        _refuse_live(self.get(name).settings)
        return self._run(self._begun(name, BEGIN_WITHIN_S if job else 0), observe, job)

    def _begun(self, name: str, within_s: float) -> SourceRun:
        """The right to run a source; a run whose job has ended gives it back a moment later."""
        deadline = time.monotonic() + within_s
        while True:
            try:
                return self._registry.begin(name)
            except ConflictError:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(0.05)

    def refresh_due(self, observe: Observer = lambda _: None) -> Iterator[Refreshed]:
        """Refresh what is due, one source after another; a failure of one is told and does not keep the others."""
        while (run := self._registry.claim()) is not None:
            name = run.source.settings.name
            try:
                yield Refreshed(name=name, job=self._run(run, observe))
            except FovealError as error:
                yield Refreshed(name=name, error=error)

    def ask(self, name: str) -> Ingestion:
        """Queue a refresh for whoever runs queued jobs; one that waits already is given back.

        Raises:
            NotFoundError: There is none of that name.
            ConflictError: It is running.
        """
        saved = self.get(name)
        _refuse_live(saved.settings)
        if saved.state is SourceState.RUNNING:
            raise ConflictError(f"The source {name} is running.", remedy="Wait for it.")
        return self.ask_again(name)

    def ask_again(self, name: str) -> Ingestion:
        """Likewise where it is running: once more, after that run, for what changed behind it.

        Raises:
            NotFoundError: There is none of that name.
        """
        return self._enqueue(_order(self.get(name).settings))

    def remove(self, name: str, *, keep_data: bool = False, observe: Observer = lambda _: None) -> Ingestion | None:
        """Forget a source, and first delete what came from it.

        Args:
            name: Which.
            keep_data: Whether what came from it stays searchable; pictures of it can then not be shown. Uploads
                stay in the home, and come back with a source of the same name.
            observe: Told of progress.

        Returns:
            The job that deleted; None when there was nothing to delete.

        Raises:
            ConflictError: It is running, or another ingestion writes to its index.
        """
        settings = self.get(name).settings
        run = self._registry.begin(name)
        state, message = SourceState.FAILED, ""
        job = None
        try:
            with self._lease(run):
                if not keep_data and settings.live is None and self._has_index(settings.index):
                    order = replace(_order(settings), kind=JobKind.REMOVE)
                    job = self._ingest(order, lambda: self._nothing(settings), observe)
        except FovealError as error:
            message = str(error)
            raise
        finally:
            self._registry.end(run.run_id, state, message=message, next_run_at=self._next(run))
        self._registry.remove(name)
        if not keep_data:
            self._opening.forgotten(settings)
        return job

    def empty(self, job: Ingestion, observe: Observer = lambda _: None) -> Ingestion:
        """Go on with a removal whose process is gone: delete what came from the source; it is still saved."""
        return self._ingest(job.order, lambda: self._nothing(self.get(job.saved_source).settings), observe, job=job)

    def _run(self, run: SourceRun, observe: Observer, job: Ingestion | None = None) -> Ingestion:
        state, message, due = SourceState.FAILED, "", self._next
        settings = run.source.settings
        order = job.order if job else _order(settings)
        try:
            with self._lease(run):
                job = self._ingest(order, lambda: self._request(settings), observe, job=job)
            state, message = _STATES[job.state], job.message
        except KeyboardInterrupt:
            state, due = SourceState.INTERRUPTED, self._at_once
            raise
        except ConflictError as error:
            message, due = str(error), self._soon
            raise
        except FovealError as error:
            message = str(error)
            raise
        finally:
            self._registry.end(run.run_id, state, message=message, next_run_at=due(run))
        return job

    def _at_once(self, run: SourceRun) -> datetime | None:
        return self._now() if run.source.settings.schedule.on else None

    def _soon(self, run: SourceRun) -> datetime | None:
        return self._now() + timedelta(seconds=WAIT_S)

    def _next(self, run: SourceRun) -> datetime | None:
        """Counted from the start of this run, as long as that is to come."""
        schedule, started = run.source.settings.schedule, run.source.last_started_at or self._now()
        due = self._opening.next_run(schedule, started)
        return due if due is None or due > self._now() else self._opening.next_run(schedule, self._now())

    @contextmanager
    def _lease(self, run: SourceRun) -> Iterator[None]:
        over = threading.Event()

        def renew() -> None:
            while not over.wait(RENEW_S):
                try:
                    self._registry.renew(run.run_id)
                except StoreBusyError:
                    continue  # next time
                except FovealError:
                    return  # lost; the ingestion has a lease of its own, and the end records nothing

        thread = threading.Thread(target=renew, name="foveal-source", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _nothing(self, settings: SourceSettings) -> IngestRequest:
        return IngestRequest(source=self._opening.emptied(settings), index=settings.index)

    def _request(self, settings: SourceSettings) -> IngestRequest:
        source = self._opening.open(settings, self._registry.credential(settings.name))
        return self._opening.request(source, settings)

    def _readable(self, source: Source, items: list[SourceItem]) -> str:
        for item in items[:LOOKED_AT]:
            try:
                with source.open(item) as file:
                    sniffed = sniff_file(self._sniff, item.path, item.size_bytes, file)
            except AssetError:
                continue
            if sniffed.kind is not None:
                return item.path
        looked = min(len(items), LOOKED_AT)
        raise SourceUnusableError(
            f"None of the {'first ' if len(items) > looked else ''}{looked} files of {source.name} is of a type that "
            "is read.",
            remedy="Check the folder or the prefix.",
            reason="unreadable",
        )


def _order(settings: SourceSettings) -> JobOrder:
    return JobOrder(
        kind=JobKind.REFRESH,
        index=settings.index,
        source=settings.location,
        saved_source=settings.name,
        descriptions=settings.descriptions,
        groups=settings.groups,
    )


_STATES = {
    IngestionState.QUEUED: SourceState.RUNNING,
    IngestionState.RUNNING: SourceState.RUNNING,
    IngestionState.INTERRUPTED: SourceState.INTERRUPTED,
    IngestionState.CANCELLED: SourceState.CANCELLED,
    IngestionState.SUCCEEDED: SourceState.SUCCEEDED,
    IngestionState.PARTIAL: SourceState.PARTIAL,
    IngestionState.FAILED: SourceState.FAILED,
}


def _refuse_live(settings: SourceSettings) -> None:
    if settings.live is not None:
        raise InvalidRequestError(
            f"The source {settings.name} is searched where it is: nothing of it is copied, so nothing is refreshed.",
            remedy="Search it; or copy an index with `foveal import azure-search`.",
        )


def _is_picture(item: SourceItem) -> bool:
    return PurePosixPath(item.path).suffix.lower() in PICTURES
