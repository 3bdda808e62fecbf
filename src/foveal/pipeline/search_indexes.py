"""Indexes that callers make with fields of their own: made, changed, filled and removed."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from foveal.errors import (
    ConflictError,
    IndexNotFoundError,
    InvalidRequestError,
    NotFoundError,
    PreconditionError,
    RequestError,
)
from foveal.ports.fields import DocumentSnapshot, DocumentStore, SearchIndexCatalog
from foveal.retrieval.document_values import merged, read_document, read_key
from foveal.retrieval.index_definitions import check_change
from foveal.types.documents import (
    DocumentChange,
    IndexDefinition,
    Json,
    SearchIndexRecord,
    StoredDocument,
)


class ActionKind(StrEnum):
    """What to do with a document."""

    UPLOAD = "upload"
    MERGE = "merge"
    MERGE_OR_UPLOAD = "mergeOrUpload"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentAction:
    """One document of a batch, as JSON, and what to do with it."""

    kind: ActionKind
    wire: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionOutcome:
    """What became of one action.

    Attributes:
        status: As of HTTP: 200 changed or removed, 201 new, 400 malformed, 404 nothing to merge into.
        message: What went wrong.
    """

    key: str
    status: int
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Conditions on the state of what is changed (RFC 9110, If-Match and If-None-Match); `*` is any state.

    Attributes:
        only: ETags of which one must be the present one; empty: no condition.
        unless: ETags that the present one must not be; empty: no condition.
    """

    only: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()

    def check(self, etag: str | None, what: str) -> None:
        """Compare with the present state, None for none.

        Raises:
            PreconditionError: It is another.
        """
        missing = self.only and (etag is None or not {"*", etag} & set(self.only))
        taken = self.unless and etag is not None and {"*", etag} & set(self.unless)
        if missing or taken:
            raise PreconditionError(
                f"{what} is not in the state that the request asks for.",
                remedy="Read it again, and send its present ETag in If-Match.",
            )


class SearchIndexes:
    """All of them.

    Args:
        taken: Names of other indexes, which these cannot have.
    """

    def __init__(
        self, catalog: SearchIndexCatalog, store: DocumentStore, *, taken: Callable[[], Collection[str]]
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._taken = taken

    def all(self) -> Sequence[SearchIndexRecord]:
        """By name."""
        return self._catalog.all()

    def find(self, name: str) -> SearchIndexRecord | None:
        """One, None when there is none of that name."""
        return self._catalog.get(name)

    def get(self, name: str) -> SearchIndexRecord:
        """One.

        Raises:
            IndexNotFoundError: There is none.
        """
        record = self._catalog.get(name)
        if record is None:
            raise IndexNotFoundError(f"There is no index {name!r} whose documents can be written.")
        return record

    def create(self, definition: IndexDefinition) -> SearchIndexRecord:
        """A new index.

        Raises:
            ConflictError: There is one of that name.
        """
        if definition.name in self._taken() or self._catalog.get(definition.name) is not None:
            raise ConflictError(
                f"Cannot create the index {definition.name!r} because it already exists.",
                remedy="Delete it first, or take another name.",
            )
        record = SearchIndexRecord(definition=definition, birth=time.time_ns(), etag=_new_etag())
        self._store.create(record)
        try:
            self._catalog.put(record)
        except ConflictError:
            self._store.drop(record)
            raise
        return record

    def create_or_update(self, definition: IndexDefinition, match: Match) -> tuple[SearchIndexRecord, bool]:
        """Create or change an index; whether it is new.

        Raises:
            InvalidRequestError: An existing field would change.
            PreconditionError: `match` does not hold.
        """
        old = self._catalog.get(definition.name)
        match.check(old.etag if old else None, f"The index {definition.name!r}")
        if old is None:
            return self.create(definition), True
        check_change(old.definition, definition)
        record = replace(old, definition=definition, etag=_new_etag())
        self._store.extend(record)
        self._catalog.put(record, replaces=old)
        return record, False

    def delete(self, name: str, match: Match) -> None:
        """Remove an index with its documents.

        Raises:
            IndexNotFoundError: There is none.
            PreconditionError: `match` does not hold.
        """
        record = self.get(name)
        match.check(record.etag, f"The index {name!r}")
        self._catalog.remove(record)
        self._store.drop(record)

    def snapshot(self, name: str) -> tuple[IndexDefinition, DocumentSnapshot]:
        """What an index holds now.

        Raises:
            IndexNotFoundError: There is none.
        """
        record = self.get(name)
        return record.definition, self._store.snapshot(record)

    def write(self, name: str, actions: Sequence[DocumentAction]) -> list[ActionOutcome]:
        """Do the actions in order; each succeeds or fails by itself, and what succeeded is on disk on return.

        Raises:
            IndexNotFoundError: No such index.
            StoreError: Nothing can be said of what was written; doing it again is safe.
        """
        record = self.get(name)
        outcomes: list[ActionOutcome] = []

        def decide(known: Mapping[str, StoredDocument]) -> DocumentChange:
            batch = _Batch(record.definition, known)
            outcomes[:] = [batch.do(action) for action in actions]
            return batch.change()

        keys = {str(action.wire.get(record.definition.key)) for action in actions}
        self._store.change(record, keys, decide)
        return outcomes


class _Batch:
    """The state that a batch has reached."""

    def __init__(self, definition: IndexDefinition, known: Mapping[str, StoredDocument]) -> None:
        self._definition = definition
        self._now: dict[str, StoredDocument] = dict(known)
        self._touched: dict[str, None] = {}

    def do(self, action: DocumentAction) -> ActionOutcome:
        """One action; what is wrong with it is in the outcome."""
        shown = str(action.wire.get(self._definition.key, ""))
        try:
            return self._done(action)
        except RequestError as error:
            return ActionOutcome(key=shown, status=error.status, message=str(error))

    def change(self) -> DocumentChange:
        """What is to be written."""
        return DocumentChange(
            put=tuple(self._now[key] for key in self._touched if key in self._now),
            delete=tuple(key for key in self._touched if key not in self._now),
        )

    def _done(self, action: DocumentAction) -> ActionOutcome:
        definition = self._definition
        if action.kind is ActionKind.DELETE:
            key = str(action.wire.get(definition.key) or "")
            if not key:
                raise InvalidRequestError(f"A document to delete has no key {definition.key!r}.")
            self._now.pop(key, None)
            self._touched[key] = None
            return ActionOutcome(key=key, status=200)
        key = read_key(definition, action.wire)
        old = self._now.get(key)
        if action.kind is ActionKind.MERGE and old is None:
            raise NotFoundError(f"Document not found: there is no {key!r} to merge into.")
        if action.kind is ActionKind.UPLOAD or old is None:
            document = read_document(definition, action.wire)
        else:
            document = merged(definition, old, action.wire)
        self._now[key] = document
        self._touched[key] = None
        return ActionOutcome(key=key, status=200 if old else 201)


def _new_etag() -> str:
    return f'"0x{uuid.uuid4().hex[:16].upper()}"'
