"""Uploads at work: received, judged by their bytes, described, deleted; and read into their index in the background.

The files that one group of people may see in one index are one saved source of the kind `uploads`, made when the first
of them is sent. What is sent, changed or deleted queues a refresh of that source, and whoever runs queued jobs (a
server does) brings the index in line. Until then a deleted file's bytes and thumbnails are gone already.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

from foveal.errors import (
    ConflictError,
    NotFoundError,
    TooLargeError,
    UnreadableAssetError,
    UnsupportedAssetError,
)
from foveal.pipeline.prepare import HEAD_BYTES, hash_file, sniff_file
from foveal.pipeline.saved_sources import SavedSources
from foveal.ports.sources import Sniffer
from foveal.ports.stores import ByteStore, Catalog
from foveal.ports.uploads import UploadStore
from foveal.retrieval.upload_names import checked_name
from foveal.types.assets import AssetId, MediaKind, Sniffed
from foveal.types.ingestions import AssetFailure, DocumentRecord, Ingestion
from foveal.types.sources import SavedSource, SourceDraft, SourceKind
from foveal.types.uploads import FileId, Received, Unfinished, UploadDraft, UploadedFile, UploadId

_ZIP = b"PK"
"""Of what begins so only the end tells what it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadLimits:
    """What may be sent.

    Attributes:
        image_bytes: Largest image.
        document_bytes: Largest document or text.
        file_bytes: Largest file of whatever kind.
        kept_for: How long a file that is half here waits for its rest.
    """

    image_bytes: int
    document_bytes: int
    file_bytes: int
    kept_for: timedelta

    def of(self, sniffed: Sniffed) -> int:
        """Largest file of a kind."""
        by_kind = {MediaKind.IMAGE: self.image_bytes, MediaKind.TEXT: self.document_bytes}
        return min(self.file_bytes, by_kind.get(sniffed.kind, self.file_bytes) if sniffed.kind else self.file_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """How descriptions from a file were taken: ids of the files described, and what could not be used."""

    described: tuple[FileId, ...]
    failures: tuple[AssetFailure, ...]


class Uploads:
    """Everything that is done with uploads. Safe to use from several threads.

    Args:
        store: Where they are kept.
        sources: The saved sources, of which each group of uploads is one.
        derived: Thumbnails of all indexes.
        catalog: Says what became of a file in its index.
        sniff: Tells what a file is.
        limits: What may be sent.
        read_words: Descriptions by path out of the bytes of a JSON or CSV file, for these paths.
    """

    def __init__(
        self,
        store: UploadStore,
        sources: SavedSources,
        *,
        derived: ByteStore,
        catalog: Catalog,
        sniff: Sniffer,
        limits: UploadLimits,
        read_words: Callable[[str, bytes, Sequence[str]], tuple[Mapping[str, str], tuple[AssetFailure, ...]]],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._sources = sources
        self._derived = derived
        self._catalog = catalog
        self._sniff = sniff
        self._read_words = read_words
        self._now = now
        self.limits = limits

    # --- where they go

    def all_sources(self) -> list[SavedSource]:
        """The saved sources that hold uploads, by name."""
        return [saved for saved in self._sources.all() if saved.settings.kind is SourceKind.UPLOADS]

    def source(self, name: str) -> SavedSource:
        """One of them.

        Raises:
            NotFoundError: There is none of that name, or it holds no uploads.
        """
        saved = self._sources.get(name)
        if saved.settings.kind is not SourceKind.UPLOADS:
            raise NotFoundError(f"The source {name!r} holds no uploads.", remedy="Add one of kind uploads.")
        return saved

    def place(self, index: str, groups: tuple[str, ...]) -> SavedSource:
        """Where files of an index go that these groups may see (empty: everybody); made where there is none.

        Raises:
            InvalidRequestError: It is no name for an index.
        """
        found = self._placed(index, groups)
        if found is not None:
            return found
        draft = SourceDraft(name=_source_name(index, groups), kind=SourceKind.UPLOADS, index=index, groups=groups)
        try:
            return self._sources.add(self._sources.settle(draft, None), None)
        except ConflictError:  # another request was quicker
            again = self._placed(index, groups)
            if again is None:
                raise
            return again

    def _placed(self, index: str, groups: tuple[str, ...]) -> SavedSource | None:
        wanted = frozenset(groups)
        fits = (s for s in self.all_sources() if s.settings.index == index and frozenset(s.settings.groups) == wanted)
        return next(fits, None)

    def start(self, source: str) -> Ingestion:
        """Have what was sent read into the index: at once, or after the run that is under way."""
        return self._sources.ask_again(source)

    # --- on their way

    def begin(self, draft: UploadDraft) -> Unfinished:
        """Make room for a file. What was left half-sent for too long is given up on the way.

        Raises:
            InvalidRequestError: Its name cannot be kept.
            TooLargeError: It is longer than any file may be.
        """
        self._store.abandon_before(self._now() - self.limits.kept_for)
        if draft.size_bytes is not None and draft.size_bytes > self.limits.file_bytes:
            raise _too_large(draft.path, self.limits.file_bytes)
        return self._store.begin(replace(draft, path=checked_name(draft.path)))

    def unfinished(self, upload_id: UploadId) -> Unfinished:
        """How far a file is.

        Raises:
            NotFoundError: It was never begun, is here whole, or was given up.
        """
        return self._store.unfinished(upload_id)

    def abandon(self, upload_id: UploadId) -> None:
        """Give a file up."""
        self._store.abandon(upload_id)

    def receive(self, unfinished: Unfinished) -> Receiving:
        """Go on with a file."""
        return Receiving(self, self._store, self._sniff, unfinished)

    # --- here

    def files(self, source: str) -> list[UploadedFile]:
        """Every file of a source, by path."""
        return self._store.files(source)

    def file(self, file_id: FileId) -> UploadedFile:
        """One.

        Raises:
            NotFoundError: There is none, or no more.
        """
        return self._store.file(file_id)

    def open(self, file: UploadedFile) -> BinaryIO:
        """Its bytes.

        Raises:
            UnreadableAssetError: It was deleted meanwhile.
        """
        return self._store.open(file.asset_id)

    def records(self, source: SavedSource) -> dict[str, DocumentRecord]:
        """What the index knows of a source's files, by path."""
        settings = source.settings
        if not any(record.name == settings.index for record in self._catalog.indexes()):
            return {}
        return {d.item.path: d for d in self._catalog.documents(settings.index, settings.location)}

    def describe(self, file_id: FileId, words: str) -> tuple[UploadedFile, Ingestion]:
        """Give a file other words, and have it read again: it costs no call of a model but of the text model.

        Raises:
            NotFoundError: There is none.
        """
        file = self._store.file(file_id)
        self._store.describe({file_id: words.strip()})
        return self._store.file(file_id), self.start(file.source)

    def import_words(self, source: str, name: str, data: bytes) -> Imported:
        """Take descriptions from a `metadata.json` or a CSV file; they take the place of present ones.

        Raises:
            InvalidRequestError: It is neither.
        """
        files = {file.path: file for file in self._store.files(source)}
        words, failures = self._read_words(name, data, tuple(files))
        changed = {files[path].file_id: text for path, text in words.items() if files[path].description != text}
        self._store.describe(changed)
        return Imported(described=tuple(files[path].file_id for path in words), failures=failures)

    def remove(self, file_ids: Sequence[FileId]) -> list[Ingestion]:
        """Delete files: their bytes and thumbnails now, what is searchable of them with the next run of their source.

        Returns:
            The jobs that bring their indexes in line.

        Raises:
            NotFoundError: There is no such file; nothing is deleted.
        """
        files = [self._store.file(file_id) for file_id in file_ids]
        self._store.remove(file_ids)
        self._derived.delete({file.asset_id for file in files})
        return [self.start(name) for name in sorted({file.source for file in files})]

    def expire(self, index: str, before: datetime) -> int:
        """Delete the files of an index that came before a moment; how many there were."""
        sources = [saved.settings.name for saved in self.all_sources() if saved.settings.index == index]
        old = [file.file_id for name in sources for file in self.files(name) if file.created_at < before]
        if old:
            self.remove(old)
        return len(old)


class Receiving:
    """One file as it comes in. What is not read, or longer than its kind may be, is refused as early as it shows."""

    def __init__(self, uploads: Uploads, store: UploadStore, sniff: Sniffer, unfinished: Unfinished) -> None:
        self._uploads = uploads
        self._store = store
        self._sniff = sniff
        self._upload_id = unfinished.upload_id
        self._draft = unfinished.draft
        self._limit = uploads.limits.file_bytes
        self._judged = False
        self.offset = unfinished.offset

    def write(self, data: bytes) -> int:
        """Keep the next bytes; how many there are now.

        Raises:
            ConflictError: Somebody else sends the same file.
            TooLargeError: It is longer than such a file may be, or than was said; it is given up.
            UnsupportedAssetError: It is of no type that is read; it is given up.
        """
        declared = self._draft.size_bytes
        if self.offset + len(data) > (self._limit if declared is None else min(declared, self._limit)):
            self._refuse(_too_large(self._draft.path, min(self._limit, declared or self._limit)))
        self.offset = self._store.append(self._upload_id, self.offset, data)
        if not self._judged and self.offset >= HEAD_BYTES:
            self._judge()
        return self.offset

    @property
    def whole(self) -> bool:
        """Whether all that was announced is here."""
        return self._draft.size_bytes is not None and self.offset == self._draft.size_bytes

    def end(self, draft: UploadDraft | None = None) -> Received:
        """Keep the file.

        Args:
            draft: What was said of it meanwhile; None: what was said in the beginning.

        Raises:
            UnsupportedAssetError: It is of no type that is read.
            UnreadableAssetError: It is empty.
            TooLargeError: It is longer than such a file may be.
            InvalidRequestError: Its name cannot be kept.
        """
        said = draft or self._draft
        said = replace(said, path=checked_name(said.path), description=said.description.strip())
        try:
            with self._store.read(self._upload_id) as file:
                sniffed = sniff_file(self._sniff, said.path, self.offset, file)
                self._check(sniffed)
                asset_id: AssetId = hash_file(file)
        except (UnsupportedAssetError, UnreadableAssetError, TooLargeError):
            self.abandon()
            raise
        return self._store.keep(self._upload_id, said, asset_id=asset_id, media_type=sniffed.media_type)

    def abandon(self) -> None:
        """Give the file up."""
        self._store.abandon(self._upload_id)

    def _judge(self) -> None:
        """By its first bytes, what it is and how long it may be; archives are judged at their end."""
        self._judged = True
        with self._store.read(self._upload_id) as file:
            head = file.read(HEAD_BYTES)
        if head.startswith(_ZIP):
            return
        sniffed = self._sniff(self._draft.path, head, self._draft.size_bytes or self.offset)
        try:
            self._check(sniffed, size_bytes=self._draft.size_bytes or self.offset)
        except (UnsupportedAssetError, TooLargeError):
            self.abandon()
            raise
        self._limit = self._uploads.limits.of(sniffed)

    def _check(self, sniffed: Sniffed, *, size_bytes: int | None = None) -> None:
        size = self.offset if size_bytes is None else size_bytes
        if not size:
            raise UnreadableAssetError(f"{self._draft.path} is empty.", stage="sniff")
        if sniffed.kind is None:
            reason = sniffed.reason or f"Files of type {sniffed.media_type or 'unknown'} are not read."
            raise UnsupportedAssetError(f"{self._draft.path}: {reason}", stage="sniff")
        limit = self._uploads.limits.of(sniffed)
        if size > limit:
            raise _too_large(self._draft.path, limit)

    def _refuse(self, error: TooLargeError) -> None:
        self.abandon()
        raise error


def _too_large(path: str, limit: int) -> TooLargeError:
    shown = f"{limit / 2**20:.4g} MB" if limit >= 2**20 else f"{limit} bytes"
    return TooLargeError(
        f"{path} is larger than {shown}.",
        remedy="Send a smaller one; the operator may raise limits.image_bytes, limits.document_bytes or "
        "uploads.file_bytes.",
    )


def _source_name(index: str, groups: tuple[str, ...]) -> str:
    """Of a name that `foveal source` takes; indexes and groups may be called what they like."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in index.lower())[:40]
    name = f"uploads-{plain}"
    if plain == index and not groups:
        return name
    told = "\0".join([index, *sorted(set(groups))])
    return f"{name}-{hashlib.sha256(told.encode()).hexdigest()[:12]}"
