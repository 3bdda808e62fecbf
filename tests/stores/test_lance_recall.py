"""The gate on recall, on vectors as crowded as those of text, with a control that must fail."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from foveal.stores.lance import LanceChunkStore, LanceSnapshot
from foveal.stores.lance_filters import where_clause
from foveal.stores.lance_indexes import VectorSearch
from foveal.testing.contracts.chunk_store import text_chunk
from foveal.types.chunks import Chunk, ChunkChange, IndexSchema
from foveal.types.filters import ITEM, AnyItem, Filter, Not, Or, SearchIn
from foveal.types.vectors import FloatArray

ROWS, DIM, QUESTIONS = 10_000, 128, 40


@dataclass(frozen=True, eq=False, repr=False)
class Crowd:
    store: LanceChunkStore
    snapshot: LanceSnapshot
    vectors: FloatArray
    group: np.ndarray
    questions: FloatArray


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Crowd:
    rng = np.random.default_rng(5)
    centre = 1.6 * rng.normal(size=DIM) / np.sqrt(DIM)
    spread = np.arange(1, DIM + 1) ** -0.5
    spread /= np.linalg.norm(spread)

    def points(count: int) -> FloatArray:
        found = centre + spread * rng.normal(size=(count, DIM))
        return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)

    vectors, group = points(ROWS), rng.integers(100, size=ROWS)
    store = LanceChunkStore(tmp_path_factory.mktemp("recall"))
    generation = store.create("crowd", IndexSchema(text_dim=DIM, image_dim=4))
    put = []
    for row in range(ROWS):
        chunk = text_chunk(f"{row:05}", "", groups=(f"g{group[row]}",))
        put.append(replace(chunk, text_vector=vectors[row]))
    generation = store.optimize("crowd", store.apply("crowd", generation, ChunkChange(put=tuple(put))))
    return Crowd(store, store.snapshot("crowd", generation), vectors, group, points(QUESTIONS))


def _where(groups: int) -> Filter | None:
    if groups == 100:
        return None
    names = tuple(f"g{n}" for n in range(groups))
    nobody = Not(operand=AnyItem(field="group_ids", condition=None))
    return Or(operands=(nobody, AnyItem(field="group_ids", condition=SearchIn(field=ITEM, values=names))))


def _recall(crowd: Crowd, snapshot: LanceSnapshot, groups: int) -> float:
    allowed = np.flatnonzero(crowd.group < groups)
    found = 0.0
    for question in crowd.questions:
        best = allowed[np.argsort(-(crowd.vectors[allowed] @ question), kind="stable")[:10]]
        hits = snapshot.nearest("text_vector", question, where=_where(groups), limit=10)
        found += len({f"{row:05}-0" for row in best} & {hit.chunk_id for hit in hits}) / 10
    return found / len(crowd.questions)


def _plan(crowd: Crowd, groups: int) -> str:
    query = crowd.snapshot._table.search(
        crowd.questions[0], vector_column_name="text_vector", query_type="vector"
    ).distance_type("dot")
    clause = where_clause(_where(groups))
    return (query.where(clause, prefilter=True) if clause else query).limit(10).explain_plan()


@pytest.mark.parametrize("groups", [100, 50, 10, 1])
def test_the_right_neighbours_are_found_whatever_share_the_caller_may_see(crowd: Crowd, groups: int) -> None:
    assert _recall(crowd, crowd.snapshot, groups) >= 0.98


@pytest.mark.parametrize("groups", [100, 50, 10, 1])
def test_the_gate_measures_the_index_and_not_a_scan(crowd: Crowd, groups: int) -> None:
    plan = _plan(crowd, groups)
    assert "ANNSubIndex" in plan
    assert ("ScalarIndexQuery" in plan) == (groups < 100)


def test_the_gate_can_fail(crowd: Crowd) -> None:
    """With a walk that keeps almost nothing recall must drop, or the vectors are too easy to tell anything."""
    crippled = LanceSnapshot(
        crowd.snapshot._table, crowd.snapshot._schema, "crowd", VectorSearch(refine=1, ef=1, least_ef=1)
    )
    assert _recall(crowd, crippled, 100) < _recall(crowd, crowd.snapshot, 100)


def test_a_large_index_is_left_alone_until_enough_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foveal.stores.lance_indexes.SMALL", 100)
    store = LanceChunkStore(tmp_path)

    def chunks(start: int, count: int) -> tuple[Chunk, ...]:
        return tuple(text_chunk(f"{n:05}", f"word{n}") for n in range(start, start + count))

    generation = store.create("large", IndexSchema(text_dim=2, image_dim=4))
    first = store.optimize("large", store.apply("large", generation, ChunkChange(put=chunks(0, 400))))
    few = store.apply("large", first, ChunkChange(put=chunks(400, 1)))
    left_alone = store.optimize("large", few)
    many = store.apply("large", left_alone, ChunkChange(put=chunks(401, 400)))
    optimised = store.optimize("large", many)

    assert left_alone == few
    assert optimised > many
    assert store.snapshot("large", optimised).count() == 801
