"""Chunks as rows of a Lance table, and back.

A row has the chunk as one text (`foveal.stores.lance_records`), its vectors, and columns that only queries read: one
for every field that a filter may name (`foveal.types.filters.CHUNK_FIELDS`), `words_<field>`, the words of a text as
`foveal.stores.words` cuts them, and `has_<field>`, whether a list has items.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from foveal.errors import StoreError
from foveal.stores.lance_records import REGIONS, VECTORS, from_record, record, utc
from foveal.stores.words import word_line
from foveal.types.chunks import Chunk, IndexSchema, SeenVectors
from foveal.types.filters import CHUNK_FIELDS, FieldType
from foveal.types.vectors import FloatArray

RECORD = "record"
LISTS = tuple(f.name for f in CHUNK_FIELDS.values() if f.type is FieldType.STRINGS)

_STRING, _FLOAT = pa.string(), pa.float64()
_TYPES = {
    FieldType.STRING: _STRING,
    FieldType.INT: pa.int64(),
    FieldType.DATETIME: pa.timestamp("us", tz="UTC"),
    FieldType.STRINGS: pa.list_(_STRING),
}


@dataclass(frozen=True, slots=True)
class _Column:
    """One column: its Arrow type and how a chunk gives its value."""

    name: str
    type: pa.DataType
    of: Callable[[Chunk], object]


def _field(name: str, type_: pa.DataType) -> _Column:
    return _Column(name, type_, lambda chunk: getattr(chunk, name))


def _moment(name: str) -> _Column:
    def of(chunk: Chunk) -> object:
        moment = getattr(chunk, name)
        return moment and utc(moment)

    return _Column(name, _TYPES[FieldType.DATETIME], of)


def _words_of(name: str) -> _Column:
    return _Column(f"words_{name}", _STRING, lambda chunk: word_line(getattr(chunk, name)))


def _has(name: str) -> _Column:
    return _Column(f"has_{name}", pa.bool_(), lambda chunk: bool(getattr(chunk, name)))


def _place(name: str) -> _Column:
    return _Column(name, _TYPES[FieldType.INT], lambda chunk: getattr(chunk.locator, name))


_SPECIAL = {
    "id": (_field("chunk_id", _STRING),),
    "location": (_field("latitude", _FLOAT), _field("longitude", _FLOAT)),
    "objects": (_Column("objects", _TYPES[FieldType.STRINGS], lambda chunk: [o.label for o in chunk.objects]),),
    "feature": (_Column("feature", _STRING, lambda chunk: chunk.feature.value),),
    **{name: (_place(name),) for name in ("page", "start_ms", "end_ms")},
    "taken_at": (_moment("taken_at"),),
    "modified_at": (_moment("modified_at"),),
}
"""Fields of filters that are not simply the chunk's field of that name."""

_FILTERED = tuple(
    column
    for field in CHUNK_FIELDS.values()
    for column in _SPECIAL.get(field.name, ()) or (_field(field.name, _TYPES[field.type]),)
)
_COLUMNS = (
    *_FILTERED,
    *(_words_of(field.name) for field in CHUNK_FIELDS.values() if field.searchable),
    *(_has(name) for name in LISTS),
    _Column(RECORD, _STRING, record),
)


def table_schema(schema: IndexSchema) -> pa.Schema:
    """The Arrow schema of an index. A vector of length 0 (no such model) gets a column of length 1 without values."""
    dims = (schema.text_dim, schema.image_dim, schema.text_dim)
    columns = [pa.field(c.name, c.type, nullable=c.name != "chunk_id") for c in _COLUMNS]
    vectors = [pa.field(v, _vector_type(d)) for v, d in zip(VECTORS, dims, strict=True)]
    return pa.schema([*columns, *vectors, pa.field(REGIONS, pa.list_(_vector_type(schema.image_dim)))])


