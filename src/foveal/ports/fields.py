"""Indexes of a caller's own fields. See `foveal.ports` for the rules."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from foveal.types.documents import (
    DocumentChange,
    Json,
    RowNumbers,
    ScoredRows,
    SearchIndexRecord,
    StoredDocument,
    TextMatch,
)
from foveal.types.filters import Filter
from foveal.types.vectors import FloatArray


class SearchIndexCatalog(Protocol):
    """Definitions of the indexes that callers made with fields of their own."""

    def all(self) -> Sequence[SearchIndexRecord]:
        """Every one, by name."""

    def get(self, name: str) -> SearchIndexRecord | None:
        """One, None when there is none."""

    def put(self, record: SearchIndexRecord, *, replaces: SearchIndexRecord | None = None) -> None:
        """Keep a definition: a new one, or in the place of `replaces`, as long as that is still what is kept.

        Raises:
            ConflictError: There is one of that name already.
            PreconditionError: `replaces` was changed or removed meanwhile.
        """

    def remove(self, record: SearchIndexRecord) -> None:
        """Forget a definition.

        Raises:
            PreconditionError: It was changed or removed meanwhile.
        """


class DocumentSnapshot(Protocol):
    """The documents of one index as they were when it was opened. Row numbers mean nothing in another snapshot.

    `where` restricts by the fields of the index; it is applied before anything is cut off.
    """

    def rows(self, where: Filter | None = None) -> RowNumbers:
        """Every document that passes, ascending: in the order in which they were written, as far as it is kept."""

    def count(self, where: Filter | None = None) -> int:
        """Documents that pass."""

    def matching(self, match: TextMatch, field: str, *, where: Filter | None = None) -> ScoredRows:
        """Every document with these words in a searchable field, rows ascending.

        Scores are BM25 (`k1` 1.2, `b` .75) where words are looked for, and 1 for prefixes and patterns, and in fields
        whose analyzer is `keyword`, where only the value as a whole is a word.
        """

    def nearest(
        self, field: str, vector: FloatArray, *, where: Filter | None = None, limit: int, exhaustive: bool = False
    ) -> ScoredRows:
        """The most similar vectors first, documents without one left out: scores are the cosine, the dot product, or
        the Euclidean distance with a minus, by the field's metric.

        Args:
            vector: float32 [dimensions].
            exhaustive: Every vector is compared.
        """

    def read(self, rows: RowNumbers, *, vectors: Collection[str] = ()) -> list[StoredDocument]:
        """Documents in the order of the rows, with these of their vectors."""

    def values(self, field: str, rows: RowNumbers) -> list[Json]:
        """One field's value of each row, in order; None for null."""

    def find(self, keys: Collection[str], *, vectors: Collection[str] = ()) -> dict[str, StoredDocument]:
        """Documents by key; unknown keys are left out."""


class DocumentStore(Protocol):
    """Documents of all indexes of callers' own fields. Any number of threads and processes read and write."""

    def create(self, record: SearchIndexRecord) -> None:
        """Make room for an index; nothing is left of a former one with that name and birth."""

    def extend(self, record: SearchIndexRecord) -> None:
        """Add the fields that its definition has and the index does not; documents have null there."""

    def change(
        self,
        record: SearchIndexRecord,
        keys: Collection[str],
        decide: Callable[[Mapping[str, StoredDocument]], DocumentChange],
    ) -> None:
        """Write one change, durable on return, while nobody else writes to the index.

        Args:
            keys: Documents that `decide` wants to see, with their vectors.
            decide: Given those there are, says what to write; each key at most once.

        Raises:
            IndexNotFoundError: No such index.
        """

    def snapshot(self, record: SearchIndexRecord) -> DocumentSnapshot:
        """What the index holds now.

        Raises:
            IndexNotFoundError: No such index.
        """

    def drop(self, record: SearchIndexRecord) -> None:
        """Remove an index; silently does nothing when there is none."""
