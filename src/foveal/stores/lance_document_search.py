"""Searching one version of a Lance table of documents."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from foveal.errors import InvalidRequestError
from foveal.stores import lance_engine
from foveal.stores.lance_document_rows import (
    KEY,
    column,
    document_columns,
    filter_columns,
    from_table,
    is_keyword,
    json_value,
)
from foveal.stores.lance_filters import one_of, quoted, where_clause
from foveal.stores.lance_indexes import VectorSearch
from foveal.stores.words import needle, words
from foveal.types.documents import (
    IndexDefinition,
    IndexField,
    Json,
    MatchKind,
    Metric,
    RowNumbers,
    ScoredRows,
    StoredDocument,
    TextMatch,
)
from foveal.types.filters import FieldType, Filter
from foveal.types.vectors import FloatArray

if TYPE_CHECKING:
    import pyarrow as pa
    from lancedb.query import FullTextQuery
    from lancedb.table import LanceTable

_ROW = "_rowid"
_IN_LIST = 1_000
_TAKEN = 5_000
"""Rows up to which they are taken one by one; beyond, the whole column is read."""
DISTANCES: Mapping[Metric, Literal["cosine", "dot", "l2"]] = {
    Metric.COSINE: "cosine",
    Metric.DOT_PRODUCT: "dot",
    Metric.EUCLIDEAN: "l2",
}
"""The engine's words for metrics."""
_HOW = VectorSearch()
_LONGEST_FUZZY = 32
"""Letters of a word that fuzzy search looks at."""


translated = partial(lance_engine.translated, again="fill it again")


class LanceDocumentSnapshot:
    """`foveal.ports.DocumentSnapshot` of a table that stays at the version it was opened at."""

    def __init__(self, table: LanceTable, definition: IndexDefinition) -> None:
        self._table = table
        self._definition = definition
        self._columns = filter_columns(definition)
        self._what = f"The index {definition.name!r}"

    def rows(self, where: Filter | None = None) -> RowNumbers:
        """By row id."""
        return np.sort(self._numbers(self._where(where)))

    def count(self, where: Filter | None = None) -> int:
        """Documents that pass."""
        clause = self._where(where)
        with translated(self._what):
            return int(self._table.count_rows(clause))

    def matching(self, match: TextMatch, field: str, *, where: Filter | None = None) -> ScoredRows:
        """By the full-text index, or by a condition on the word line where that has no such query."""
        known = self._definition.plain(field)
        if known is None or not known.searchable:
            raise InvalidRequestError(f"The field {field!r} is not searchable.")
        clause = self._where(where)
        if is_keyword(known):
            return self._constant(_both(_keyword_clause(known, match), clause))
        found = words(match.text)
        line = column("w", field)
        if not found:
            return ScoredRows(rows=np.empty(0, np.int64), scores=np.empty(0))
        match match.kind:
            case MatchKind.PREFIX:
                return self._constant(_both(f"contains({line}, {quoted(' ' + ' '.join(found))})", clause))
            case MatchKind.PATTERN:
                return self._constant(_both(f"regexp_like({line}, {quoted(_pattern(match.text))})", clause))
            case MatchKind.FUZZY:
                return self._constant(_both(f"regexp_like({line}, {quoted(_near(found[0], match.edits))})", clause))
            case MatchKind.PHRASE:
                phrase = " ".join(found)
                clause = _both(f"contains({line}, {quoted(needle(phrase))})", clause)
        return self._full_text(_query(line, match, found), clause)

    def nearest(
        self, field: str, vector: FloatArray, *, where: Filter | None = None, limit: int, exhaustive: bool = False
    ) -> ScoredRows:
        """By the vector index where there is one."""
        known = self._definition.vector(field)
        if known is None or vector.shape != (known.dimensions,):
            raise InvalidRequestError(
                f"A vector of length {vector.size} does not fit the field {field!r}.",
                remedy=f"It takes vectors of length {known.dimensions}." if known else "",
            )
        clause = self._where(where)
        with translated(self._what):
            search = (
                self._table.search(vector, vector_column_name=column("x", field), query_type="vector")
                .distance_type(DISTANCES[known.metric])
                # Every partition when a filter leaves few rows: fixed probes silently lose them.
                .minimum_nprobes(_HOW.least_probes)
                .maximum_nprobes(0)
                .ef(max(_HOW.least_ef, _HOW.ef * limit))
                .refine_factor(_HOW.refine)
                .with_row_id(True)
            )
            if exhaustive:
                search = search.bypass_vector_index()
            if clause:
                search = search.where(clause, prefilter=True)
            found = search.limit(limit).select([_ROW, "_distance"]).to_arrow()
        return _similar(known.metric, found)

    def read(self, rows: RowNumbers, *, vectors: Collection[str] = ()) -> list[StoredDocument]:
        """In the order of the rows; the engine gives them in its own."""
        if not len(rows):
            return []
        with translated(self._what):
            found = self._take(rows, document_columns(self._definition, vectors))
        documents = from_table(self._definition, found)
        place = {row: number for number, row in enumerate(found[_ROW].to_pylist())}
        return [documents[place[row]] for row in rows.tolist()]

    def values(self, field: str, rows: RowNumbers) -> list[Json]:
        """One column, of the rows or, where they are many, of the whole table."""
        known = self._definition.plain(field)
        if known is None or not len(rows):
            return [None] * len(rows)
        names = _value_columns(known)
        with translated(self._what):
            if len(rows) <= _TAKEN:
                found = self._take(rows, names)
            else:
                found = self._table.search().with_row_id(True).select([_ROW, *names]).to_arrow()
        numbers = found[_ROW].to_numpy()
        order = np.argsort(numbers)
        wanted = found.take(order[np.searchsorted(numbers[order], rows.astype(numbers.dtype))])
        if known.type is FieldType.GEO_POINT:
            return [_point(x, y) for x, y in zip(*(wanted[name].to_pylist() for name in names), strict=True)]
        return [json_value(known, cell) for cell in wanted[names[0]].to_pylist()]

    def find(self, keys: Collection[str], *, vectors: Collection[str] = ()) -> dict[str, StoredDocument]:
        """By key."""
        distinct = list(dict.fromkeys(keys))
        found: list[StoredDocument] = []
        names = document_columns(self._definition, vectors)
        with translated(self._what):
            for start in range(0, len(distinct), _IN_LIST):
                clause = one_of(KEY, distinct[start : start + _IN_LIST])
                found += from_table(self._definition, self._table.search().where(clause).select(names).to_arrow())
        return {document.key: document for document in found}

    def _where(self, where: Filter | None) -> str | None:
        return where_clause(where, self._columns)

    def _numbers(self, clause: str | None) -> RowNumbers:
        with translated(self._what):
            search = self._table.search().with_row_id(True)
            if clause:
                search = search.where(clause)
            found: RowNumbers = search.select([_ROW]).to_arrow()[_ROW].to_numpy().astype(np.int64)
        return found

    def _constant(self, clause: str | None) -> ScoredRows:
        rows = np.sort(self._numbers(clause))
        return ScoredRows(rows=rows, scores=np.ones(len(rows)))

    def _full_text(self, query: FullTextQuery, clause: str | None) -> ScoredRows:
        with translated(self._what):
            most = self._table.count_rows()
            search = self._table.search(query, query_type="fts").with_row_id(True)
            if clause:
                search = search.where(clause, prefilter=True)
            found = search.limit(max(1, most)).select([_ROW, "_score"]).to_arrow()
        rows = found[_ROW].to_numpy().astype(np.int64)
        order = np.argsort(rows)
        return ScoredRows(rows=rows[order], scores=found["_score"].to_numpy().astype(np.float64)[order])

    def _take(self, rows: RowNumbers, names: list[str]) -> pa.Table:
        return self._table.take_row_ids(rows.tolist()).select(names).with_row_id().to_arrow()


