"""Chunks and vectors in LanceDB: one table an index.

A generation is a version of the table. A writer appends versions and returns the last; readers check out the one
that the catalog names, so what a writer does before the catalog knows of it is seen by nobody, and what it left
behind when it died is discarded by the next writer, which first restores the version the catalog names.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property, partial
from math import isnan
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from foveal.errors import ConflictError, IndexNotFoundError, StoreCorruptError, StoreError
from foveal.ports.stores import ColumnValue
from foveal.stores.lance_engine import connect, translated
from foveal.stores.lance_filters import one_of, where_clause
from foveal.stores.lance_indexes import (
    SEARCHED,
    VectorSearch,
    bring_up_to_date,
    create_table_indexes,
)
from foveal.stores.lance_names import birth_of, generation_of, new_birth, table_name, table_version
from foveal.stores.lance_records import REGIONS, VECTORS
from foveal.stores.lance_rows import (
    RECORD,
    from_table,
    missing_columns,
    region_arrays,
    seen_table,
    table_schema,
    to_table,
)
from foveal.stores.words import words
from foveal.types.chunks import Chunk, ChunkChange, ChunkId, Generation, IndexSchema
from foveal.types.filters import Filter
from foveal.types.search import ScoredChunk
from foveal.types.vectors import FloatArray

if TYPE_CHECKING:
    import pyarrow as pa
    from lancedb.db import LanceDBConnection
    from lancedb.query import LanceQueryBuilder
    from lancedb.table import LanceTable

_OPEN_TABLES = 32
_SCAN_ROWS = 512
_IN_LIST = 1_000
_STORED = {"id": "chunk_id"}
"""Columns whose name is not the field's."""
_TIE_MARGIN = 16
_TIES_OF_WORDS = 3
"""BM25 is asked for so many times more than is wanted: short texts tie all the time, and asking again takes longer."""
_MOST_TIED = 65_536

_translated = partial(translated, again="ingest again")


