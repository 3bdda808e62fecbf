"""Copying an index of another service into Foveal: its definition, then its documents in the order of their keys.

Every page is written before the place where the next one begins is kept, and writing a document twice is the same as
once: an import that is killed goes on at the page it was at. Pages are asked for by `key gt`, which has no limit;
`skip` ends at 100,000 ("Search Documents", Microsoft). A service that does not order strings (it is not documented)
is paged by `skip` as far as that goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from foveal.errors import ConflictError, InvalidRequestError, SourceUnusableError
from foveal.pipeline.search_indexes import ActionKind, DocumentAction, SearchIndexes
from foveal.retrieval.imported_definitions import imported_definition, imported_document
from foveal.retrieval.index_definitions import read_definition
from foveal.types.documents import IndexDefinition, Json
from foveal.types.ingestions import AssetFailure

PAGE = 500
PAGE_WITH_VECTORS = 200
"""Documents asked for at once: a few megabytes."""
MOST_SKIPPED = 100_000
TOLD = 1_000
"""Failures that are told one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignIndex:
    """An index of another service, to be read.

    Attributes:
        location: Its address.
        definition: Gives it as JSON.
        count: Gives how many documents there are.
        after: Gives the next documents in the order of a key: `(key field, last key before or None, how many)`.
        from_: Likewise after so many: `(key field if it is sortable, how many to leave out, how many)`.
    """

    location: str
    definition: Callable[[], Mapping[str, Json]]
    count: Callable[[], int]
    after: Callable[[str, str | None, int], Sequence[Mapping[str, Json]]]
    from_: Callable[[str, int, int], Sequence[Mapping[str, Json]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportState:
    """How far an import is.

    Attributes:
        birth: Of the index it writes to.
        after: Last key that was written; None before the first.
        copied: Documents written.
        failed: Documents that could not be.
        left_out: What of the definition was not taken over, and why.
    """

    location: str
    birth: int
    after: str | None = None
    copied: int = 0
    failed: int = 0
    left_out: tuple[str, ...] = ()
    done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportProgress:
    """Told after every page."""

    state: ImportState
    total: int
    failures: tuple[AssetFailure, ...] = ()


def import_index(
    foreign: ForeignIndex,
    into: str,
    indexes: SearchIndexes,
    *,
    kept: ImportState | None,
    keep: Callable[[ImportState], None],
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[ImportProgress]:
    """Copy an index; yields after every page, and at least once.

    Args:
        foreign: What is copied.
        into: Name of the copy.
        indexes: Where it is made.
        kept: Where an earlier run of the same import ended; None: there was none.
        keep: Keeps where this one is, durably.
        cancelled: Asked between pages; what was copied stays.

    Raises:
        ConflictError: There is an index of that name that no unfinished import of this place made.
        InvalidRequestError: Its definition is not one that can be served, or it is too long to be read.
        SourceUnusableError: It cannot be read.
    """
    wire, left_out = imported_definition(foreign.definition(), into)
    definition = read_definition(wire)
    state = _begun(foreign, definition, indexes, kept, left_out)
    keep(state)
    total = foreign.count()
    pages = _Pages(foreign, definition.key, wire, total)
    size = PAGE_WITH_VECTORS if definition.vectors else PAGE
    yield ImportProgress(state=state, total=total)
    while not cancelled():
        page = pages.next(state, size)
        if not page:
            state = replace(state, done=True)
            keep(state)
            yield ImportProgress(state=state, total=total)
            return
        failures = _written(page, definition, indexes)
        state = replace(
            state,
            after=str(page[-1].get(definition.key)),
            copied=state.copied + len(page) - len(failures),
            failed=state.failed + len(failures),
        )
        keep(state)
        yield ImportProgress(state=state, total=total, failures=tuple(failures[:TOLD]))


def _begun(
    foreign: ForeignIndex,
    definition: IndexDefinition,
    indexes: SearchIndexes,
    kept: ImportState | None,
    left_out: tuple[str, ...],
) -> ImportState:
    there = indexes.find(definition.name)
    if there is not None and kept is not None and (kept.birth, kept.location) == (there.birth, foreign.location):
        if not kept.done:
            return kept
        raise ConflictError(
            f"{foreign.location} was copied into the index {definition.name} already.",
            remedy=f"Delete it to copy it anew (`foveal index delete {definition.name}`), or name another with --into.",
        )
    if there is not None:
        raise ConflictError(f"There is an index {definition.name} already.", remedy="Name another with --into.")
    record = indexes.create(definition)
    return ImportState(location=foreign.location, birth=record.birth, left_out=left_out)


class _Pages:
    """Pages of documents, by key as long as the service does that.

    Args:
        wire: The definition; absent attributes of fields are true.
    """

    def __init__(self, foreign: ForeignIndex, key: str, wire: Mapping[str, Json], total: int) -> None:
        fields = wire["fields"] if isinstance(wire["fields"], list) else []
        field = next((f for f in fields if isinstance(f, dict) and f.get("name") == key), {})
        self._foreign = foreign
        self._key = key
        self._total = total
        self._sortable = field.get("sortable") is not False
        self._by_key = self._sortable and field.get("filterable") is not False

    def next(self, state: ImportState, size: int) -> Sequence[Mapping[str, Json]]:
        """The documents after those that the state counts."""
        if self._by_key:
            try:
                return self._foreign.after(self._key, state.after, size)
            except SourceUnusableError as error:
                if error.reason != "refused" or state.after is None:
                    raise
                self._by_key = False
        if self._total > MOST_SKIPPED:
            raise InvalidRequestError(
                f"{self._foreign.location} has {self._total} documents, and they cannot be asked for in the order of "
                f"{self._key}: only {MOST_SKIPPED} can be read.",
                remedy="Copy it there into an index whose key is filterable and sortable.",
            )
        return self._foreign.from_(self._key if self._sortable else "", state.copied + state.failed, size)


def _written(
    page: Sequence[Mapping[str, Json]], definition: IndexDefinition, indexes: SearchIndexes
) -> list[AssetFailure]:
    actions = [
        DocumentAction(kind=ActionKind.UPLOAD, wire=imported_document(document, definition)) for document in page
    ]
    outcomes = indexes.write(definition.name, actions)
    return [
        AssetFailure(path=outcome.key, stage="import", code="invalid_request", reason=outcome.message, remedy="")
        for outcome in outcomes
        if outcome.status >= 400
    ]
