from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foveal.errors import FilterError
from foveal.ports.stores import ChunkSnapshot
from foveal.stores.lance import LanceChunkStore
from foveal.stores.lance_filters import MAX_PARENTHESES, where_clause
from foveal.testing.contracts.chunk_store import INDEX, SCHEMA
from foveal.testing.filter_oracle import matches
from foveal.types.chunks import Chunk, ChunkChange
from foveal.types.filters import (
    ITEM,
    And,
    AnyItem,
    Comparison,
    Filter,
    GeoDistance,
    Not,
    Or,
    SearchIn,
    SearchIsMatch,
)

from .filter_strategies import HOSTILE, PLACES, filters, random_chunks


class Collection:
    """The same chunks twice: unknown to any index, and indexed with some late rows."""

    def __init__(self, chunks: list[Chunk], snapshots: tuple[ChunkSnapshot, ...]) -> None:
        self.chunks = chunks
        self.snapshots = snapshots


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    chunks = random_chunks(150)
    store = LanceChunkStore(tmp_path_factory.mktemp("filters"))
    generation = store.apply(INDEX, store.create(INDEX, SCHEMA), ChunkChange(put=tuple(chunks)))
    scanned = store.snapshot(INDEX, generation)
    generation = store.create("indexed", SCHEMA)
    generation = store.optimize("indexed", store.apply("indexed", generation, ChunkChange(put=tuple(chunks[:120]))))
    generation = store.apply("indexed", generation, ChunkChange(put=tuple(chunks[120:])))
    return Collection(chunks=chunks, snapshots=(scanned, store.snapshot("indexed", generation)))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(filter_=filters)
def test_the_engine_finds_exactly_what_the_filter_means(collection: Collection, filter_: Filter) -> None:
    expected = [chunk.chunk_id for chunk in collection.chunks if matches(filter_, chunk)]
    for snapshot in collection.snapshots:
        assert [chunk.chunk_id for chunk in snapshot.scan(where=filter_)] == expected, where_clause(filter_)


@settings(max_examples=100, deadline=None)
@given(value=st.one_of(st.sampled_from(HOSTILE), st.text()))
def test_no_value_can_leave_its_quotes(collection: Collection, value: str) -> None:
    wanted: list[Filter] = [
        Comparison(field="camera", op="eq", value=value),
        SearchIn(field="source", values=(value, "a")),
        AnyItem(field="tags", condition=Comparison(field=ITEM, op="eq", value=value)),
        SearchIsMatch(text=value, fields=("content",)),
    ]
    for filter_ in wanted:
        expected = sum(matches(filter_, chunk) for chunk in collection.chunks)
        assert [snapshot.count(filter_) for snapshot in collection.snapshots] == [expected, expected]


@pytest.mark.parametrize("place", [place for place in PLACES if place])
@pytest.mark.parametrize("km", [0.1, 100.0, 5_000.0, 15_000.0, 20_020.0])
def test_distances_hold_across_the_date_line_and_at_the_poles(
    collection: Collection, place: tuple[float, float], km: float
) -> None:
    near = GeoDistance(field="location", latitude=place[0], longitude=place[1], op="le", km=km)
    expected = sum(matches(near, chunk) for chunk in collection.chunks)
    assert expected > 0
    assert [snapshot.count(near) for snapshot in collection.snapshots] == [expected, expected]


def test_a_null_field_passes_ne_and_not_but_no_other_comparison(collection: Collection) -> None:
    without = sum(chunk.taken_at is None for chunk in collection.chunks)
    assert 0 < without < len(collection.chunks)
    moment = next(chunk.taken_at for chunk in collection.chunks if chunk.taken_at)
    before, after = (Comparison(field="taken_at", op=op, value=moment) for op in ("lt", "ge"))
    for snapshot in collection.snapshots:
        assert snapshot.count(Or(operands=(before, after))) == len(collection.chunks) - without
        neither = And(operands=(Not(operand=before), Not(operand=after)))
        assert snapshot.count(neither) == without


def test_thousands_of_groups_fit_in_one_filter(collection: Collection) -> None:
    groups = tuple(f"{n:036}" for n in range(6_500))
    member = AnyItem(field="group_ids", condition=SearchIn(field=ITEM, values=(*groups, "a")))
    expected = sum("a" in chunk.group_ids for chunk in collection.chunks)
    assert [snapshot.count(member) for snapshot in collection.snapshots] == [expected, expected]


def _alternating(levels: int) -> Filter:
    nullable = Comparison(field="page", op="ne", value=1)
    geo = Not(operand=GeoDistance(field="location", latitude=1.0, longitude=2.0, op="le", km=3.0))
    filter_: Filter = nullable
    for _ in range(levels):
        filter_ = And(operands=(geo, Or(operands=(nullable, filter_))))
    return filter_


def test_the_deepest_filter_that_is_let_through_works(collection: Collection) -> None:
    deep = _alternating(MAX_PARENTHESES - 1)
    expected = sum(matches(deep, chunk) for chunk in collection.chunks)
    assert [snapshot.count(deep) for snapshot in collection.snapshots] == [expected, expected]


def test_a_filter_that_is_too_deep_is_refused() -> None:
    with pytest.raises(FilterError, match="levels deep"):
        where_clause(_alternating(MAX_PARENTHESES + 2))


@pytest.mark.parametrize(
    "filter_",
    [
        Comparison(field="nothing", op="eq", value="a"),
        Comparison(field="chunk_id; --", op="eq", value="a"),
        Comparison(field="camera", op="eq", value=3),
        Comparison(field="width_px", op="eq", value="3"),
        Comparison(field="taken_at", op="eq", value="2024-01-01"),
        Comparison(field="page", op="lt", value=None),
        SearchIn(field="width_px", values=("1",)),
        SearchIsMatch(text="a", fields=("camera",)),
        AnyItem(field="camera", condition=None),
        AnyItem(field="tags", condition=Comparison(field="camera", op="eq", value="a")),
        AnyItem(field="tags", condition=Comparison(field=ITEM, op="gt", value="a")),
        GeoDistance(field="camera", latitude=0, longitude=0, op="lt", km=1),
    ],
)
def test_a_filter_that_makes_no_sense_is_the_callers_error(filter_: Filter) -> None:
    with pytest.raises(FilterError):
        where_clause(filter_)