def missing_columns(schema: pa.Schema) -> frozenset[str]:
    """Columns that a table made by an earlier version lacks."""
    return frozenset({*(column.name for column in _COLUMNS), REGIONS} - set(schema.names))


def _vector_type(dim: int) -> pa.DataType:
    return pa.list_(pa.float32(), max(dim, 1))


def to_table(chunks: Sequence[Chunk], schema: pa.Schema) -> pa.Table:
    """Rows of these chunks.

    Raises:
        StoreError: A vector does not have the length of the index.
    """
    arrays = [pa.array([column.of(chunk) for chunk in chunks], column.type) for column in _COLUMNS]
    for name in VECTORS:
        arrays.append(_vector_array([getattr(chunk, name) for chunk in chunks], schema.field(name)))
    arrays.append(_region_array([chunk.region_vectors for chunk in chunks], schema.field(REGIONS)))
    return pa.Table.from_arrays(arrays, schema=schema)


def seen_table(seen: SeenVectors, schema: pa.Schema) -> pa.Table:
    """Rows of chunk id and seen vector only.

    Raises:
        StoreError: The vectors do not have the length of the index.
    """
    fields = [schema.field("chunk_id"), schema.field("seen_vector")]
    vectors = _vector_array(list(seen.vectors), fields[1])
    return pa.Table.from_arrays([pa.array(seen.chunk_ids, _STRING), vectors], schema=pa.schema(fields))


def _vector_array(vectors: Sequence[FloatArray | None], field: pa.Field) -> pa.Array:
    dim = field.type.list_size
    flat = np.zeros((len(vectors), dim), dtype=np.float32)
    missing = np.ones(len(vectors), dtype=bool)
    for row, vector in enumerate(vectors):
        if vector is None:
            continue
        if vector.shape != (dim,):
            raise StoreError(
                f"A {field.name} of shape {vector.shape} does not fit an index made for length {dim}.",
                remedy="The model was changed: delete the index and ingest again.",
            )
        flat[row], missing[row] = vector, False
    return pa.FixedSizeListArray.from_arrays(pa.array(flat.reshape(-1)), type=field.type, mask=pa.array(missing))


def _region_array(rows: Sequence[FloatArray | None], field: pa.Field) -> pa.Array:
    """Rows of any number of vectors; those without any are null, so that a search skips them."""
    item = field.type.value_field.with_name(field.name)
    counts = [0 if row is None else len(row) for row in rows]
    flat = _vector_array([vector for row in rows if row is not None for vector in row], item)
    offsets = pa.array([*np.concatenate([[0], np.cumsum(counts)]).tolist()], pa.int32())
    return pa.ListArray.from_arrays(offsets, flat, type=field.type, mask=pa.array([not count for count in counts]))


def region_arrays(table: pa.Table) -> Iterator[FloatArray | None]:
    """float32 [regions, dim] of each row."""
    dim = table.schema.field(REGIONS).type.value_type.list_size
    for row in table.column(REGIONS):
        yield None if not row.is_valid else row.values.flatten().to_numpy(zero_copy_only=False).reshape(-1, dim).copy()


def from_table(table: pa.Table) -> Iterator[Chunk]:
    """The chunks of rows, in order. Vector columns that were not read give None."""
    vectors = {name: _vectors(table, name) for name in VECTORS if name in table.column_names}
    for row, text in enumerate(table.column(RECORD).to_pylist()):
        yield from_record(text, **{name: column[row] for name, column in vectors.items()})


def _vectors(table: pa.Table, name: str) -> list[FloatArray | None]:
    found: list[FloatArray | None] = []
    for piece in table.column(name).chunks:
        # `flatten` drops the rows that are null, `values` would ignore the piece's offset.
        rows = iter(piece.flatten().to_numpy(zero_copy_only=False).reshape(-1, piece.type.list_size).copy())
        found += [next(rows) if valid else None for valid in piece.is_valid().to_pylist()]
    return found
