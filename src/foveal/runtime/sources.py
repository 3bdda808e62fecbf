"""Saved sources of a home: every kind there is, and how each is opened."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from foveal.errors import InvalidRequestError
from foveal.pipeline.ingest import IngestRequest
from foveal.pipeline.job_run import Observer
from foveal.pipeline.saved_sources import Opening, SavedSources
from foveal.ports.live import LiveIndex
from foveal.ports.sources import Source
from foveal.ports.uploads import UploadStore
from foveal.types.ingestions import Ingestion, IngestionPlan, JobOrder
from foveal.types.live_settings import LiveSettings
from foveal.types.sources import Credential, CredentialKind, Schedule, SourceDraft, SourceKind, SourceSettings

if TYPE_CHECKING:
    from foveal.runtime.parts import Parts

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
"""In addresses and on command lines."""

OPENERS: dict[SourceKind, frozenset[CredentialKind | None]] = {
    SourceKind.FOLDER: frozenset({None}),
    SourceKind.AZURE_BLOB: frozenset({None, *CredentialKind} - {CredentialKind.OPTIONS}),
    SourceKind.URL: frozenset({None, CredentialKind.OPTIONS}),
    SourceKind.UPLOADS: frozenset({None}),
    SourceKind.AZURE_SEARCH: frozenset({CredentialKind.ACCOUNT_KEY, CredentialKind.IDENTITY}),
    SourceKind.AZURE_COSMOS_DB: frozenset({CredentialKind.CONNECTION_STRING}),
    SourceKind.MONGODB: frozenset({CredentialKind.CONNECTION_STRING}),
    SourceKind.ELASTICSEARCH: frozenset({None, CredentialKind.ACCOUNT_KEY}),
    SourceKind.PINECONE: frozenset({CredentialKind.ACCOUNT_KEY}),
}
"""What may open a source of each kind."""


def sources_of(home: Parts) -> SavedSources:
    """The saved sources of a home; they are listed without a model."""
    from foveal.readers.sniffing import sniff
    from foveal.stores.secret_file import read_or_make
    from foveal.stores.source_registry import SqlSourceRegistry

    def key() -> bytes:
        return read_or_make(home.settings.home / "source-key", loss="give the credentials of every source again")

    def ingest(
        order: JobOrder,
        request: Callable[[], IngestRequest],
        observe: Observer = lambda _: None,
        *,
        job: Ingestion | None = None,
    ) -> Ingestion:
        return home.of(order.index).ingester.run_job(order, request, observe, job=job)

    def plan(request: IngestRequest) -> IngestionPlan:
        return home.of(request.index).planner.plan(request)

    def taken() -> list[str]:
        return home.retrieving.names()

    def embeds(deployment: str, dimensions: int) -> bool:
        return home.live.embeds(deployment, dimensions)

    return SavedSources(
        SqlSourceRegistry(home.engine, key),
        opening(lambda: home.upload_store),
        ingest=ingest,
        enqueue=home.log.enqueue,
        plan=plan,
        sniff=sniff,
        has_index=lambda name: any(record.name == name for record in home.catalog.indexes()),
        taken=taken,
        embeds=embeds,
    )


def opening(uploads: Callable[[], UploadStore]) -> Opening:
    """How the sources of this product are opened.

    Args:
        uploads: Gives the store of uploads; called when there is a source of them.
    """

    def open_any(settings: SourceSettings, credential: Credential | None) -> Source:
        return open_source(settings, credential, uploads)

    def request(source: Source, settings: SourceSettings) -> IngestRequest:
        return _request(source, settings, uploads)

    def forgotten(settings: SourceSettings) -> None:
        if settings.kind is SourceKind.UPLOADS:
            uploads().remove([file.file_id for file in uploads().files(settings.name)])

    return Opening(
        settle=settle,
        open=open_any,
        emptied=lambda settings: _emptied(open_any(settings, None)),
        request=request,
        forgotten=forgotten,
        open_live=_open_live,
        read_schedule=_read_schedule,
        first_run=_first_run,
        next_run=_next_run,
    )


def settle(draft: SourceDraft, credential: Credential | None) -> SourceSettings:
    """Check what a person wrote of a source. Nothing is fetched.

    Raises:
        InvalidRequestError: Something is missing, or wrong.
    """
    if not NAME.fullmatch(draft.name):
        raise InvalidRequestError(
            f"{draft.name[:80]!r} is no name for a source.",
            remedy="Lower-case letters, digits, dots, dashes and underscores, 63 at most.",
        )
    if not draft.index:
        raise InvalidRequestError("It is not said which index it is read into.")
    if draft.watch and draft.kind is not SourceKind.FOLDER:
        raise InvalidRequestError(f"A source of kind {draft.kind} cannot be watched.", remedy="Give it a schedule.")
    _check_opener(draft.kind, credential)
    if draft.kind.live:
        return _settled_live(draft, credential)
    account_url, container, location = _placed(draft, credential)
    return SourceSettings(
        name=draft.name,
        kind=draft.kind,
        index=draft.index,
        location=location,
        account_url=account_url,
        container=container,
        prefix=draft.prefix if draft.kind is SourceKind.AZURE_BLOB else "",
        groups=draft.groups,
        descriptions=str(Path(draft.descriptions).resolve()) if draft.descriptions else "",
        schedule=_read_schedule(draft.every, draft.cron),
        watch=draft.watch,
    )


def open_source(settings: SourceSettings, credential: Credential | None, uploads: Callable[[], UploadStore]) -> Source:
    """A saved source, opened; nothing is fetched yet.

    Raises:
        InvalidRequestError: The credential is for another place, or of a kind that such a source has not.
    """
    _check_opener(settings.kind, credential)
    if settings.kind.live:
        raise InvalidRequestError(f"The source {settings.name} is an index: there are no files in it.")
    if settings.kind is SourceKind.FOLDER:
        from foveal.sources.folder import FolderSource

        return FolderSource(Path(settings.location))
    if settings.kind is SourceKind.UPLOADS:
        from foveal.sources.uploads import UploadsSource

        return UploadsSource(settings.name, uploads())
    if settings.kind is SourceKind.URL:
        from foveal.sources.fsspec_files import FsspecSource

        return FsspecSource(settings.location, credential)
    from foveal.sources.azure_blob import AzureBlobSource, blob_place

    place = blob_place(settings.account_url, settings.container, settings.prefix, credential)
    return AzureBlobSource(place, credential)


def held(location: str, saved: Callable[[str], Source]) -> Source:
    """The source that a chunk names: a folder by its path, a saved one by its URL.

    Raises:
        NotFoundError: It is not saved any more.
    """
    from foveal.sources.folder import FolderSource

    return saved(location) if "://" in location else FolderSource(Path(location))


def ingest_request(source: Source, index: str, file: Path | None, groups: tuple[str, ...]) -> IngestRequest:
    """What to ingest of a source, listed once: its files, and a person's words on them.

    Args:
        source: Where they are.
        index: Where they go.
        file: Words beside those of the source's own metadata files.
        groups: Groups that may see them; empty: everybody.

    Raises:
        InvalidRequestError: The source cannot be listed, or `file` cannot be read.
    """
    from foveal.sources.descriptions import load_description_file, load_descriptions
    from foveal.sources.listed import ListedSource

    listed = ListedSource(source)
    found = load_descriptions(listed)
    words = dict(found.by_path)
    failures = found.failures
    if file is not None:
        given = load_description_file(file, listed)
        words.update(given.by_path)
        failures += given.failures
    return IngestRequest(
        source=listed,
        index=index,
        descriptions=words,
        ignore=frozenset(found.files),
        failures=failures,
        groups=groups,
    )


def _settled_live(draft: SourceDraft, credential: Credential | None) -> SourceSettings:
    from foveal.runtime.live import live_place

    if draft.every or draft.cron:
        raise InvalidRequestError(
            "An index that is searched where it is has no schedule: nothing of it is copied.",
            remedy="Leave the schedule out.",
        )
    live, location = live_place(draft.kind, draft.live, credential)
    return SourceSettings(
        name=draft.name, kind=draft.kind, index=draft.index, location=location, groups=draft.groups, live=live
    )


def _open_live(settings: SourceSettings, credential: Credential | None) -> LiveIndex:
    from foveal.runtime.live import open_live

    _check_opener(settings.kind, credential)
    return open_live(settings.kind, settings.live or LiveSettings(), credential)


def _emptied(source: Source) -> Source:
    from foveal.sources.listed import ListedSource

    return ListedSource(source, ())


def _request(source: Source, settings: SourceSettings, uploads: Callable[[], UploadStore]) -> IngestRequest:
    if settings.kind is SourceKind.UPLOADS:
        words = {file.path: file.description for file in uploads().files(settings.name) if file.description}
        return IngestRequest(source=source, index=settings.index, descriptions=words, groups=settings.groups)
    file = Path(settings.descriptions) if settings.descriptions else None
    return ingest_request(source, settings.index, file, settings.groups)


def _check_opener(kind: SourceKind, credential: Credential | None) -> None:
    given = credential.kind if credential else None
    if given not in OPENERS[kind]:
        names = sorted(k.value for k in OPENERS[kind] if k is not None)
        raise InvalidRequestError(
            f"A source of kind {kind} is not opened by {given}.",
            remedy=f"It takes {', '.join(names)}, or nothing." if names else "It takes none.",
        )
    if credential and given is not CredentialKind.IDENTITY and not credential.secret.reveal.strip():
        raise InvalidRequestError("The credential is empty.", remedy="Check where it comes from.")


def _placed(draft: SourceDraft, credential: Credential | None) -> tuple[str, str, str]:
    """Account, container and location."""
    if draft.kind is SourceKind.FOLDER:
        if not draft.path:
            raise InvalidRequestError("It is not said which folder.", remedy="Give its path.")
        return "", "", str(Path(draft.path).resolve())
    if draft.kind is SourceKind.UPLOADS:
        from foveal.sources.uploads import location_of

        return "", "", location_of(draft.name)
    if draft.kind is SourceKind.URL:
        from foveal.sources.fsspec_files import checked_options, checked_url

        if credential:
            checked_options(credential.secret.reveal)
        return "", "", checked_url(draft.url)
    from foveal.sources.azure_blob import blob_place

    place = blob_place(draft.account_url, draft.container, draft.prefix, credential)
    return place.account_url, place.container, place.location


def _read_schedule(every: str, cron: str) -> Schedule:
    from foveal.sources.schedule import read_schedule

    return read_schedule(every, cron)


def _first_run(schedule: Schedule, now: datetime) -> datetime | None:
    from foveal.sources.schedule import first_run

    return first_run(schedule, now)


def _next_run(schedule: Schedule, after: datetime) -> datetime | None:
    from foveal.sources.schedule import next_run

    return next_run(schedule, after)
