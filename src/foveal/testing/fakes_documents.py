"""Indexes of callers' own fields, in memory: every document is looked at for every question."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from math import log
from threading import Lock

import numpy as np

from foveal.errors import ConflictError, IndexNotFoundError, InvalidRequestError, PreconditionError
from foveal.retrieval.document_values import scalars, value_of
from foveal.stores.words import word_line, words
from foveal.testing.filter_oracle import document_matches
from foveal.types.documents import (
    KEYWORD,
    DocumentChange,
    IndexDefinition,
    Json,
    MatchKind,
    Metric,
    RowNumbers,
    ScoredRows,
    SearchIndexRecord,
    StoredDocument,
    TextMatch,
)
from foveal.types.filters import Filter
from foveal.types.vectors import FloatArray


class InMemorySearchIndexCatalog:
    """`foveal.ports.SearchIndexCatalog` in a dictionary."""

    def __init__(self) -> None:
        self._records: dict[str, SearchIndexRecord] = {}
        self._lock = Lock()

    def all(self) -> list[SearchIndexRecord]:
        """By name."""
        return [self._records[name] for name in sorted(self._records)]

    def get(self, name: str) -> SearchIndexRecord | None:
        """One."""
        return self._records.get(name)

    def put(self, record: SearchIndexRecord, *, replaces: SearchIndexRecord | None = None) -> None:
        """New, or in the place of `replaces`."""
        name = record.definition.name
        with self._lock:
            if replaces is not None:
                self._check(replaces)
            elif name in self._records:
                raise ConflictError(f"The index {name!r} exists already.")
            self._records[name] = record

    def remove(self, record: SearchIndexRecord) -> None:
        """Forget."""
        with self._lock:
            self._check(record)
            del self._records[record.definition.name]

    def _check(self, record: SearchIndexRecord) -> None:
        known = self._records.get(record.definition.name)
        if known is None or known.etag != record.etag:
            raise PreconditionError(f"The index {record.definition.name!r} was changed or removed meanwhile.")


class InMemoryDocumentStore:
    """`foveal.ports.DocumentStore` in dictionaries."""

    def __init__(self) -> None:
        self._documents: dict[tuple[str, int], dict[str, StoredDocument]] = {}
        self._lock = Lock()

    def create(self, record: SearchIndexRecord) -> None:
        """Empty."""
        self._documents[_place(record)] = {}

    def extend(self, record: SearchIndexRecord) -> None:
        """Nothing to do: absent is null."""
        self._shelf(record)

    def change(
        self,
        record: SearchIndexRecord,
        keys: Collection[str],
        decide: Callable[[Mapping[str, StoredDocument]], DocumentChange],
    ) -> None:
        """Under one lock."""
        with self._lock:
            documents = dict(self._shelf(record))
            change = decide({key: documents[key] for key in keys if key in documents})
            documents.update((document.key, document) for document in change.put)
            for key in change.delete:
                documents.pop(key, None)
            self._documents[_place(record)] = documents

    def snapshot(self, record: SearchIndexRecord) -> InMemoryDocumentSnapshot:
        """A copy."""
        return InMemoryDocumentSnapshot(record.definition, list(self._shelf(record).values()))

    def drop(self, record: SearchIndexRecord) -> None:
        """Gone."""
        self._documents.pop(_place(record), None)

    def _shelf(self, record: SearchIndexRecord) -> dict[str, StoredDocument]:
        if _place(record) not in self._documents:
            raise IndexNotFoundError(f"There is no index {record.definition.name!r}.")
        return self._documents[_place(record)]


class InMemoryDocumentSnapshot:
    """`foveal.ports.DocumentSnapshot` of a list."""

    def __init__(self, definition: IndexDefinition, documents: list[StoredDocument]) -> None:
        self._definition = definition
        self._documents = documents

    def rows(self, where: Filter | None = None) -> RowNumbers:
        """Positions in the list."""
        return np.array([n for n, d in enumerate(self._documents) if self._passes(d, where)], dtype=np.int64)

    def count(self, where: Filter | None = None) -> int:
        """Documents that pass."""
        return len(self.rows(where))

    def matching(self, match: TextMatch, field: str, *, where: Filter | None = None) -> ScoredRows:
        """Term frequency by rarity."""
        known = self._definition.plain(field)
        if known is None or not known.searchable:
            raise InvalidRequestError(f"The field {field!r} is not searchable.")
        texts = [[str(t) for t in scalars(known, value_of(d, field))] for d in self._documents]
        if known.analyzer == KEYWORD:
            scores = [float(any(_is_whole(match, text) for text in found)) for found in texts]
        else:
            scores = _scores(match, ["\n".join(map(word_line, found)) for found in texts])
        found = [n for n, s in enumerate(scores) if s > 0 and self._passes(self._documents[n], where)]
        return ScoredRows(rows=np.array(found, dtype=np.int64), scores=np.array([scores[n] for n in found]))

    def nearest(
        self, field: str, vector: FloatArray, *, where: Filter | None = None, limit: int, exhaustive: bool = False
    ) -> ScoredRows:
        """All compared."""
        known = self._definition.vector(field)
        if known is None or vector.shape != (known.dimensions,):
            raise InvalidRequestError(f"A vector of length {vector.size} does not fit the field {field!r}.")
        scored = [
            (_similarity(known.metric, vector.astype(np.float64), d.vectors[field].astype(np.float64)), n)
            for n, d in enumerate(self._documents)
            if field in d.vectors and self._passes(d, where)
        ]
        best = sorted(((s, n) for s, n in scored if not np.isnan(s)), key=lambda pair: (-pair[0], pair[1]))[:limit]
        return ScoredRows(
            rows=np.array([n for _, n in best], dtype=np.int64), scores=np.array([s for s, _ in best], dtype=np.float64)
        )

    def read(self, rows: RowNumbers, *, vectors: Collection[str] = ()) -> list[StoredDocument]:
        """By position."""
        return [_with(self._documents[n], vectors) for n in rows]

    def values(self, field: str, rows: RowNumbers) -> list[Json]:
        """By position."""
        known = self._definition.plain(field)
        empty: Json = [] if known is not None and known.type.item is not None else None
        return [empty if (v := value_of(self._documents[n], field)) is None else v for n in rows]

    def find(self, keys: Collection[str], *, vectors: Collection[str] = ()) -> dict[str, StoredDocument]:
        """By key."""
        return {d.key: _with(d, vectors) for d in self._documents if d.key in set(keys)}

    def _passes(self, document: StoredDocument, where: Filter | None) -> bool:
        return document_matches(where, self._definition, document)


def _place(record: SearchIndexRecord) -> tuple[str, int]:
    return record.definition.name, record.birth


def _with(document: StoredDocument, vectors: Collection[str]) -> StoredDocument:
    kept = {name: vector for name, vector in document.vectors.items() if name in vectors}
    return StoredDocument(key=document.key, values=document.values, vectors=kept)


def _similarity(metric: Metric, one: np.ndarray, other: np.ndarray) -> float:
    if metric is Metric.EUCLIDEAN:
        return -float(np.linalg.norm(one - other))
    if metric is Metric.DOT_PRODUCT:
        return float(one @ other)
    norms = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / norms if norms else float("nan")


def _is_whole(match: TextMatch, text: str) -> bool:
    match match.kind:
        case MatchKind.PREFIX:
            return text.startswith(match.text)
        case MatchKind.PATTERN:
            return re.fullmatch(_glob(match.text), text) is not None
    return text == match.text


def _glob(text: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in text)


def _scores(match: TextMatch, lines: list[str]) -> list[float]:
    wanted = words(match.text)
    match match.kind:
        case MatchKind.PREFIX:
            return [float(bool(wanted) and f" {' '.join(wanted)}" in line) for line in lines]
        case MatchKind.PATTERN:
            pattern = re.compile(_glob(match.text.lower()))
            return [float(any(pattern.fullmatch(word) for word in line.split())) for line in lines]
        case MatchKind.FUZZY:
            return [
                float(any(_edits(word, w) <= match.edits for word in line.split() for w in wanted)) for line in lines
            ]
        case MatchKind.PHRASE:
            return [float(bool(wanted) and f" {' '.join(wanted)} " in line) for line in lines]
    counts = [[line.split().count(word) for word in wanted] for line in lines]
    rarity = [log(1 + len(lines) / (1 + sum(bool(row[n]) for row in counts))) for n in range(len(wanted))]
    combine = all if match.kind is MatchKind.ALL else any
    return [
        sum(r * c / (c + 1) for r, c in zip(rarity, row, strict=True)) if row and combine(row) else 0.0
        for row in counts
    ]


def _edits(one: str, other: str) -> int:
    """Levenshtein's distance."""
    last = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            row.append(min(last[j] + 1, row[-1] + 1, last[j - 1] + (a != b)))
        last = row
    return last[-1]
