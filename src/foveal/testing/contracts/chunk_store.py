"""What every `ChunkStore` and `ChunkSnapshot` must do. Subclass it in your tests and give the fixture `store`."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from foveal.errors import ConflictError, IndexNotFoundError, StoreCorruptError, StoreError
from foveal.ports.stores import ChunkSnapshot, ChunkStore
from foveal.types.assets import AssetId, DocumentId, MediaKind
from foveal.types.chunks import Chunk, ChunkChange, ChunkId, Generation, IndexSchema, SeenVectors
from foveal.types.content import DetectedObject, OcrLine
from foveal.types.filters import ITEM, And, AnyItem, Comparison, Filter, Not, Or, SearchIn
from foveal.types.locators import Box, Locator
from foveal.types.vectors import FloatArray

INDEX = "Photos of summer/2024"
SCHEMA = IndexSchema(text_dim=8, image_dim=4)


def unit(*values: float, dim: int = 8) -> FloatArray:
    """float32 [dim], L2-normalised: the values, then zeros."""
    vector = np.zeros(dim, dtype=np.float32)
    vector[: len(values)] = values
    normalised: FloatArray = vector / max(float(np.linalg.norm(vector)), 1e-9)
    return normalised


def text_chunk(document: str, content: str, *, ordinal: int = 0, groups: tuple[str, ...] = ()) -> Chunk:
    """A chunk with words only."""
    return Chunk(
        chunk_id=ChunkId(f"{document}-{ordinal}"),
        document_id=DocumentId(document),
        asset_id=AssetId("0" * 64),
        ordinal=ordinal,
        kind=MediaKind.TEXT,
        media_type="text/plain",
        source="contract",
        title="",
        filepath=f"{document}.txt",
        content=content,
        group_ids=groups,
    )


def image_chunk(document: str, content: str = "", *, seen: FloatArray | None = None) -> Chunk:
    """A chunk with every field set."""
    return replace(
        text_chunk(document, content),
        kind=MediaKind.IMAGE,
        media_type="image/jpeg",
        title="A 'quoted' \"title\" \\ with 日本",
        url="https://example.org/a?b=c",
        description="a person's words",
        caption="a model's words",
        composed="tags: beach",
        ocr_text="EXIT\nSORTIE",
        tags=("beach", "dog", ""),
        objects=(
            DetectedObject(label="dog", score=0.9, box=Box(x=0.1, y=0.2, width=0.3, height=0.4)),
            DetectedObject(label="dog", score=0.5, box=Box(x=0.0, y=0.0, width=1.0, height=1 / 3)),
        ),
        ocr_lines=(OcrLine(text="EXIT", score=0.99, polygon=((0.0, 0.1), (0.5, 0.1), (0.5, 0.2), (0.0, 1 / 7))),),
        colors=("blue",),
        facts=("total: 9.00",),
        taken_at=datetime(2024, 7, 1, 12, 30, 15, 123456, tzinfo=UTC),
        modified_at=datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
        latitude=-33.8568,
        longitude=151.2153,
        camera="Maker Model",
        width_px=4000,
        height_px=3000,
        size_bytes=5_000_000_000,
        perceptual_hash=2**64 - 3,
        language="en",
        group_ids=("family", "it's"),
        hate=0,
        self_harm=2,
        sexual=4,
        violence=6,
        locator=Locator(page=3, box=Box(x=0, y=0.5, width=0.25, height=0.5), start_char=1, end_char=9, start_ms=0),
        regions=(Box(x=0.1, y=0.2, width=0.3, height=0.4), Box(x=0.5, y=0.0, width=0.5, height=1 / 3)),
        region_vectors=np.stack([unit(0, 1, dim=4), unit(0, 0, 1, dim=4)]),
        text_vector=unit(1, 2),
        image_vector=unit(1, dim=4),
        seen_vector=seen if seen is not None else unit(0, 1),
    )


def assert_same(actual: Sequence[Chunk], expected: Sequence[Chunk]) -> None:
    """Chunks are equal, vectors included (dataclass equality does not work on arrays)."""
    vectors = ("text_vector", "image_vector", "seen_vector")

    def bare(chunk: Chunk) -> Chunk:
        return replace(chunk, text_vector=None, image_vector=None, seen_vector=None, region_vectors=None)

    assert [bare(c) for c in actual] == [bare(c) for c in expected]
    for name in vectors:
        for one, other in zip(actual, expected, strict=True):
            left, right = getattr(one, name), getattr(other, name)
            assert (left is None) == (right is None), (name, one.chunk_id)
            if left is not None:
                assert left.dtype == np.float32
                np.testing.assert_array_equal(left, right)


def ids(snapshot: ChunkSnapshot, where: Filter | None = None) -> list[str]:
    """Ids of all chunks that pass."""
    return [chunk.chunk_id for chunk in snapshot.scan(where=where)]


class ChunkStoreContract:
    """The specification of `foveal.ports.ChunkStore` and `foveal.ports.ChunkSnapshot` as tests."""

    @pytest.fixture
    def store(self) -> ChunkStore:
        """The store under test, empty."""
        raise pytest.UsageError("a subclass of ChunkStoreContract gives the fixture `store`")

    @pytest.fixture
    def empty(self, store: ChunkStore) -> Generation:
        """The first generation of an index."""
        return store.create(INDEX, SCHEMA)

    # --- regions

    def test_a_chunk_is_found_by_the_best_of_its_regions(self, store: ChunkStore, empty: Generation) -> None:
        """Once, with the largest dot product; chunks without regions are not found."""
        put = (image_chunk("a"), replace(image_chunk("b"), regions=(), region_vectors=None), text_chunk("c", "words"))
        snapshot = store.snapshot(INDEX, store.apply(INDEX, empty, ChunkChange(put=put)))
        (found,) = snapshot.nearest("region_vectors", unit(0, 0.1, 1, dim=4), where=None, limit=5)
        assert found.chunk_id == "a-0"
        assert found.score == pytest.approx(float(unit(0, 0.1, 1, dim=4)[2]), abs=1e-4)

    def test_filters_hold_for_regions_before_the_cut(self, store: ChunkStore, empty: Generation) -> None:
        """The nearest ones that may not be seen take nobody's place."""
        near, far = unit(1, dim=4)[None], unit(1, 2, dim=4)[None]
        put = tuple(
            replace(
                image_chunk(f"d{n}"), regions=(Box(x=0, y=0, width=1, height=1),), group_ids=(group,), region_vectors=v
            )
            for n, (group, v) in enumerate([("secret", near)] * 5 + [("open", far)])
        )
        snapshot = store.snapshot(INDEX, store.apply(INDEX, empty, ChunkChange(put=put)))
        where = AnyItem(field="group_ids", condition=Comparison(field=ITEM, op="eq", value="open"))
        found = snapshot.nearest("region_vectors", unit(1, dim=4), where=where, limit=1)
        assert [one.chunk_id for one in found] == ["d5-0"]

    def test_vectors_of_regions_are_given_by_chunk(self, store: ChunkStore, empty: Generation) -> None:
        """In the order of the chunk's regions, of those that have any; chunks themselves come without."""
        put = (image_chunk("a"), text_chunk("c", "words"))
        snapshot = store.snapshot(INDEX, store.apply(INDEX, empty, ChunkChange(put=put)))
        found = snapshot.region_vectors([ChunkId("a-0"), ChunkId("c-0"), ChunkId("nothing")])
        assert set(found) == {"a-0"}
        np.testing.assert_array_equal(found[ChunkId("a-0")], put[0].region_vectors)
        assert snapshot.fetch([ChunkId("a-0")])[0].region_vectors is None
        assert next(iter(snapshot.scan(vectors=True))).region_vectors is None

    # --- writing

    def test_a_new_index_is_empty_and_can_be_searched(self, store: ChunkStore, empty: Generation) -> None:
        """Nothing is found, nothing fails."""
        snapshot = store.snapshot(INDEX, empty)
        assert snapshot.count() == 0
        assert list(snapshot.scan()) == []
        assert snapshot.keyword("dog", where=None, limit=5) == []
        assert snapshot.nearest("text_vector", unit(1), where=None, limit=5) == []
        assert snapshot.fetch([ChunkId("x-0")]) == []

    def test_creating_an_index_twice_is_a_conflict(self, store: ChunkStore, empty: Generation) -> None:
        """And the first one lives on."""
        with pytest.raises(ConflictError):
            store.create(INDEX, SCHEMA)
        assert store.snapshot(INDEX, empty).count() == 0

    def test_a_chunk_comes_back_exactly_as_it_was_put(self, store: ChunkStore, empty: Generation) -> None:
        """Every field, the absent ones too."""
        chunks = [image_chunk("a"), text_chunk("b", "plain"), replace(text_chunk("c", "half a place"), latitude=1.0)]
        snapshot = store.snapshot(INDEX, store.apply(INDEX, empty, ChunkChange(put=tuple(chunks))))
        wanted = [chunk.chunk_id for chunk in chunks]
        assert_same(snapshot.fetch(wanted), chunks)
        assert_same(list(snapshot.scan(vectors=True)), chunks)

    def test_generations_grow(self, store: ChunkStore, empty: Generation) -> None:
        """Every commit is larger than every earlier one."""
        first = store.apply(INDEX, empty, ChunkChange(put=(text_chunk("a", "one"),)))
        second = store.apply(INDEX, first, ChunkChange(put=(text_chunk("b", "two"),)))
        third = store.apply(INDEX, first, ChunkChange(put=(text_chunk("c", "three"),)))
        assert empty < first < second < third
        assert store.optimize(INDEX, third) >= third

    def test_a_snapshot_never_changes(self, store: ChunkStore, empty: Generation) -> None:
        """Whatever is written later."""
        first = store.apply(INDEX, empty, ChunkChange(put=(text_chunk("a", "harbour"),)))
        snapshot = store.snapshot(INDEX, first)
        change = ChunkChange(delete=(DocumentId("a"),), put=(text_chunk("b", "harbour"),))
        second = store.apply(INDEX, first, change)
        store.optimize(INDEX, second)
        for view in (snapshot, store.snapshot(INDEX, first)):
            assert ids(view) == ["a-0"]
            assert [hit.chunk_id for hit in view.keyword("harbour", where=None, limit=9)] == ["a-0"]
        assert ids(store.snapshot(INDEX, second)) == ["b-0"]

    def test_half_a_commit_is_never_visible(self, store: ChunkStore, empty: Generation) -> None:
        """Readers of the committed generation see all of the old state while new states are written."""
        pairs = tuple(text_chunk(name, "committed") for name in ("a", "b"))
        base = store.apply(INDEX, empty, ChunkChange(put=pairs))

        def read(_: int) -> list[str]:
            return ids(store.snapshot(INDEX, base))

        with ThreadPoolExecutor(2) as pool:
            reading = pool.map(read, range(40))
            generation = base
            for round_ in range(5):
                put = tuple(text_chunk(name, f"round {round_}") for name in ("a", "b", f"n{round_}"))
                delete = tuple(chunk.document_id for chunk in put)
                generation = store.apply(INDEX, generation, ChunkChange(delete=delete, put=put))
            assert all(seen == ["a-0", "b-0"] for seen in reading)

    def test_what_a_dead_writer_left_is_discarded(self, store: ChunkStore, empty: Generation) -> None:
        """A generation that was never committed to the catalog does not leak into the next one."""
        base = store.apply(INDEX, empty, ChunkChange(put=(text_chunk("kept", "kept words"),)))
        lost = ChunkChange(delete=(DocumentId("kept"),), put=(text_chunk("ghost", "ghost words"),))
        store.apply(INDEX, store.apply(INDEX, base, lost), ChunkChange(put=(text_chunk("ghost2", "ghost"),)))
        after = store.apply(INDEX, base, ChunkChange(put=(text_chunk("new", "new words"),)))
        snapshot = store.snapshot(INDEX, after)
        assert ids(snapshot) == ["kept-0", "new-0"]
        assert snapshot.keyword("ghost", where=None, limit=5) == []

    def test_vectors_of_another_length_are_built_beside_what_is_there(
        self, store: ChunkStore, empty: Generation
    ) -> None:
        """Each can be read, written to and discarded without the other."""
        with pytest.raises(IndexNotFoundError):
            store.create_beside("nowhere", SCHEMA)
        kept = text_chunk("a", "harbour")
        live = store.apply(INDEX, empty, ChunkChange(put=(kept,)))
        beside = store.create_beside(INDEX, IndexSchema(text_dim=3, image_dim=4))
        assert beside > live
        other = replace(kept, text_vector=unit(1, dim=3))
        beside = store.optimize(INDEX, store.apply(INDEX, beside, ChunkChange(put=(other,))))
        assert_same(list(store.snapshot(INDEX, live).scan(vectors=True)), [kept])
        assert_same(list(store.snapshot(INDEX, beside).scan(vectors=True)), [other])
        store.discard(INDEX, live)
        with pytest.raises(StoreCorruptError):
            store.snapshot(INDEX, live)
        assert_same(list(store.snapshot(INDEX, beside).scan(vectors=True)), [other])
        store.discard(INDEX, live)
        store.drop(INDEX)
        with pytest.raises(IndexNotFoundError):
            store.snapshot(INDEX, beside)

    def test_optimize_discards_what_a_dead_writer_left(self, store: ChunkStore, empty: Generation) -> None:
        """Like `apply`."""
        base = store.apply(INDEX, empty, ChunkChange(put=(text_chunk("kept", "kept words"),)))
        store.apply(INDEX, base, ChunkChange(put=(text_chunk("ghost", "ghost words"),)))
        assert ids(store.snapshot(INDEX, store.optimize(INDEX, base))) == ["kept-0"]

    def test_a_deleted_document_never_comes_back(self, store: ChunkStore, empty: Generation) -> None:
        """Not by words, not by vectors, not by id, not after optimising."""
        chunks = tuple(replace(image_chunk(name, f"lighthouse {name}")) for name in ("a", "b", "c"))
        generation = store.optimize(INDEX, store.apply(INDEX, empty, ChunkChange(put=chunks)))
        generation = store.apply(INDEX, generation, ChunkChange(delete=(DocumentId("b"), DocumentId("unknown"))))
        for current in (generation, store.optimize(INDEX, generation)):
            snapshot = store.snapshot(INDEX, current)
            assert ids(snapshot) == ["a-0", "c-0"]
            assert {h.chunk_id for h in snapshot.keyword("lighthouse b", where=None, limit=9)} == {"a-0", "c-0"}
            for name, dim in (("text_vector", 8), ("image_vector", 4), ("seen_vector", 8)):
                found = snapshot.nearest(name, unit(1, dim=dim), where=None, limit=9)
                assert {hit.chunk_id for hit in found} == {"a-0", "c-0"}
            assert snapshot.fetch([ChunkId("b-0")]) == []

    def test_delete_comes_before_put(self, store: ChunkStore, empty: Generation) -> None:
        """So a document is replaced in one change, all of its chunks."""
        old = tuple(text_chunk("a", f"old {n}", ordinal=n) for n in range(3))
        base = store.apply(INDEX, empty, ChunkChange(put=old))
        change = ChunkChange(delete=(DocumentId("a"),), put=(text_chunk("a", "new"),))
        snapshot = store.snapshot(INDEX, store.apply(INDEX, base, change))
        assert [chunk.content for chunk in snapshot.scan()] == ["new"]

    def test_seen_vectors_are_replaced_and_nothing_else(self, store: ChunkStore, empty: Generation) -> None:
        """The search by them follows; unknown ids are ignored; chunks put in the same change count."""
        base = store.apply(INDEX, empty, ChunkChange(put=(image_chunk("a", "pier"), image_chunk("b", "pier"))))
        base = store.optimize(INDEX, base)
        new = np.stack([unit(0, 0, 1), unit(0, 0, 1, 1), unit(0, 0, 1, 2)])
        seen = SeenVectors(chunk_ids=(ChunkId("a-0"), ChunkId("zzz-0"), ChunkId("c-0")), vectors=new)
        change = ChunkChange(put=(image_chunk("c", "pier"),), seen=seen)
        generation = store.apply(INDEX, base, change)
        for current in (generation, store.optimize(INDEX, generation)):
            snapshot = store.snapshot(INDEX, current)
            expected = [
                image_chunk("a", "pier", seen=new[0]),
                image_chunk("b", "pier"),
                image_chunk("c", "pier", seen=new[2]),
            ]
            assert_same(snapshot.fetch([ChunkId("a-0"), ChunkId("b-0"), ChunkId("c-0")]), expected)
            best = snapshot.nearest("seen_vector", unit(0, 0, 1), where=None, limit=3)
            assert [hit.chunk_id for hit in best] == ["a-0", "c-0", "b-0"]
            assert len(snapshot.keyword("pier", where=None, limit=9)) == 3

    def test_a_vector_of_the_wrong_length_is_refused_and_nothing_is_written(
        self, store: ChunkStore, empty: Generation
    ) -> None:
        """The model was changed without a new index."""
        wrong = replace(text_chunk("a", "words"), text_vector=unit(1, dim=5))
        with pytest.raises(StoreError):
            store.apply(INDEX, empty, ChunkChange(put=(wrong,)))
        good = store.apply(INDEX, empty, ChunkChange(put=(text_chunk("b", "words"),)))
        assert ids(store.snapshot(INDEX, good)) == ["b-0"]

    def test_an_empty_change_is_fine(self, store: ChunkStore, empty: Generation) -> None:
        """It gives a generation with the same chunks."""
        base = store.apply(INDEX, empty, ChunkChange(put=(text_chunk("a", "words"),)))
        assert ids(store.snapshot(INDEX, store.apply(INDEX, base, ChunkChange()))) == ["a-0"]

    # --- opening and dropping

    def test_an_unknown_index_is_named(self, store: ChunkStore) -> None:
        """With an error that says it does not exist."""
        with pytest.raises(IndexNotFoundError, match="nowhere"):
            store.snapshot("nowhere", Generation(1))

    def test_an_unknown_generation_is_an_error(self, store: ChunkStore, empty: Generation) -> None:
        """Not an empty result."""
        with pytest.raises(StoreCorruptError):
            store.snapshot(INDEX, Generation(empty + 1_000))

    def test_a_dropped_index_is_gone_and_may_be_created_again(self, store: ChunkStore, empty: Generation) -> None:
        """Its generations belong to the past: an old one never opens the new index."""
        old = store.apply(INDEX, empty, ChunkChange(put=(text_chunk("a", "words"),)))
        store.snapshot(INDEX, old)
        store.drop(INDEX)
        with pytest.raises(IndexNotFoundError):
            store.snapshot(INDEX, old)
        new = store.create(INDEX, SCHEMA)
        assert new > old
        new = store.apply(INDEX, new, ChunkChange(put=(text_chunk("b", "words"),)))
        assert ids(store.snapshot(INDEX, new)) == ["b-0"]
        with pytest.raises(StoreCorruptError):
            store.snapshot(INDEX, old)

    def test_dropping_what_is_not_there_does_nothing(self, store: ChunkStore) -> None:
        """Silently."""
        store.drop("nowhere")

    def test_indexes_with_similar_names_are_kept_apart(self, store: ChunkStore) -> None:
        """Names are any text."""
        names = ["a", "A", "a-", "a.", "a.1", "a/b", "a_", "ü", "", "../a", "a b", "日本"]
        made = {name: store.create(name, SCHEMA) for name in names}
        for number, name in enumerate(names):
            made[name] = store.apply(name, made[name], ChunkChange(put=(text_chunk(f"d{number}", "x"),)))
        store.drop("a")
        for number, name in enumerate(names[1:], start=1):
            assert ids(store.snapshot(name, made[name])) == [f"d{number}-0"]

    # --- reading

    def test_fetch_follows_the_order_of_the_ids(self, store: ChunkStore, empty: Generation) -> None:
        """Unknown ones are left out, filtered ones too."""
        put = tuple(text_chunk(name, name, groups=("g",) if name == "b" else ()) for name in ("a", "b", "c"))
        snapshot = store.snapshot(INDEX, store.apply(INDEX, empty, ChunkChange(put=put)))
        wanted = [ChunkId(f"{name}-0") for name in ("c", "x'; --", "a", "b")]
        assert [chunk.chunk_id for chunk in snapshot.fetch(wanted)] == ["c-0", "a-0", "b-0"]
        assert snapshot.fetch([]) == []
        open_to_all = Not(operand=AnyItem(field="group_ids", condition=None))
        assert [chunk.chunk_id for chunk in snapshot.fetch(wanted, where=open_to_all)] == ["c-0", "a-0"]

    def test_what_a_search_found_can_be_fetched_with_and_without_its_vectors(
        self, store: ChunkStore, empty: Generation
    ) -> None:
        """The same chunks as by an untouched snapshot, and a filter still holds."""
        put = tuple(text_chunk(name, f"kite {name}", groups=("g",) if name == "b" else ()) for name in ("a", "b", "c"))
        generation = store.apply(INDEX, empty, ChunkChange(put=put))
        searched = store.snapshot(INDEX, generation)
        found = [one.chunk_id for one in searched.keyword("kite", where=None, limit=9)]
        assert set(found) == {"a-0", "b-0", "c-0"}
        assert_same(searched.fetch(found), store.snapshot(INDEX, generation).fetch(found))
        assert all(chunk.text_vector is None for chunk in searched.fetch(found, vectors=False))
        open_to_all = Not(operand=AnyItem(field="group_ids", condition=None))
        assert {chunk.chunk_id for chunk in searched.fetch(found, where=open_to_all)} == {"a-0", "c-0"}

    def test_scan_is_ordered_limited_and_filtered(self, store: ChunkStore, empty: Generation) -> None:
        """Over many commits; vectors only when asked for."""
        generation = empty
        for part in range(3):
            put = tuple(replace(image_chunk(f"d{n:04}"), width_px=n) for n in range(1200) if n % 3 == part)
            generation = store.apply(INDEX, generation, ChunkChange(put=put))
        snapshot = store.snapshot(INDEX, generation)
        assert ids(snapshot) == [f"d{n:04}-0" for n in range(1200)]
        wide = Comparison(field="width_px", op="ge", value=600)
        found = list(snapshot.scan(where=wide, limit=3))
        assert [chunk.chunk_id for chunk in found] == ["d0600-0", "d0601-0", "d0602-0"]
        assert all(chunk.text_vector is None and chunk.image_vector is None for chunk in found)
        with_vectors = next(iter(snapshot.scan(where=wide, vectors=True)))
        assert with_vectors.text_vector is not None
        assert snapshot.count(wide) == 600
        assert list(snapshot.scan(limit=0)) == []

    def test_columns_give_fields_of_all_that_pass_in_the_order_of_ids(
        self, store: ChunkStore, empty: Generation
    ) -> None:
        """Collections as lists, moments aware, nothing as None."""
        taken = datetime(2019, 4, 12, 16, 4, tzinfo=UTC)
        put = (
            replace(image_chunk("b"), tags=("pier", "sea"), taken_at=taken, latitude=54.3, group_ids=()),
            text_chunk("a", "words"),
            text_chunk("c", "words", groups=("g",)),
        )
        snapshot = store.snapshot(INDEX, store.apply(INDEX, empty, ChunkChange(put=put)))
        names = ("id", "kind", "tags", "taken_at", "latitude", "page")
        assert snapshot.columns(names) == {
            "id": ["a-0", "b-0", "c-0"],
            "kind": ["text", "image", "text"],
            "tags": [[], ["pier", "sea"], []],
            "taken_at": [None, taken, None],
            "latitude": [None, 54.3, None],
            "page": [None, 3, None],
        }
        open_to_all = Not(operand=AnyItem(field="group_ids", condition=None))
        assert snapshot.columns(("id",), where=open_to_all) == {"id": ["a-0", "b-0"]}
        assert snapshot.columns((), where=open_to_all) == {}

    def test_keyword_finds_any_term_and_ranks_rare_ones_higher(self, store: ChunkStore, empty: Generation) -> None:
        """As BM25 does."""
        contents = ["a dog on a beach", "a dog", "a beach with a lighthouse", "nothing of that"]
        put = tuple(text_chunk(f"d{n}", content) for n, content in enumerate(contents))
        generation = store.apply(INDEX, empty, ChunkChange(put=put))
        for current in (generation, store.optimize(INDEX, generation)):
            snapshot = store.snapshot(INDEX, current)
            found = snapshot.keyword("dog lighthouse", where=None, limit=9)
            assert {hit.chunk_id for hit in found} == {"d0-0", "d1-0", "d2-0"}
            assert found[0].chunk_id == "d2-0"
            assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)
            assert all(hit.score > 0 for hit in found)
            assert len(snapshot.keyword("dog lighthouse", where=None, limit=1)) == 1

    @pytest.mark.parametrize("text", ["", "   ", "!?", '"', "()", "* ~ ^", "\x00", "—"])
    def test_text_without_words_finds_nothing(self, store: ChunkStore, empty: Generation, text: str) -> None:
        """And does not fail."""
        put = (text_chunk("a", 'signs " ( ) * ~ and words'),)
        snapshot = store.snapshot(INDEX, store.apply(INDEX, empty, ChunkChange(put=put)))
        assert snapshot.keyword(text, where=None, limit=5) == []

    @pytest.mark.parametrize(
        "text",
        ['"dog', "dog)", "(dog", "dog OR", "AND dog", "-dog", "+dog", "NOT dog", "dog*", "dog~2", "content:dog",
         "dog^3", "[dog TO cat]", "d'og dog", "dog\\", "dog'; DROP TABLE x; --", "DOG", "dog " * 300],
    )  # fmt: skip
    def test_text_has_no_syntax(self, store: ChunkStore, empty: Generation, text: str) -> None:
        """Signs that mean something to a search engine mean nothing."""
        put = (text_chunk("a", "one dog"), text_chunk("b", "one cat"))
        snapshot = store.snapshot(INDEX, store.apply(INDEX, empty, ChunkChange(put=put)))
        assert snapshot.keyword(text, where=None, limit=1)[0].chunk_id == "a-0"

    @pytest.mark.parametrize(
        ("text", "document"),
        [
            ("สุนัข", "th"), ("ชายหาด", "th"), ("窗台", "zh"), ("猫", "zh"), ("窓辺", "ja"), ("カメラ", "ja"),
            ("고양이", "ko"), ("Berge", "de"), ("дети", "ru"), ("القطة", "ar"), ("naïve", "fr"), ("1234", "file"),
        ],
    )  # fmt: skip
    def test_words_of_many_languages_are_found(
        self, store: ChunkStore, empty: Generation, text: str, document: str
    ) -> None:
        """Thai, Chinese and Japanese have no blanks between words. The right document comes first."""
        contents = {
            "th": "สุนัขสองตัววิ่งบนชายหาด",
            "zh": "一只猫睡在窗台上",
            "ja": "窓辺で新しいカメラを持つ人",
            "ko": "창가에 앉은 고양이가 있다",
            "de": "Ein Zug fährt durch die Berge",
            "ru": "дети играют во дворе",
            "ar": "القطة تنام على النافذة",
            "fr": "un café naïve à Paris",
            "file": "IMG_1234.jpg",
        }
        put = tuple(text_chunk(name, content) for name, content in contents.items())
        generation = store.apply(INDEX, empty, ChunkChange(put=put))
        for current in (generation, store.optimize(INDEX, generation)):
            found = store.snapshot(INDEX, current).keyword(text, where=None, limit=3)
            assert found, text
            assert found[0].chunk_id == f"{document}-0"

    def test_rows_written_after_optimising_are_found_too(self, store: ChunkStore, empty: Generation) -> None:
        """No index knows them yet."""
        first = tuple(image_chunk(f"a{n}", "old pier") for n in range(20))
        generation = store.optimize(INDEX, store.apply(INDEX, empty, ChunkChange(put=first)))
        late = replace(image_chunk("late", "old windmill"), text_vector=unit(0, 0, 0, 1), tags=("mill",))
        snapshot = store.snapshot(INDEX, store.apply(INDEX, generation, ChunkChange(put=(late,))))
        assert [hit.chunk_id for hit in snapshot.keyword("windmill", where=None, limit=5)] == ["late-0"]
        assert len(snapshot.keyword("old", where=None, limit=50)) == 21
        assert snapshot.nearest("text_vector", unit(0, 0, 0, 1), where=None, limit=1)[0].chunk_id == "late-0"
        tagged = AnyItem(field="tags", condition=Comparison(field=ITEM, op="eq", value="mill"))
        assert ids(snapshot, tagged) == ["late-0"]

    def test_nearest_ranks_by_dot_product_and_says_it(self, store: ChunkStore, empty: Generation) -> None:
        """Seen vectors need not have unit length: a longer one wins."""
        vectors = {"a": unit(1, 0), "b": unit(1, 1), "c": 3 * unit(1, 2), "d": unit(-1, 0)}
        put = tuple(image_chunk(name, seen=vector) for name, vector in vectors.items())
        snapshot = store.snapshot(INDEX, store.apply(INDEX, empty, ChunkChange(put=put)))
        found = snapshot.nearest("seen_vector", unit(1, 0), where=None, limit=9)
        assert [hit.chunk_id for hit in found] == ["c-0", "a-0", "b-0", "d-0"]
        expected = [float(np.dot(vectors[hit.chunk_id[0]], unit(1, 0))) for hit in found]
        np.testing.assert_allclose([hit.score for hit in found], expected, atol=1e-5)

    def test_chunks_without_the_vector_are_not_found_by_it(self, store: ChunkStore, empty: Generation) -> None:
        """However large the limit."""
        put = (image_chunk("a"), text_chunk("b", "words only"))
        snapshot = store.snapshot(INDEX, store.apply(INDEX, empty, ChunkChange(put=put)))
        for name, dim in (("text_vector", 8), ("image_vector", 4), ("seen_vector", 8)):
            found = snapshot.nearest(name, unit(1, dim=dim), where=None, limit=10)
            assert [hit.chunk_id for hit in found] == ["a-0"]

    def test_a_filter_applies_before_the_cut(self, store: ChunkStore, empty: Generation) -> None:
        """One chunk in a hundred may be seen, and all of those are found although others rank higher."""
        put = []
        for n in range(500):
            groups = ("few",) if n % 100 == 99 else ("many",)
            chunk = text_chunk(f"d{n:03}", "pier " * (1 if n % 100 == 99 else 3), groups=groups)
            put.append(replace(chunk, text_vector=unit(1, n / 100)))
        generation = store.apply(INDEX, empty, ChunkChange(put=tuple(put)))
        few = AnyItem(field="group_ids", condition=SearchIn(field=ITEM, values=("few", "none")))
        expected = {f"d{n:03}-0" for n in range(99, 500, 100)}
        for current in (generation, store.optimize(INDEX, generation)):
            snapshot = store.snapshot(INDEX, current)
            assert {h.chunk_id for h in snapshot.keyword("pier", where=few, limit=5)} == expected
            assert {h.chunk_id for h in snapshot.nearest("text_vector", unit(1), where=few, limit=5)} == expected
            assert snapshot.count(few) == 5

    def test_groups_hide_what_is_not_for_the_caller(self, store: ChunkStore, empty: Generation) -> None:
        """The filter that document-level access is made of."""
        put = (
            text_chunk("all", "pier"),
            text_chunk("a", "pier", groups=("a",)),
            text_chunk("b", "pier", groups=("b",)),
        )
        snapshot = store.snapshot(INDEX, store.apply(INDEX, empty, ChunkChange(put=put)))
        nobody = Not(operand=AnyItem(field="group_ids", condition=None))
        member = Or(operands=(nobody, AnyItem(field="group_ids", condition=SearchIn(field=ITEM, values=("a", "x")))))
        for where, expected in ((nobody, {"all-0"}), (member, {"all-0", "a-0"}), (None, {"all-0", "a-0", "b-0"})):
            assert {h.chunk_id for h in snapshot.keyword("pier", where=where, limit=9)} == expected
            assert set(ids(snapshot, where)) == expected
            fetched = snapshot.fetch([chunk.chunk_id for chunk in put], where=where)
            assert {chunk.chunk_id for chunk in fetched} == expected

    def test_ties_are_broken_by_chunk_id(self, store: ChunkStore, empty: Generation) -> None:
        """Also where the cut goes through a tie that is larger than the limit."""
        names = [f"d{n:03}" for n in range(150)]
        put = tuple(replace(text_chunk(n, "same words"), text_vector=unit(1, 1)) for n in reversed(names))
        snapshot = store.snapshot(INDEX, store.apply(INDEX, empty, ChunkChange(put=put)))
        expected = [f"{name}-0" for name in names[:7]]
        assert [h.chunk_id for h in snapshot.keyword("words", where=None, limit=7)] == expected
        assert [h.chunk_id for h in snapshot.nearest("text_vector", unit(1), where=None, limit=7)] == expected

    def test_an_empty_and_or_or_mean_true_and_false(self, store: ChunkStore, empty: Generation) -> None:
        """As in logic."""
        snapshot = store.snapshot(INDEX, store.apply(INDEX, empty, ChunkChange(put=(text_chunk("a", "words"),))))
        assert snapshot.count(And(operands=())) == 1
        assert snapshot.count(Or(operands=())) == 0
        assert snapshot.count(Not(operand=And(operands=()))) == 0