def _both(condition: str, clause: str | None) -> str:
    return f"{condition} AND ({clause})" if clause else condition


def _query(line: str, match: TextMatch, found: list[str]) -> FullTextQuery:
    from lancedb.query import FullTextOperator, MatchQuery

    operator = FullTextOperator.OR if match.kind is MatchKind.ANY else FullTextOperator.AND
    return MatchQuery(" ".join(found), line, operator=operator)


def _near(word: str, edits: int) -> str:
    """A regular expression for a word at most so many edits away in a word line.

    The engine's own fuzzy search passes over documents that its index does not know yet (Lance 9).
    """
    forms = {tuple(re.escape(letter) for letter in word[:_LONGEST_FUZZY])}
    for _ in range(edits):
        forms |= {new for form in forms for new in _edited(form)}
    return f" (?:{'|'.join(''.join(form) for form in sorted(forms))}) "


def _edited(form: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for at in range(len(form) + 1):
        yield (*form[:at], r"\S", *form[at:])
        if at < len(form):
            yield (*form[:at], *form[at + 1 :])
            yield (*form[:at], r"\S", *form[at + 1 :])


def _pattern(text: str) -> str:
    """A regular expression for a word line: the signs a word cannot have are left out, the rest stands for itself."""
    parts = (found for found in re.split(r"(?<!\\)([*?])", text) if found)
    joined = "".join({"*": r"\S*", "?": r"\S"}.get(part) or re.escape("".join(words(part))) for part in parts)
    return f" {joined} "


def _keyword_clause(field: IndexField, match: TextMatch) -> str:
    """The value as a whole, case and signs included."""
    name = column("v", field.name)
    items = field.type.item is not None
    match match.kind:
        case MatchKind.PREFIX | MatchKind.PATTERN:
            glob = match.text if match.kind is MatchKind.PATTERN else re.sub(r"([*?])", r"\\\1", match.text) + "*"
            return f"regexp_like({_lines(name) if items else name}, {quoted(_whole(glob))})"
        case _ if items:
            return f"array_has_any({name}, [{quoted(match.text)}])"
    return f"{name} = {quoted(match.text)}"


def _lines(name: str) -> str:
    return f"array_to_string({name}, '\n')"


def _whole(glob: str) -> str:
    parts = (found for found in re.split(r"(?<!\\)([*?])", glob) if found)
    joined = "".join({"*": ".*", "?": "."}.get(part) or re.escape(part.replace("\\", "")) for part in parts)
    return f"(?m)^{joined}$"


def _similar(metric: Metric, found: pa.Table) -> ScoredRows:
    rows, distances = found[_ROW].to_numpy().astype(np.int64), found["_distance"].to_numpy().astype(np.float64)
    valid = ~np.isnan(distances)  # vectors of zeros have no direction
    rows, distances = rows[valid], distances[valid]
    # Lance: cosine and dot distances are 1 - similarity; l2 is the square of the distance.
    scores = -np.sqrt(np.maximum(distances, 0.0)) if metric is Metric.EUCLIDEAN else 1.0 - distances
    order = np.lexsort((rows, -scores))
    return ScoredRows(rows=rows[order], scores=scores[order])


def _value_columns(field: IndexField) -> list[str]:
    if field.type is FieldType.GEO_POINT:
        return [column("lon", field.name), column("lat", field.name)]
    return [column("v", field.name)]


def _point(longitude: float | None, latitude: float | None) -> Json:
    if longitude is None or latitude is None:
        return None
    return {"type": "Point", "coordinates": [longitude, latitude]}
