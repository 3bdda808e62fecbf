"""Imports of a home: which services there are, and where it is kept how far one is."""

from __future__ import annotations

import json
import os
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from foveal.errors import ConflictError, InvalidRequestError, StoreError
from foveal.pipeline.importing import ForeignIndex, ImportProgress, ImportState, import_index
from foveal.pipeline.job_run import JobRun, Observer
from foveal.runtime.live import live_place
from foveal.types.ingestions import Ingestion, IngestionCounts, IngestionState, JobKind, JobOrder
from foveal.types.live_settings import LiveSettings
from foveal.types.sources import Credential, SourceKind

if TYPE_CHECKING:
    from foveal.runtime.parts import Parts


def run_import(
    parts: Parts,
    settings: LiveSettings,
    credential: Credential,
    into: str,
    *,
    saved_source: str = "",
    observe: Observer = lambda _: None,
    job: Ingestion | None = None,
) -> Ingestion:
    """Copy an index of Azure AI Search, as a job whose message says what was left out. Asked again after it was
    killed, it goes on.

    Raises:
        FovealError: As `foveal.pipeline.importing.import_index`.
    """
    from foveal.sources.azure_search import AzureSearchIndex

    if into in {record.name for record in parts.catalog.indexes()} or parts.live.find(into) is not None:
        raise ConflictError(f"There is an index {into} already.", remedy="Name another with --into.")
    placed, location = live_place(SourceKind.AZURE_SEARCH, settings, credential)
    file = parts.settings.home / "imports" / f"{into}.json"
    order = JobOrder(kind=JobKind.IMPORT, index=into, source=location, saved_source=saved_source)
    with (
        closing(AzureSearchIndex(placed, credential)) as index,
        JobRun(parts.log, job or parts.log.start(order), observe) as run,
    ):
        foreign = ForeignIndex(
            location=location, definition=index.definition, count=index.count, after=index.page, from_=index.page_from
        )
        state = None
        for progress in import_index(
            foreign,
            into,
            parts.retrieving.search_indexes,
            kept=_read(file),
            keep=lambda kept: _write(file, kept),
            cancelled=run.look,
        ):
            _tell(run, progress, first=state is None)
            state = progress.state
        if state is not None and not state.done:
            run.end(IngestionState.CANCELLED, "What was copied stays; given again, it goes on.")
        elif state is not None and state.left_out:
            how = IngestionState.PARTIAL if state.failed else IngestionState.SUCCEEDED
            run.end(how, f"Left out: {' '.join(state.left_out)}")
    return run.job


def resume_import(parts: Parts, job: Ingestion, observe: Observer) -> Ingestion:
    """Go on with an import whose process is gone.

    Raises:
        InvalidRequestError: What opened it was not kept, because it is not of a saved source.
    """
    if not job.saved_source:
        raise InvalidRequestError(
            f"The key to {job.source} is not kept: the import cannot go on by itself.",
            remedy="Give the command again; it goes on where it was.",
        )
    saved, credential = parts.sources.get(job.saved_source), parts.sources.credential_of(job.saved_source)
    if saved.settings.live is None or credential is None:
        raise InvalidRequestError(f"The source {job.saved_source} is no index of Azure AI Search any more.")
    return run_import(
        parts, saved.settings.live, credential, job.index, saved_source=job.saved_source, observe=observe, job=job
    )


def _tell(run: JobRun, progress: ImportProgress, *, first: bool) -> None:
    state = progress.state
    if first:
        run.stage("copy", todo=progress.total)
    run.fail(progress.failures)
    through = state.copied + state.failed
    counts = IngestionCounts(found=max(progress.total, through), added=state.copied, failed=state.failed)
    run.advance(through - run.progress.done, counts=counts)


def _read(file: Path) -> ImportState | None:
    try:
        kept = json.loads(file.read_text("utf-8"))
        return ImportState(**{**kept, "left_out": tuple(kept["left_out"])})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError):
        raise StoreError(
            f"{file} cannot be read: how far the import was is not known.",
            remedy="Delete it and the index, and import again.",
        ) from None


def _write(file: Path, state: ImportState) -> None:
    """Durable on return: readers see the one before or this one."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(f".{os.getpid()}")
        with fresh.open("w", encoding="utf-8") as written:
            json.dump(asdict(state), written)
            written.flush()
            os.fsync(written.fileno())
        fresh.replace(file)
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {error.strerror}.", remedy="Check the home's rights.") from None
