"""Chunks as rows of a Lance table, and back.

A row has one column per field of `Chunk`. Beside them stand columns that only queries read: `words_<field>`, the
words of a text as `foveal.stores.words` cuts them, and `has_<field>`, whether a list has items. Objects and OCR
lines are JSON; `objects` is the list of their labels, for filters.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from foveal.errors import StoreError
from foveal.stores.words import word_line
from foveal.types.assets import AssetId, DocumentId, MediaKind
from foveal.types.chunks import Chunk, ChunkId, IndexSchema, SeenVectors
from foveal.types.content import DetectedObject, OcrLine
from foveal.types.locators import Box, Locator
from foveal.types.vectors import FloatArray

VECTORS = ("text_vector", "image_vector", "seen_vector")
SEARCHED_TEXTS = ("title", "content", "description", "caption", "ocr_text")
LISTS = ("tags", "objects", "colors", "group_ids")

_STRING, _INT, _FLOAT = pa.string(), pa.int64(), pa.float64()
_STRINGS, _TIME = pa.list_(pa.string()), pa.timestamp("us", tz="UTC")


@dataclass(frozen=True, slots=True)
class _Column:
    """One column: its Arrow type and how a chunk gives its value."""

    name: str
    type: pa.DataType
    of: Callable[[Chunk], object]


def _field(name: str, type_: pa.DataType) -> _Column:
    return _Column(name, type_, lambda chunk: getattr(chunk, name))


def _located(name: str) -> _Column:
    return _Column(name, _INT, lambda chunk: getattr(chunk.locator, name))


def _box_side(side: str) -> _Column:
    return _Column(f"box_{side}", _FLOAT, lambda c: None if c.locator.box is None else getattr(c.locator.box, side))


def _words_of(name: str) -> _Column:
    return _Column(f"words_{name}", _STRING, lambda chunk: word_line(getattr(chunk, name)))


def _has(name: str) -> _Column:
    return _Column(f"has_{name}", pa.bool_(), lambda chunk: bool(getattr(chunk, name)))


_STORED = (
    *(_field(name, _STRING) for name in ("chunk_id", "document_id", "asset_id")),
    _field("ordinal", _INT),
    _Column("kind", _STRING, lambda chunk: chunk.kind.value),
    *(_field(name, _STRING) for name in ("media_type", "source", "title", "filepath", "url", "content")),
    *(_field(name, _STRING) for name in ("description", "caption", "composed", "ocr_text")),
    _Column("objects", _STRINGS, lambda chunk: [found.label for found in chunk.objects]),
    _Column("objects_json", _STRING, lambda chunk: _objects_json(chunk.objects)),
    _Column("ocr_lines_json", _STRING, lambda chunk: _ocr_lines_json(chunk.ocr_lines)),
    *(_field(name, _STRINGS) for name in ("tags", "colors", "group_ids")),
    _Column("taken_at", _TIME, lambda chunk: _utc(chunk.taken_at)),
    _Column("modified_at", _TIME, lambda chunk: _utc(chunk.modified_at)),
    *(_field(name, _FLOAT) for name in ("latitude", "longitude")),
    _field("camera", _STRING),
    *(_field(name, _INT) for name in ("width_px", "height_px", "size_bytes")),
    _Column("perceptual_hash", _INT, lambda chunk: _signed(chunk.perceptual_hash)),
    _field("language", _STRING),
    *(_field(name, _INT) for name in ("hate", "self_harm", "sexual", "violence")),
    *(_located(name) for name in ("page", "start_char", "end_char", "start_ms", "end_ms")),
    *(_box_side(side) for side in ("x", "y", "width", "height")),
)
_DERIVED = (*(_words_of(name) for name in SEARCHED_TEXTS), *(_has(name) for name in LISTS))

STORED_COLUMNS = tuple(column.name for column in _STORED)
"""The columns a chunk without vectors is read from."""


def table_schema(schema: IndexSchema) -> pa.Schema:
    """The Arrow schema of an index. A vector of length 0 (no such model) gets a column of length 1 without values."""
    dims = (schema.text_dim, schema.image_dim, schema.text_dim)
    columns = [pa.field(c.name, c.type, nullable=c.name != "chunk_id") for c in (*_STORED, *_DERIVED)]
    return pa.schema([*columns, *(pa.field(v, _vector_type(d)) for v, d in zip(VECTORS, dims, strict=True))])


def _vector_type(dim: int) -> pa.DataType:
    return pa.list_(pa.float32(), max(dim, 1))


def to_table(chunks: Sequence[Chunk], schema: pa.Schema) -> pa.Table:
    """Rows of these chunks.

    Raises:
        StoreError: A vector does not have the length of the index.
    """
    arrays = [pa.array([column.of(chunk) for chunk in chunks], column.type) for column in (*_STORED, *_DERIVED)]
    for name in VECTORS:
        arrays.append(_vector_array([getattr(chunk, name) for chunk in chunks], schema.field(name)))
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


def from_table(table: pa.Table) -> Iterator[Chunk]:
    """The chunks of rows, in order. Vector columns that were not read give None."""
    vectors = {name: _vectors(table, name) for name in VECTORS}
    for row, values in enumerate(table.select(STORED_COLUMNS).to_pylist()):
        yield _chunk(values, *(vectors[name][row] for name in VECTORS))


def _vectors(table: pa.Table, name: str) -> list[FloatArray | None]:
    if name not in table.column_names:
        return [None] * table.num_rows
    found: list[FloatArray | None] = []
    for piece in table.column(name).chunks:
        # `flatten` drops the rows that are null, `values` would ignore the piece's offset.
        rows = iter(piece.flatten().to_numpy(zero_copy_only=False).reshape(-1, piece.type.list_size).copy())
        found += [next(rows) if valid else None for valid in piece.is_valid().to_pylist()]
    return found


def _chunk(
    row: dict[str, object], text_vector: FloatArray | None, image_vector: FloatArray | None, seen: FloatArray | None
) -> Chunk:
    get = _Typed(row)
    return Chunk(
        chunk_id=ChunkId(get.text("chunk_id")),
        document_id=DocumentId(get.text("document_id")),
        asset_id=AssetId(get.text("asset_id")),
        ordinal=get.whole("ordinal"),
        kind=MediaKind(get.text("kind")),
        media_type=get.text("media_type"),
        source=get.text("source"),
        title=get.text("title"),
        filepath=get.text("filepath"),
        url=None if row["url"] is None else get.text("url"),
        content=get.text("content"),
        description=get.text("description"),
        caption=get.text("caption"),
        composed=get.text("composed"),
        ocr_text=get.text("ocr_text"),
        tags=get.texts("tags"),
        objects=tuple(_objects(get.text("objects_json"))),
        ocr_lines=tuple(_ocr_lines(get.text("ocr_lines_json"))),
        colors=get.texts("colors"),
        taken_at=get.moment("taken_at"),
        modified_at=get.moment("modified_at"),
        latitude=get.number("latitude"),
        longitude=get.number("longitude"),
        camera=get.text("camera"),
        width_px=get.whole("width_px"),
        height_px=get.whole("height_px"),
        size_bytes=get.whole("size_bytes"),
        perceptual_hash=_unsigned(get.count("perceptual_hash")),
        language=get.text("language"),
        group_ids=get.texts("group_ids"),
        hate=get.whole("hate"),
        self_harm=get.whole("self_harm"),
        sexual=get.whole("sexual"),
        violence=get.whole("violence"),
        locator=_locator(get),
        text_vector=text_vector,
        image_vector=image_vector,
        seen_vector=seen,
    )


class _Typed:
    """Values of a row with the types the schema promises."""

    def __init__(self, row: dict[str, object]) -> None:
        self._row = row

    def text(self, name: str) -> str:
        value = self._row[name]
        return value if isinstance(value, str) else ""

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._row[name]
        return tuple(value) if isinstance(value, list) else ()

    def whole(self, name: str) -> int:
        return self.count(name) or 0

    def count(self, name: str) -> int | None:
        value = self._row[name]
        return value if isinstance(value, int) else None

    def number(self, name: str) -> float | None:
        value = self._row[name]
        return value if isinstance(value, float) else None

    def moment(self, name: str) -> datetime | None:
        value = self._row[name]
        return value.astimezone(UTC) if isinstance(value, datetime) else None


def _locator(get: _Typed) -> Locator:
    x, y, width, height = (get.number(f"box_{side}") for side in ("x", "y", "width", "height"))
    box = None
    if x is not None and y is not None and width is not None and height is not None:
        box = Box(x=x, y=y, width=width, height=height)
    return Locator(
        page=get.count("page"),
        box=box,
        start_char=get.count("start_char"),
        end_char=get.count("end_char"),
        start_ms=get.count("start_ms"),
        end_ms=get.count("end_ms"),
    )


def _objects_json(objects: Iterable[DetectedObject]) -> str:
    return json.dumps([[o.label, o.score, o.box.x, o.box.y, o.box.width, o.box.height] for o in objects])


def _objects(text: str) -> Iterator[DetectedObject]:
    for label, score, x, y, width, height in json.loads(text):
        yield DetectedObject(label=label, score=score, box=Box(x=x, y=y, width=width, height=height))


def _ocr_lines_json(lines: Iterable[OcrLine]) -> str:
    return json.dumps([[line.text, line.score, line.polygon] for line in lines])


def _ocr_lines(text: str) -> Iterator[OcrLine]:
    for line, score, polygon in json.loads(text):
        yield OcrLine(text=line, score=score, polygon=tuple((x, y) for x, y in polygon))


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def _signed(hash_: int | None) -> int | None:
    """A 64-bit pattern as the number of the same bits that a signed column holds."""
    return hash_ - 2**64 if hash_ is not None and hash_ >= 2**63 else hash_


def _unsigned(hash_: int | None) -> int | None:
    return hash_ + 2**64 if hash_ is not None and hash_ < 0 else hash_
