"""Indexes of a caller's own fields: their definition, their documents, and what is asked of them.

The words are those of Azure AI Search ("Create Index (REST API)", "Supported data types", Microsoft), whose interface
these indexes are made and searched through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from foveal.types.filters import Field, FieldType, Filter
from foveal.types.vectors import FloatArray

Json = bool | int | float | str | None | list["Json"] | dict[str, "Json"]
"""A JSON value."""

RowNumbers = NDArray[np.int64]
"""Documents of one snapshot, by the numbers that snapshot gives them."""

KEYWORD = "keyword"
"""The analyzer that takes a value as a single word."""


class Metric(StrEnum):
    """How vectors are compared."""

    COSINE = "cosine"
    DOT_PRODUCT = "dotProduct"
    EUCLIDEAN = "euclidean"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexField:
    """One field that holds values; a part of a complex field has a path for a name (`Address/City`).

    Attributes:
        narrow: Whether whole numbers have 32 bits (`Edm.Int32`).
        analyzer: Name of the analyzer, for searchable fields.
    """

    name: str
    type: FieldType
    key: bool = False
    searchable: bool = False
    filterable: bool = False
    sortable: bool = False
    facetable: bool = False
    retrievable: bool = True
    narrow: bool = False
    analyzer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorField:
    """One field that holds a vector.

    Attributes:
        dimensions: Its length.
    """

    name: str
    dimensions: int
    metric: Metric = Metric.COSINE
    retrievable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SemanticConfiguration:
    """Which fields a re-ranker reads, in the order in which they matter."""

    name: str
    title: str = ""
    content: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexDefinition:
    """What an index looks like.

    Attributes:
        fields: In the order of the definition, parts of complex fields in their place.
        vectors: Likewise.
        default_semantic: Name of the semantic configuration that is meant when none is named.
        wire: The definition as JSON, as its maker sees it again.
    """

    name: str
    fields: tuple[IndexField, ...]
    vectors: tuple[VectorField, ...] = ()
    semantic: tuple[SemanticConfiguration, ...] = ()
    default_semantic: str = ""
    wire: Mapping[str, Json] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Name of the key field."""
        return next(f.name for f in self.fields if f.key)

    def plain(self, name: str) -> IndexField | None:
        """A field that is no vector, by name."""
        return next((f for f in self.fields if f.name == name), None)

    def vector(self, name: str) -> VectorField | None:
        """A vector field by name."""
        return next((f for f in self.vectors if f.name == name), None)

    @property
    def searchable(self) -> tuple[str, ...]:
        """Names of the fields that words are looked for in."""
        return tuple(f.name for f in self.fields if f.searchable)

    @property
    def filter_fields(self) -> dict[str, Field]:
        """The fields a filter may name."""
        return {
            f.name: Field(name=f.name, type=f.type, searchable=f.searchable, filterable=f.filterable)
            for f in self.fields
            if f.filterable or f.searchable
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchIndexRecord:
    """An index as it is kept.

    Attributes:
        birth: Tells its life from that of an earlier index of the same name.
        etag: Changes with every change of the definition.
    """

    definition: IndexDefinition
    birth: int
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDocument:
    """One document.

    Attributes:
        values: By name of the top-level field, in the form that JSON has of them (dates in UTC, points as GeoJSON);
            absent is null.
        vectors: float32 [dimensions] by name of the field.
    """

    key: str
    values: Mapping[str, Json]
    vectors: Mapping[str, FloatArray] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentChange:
    """What one write does: documents to put in the place of those with their keys, and keys to remove."""

    put: tuple[StoredDocument, ...] = ()
    delete: tuple[str, ...] = ()


class MatchKind(StrEnum):
    """How the words of a `TextMatch` are meant."""

    ANY = "any"
    """Some of the words."""
    ALL = "all"
    """All of the words, in any order."""
    PHRASE = "phrase"
    """All of the words, one after the other."""
    PREFIX = "prefix"
    """A word that begins so."""
    PATTERN = "pattern"
    """A word in which `*` stands for any characters and `?` for one."""
    FUZZY = "fuzzy"
    """A word at most `edits` insertions, deletions or exchanges of a letter away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextMatch:
    """Words to look for in one field."""

    kind: MatchKind
    text: str
    edits: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredRows:
    """Documents and what they score.

    Attributes:
        rows: int64 [n], each once.
        scores: float64 [n], larger is better.
    """

    rows: RowNumbers
    scores: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextLeaf:
    """A match in some fields (empty: in all that the query searches), its score multiplied by `boost`."""

    match: TextMatch
    fields: tuple[str, ...] = ()
    boost: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TextClauses:
    """Clauses as in Lucene: all of `must`, none of `must_not`; of `should` at least one when there is no `must`.

    With `must_not` alone it matches everything else. Scores of clauses that match add up.
    """

    must: tuple[TextQuery, ...] = ()
    should: tuple[TextQuery, ...] = ()
    must_not: tuple[TextQuery, ...] = ()
    boost: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything:
    """Every document, with the score 1."""


TextQuery = TextLeaf | TextClauses | Everything


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorQuery:
    """Nearest documents by one or several vector fields.

    Attributes:
        vector: float32; None: `text` is embedded.
        fields: At least one.
        k: Documents wanted of each field.
        exhaustive: Whether every vector is compared.
        weight: What a rank in its list counts in the fusion.
    """

    fields: tuple[str, ...]
    vector: FloatArray | None = None
    text: str = ""
    k: int = 50
    exhaustive: bool = False
    weight: float = 1.0


class OrderKey(StrEnum):
    """What an `Order` goes by."""

    SCORE = "search.score()"
    FIELD = "field"
    DISTANCE = "geo.distance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One key of an order; the point is given for distances."""

    by: OrderKey
    field: str = ""
    longitude: float = 0.0
    latitude: float = 0.0
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetRequest:
    """Counts over the values of one field.

    Attributes:
        count: Buckets at most, of values; 0: all.
        sort: `count`, `-count`, `value` or `-value`; `-` is ascending for counts, descending for values.
        bounds: Edges of ranges, ascending: numbers, or dates as ISO text.
        interval: Width of ranges, of numbers.
        period: Width of ranges, of dates: minute, hour, day, week, month, quarter or year.
        offset_minutes: Shift of the dates' zone from UTC.
    """

    field: str
    count: int = 10
    sort: str = "count"
    bounds: tuple[float | str, ...] = ()
    interval: float | None = None
    period: str = ""
    offset_minutes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetBucket:
    """How many documents have a value, or one between `from_` (included) and `to` (not)."""

    count: int
    value: Json = None
    from_: Json = None
    to: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentQuery:
    """What to find in one index.

    Attributes:
        text: None: everything.
        words: The words as the caller wrote them, for re-ranking and highlights.
        search_fields: Where words are looked for; empty: in every searchable field.
        filter_after: Whether the filter is applied to what vector queries found instead of before.
        rerank: Name of the semantic configuration to re-rank by; empty: not re-ranked.
        with_vectors: Vector fields to give back.
    """

    text: TextQuery = Everything()
    words: str = ""
    search_fields: tuple[str, ...] = ()
    vectors: tuple[VectorQuery, ...] = ()
    filter: Filter | None = None
    filter_after: bool = False
    rerank: str = ""
    order: tuple[Order, ...] = ()
    facets: tuple[FacetRequest, ...] = ()
    with_vectors: tuple[str, ...] = ()
    top: int = 50
    skip: int = 0
