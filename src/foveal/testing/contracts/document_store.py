"""What every `DocumentStore` and `DocumentSnapshot` must do. Subclass it in your tests and give the fixture `store`."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from foveal.errors import FilterError, IndexNotFoundError, InvalidRequestError
from foveal.ports.fields import DocumentSnapshot, DocumentStore
from foveal.retrieval.document_values import read_document
from foveal.retrieval.index_definitions import read_definition
from foveal.retrieval.odata import parse_filter
from foveal.types.documents import (
    DocumentChange,
    IndexDefinition,
    Json,
    MatchKind,
    ScoredRows,
    SearchIndexRecord,
    StoredDocument,
    TextMatch,
)
from foveal.types.filters import Filter
from foveal.types.vectors import FloatArray

_VECTOR: dict[str, Json] = {"type": "Collection(Edm.Single)", "dimensions": 3}
_ALGORITHMS: dict[str, Json] = {
    "algorithms": [{"name": m, "kind": "hnsw", "hnswParameters": {"metric": m}} for m in ("cosine", "euclidean")],
    "profiles": [{"name": m, "algorithm": m} for m in ("cosine", "euclidean")],
}
WIRE: dict[str, Json] = {
    "name": "hotels",
    "fields": [
        {"name": "Id", "type": "Edm.String", "key": True},
        {"name": "Title", "type": "Edm.String"},
        {"name": "TITLE2", "type": "Edm.String", "analyzer": "en.lucene"},
        {"name": "code", "type": "Edm.String", "analyzer": "keyword"},
        {"name": "tags", "type": "Collection(Edm.String)"},
        {"name": "stars", "type": "Edm.Int32"},
        {"name": "rating", "type": "Edm.Double"},
        {"name": "open", "type": "Edm.Boolean"},
        {"name": "built", "type": "Edm.DateTimeOffset"},
        {"name": "place", "type": "Edm.GeographyPoint"},
        {"name": "rooms", "type": "Collection(Edm.Int64)"},
        {"name": "Address", "type": "Edm.ComplexType", "fields": [{"name": "City", "type": "Edm.String"}]},
        {"name": "vector", "vectorSearchProfile": "cosine", **_VECTOR},
        {"name": "far_vector", "vectorSearchProfile": "euclidean", **_VECTOR},
    ],
    "vectorSearch": _ALGORITHMS,
}
DOCUMENTS: list[dict[str, Json]] = [
    {
        "Id": "a",
        "Title": "A grand hotel on the beach",
        "TITLE2": "Dogs are welcome",
        "code": "X-1 y",
        "tags": ["pool", "it's near"],
        "stars": 5,
        "rating": 4.5,
        "open": True,
        "built": "2001-05-06T07:08:09.123456Z",
        "place": {"type": "Point", "coordinates": [2.35, 48.85]},
        "rooms": [1, 2**40],
        "Address": {"City": "Paris"},
        "vector": [1, 0, 0],
        "far_vector": [0, 0, 0],
    },
    {
        "Id": "b",
        "Title": "Beach hostel, grand view",
        "tags": [],
        "stars": 1,
        "vector": [0, 2, 0],
        "far_vector": [0, 3, 4],
    },
    {"Id": "c", "Title": "สุนัขบนชายหาด 窗台上", "code": "X-2", "stars": None, "open": False, "vector": [0, 0, 0]},
]


def documents(definition: IndexDefinition) -> tuple[StoredDocument, ...]:
    """`DOCUMENTS`, read."""
    return tuple(read_document(definition, wire) for wire in DOCUMENTS)


def put(store: DocumentStore, record: SearchIndexRecord, *changed: StoredDocument) -> None:
    """Write documents, whatever is there."""
    store.change(record, (), lambda _: DocumentChange(put=changed))


class DocumentStoreContract:
    """The specification of `foveal.ports.DocumentStore` as tests."""

    @pytest.fixture
    def store(self) -> DocumentStore:
        """An empty store."""
        raise pytest.UsageError("a subclass of DocumentStoreContract gives the fixture `store`")

    @pytest.fixture
    def record(self, store: DocumentStore) -> SearchIndexRecord:
        """An index with `DOCUMENTS`."""
        found = SearchIndexRecord(definition=read_definition(WIRE), birth=7, etag='"1"')
        store.create(found)
        put(store, found, *documents(found.definition))
        return found

    def test_documents_come_back_as_they_were_put(self, store: DocumentStore, record: SearchIndexRecord) -> None:
        """With the vectors asked for and no others, in the order of the rows."""
        snapshot = store.snapshot(record)
        rows = snapshot.rows()
        assert [d.key for d in snapshot.read(rows[::-1])] == ["c", "b", "a"]
        first = snapshot.read(rows, vectors=["vector"])[0]
        wanted = documents(record.definition)[0]
        assert first.values == wanted.values
        assert list(first.vectors) == ["vector"]
        assert np.array_equal(first.vectors["vector"], wanted.vectors["vector"])
        assert snapshot.read(rows[:0]) == []

    def test_documents_are_found_by_key(self, store: DocumentStore, record: SearchIndexRecord) -> None:
        """Unknown keys are left out."""
        found = store.snapshot(record).find(["b", "nothing", "b"])
        assert {key: document.key for key, document in found.items()} == {"b": "b"}

    def test_values_follow_the_rows(self, store: DocumentStore, record: SearchIndexRecord) -> None:
        """In the form that JSON has; null is None, an empty collection is empty."""
        snapshot = store.snapshot(record)
        rows = snapshot.rows()[::-1]
        assert snapshot.values("stars", rows) == [None, 1, 5]
        assert snapshot.values("tags", rows) == [[], [], ["pool", "it's near"]]
        assert snapshot.values("built", rows)[2] == "2001-05-06T07:08:09.123456Z"
        assert snapshot.values("place", rows)[2] == {"type": "Point", "coordinates": [2.35, 48.85]}
        assert snapshot.values("Address/City", rows) == [None, None, "Paris"]

    def test_a_change_sees_what_is_there_and_replaces_it(self, store: DocumentStore, record: SearchIndexRecord) -> None:
        """A snapshot opened before still shows the old state."""
        before = store.snapshot(record)
        seen: list[str] = []

        def decide(known: Mapping[str, StoredDocument]) -> DocumentChange:
            seen.extend(sorted(known))
            assert known["a"].vectors.keys() == {"vector", "far_vector"}
            new = replace(known["a"], values={**known["a"].values, "Title": "Changed"})
            return DocumentChange(put=(new,), delete=("b", "nothing"))

        store.change(record, ("a", "b", "new"), decide)
        assert seen == ["a", "b"]
        after = store.snapshot(record)
        assert {k: d.values["Title"] for k, d in after.find("abc").items()}["a"] == "Changed"
        assert sorted(after.find("abc")) == ["a", "c"]
        assert (before.count(), after.count()) == (3, 2)
        assert _keys(after, after.matching(_words("grand"), "Title")) == []

    def test_writers_take_turns(self, store: DocumentStore, record: SearchIndexRecord) -> None:
        """Twenty threads that each add one to a number."""

        def add_one(_: int) -> None:
            def decide(known: Mapping[str, StoredDocument]) -> DocumentChange:
                stars = known["b"].values["stars"]
                assert isinstance(stars, int)
                return DocumentChange(put=(replace(known["b"], values={**known["b"].values, "stars": stars + 1}),))

            store.change(record, ("b",), decide)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(add_one, range(20)))
        assert store.snapshot(record).find("b")["b"].values["stars"] == 21

    @pytest.mark.parametrize(
        ("match", "field", "found"),
        [
            (TextMatch(kind=MatchKind.ANY, text="hotel HOSTEL"), "Title", "ab"),
            (TextMatch(kind=MatchKind.ALL, text="beach hostel"), "Title", "b"),
            (TextMatch(kind=MatchKind.PHRASE, text="grand hotel"), "Title", "a"),
            (TextMatch(kind=MatchKind.PHRASE, text="hotel grand"), "Title", ""),
            (TextMatch(kind=MatchKind.PREFIX, text="hos"), "Title", "b"),
            (TextMatch(kind=MatchKind.PATTERN, text="h?tel"), "Title", "a"),
            (TextMatch(kind=MatchKind.PATTERN, text="*stel"), "Title", "b"),
            (TextMatch(kind=MatchKind.ANY, text="窗台"), "Title", "c"),
            (TextMatch(kind=MatchKind.PHRASE, text="窗台"), "Title", "c"),
            (TextMatch(kind=MatchKind.ANY, text="pool"), "tags", "a"),
            (TextMatch(kind=MatchKind.PHRASE, text="pool it"), "tags", ""),
            (TextMatch(kind=MatchKind.ANY, text="X-1 y"), "code", "a"),
            (TextMatch(kind=MatchKind.ANY, text="X-1"), "code", ""),
            (TextMatch(kind=MatchKind.PREFIX, text="X-"), "code", "ac"),
            (TextMatch(kind=MatchKind.ANY, text="?!"), "Title", ""),
        ],
    )
    def test_words_are_found_in_one_field(
        self, store: DocumentStore, record: SearchIndexRecord, match: TextMatch, field: str, found: str
    ) -> None:
        """Each kind of match as its name says; rows come ascending."""
        snapshot = store.snapshot(record)
        scored = snapshot.matching(match, field)
        assert _keys(snapshot, scored) == list(found)
        assert (scored.scores > 0).all()
        assert (np.diff(scored.rows) > 0).all()

    @pytest.mark.parametrize(("edits", "found"), [(0, ""), (1, "b"), (2, "ab")])
    def test_fuzzy_words_are_found_within_their_edits(
        self, store: DocumentStore, record: SearchIndexRecord, edits: int, found: str
    ) -> None:
        """Documents that no index knows yet too."""
        snapshot = store.snapshot(record)
        match = TextMatch(kind=MatchKind.FUZZY, text="hostl", edits=edits)
        assert _keys(snapshot, snapshot.matching(match, "Title")) == list(found)

    def test_filters_apply_to_words_and_vectors_before_the_cut(
        self, store: DocumentStore, record: SearchIndexRecord
    ) -> None:
        """And to rows and counts."""
        snapshot = store.snapshot(record)
        where = _where(record, "stars eq 1")
        assert _keys(snapshot, snapshot.matching(_words("grand"), "Title", where=where)) == ["b"]
        assert _keys(snapshot, snapshot.nearest("vector", _vector(1, 0, 0), where=where, limit=1)) == ["b"]
        assert [d.key for d in snapshot.read(snapshot.rows(where))] == ["b"]
        assert snapshot.count(where) == 1

    def test_vectors_are_ranked_by_their_metric(self, store: DocumentStore, record: SearchIndexRecord) -> None:
        """Documents without a vector, and vectors without a direction, are left out."""
        snapshot = store.snapshot(record)
        near = snapshot.nearest("vector", _vector(3, 1, 0), limit=5)
        assert _keys(snapshot, near) == ["a", "b"]
        assert near.scores == pytest.approx([3 / 10**0.5, 1 / 10**0.5], abs=1e-5)
        far = snapshot.nearest("far_vector", _vector(0, 0, 0), limit=5, exhaustive=True)
        assert _keys(snapshot, far) == ["a", "b"]
        assert far.scores == pytest.approx([0.0, -5.0], abs=1e-5)
        assert len(snapshot.nearest("vector", _vector(3, 1, 0), limit=1).rows) == 1

    def test_what_does_not_fit_is_the_callers_error(self, store: DocumentStore, record: SearchIndexRecord) -> None:
        """A vector of another length, a field without words."""
        snapshot = store.snapshot(record)
        with pytest.raises(InvalidRequestError):
            snapshot.nearest("vector", np.ones(2, np.float32), limit=1)
        with pytest.raises(InvalidRequestError):
            snapshot.matching(_words("x"), "stars")
        with pytest.raises(FilterError):
            _where(record, "nothing eq 1")

    def test_added_fields_are_null_and_can_be_filled(self, store: DocumentStore, record: SearchIndexRecord) -> None:
        """Of every kind; what is there stays."""
        more: list[Json] = [
            {"name": "note", "type": "Edm.String"},
            {"name": "notes", "type": "Collection(Edm.String)"},
            {"name": "numbers", "type": "Collection(Edm.Double)"},
            {"name": "seen", "type": "Edm.DateTimeOffset"},
            {"name": "spot", "type": "Edm.GeographyPoint"},
            {"name": "other", "vectorSearchProfile": "cosine", **_VECTOR},
        ]
        fields = WIRE["fields"]
        assert isinstance(fields, list)
        wider = replace(record, definition=read_definition({**WIRE, "fields": [*fields, *more]}), etag='"2"')
        store.extend(wider)
        filled: dict[str, Json] = {"Id": "d", "note": "fresh bread", "numbers": [0.5], "other": [1, 1, 1]}
        put(store, wider, read_document(wider.definition, filled))
        snapshot = store.snapshot(wider)
        assert _keys(snapshot, snapshot.matching(_words("bread"), "note")) == ["d"]
        assert snapshot.count(_where(wider, "note eq null and not notes/any() and seen eq null and spot eq null")) == 3
        assert snapshot.count(_where(wider, "numbers/any(n: n lt 1)")) == 1
        assert _keys(snapshot, snapshot.nearest("other", _vector(1, 0, 0), limit=9)) == ["d"]

    def test_a_dropped_index_is_gone_and_can_be_made_again_empty(
        self, store: DocumentStore, record: SearchIndexRecord
    ) -> None:
        """Dropping twice is no error."""
        store.drop(record)
        store.drop(record)
        with pytest.raises(IndexNotFoundError):
            store.snapshot(record)
        with pytest.raises(IndexNotFoundError):
            put(store, record, *documents(record.definition))
        store.create(record)
        assert store.snapshot(record).count() == 0


def _words(text: str) -> TextMatch:
    return TextMatch(kind=MatchKind.ANY, text=text)


def _vector(*values: float) -> FloatArray:
    return np.array(values, dtype=np.float32)


def _where(record: SearchIndexRecord, text: str) -> Filter:
    return parse_filter(text, record.definition.filter_fields)


def _keys(snapshot: DocumentSnapshot, found: ScoredRows) -> list[str]:
    return [document.key for document in snapshot.read(found.rows)]
