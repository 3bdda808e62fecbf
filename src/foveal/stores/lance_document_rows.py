"""Documents of callers' own fields as rows of a Lance table.

| column | holds |
| --- | --- |
| `doc_key` | the key |
| `document` | everything but vectors, as JSON |
| `v_<field>` | the value (of a collection a list, never null), where filters, orders or facets may name the field |
| `lat_<field>`, `lon_<field>` | the same of a point |
| `w_<field>` | the word line of a searchable field, empty when null; of a collection one line an item |
| `x_<field>` | a vector |

Names are encoded such that SQL takes them without quotes, and such that no two fields share one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from foveal.retrieval.document_values import scalars, value_of
from foveal.stores.lance_filters import FilterColumn
from foveal.stores.words import word_line
from foveal.types.documents import KEYWORD, IndexDefinition, IndexField, Json, StoredDocument
from foveal.types.filters import FieldType
from foveal.types.vectors import FloatArray

if TYPE_CHECKING:
    import pyarrow as pa

KEY, DOCUMENT = "doc_key", "document"


def column(prefix: str, field: str) -> str:
    """The column of a field: letters that are not a-z or 0-9 become `_<hex>_`."""
    return f"{prefix}_" + re.sub(r"[^a-z0-9]", lambda found: f"_{ord(found.group()):x}_", field)


def is_keyword(field: IndexField) -> bool:
    """Whether its values are words as a whole."""
    return field.searchable and field.analyzer == KEYWORD


def kept(field: IndexField) -> bool:
    """Whether there is a column of values."""
    return field.filterable or field.sortable or field.facetable or field.key or is_keyword(field)


def filter_columns(definition: IndexDefinition) -> dict[str, FilterColumn]:
    """What filters may name."""
    return {field.name: _filter_column(field) for field in definition.fields if kept(field) or field.searchable}


def _filter_column(field: IndexField) -> FilterColumn:
    name = column("v", field.name)
    return FilterColumn(
        type=field.type,
        name=name,
        nullable=field.type.item is None and not field.key,
        words=column("w", field.name) if field.searchable else "",
        empty=f"coalesce(array_length({name}), 0) = 0",
        latitude=column("lat", field.name),
        longitude=column("lon", field.name),
    )


def arrow_schema(definition: IndexDefinition) -> pa.Schema:
    """The table's columns."""
    import pyarrow as pa

    columns = [pa.field(KEY, pa.string(), nullable=False), pa.field(DOCUMENT, pa.string(), nullable=False)]
    for field in definition.fields:
        columns += [pa.field(name, type_) for name, type_ in _columns_of(field)]
    columns += [pa.field(column("x", v.name), pa.list_(pa.float32(), v.dimensions)) for v in definition.vectors]
    return pa.schema(columns)


def _columns_of(field: IndexField) -> Iterator[tuple[str, pa.DataType]]:
    import pyarrow as pa

    if field.type is FieldType.GEO_POINT:
        if kept(field):
            yield column("lat", field.name), pa.float64()
            yield column("lon", field.name), pa.float64()
        return
    if kept(field):
        yield column("v", field.name), _arrow_type(field.type)
    if field.searchable:
        yield column("w", field.name), pa.string()


def _arrow_type(type_: FieldType) -> pa.DataType:
    import pyarrow as pa

    if type_.item is not None:
        return pa.list_(_arrow_type(type_.item))
    plain: dict[FieldType, Callable[[], pa.DataType]] = {
        FieldType.STRING: pa.string,
        FieldType.INT: pa.int64,
        FieldType.DOUBLE: pa.float64,
        FieldType.BOOLEAN: pa.bool_,
    }
    return pa.timestamp("us", "UTC") if type_ is FieldType.DATETIME else plain[type_]()


def defaults(definition: IndexDefinition, names: Collection[str]) -> dict[str, str]:
    """SQL for what these columns hold in documents written before they were added; vectors are not among them."""
    found: dict[str, str] = {}
    for field in definition.fields:
        for name, type_ in _columns_of(field):
            if name in names:
                found[name] = _default(field, name, type_)
    return found


