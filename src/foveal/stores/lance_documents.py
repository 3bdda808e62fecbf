"""Documents of callers' own fields in LanceDB: one table an index, its latest version being what is searched.

A write is one or two commits of the engine (put, then delete), each of which is there as a whole or not at all, and is
on disk before the caller hears of it. Writers take turns by a lock file an index; readers open the latest version and
never wait.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from foveal.errors import IndexNotFoundError, InvalidRequestError, StoreError
from foveal.stores.file_lock import locked
from foveal.stores.lance_document_rows import (
    KEY,
    arrow_schema,
    column,
    defaults,
    is_keyword,
    kept,
    to_table,
)
from foveal.stores.lance_document_search import DISTANCES, LanceDocumentSnapshot, translated
from foveal.stores.lance_engine import connect
from foveal.stores.lance_filters import one_of
from foveal.stores.lance_names import table_name
from foveal.types.documents import (
    DocumentChange,
    IndexDefinition,
    IndexField,
    SearchIndexRecord,
    StoredDocument,
)
from foveal.types.filters import FieldType

if TYPE_CHECKING:
    from lancedb.db import LanceDBConnection
    from lancedb.table import LanceTable

FEWEST_VECTORS = 5_000
"""Below that a scan of all vectors is exact and takes some milliseconds."""
MANY_FRAGMENTS = 32
"""Pieces a table may be in before it is compacted and its indexes are extended."""
KEEP = timedelta(hours=1)
"""How long a replaced version can still be read by a search that opened it."""
_IN_LIST = 1_000
_STEMMED = {
    "ar": "Arabic", "da": "Danish", "de": "German", "el": "Greek", "en": "English", "es": "Spanish", "fi": "Finnish",
    "fr": "French", "hu": "Hungarian", "it": "Italian", "nb": "Norwegian", "nl": "Dutch", "no": "Norwegian",
    "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sv": "Swedish", "ta": "Tamil", "tr": "Turkish",
}  # fmt: skip
"""Languages whose endings the engine strips, by the code that Azure's analyzers (`en.lucene`) begin with."""


