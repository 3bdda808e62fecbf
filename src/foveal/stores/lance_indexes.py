"""Which search indexes a Lance table of chunks has, and when they are built, extended and cleaned up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from foveal.stores.lance_records import REGIONS, VECTORS
from foveal.stores.lance_rows import LISTS

if TYPE_CHECKING:
    from lancedb.table import LanceTable

KEEP = timedelta(hours=1)
"""How long a generation that was replaced can still be opened."""

MARGIN = timedelta(minutes=10)
"""Versions are kept so much longer, since the engine counts their age from a moment after it was computed."""

_NEVER = timedelta(days=36_500)
_TAG = "catalog"

FEWEST_VECTORS = 5_000
"""Below that a scan of all vectors is exact and takes some milliseconds."""

SMALL = 20_000
"""Up to so many rows bringing everything up to date costs less than thinking about it (about 0.2 s)."""

FEW_UNINDEXED = 0.05
"""Fraction of rows that a search may have to scan because no index knows them yet."""

FEW_FRAGMENTS = 32
"""Pieces a table may be in. Compaction rewrites a table of under a million rows whole."""

_BTREES = ("chunk_id", "document_id", "asset_id", "taken_at", "latitude", "longitude")
_BITMAPS = ("kind", "media_type", "language", *(f"has_{name}" for name in LISTS))
SEARCHED = "words_content"


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorSearch:
    """How an HNSW index is asked. Measured by `benchmarks/search_engine.py`.

    Attributes:
        refine: Candidates per wanted result whose exact distance is computed, since the index holds 8-bit vectors.
        ef: Candidates the graph walk keeps, per wanted result; with at least `least_ef`.
    """

    refine: int = 2
    ef: int = 4
    least_ef: int = 128
    least_probes: int = 20


def create_table_indexes(table: LanceTable) -> None:
    """The indexes that work from the first row on; rows added later are found by a scan until they are extended."""
    from lancedb.index import FTS, Bitmap, BTree, LabelList

    # The dictionary tokenizer cuts Thai, Lao, Khmer and Burmese; English endings are stripped, which leaves words of
    # most other languages as they are. Stop words stay: they are words in some language, and BM25 weighs them low.
    text = FTS(base_tokenizer="icu", language="English", stem=True, remove_stop_words=False, ascii_folding=True)
    table.create_index(SEARCHED, config=text)
    for name in LISTS:
        table.create_index(name, config=LabelList())
    for name in _BTREES:
        table.create_index(name, config=BTree())
    for name in _BITMAPS:
        table.create_index(name, config=Bitmap())


def bring_up_to_date(table: LanceTable, base: int) -> None:
    """Compact, extend indexes, drop old versions, build vector indexes that became worth it.

    Args:
        table: At its latest version, whose chunks are those of `base`.
        base: The version that the catalog names. Whatever happens here, it can still be opened afterwards: the
            catalog goes on naming it if this process dies before it commits the new one.
    """
    if _due(table):
        # Without an age the engine drops what is older than a week, and it counts an age back from the moment after
        # compaction, minutes later. So the work comes first, and the pruning in a pass that has nothing else to do.
        table.optimize(cleanup_older_than=_NEVER)
        _prune(table, base)
    _create_vector_indexes(table)


def _prune(table: LanceTable, base: int) -> None:
    """Drop versions nobody may open any more. The engine refuses to drop a tagged one, should the clock jump."""
    if _TAG in table.tags.list():
        table.tags.update(_TAG, base)
    else:
        table.tags.create(_TAG, base)
    age = datetime.now(UTC) - oldest_to_keep(table, base)
    table.optimize(cleanup_older_than=max(age, timedelta(0)) + MARGIN)


def _due(table: LanceTable) -> bool:
    rows = table.count_rows()
    if rows <= SMALL:
        return True
    statistics = [table.index_stats(index.name) for index in table.list_indices()]
    unindexed = max((s.num_unindexed_rows for s in statistics if s is not None), default=rows)
    statistics_of_table: Any = table.stats()  # a dict, whatever its annotation says (lancedb 0.40)
    fragments = statistics_of_table["fragment_stats"]["num_fragments"]
    return bool(unindexed > FEW_UNINDEXED * rows or fragments > FEW_FRAGMENTS)


def _create_vector_indexes(table: LanceTable) -> None:
    from lancedb.index import HnswSq

    indexed = {column for index in table.list_indices() for column in index.columns}
    for name in (*VECTORS, REGIONS):
        if name not in indexed and table.count_rows(f"{name} IS NOT NULL") >= FEWEST_VECTORS:
            table.create_index(
                name, config=HnswSq(distance_type="cosine" if name == REGIONS else "dot", ef_construction=150)
            )


def oldest_to_keep(table: LanceTable, base: int) -> datetime:
    """Time of the oldest version a reader may still open: what was newest an hour ago, or `base` if that is older."""
    versions = sorted((version["version"], _aware(version["timestamp"])) for version in table.list_versions())
    horizon = datetime.now(UTC) - KEEP
    newest_then = max((written for _, written in versions if written <= horizon), default=horizon)
    base_written = min((written for number, written in versions if number == base), default=newest_then)
    return min(newest_then, base_written)


def _aware(moment: datetime) -> datetime:
    """Lance gives local time without a zone."""
    return moment.astimezone(UTC)