def _default(field: IndexField, name: str, type_: pa.DataType) -> str:
    if name.startswith("w_"):
        return "''"
    if field.type.item is None:
        return f"arrow_cast(NULL, '{_SQL_TYPES[field.type]}')"
    return f"arrow_cast(make_array(), 'List({_SQL_TYPES[field.type.item]})')"


_SQL_TYPES: dict[FieldType, str] = {
    FieldType.STRING: "Utf8",
    FieldType.INT: "Int64",
    FieldType.DOUBLE: "Float64",
    FieldType.BOOLEAN: "Boolean",
    FieldType.DATETIME: 'Timestamp(Microsecond, Some("UTC"))',
    FieldType.GEO_POINT: "Float64",
}
"""Names of Arrow types as DataFusion's `arrow_cast` has them."""


def to_table(definition: IndexDefinition, documents: Sequence[StoredDocument], schema: pa.Schema) -> pa.Table:
    """Rows of documents, in the table's own order of columns."""
    import pyarrow as pa

    columns: dict[str, Sequence[object]] = {
        KEY: [document.key for document in documents],
        DOCUMENT: [json.dumps(document.values, ensure_ascii=False) for document in documents],
    }
    for field in definition.fields:
        found = [scalars(field, value_of(document, field.name)) for document in documents]
        columns.update(_cells(field, found))
    for vector in definition.vectors:
        given = [document.vectors.get(vector.name) for document in documents]
        columns[column("x", vector.name)] = [None if one is None else one.tolist() for one in given]
    # Halves of surrogate pairs, as JSON can give them, are no Unicode text.
    return pa.table({f.name: pa.array(columns[f.name], f.type) for f in schema}, schema=schema)


def _cells(field: IndexField, found: Sequence[tuple[object, ...]]) -> dict[str, Sequence[object]]:
    cells: dict[str, Sequence[object]] = {}
    if field.type is FieldType.GEO_POINT:
        points = [one[0] if one and isinstance(one[0], tuple) else (None, None) for one in found]
        cells[column("lon", field.name)] = [point[0] for point in points]
        cells[column("lat", field.name)] = [point[1] for point in points]
    elif field.type.item is not None:
        cells[column("v", field.name)] = found
    else:
        cells[column("v", field.name)] = [one[0] if one else None for one in found]
    if field.searchable:
        cells[column("w", field.name)] = ["\n".join(word_line(str(text)) for text in one) for one in found]
    return cells


def document_columns(definition: IndexDefinition, vectors: Collection[str]) -> list[str]:
    """Columns that `from_table` needs."""
    return [KEY, DOCUMENT, *(column("x", v.name) for v in definition.vectors if v.name in vectors)]


def from_table(definition: IndexDefinition, rows: pa.Table) -> list[StoredDocument]:
    """The opposite of `to_table`, for the vectors that were read."""
    vectors = {v.name: _vectors(rows, column("x", v.name)) for v in definition.vectors}
    documents = zip(rows[KEY].to_pylist(), rows[DOCUMENT].to_pylist(), strict=True)
    return [
        StoredDocument(
            key=key,
            values=json.loads(text),
            vectors={name: one for name, found in vectors.items() if (one := found.get(number)) is not None},
        )
        for number, (key, text) in enumerate(documents)
    ]


def _vectors(rows: pa.Table, name: str) -> dict[int, FloatArray]:
    if name not in rows.column_names:
        return {}
    found = rows[name].to_pylist()
    return {number: np.array(one, dtype=np.float32) for number, one in enumerate(found) if one is not None}


def json_value(field: IndexField, cell: object) -> Json:
    """A cell of a column of values in the form that JSON has of it."""
    if isinstance(cell, list):
        return [json_value(field, one) for one in cell]
    if isinstance(cell, datetime):
        return cell.isoformat().replace("+00:00", "Z")
    return cell if isinstance(cell, bool | int | float | str) else None