class LanceChunkStore:
    """`foveal.ports.ChunkStore` on LanceDB; several threads and processes may share a folder.

    Safe in child processes that were spawned, not in forked ones (LanceDB runs its own threads).
    """

    def __init__(self, uri: str | Path) -> None:
        self._uri = str(uri)
        self._tables: OrderedDict[tuple[str, Generation], tuple[LanceTable, pa.Schema]] = OrderedDict()
        self._lock = Lock()
        self._last_birth = 0

    @cached_property
    def _db(self) -> LanceDBConnection:
        with _translated(f"The index store at {self._uri}"):
            return connect(self._uri)

    def create(self, index: str, schema: IndexSchema) -> Generation:
        """An empty index; its first generation."""
        if self._births(index):
            raise ConflictError(f"The index {index!r} exists already.")
        birth = new_birth(self._last_birth)
        with _translated(f"The index {index!r}"):
            table = self._db.create_table(table_name(index, birth), schema=table_schema(schema))
            create_table_indexes(table)
            return generation_of(birth, table.version)

    def create_beside(self, index: str, schema: IndexSchema) -> Generation:
        """A table of another birth."""
        births = self._births(index)
        if not births:
            raise IndexNotFoundError(f"There is no index {index!r} in {self._uri}.")
        birth = new_birth(max(self._last_birth, *births))
        with _translated(f"The index {index!r}"):
            table = self._db.create_table(table_name(index, birth), schema=table_schema(schema))
            create_table_indexes(table)
            return generation_of(birth, table.version)

    def discard(self, index: str, generation: Generation) -> None:
        """Remove the table of one birth."""
        birth = table_version(generation).birth
        with self._lock:
            for key in [k for k in self._tables if k[0] == index and table_version(k[1]).birth == birth]:
                del self._tables[key]
        self._last_birth = max(self._last_birth, birth)
        with _translated(f"The index {index!r}"):
            self._db.drop_table(table_name(index, birth), ignore_missing=True)

    def apply(self, index: str, base: Generation, change: ChunkChange) -> Generation:
        """Write on top of `base`, discarding what came after it."""
        table = self._open(index, base)
        # What is wrong with the rows shows before anything is written.
        rows = to_table(change.put, table.schema) if change.put else None
        seen = seen_table(change.seen, table.schema) if change.seen and change.seen.chunk_ids else None
        with _translated(f"The index {index!r}"):
            _go_back(table, index, base)
            for start in range(0, len(change.delete), _IN_LIST):
                table.delete(one_of("document_id", change.delete[start : start + _IN_LIST]))
            if rows is not None:
                table.add(rows)
            if seen is not None:
                table.merge_insert("chunk_id").when_matched_update_all().execute(seen)
            return generation_of(table_version(base).birth, table.version)

    def optimize(self, index: str, base: Generation) -> Generation:
        """Build or extend search indexes and compact, where it is worth the time; see `lance_indexes`."""
        table = self._open(index, base)
        parts = table_version(base)
        with _translated(f"The index {index!r}"):
            _go_back(table, index, base)
            bring_up_to_date(table, parts.version)
            return generation_of(parts.birth, table.version)

    def snapshot(self, index: str, generation: Generation) -> LanceSnapshot:
        """Open one generation; the last few stay open."""
        key = (index, generation)
        with self._lock:
            known = self._tables.get(key)
            if known is not None:
                self._tables.move_to_end(key)
                return LanceSnapshot(*known, index)
        table = self._open(index, generation)
        _check_out(table, index, generation)
        schema = table.schema  # asking for it takes longer than it looks: a millisecond
        with self._lock:
            self._tables[key] = table, schema
            while len(self._tables) > _OPEN_TABLES:
                self._tables.popitem(last=False)
        return LanceSnapshot(table, schema, index)

    def drop(self, index: str) -> None:
        """Remove an index."""
        with self._lock:
            for key in [key for key in self._tables if key[0] == index]:
                del self._tables[key]
        for birth in self._births(index):
            self._last_birth = max(self._last_birth, birth)
            with _translated(f"The index {index!r}"):
                self._db.drop_table(table_name(index, birth), ignore_missing=True)

    def _open(self, index: str, generation: Generation) -> LanceTable:
        """A handle of its own, at the latest version of the table that has this generation."""
        birth = table_version(generation).birth
        try:
            with _translated(f"The index {index!r}"):
                table = self._db.open_table(table_name(index, birth))
        except StoreError as error:
            births = self._births(index)
            if not births:
                raise IndexNotFoundError(f"There is no index {index!r} in {self._uri}.") from error
            if birth not in births:
                raise _gone(index, generation) from error
            raise
        if missing_columns(table.schema):
            raise StoreCorruptError(
                f"The index {index!r} was made by an earlier version of Foveal, whose tables this one does not read.",
                remedy=f"Delete it (`foveal index delete {index}`) and ingest again: what models said is still cached.",
            )
        return table

    def _births(self, index: str) -> list[int]:
        """Births of all tables of this index; more than one only after a crash in `drop`."""
        found: list[int] = []
        token: str | None = None
        while True:
            with _translated(f"The index store at {self._uri}"):
                page = self._db.list_tables(page_token=token)
            found += [birth for name in page.tables if (birth := birth_of(name, index)) is not None]
            token = page.page_token
            if not token:
                return found


def _go_back(table: LanceTable, index: str, base: Generation) -> None:
    """Make `base` the latest version again if it is not."""
    if table.version == table_version(base).version:
        return
    _check_out(table, index, base)
    table.restore()


def _check_out(table: LanceTable, index: str, generation: Generation) -> None:
    try:
        table.checkout(table_version(generation).version)
    except ValueError as error:
        raise _gone(index, generation) from error