class LanceDocumentStore:
    """`foveal.ports.DocumentStore` on LanceDB.

    Args:
        folder: Of its own; the lock files are beside the tables.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._turns: dict[str, Lock] = {}
        self._lock = Lock()

    @cached_property
    def _db(self) -> LanceDBConnection:
        with translated(f"The document store at {self._folder}"):
            return connect(str(self._folder))

    def create(self, record: SearchIndexRecord) -> None:
        """Make room for an index."""
        definition = record.definition
        with self._turn(record), translated(f"The index {definition.name!r}"):
            self._db.drop_table(_table(record), ignore_missing=True)
            table = self._db.create_table(_table(record), schema=arrow_schema(definition))
            _create_indexes(table, definition, definition.fields)

    def extend(self, record: SearchIndexRecord) -> None:
        """Add fields."""
        import pyarrow as pa

        definition = record.definition
        wanted = arrow_schema(definition)
        with self._turn(record):
            table = self._open(record)
            missing = [field for field in wanted if field.name not in table.schema.names]
            filled = defaults(definition, {field.name for field in missing})
            vectors = [field for field in missing if field.name not in filled]
            with translated(f"The index {definition.name!r}"):
                if filled:
                    table.add_columns(filled)
                if vectors:
                    table.add_columns(pa.schema(vectors))
                indexed = {name for index in table.list_indices() for name in index.columns}
                _create_indexes(table, definition, definition.fields, besides=indexed)

    def change(
        self,
        record: SearchIndexRecord,
        keys: Collection[str],
        decide: Callable[[Mapping[str, StoredDocument]], DocumentChange],
    ) -> None:
        """Read, decide and write while nobody else writes."""
        definition = record.definition
        with self._turn(record):
            table = self._open(record)
            vectors = [v.name for v in definition.vectors]
            change = decide(LanceDocumentSnapshot(table, definition).find(keys, vectors=vectors))
            rows = _rows(definition, change.put, table) if change.put else None
            with translated(f"The index {definition.name!r}"):
                if rows is not None:
                    merge = table.merge_insert(KEY).when_matched_update_all().when_not_matched_insert_all()
                    merge.execute(rows, on_bad_vectors="null")  # null is bad to LanceDB 0.40; lengths are checked
                for start in range(0, len(change.delete), _IN_LIST):
                    table.delete(one_of(KEY, change.delete[start : start + _IN_LIST]))
                _tidy(table, definition)

    def snapshot(self, record: SearchIndexRecord) -> LanceDocumentSnapshot:
        """The latest version; what is written later is not seen through it."""
        return LanceDocumentSnapshot(self._open(record), record.definition)

    def drop(self, record: SearchIndexRecord) -> None:
        """Remove the table."""
        with self._turn(record), translated(f"The index {record.definition.name!r}"):
            self._db.drop_table(_table(record), ignore_missing=True)

    @contextmanager
    def _turn(self, record: SearchIndexRecord) -> Iterator[None]:
        """Write alone: among the threads of this process, then among processes."""
        name = _table(record)
        with self._lock:
            turn = self._turns.setdefault(name, Lock())
        with turn, locked(self._folder / f"{name}.lock", f"The index {record.definition.name!r}"):
            yield

    def _open(self, record: SearchIndexRecord) -> LanceTable:
        name = record.definition.name
        try:
            with translated(f"The index {name!r}"):
                return self._db.open_table(_table(record))
        except StoreError as error:
            if not (self._folder / f"{_table(record)}.lance").exists():
                raise IndexNotFoundError(f"There is no index {name!r} in {self._folder}.") from error
            raise


def _table(record: SearchIndexRecord) -> str:
    return table_name(record.definition.name, record.birth)


def _rows(definition: IndexDefinition, documents: tuple[StoredDocument, ...], table: LanceTable) -> object:
    try:
        return to_table(definition, documents, table.schema)
    except UnicodeEncodeError as error:  # half of a surrogate pair, as JSON can give it
        raise InvalidRequestError(
            f"A document of the index {definition.name!r} has text that is no valid Unicode: {error.object[:40]!r}."
        ) from None


def _create_indexes(
    table: LanceTable,
    definition: IndexDefinition,
    fields: Collection[IndexField],
    besides: Collection[str] = (),
) -> None:
    """The indexes that work from the first row on."""
    from lancedb.index import BTree, LabelList

    if KEY not in besides:
        table.create_index(KEY, config=BTree())
    for field in fields:
        words, values = column("w", field.name), column("v", field.name)
        if field.searchable and not is_keyword(field) and words not in besides:
            table.create_index(words, config=_full_text(field.analyzer))
        if not (field.filterable and kept(field)) or values in besides:
            continue
        if field.type is FieldType.STRINGS:
            table.create_index(values, config=LabelList())
        elif field.type in (FieldType.STRING, FieldType.INT, FieldType.DOUBLE, FieldType.DATETIME):
            table.create_index(values, config=BTree())


def _full_text(analyzer: str) -> object:
    """The engine's form of an analyzer: words cut by Unicode rules and dictionaries, endings kept or stripped."""
    from lancedb.index import FTS

    language = _STEMMED.get(analyzer.partition(".")[0].partition("-")[0].lower())
    return FTS(
        base_tokenizer="icu",
        language=language or "English",
        stem=language is not None and "." in analyzer,
        remove_stop_words=False,
        ascii_folding=True,
    )


def _tidy(table: LanceTable, definition: IndexDefinition) -> None:
    """Compact and extend the indexes once the table is in many pieces; index vectors once there are many."""
    statistics: Mapping[str, Mapping[str, int]] = table.stats()  # a dict, as documented (lancedb 0.40)
    if statistics["fragment_stats"]["num_fragments"] <= MANY_FRAGMENTS:
        return
    table.optimize(cleanup_older_than=KEEP)
    _create_vector_indexes(table, definition)


def _create_vector_indexes(table: LanceTable, definition: IndexDefinition) -> None:
    from lancedb.index import HnswSq

    indexed = {name for index in table.list_indices() for name in index.columns}
    for vector in definition.vectors:
        name = column("x", vector.name)
        if name not in indexed and table.count_rows(f"{name} IS NOT NULL") >= FEWEST_VECTORS:
            table.create_index(name, config=HnswSq(distance_type=DISTANCES[vector.metric], ef_construction=150))