def _gone(index: str, generation: Generation) -> StoreCorruptError:
    return StoreCorruptError(
        f"Generation {generation} of the index {index!r} is gone.",
        remedy="Open the index again; if that does not help, delete it and ingest again.",
    )


class LanceSnapshot:
    """`foveal.ports.ChunkSnapshot` of a table checked out at one version."""

    def __init__(
        self, table: LanceTable, schema: pa.Schema, index: str, vector_search: VectorSearch | None = None
    ) -> None:
        self._table = table
        self._schema = schema
        self._index = index
        self._how = vector_search or VectorSearch()
        self._addresses: dict[ChunkId, int] = {}  # row ids of what was found: reading by them needs no search

    def keyword(self, text: str, *, where: Filter | None, limit: int) -> list[ScoredChunk]:
        """BM25 over the words of `content`."""
        from lancedb.query import MatchQuery

        terms = " ".join(words(text))
        clause = where_clause(where)
        if not terms or limit <= 0:
            return []

        def best(count: int) -> list[ScoredChunk]:
            found = self._table.search(MatchQuery(terms, SEARCHED), query_type="fts")
            rows = _run(found, clause, ["chunk_id", "_score"], count)
            return self._scored(rows, rows["_score"].to_numpy())

        with _translated(f"The index {self._index!r}"):
            return _cut(best, limit, margin=_TIES_OF_WORDS * limit)

    def nearest(self, field: str, vector: FloatArray, *, where: Filter | None, limit: int) -> list[ScoredChunk]:
        """Largest dot product first."""
        clause = where_clause(where)
        # Of several vectors a row the engine takes the best, and it does so for cosines only: rows have length 1.
        several = field == REGIONS
        type_ = self._schema.field(field).type
        dim = (type_.value_type if several else type_).list_size
        if vector.shape != (dim,):
            raise StoreError(
                f"A query vector of shape {vector.shape} does not fit {field} of length {dim} in {self._index!r}.",
                remedy="The model was changed: delete the index and ingest again.",
            )
        if limit <= 0:
            return []

        def best(count: int) -> list[ScoredChunk]:
            found = (
                self._table.search(vector, vector_column_name=field, query_type="vector")
                .distance_type("cosine" if several else "dot")
                # Every partition when a filter leaves few rows: fixed probes silently lose them.
                .minimum_nprobes(self._how.least_probes)
                .maximum_nprobes(0)
                .ef(max(self._how.least_ef, self._how.ef * count))
                .refine_factor(self._how.refine)
            )
            rows = _run(found, clause, ["chunk_id", "_distance"], count)
            return self._scored(rows, 1.0 - rows["_distance"].to_numpy())  # Lance's distances are 1 - dot

        with _translated(f"The index {self._index!r}"):
            return _cut(best, limit)

    def fetch(self, chunk_ids: Sequence[ChunkId], *, where: Filter | None = None, vectors: bool = True) -> list[Chunk]:
        """Chunks in the order of the ids; those that this snapshot's own searches found are read the quick way."""
        clause = where_clause(where)
        columns = [RECORD, *(VECTORS if vectors else ())]
        distinct = list(dict.fromkeys(chunk_ids))
        known = [] if clause else [i for i in distinct if i in self._addresses]
        found: dict[ChunkId, Chunk] = {}
        with _translated(f"The index {self._index!r}"):
            if known:
                taken = self._table.take_row_ids([self._addresses[i] for i in known])
                found.update((chunk.chunk_id, chunk) for chunk in from_table(taken.select(columns).to_arrow()))
            rest = [i for i in distinct if i not in found]
            for start in range(0, len(rest), _IN_LIST):
                wanted = one_of("chunk_id", rest[start : start + _IN_LIST])
                both = f"{wanted} AND ({clause})" if clause else wanted
                rows = _run(self._table.search(), both, columns, None)
                found.update((chunk.chunk_id, chunk) for chunk in from_table(rows))
        return [found[chunk_id] for chunk_id in chunk_ids if chunk_id in found]

    def region_vectors(self, chunk_ids: Collection[ChunkId]) -> Mapping[ChunkId, FloatArray]:
        """Vectors of the regions of these chunks, at most a thousand of which are read at once."""
        wanted = list(dict.fromkeys(chunk_ids))
        found: dict[ChunkId, FloatArray | None] = {}
        with _translated(f"The index {self._index!r}"):
            for start in range(0, len(wanted), _IN_LIST):
                clause = one_of("chunk_id", wanted[start : start + _IN_LIST])
                rows = _run(self._table.search(), clause, ["chunk_id", REGIONS], None)
                ids = (ChunkId(i) for i in rows["chunk_id"].to_pylist())
                found.update(zip(ids, region_arrays(rows), strict=True))
        return {chunk_id: vectors for chunk_id, vectors in found.items() if vectors is not None}

    def scan(self, *, where: Filter | None = None, vectors: bool = False, limit: int | None = None) -> Iterator[Chunk]:
        """Ids first (40 bytes a chunk), sorted; then rows a page at a time."""
        columns = ["chunk_id", RECORD, *(VECTORS if vectors else ())]
        clause = where_clause(where)
        with _translated(f"The index {self._index!r}"):
            ids = _run(self._table.search(), clause, ["chunk_id"], None).sort_by("chunk_id")
        addresses = ids["_rowid"].to_pylist()[: len(ids) if limit is None else limit]
        for start in range(0, len(addresses), _SCAN_ROWS):
            with _translated(f"The index {self._index!r}"):
                page = self._table.take_row_ids(addresses[start : start + _SCAN_ROWS]).select(columns).to_arrow()
            yield from from_table(page.sort_by("chunk_id"))

    def columns(self, names: Sequence[str], *, where: Filter | None = None) -> dict[str, list[ColumnValue]]:
        """Read column by column: what 100,000 rows have takes less than reading 1,000 chunks."""
        clause = where_clause(where)
        stored = {name: _STORED.get(name, name) for name in names}
        with _translated(f"The index {self._index!r}"):
            rows = _run(self._table.search(), clause, list(dict.fromkeys(["chunk_id", *stored.values()])), None)
        rows = rows.sort_by("chunk_id")
        return {name: rows[column].to_pylist() for name, column in stored.items()}

    def count(self, where: Filter | None = None) -> int:
        """Chunks that pass."""
        clause = where_clause(where)
        with _translated(f"The index {self._index!r}"):
            return int(self._table.count_rows(clause))

    def _scored(self, rows: pa.Table, scores: FloatArray) -> list[ScoredChunk]:
        ids = rows["chunk_id"].to_pylist()
        self._addresses.update(zip(ids, rows["_rowid"].to_pylist(), strict=True))
        pairs = zip(ids, scores.tolist(), strict=True)
        return [ScoredChunk(chunk_id=ChunkId(i), score=score) for i, score in pairs if not isnan(score)]


def _run(query: LanceQueryBuilder, clause: str | None, columns: list[str], limit: int | None) -> pa.Table:
    if clause:
        query = query.where(clause, prefilter=True)
    if limit is not None:
        query = query.limit(limit)
    return query.with_row_id(True).select(columns).to_arrow()


def _cut(best: Callable[[int], list[ScoredChunk]], limit: int, *, margin: int = _TIE_MARGIN) -> list[ScoredChunk]:
    """The first `limit` by score, then by chunk id.

    The engine breaks ties as it likes, so it is asked for `margin` more; when the cut goes through a tie all the same,
    for more until the tie is whole.
    """
    count = limit + margin
    while True:
        found = sorted(best(count), key=lambda hit: (-hit.score, hit.chunk_id))
        complete = len(found) < count or found[-1].score < found[limit - 1].score
        if complete or count >= _MOST_TIED:
            return found[:limit]
        count *= 4
