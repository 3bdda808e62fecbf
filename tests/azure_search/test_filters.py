"""Filters over generated documents mean the same in LanceDB as in plain Python."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foveal.ports.fields import DocumentSnapshot
from foveal.retrieval.document_values import read_document
from foveal.retrieval.index_definitions import read_definition
from foveal.retrieval.odata import parse_filter
from foveal.stores.lance_documents import LanceDocumentStore
from foveal.testing.filter_oracle import document_matches
from foveal.types.documents import DocumentChange, IndexDefinition, SearchIndexRecord, StoredDocument

FIELDS: list[dict[str, Any]] = [
    {"name": "id", "type": "Edm.String", "key": True},
    {"name": "Text", "type": "Edm.String"},
    {"name": "number", "type": "Edm.Int64"},
    {"name": "double", "type": "Edm.Double"},
    {"name": "flag", "type": "Edm.Boolean"},
    {"name": "moment", "type": "Edm.DateTimeOffset"},
    {"name": "place", "type": "Edm.GeographyPoint"},
    {"name": "texts", "type": "Collection(Edm.String)"},
    {"name": "numbers", "type": "Collection(Edm.Int32)"},
    {"name": "doubles", "type": "Collection(Edm.Double)"},
    {"name": "flags", "type": "Collection(Edm.Boolean)"},
    {"name": "moments", "type": "Collection(Edm.DateTimeOffset)"},
    {"name": "part", "type": "Edm.ComplexType", "fields": [{"name": "Text", "type": "Edm.String"}]},
]
TEXTS = ("a", "B", "it's a dog", "", "日本", "a,b", "x' OR '1'='1", "dogs")
NUMBERS = (0, 1, -1, 7, 2**31 - 1, -(2**31))
DOUBLES = (0.0, 0.5, -1.5, 1e300, "INF", "-INF")
MOMENTS = ("2001-01-01T00:00:00Z", "2024-07-01T12:30:15.123456Z", "1969-12-31T23:59:59Z")
PLACES = ((2.35, 48.85), (0.0, 0.0), (179.9, 0.5))


def _document(random: Random, number: int) -> dict[str, Any]:
    def maybe(value: Any) -> Any:
        return None if random.random() < 0.25 else value

    def some(values: Any) -> Any:
        return maybe(random.choices(values, k=random.choice((0, 1, 2, 3))))

    place = random.choice(PLACES)
    return {
        "id": f"d{number:03}",
        "Text": maybe(random.choice(TEXTS)),
        "number": maybe(random.choice((*NUMBERS, 2**62))),
        "double": maybe(random.choice(DOUBLES)),
        "flag": maybe(random.random() < 0.5),
        "moment": maybe(random.choice(MOMENTS)),
        "place": maybe({"type": "Point", "coordinates": list(place)}),
        "texts": some(TEXTS),
        "numbers": some(NUMBERS),
        "doubles": some(DOUBLES[:4]),
        "flags": some((True, False)),
        "moments": some(MOMENTS),
        "part": maybe({"Text": maybe(random.choice(TEXTS))}),
    }


@pytest.fixture(scope="module")
def collection(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[IndexDefinition, list[StoredDocument], DocumentSnapshot]:
    definition = read_definition({"name": "generated", "fields": FIELDS})  # type: ignore[dict-item]
    random = Random(7)
    documents = [read_document(definition, _document(random, number)) for number in range(150)]
    folder: Path = tmp_path_factory.mktemp("filters")
    store = LanceDocumentStore(folder)
    record = SearchIndexRecord(definition=definition, birth=1, etag='"1"')
    store.create(record)
    for part in (documents[:100], documents[100:]):
        store.change(record, (), lambda _, part=part: DocumentChange(put=tuple(part)))  # type: ignore[misc]
    return definition, documents, store.snapshot(record)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_texts = st.sampled_from(TEXTS).map(_quoted)
_equal = st.sampled_from(("eq", "ne"))
_ops = st.sampled_from(("eq", "ne", "lt", "le", "gt", "ge"))
_numbers = st.sampled_from([*map(str, NUMBERS), "2.5", "1e300", str(2**63 - 1), "-0.5"])
_doubles = st.sampled_from(("0", "0.5", "-1.5", "1e300", "INF", "-INF"))
_atoms = st.one_of(
    st.tuples(st.sampled_from(("Text", "part/Text", "id")), _equal, st.one_of(_texts, st.just("null"))).map(" ".join),
    st.tuples(st.just("number"), _ops, _numbers).map(" ".join),
    st.tuples(st.just("double"), _ops, _doubles).map(" ".join),
    st.tuples(st.just("moment"), _ops, st.sampled_from(MOMENTS)).map(" ".join),
    st.tuples(st.sampled_from(("number", "double", "moment", "flag", "place")), _equal, st.just("null")).map(" ".join),
    st.tuples(st.just("flag"), _equal, st.sampled_from(("true", "false"))).map(" ".join),
    st.just("flag"),
    st.builds(
        "geo.distance(place, geography'POINT({0[0]} {0[1]})') {1} {2}".format,
        st.sampled_from(PLACES),
        st.sampled_from(("lt", "le", "gt", "ge")),
        st.sampled_from((1, 500, 9_000)),
    ),
    st.builds("search.in({}, {}, '|')".format, st.sampled_from(("Text", "part/Text")), _texts),
    st.builds("search.ismatch({}, 'Text,texts', 'simple', '{}')".format, _texts, st.sampled_from(("any", "all"))),
)


def _lambda(field: str, items: st.SearchStrategy[str], ops: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    test = st.tuples(st.just("x"), ops, items).map(" ".join)
    some = st.lists(test, min_size=1, max_size=3)
    return st.one_of(
        st.just(f"{field}/any()"),
        some.map(lambda tests: f"{field}/any(x: {' or '.join(tests)})"),
        some.map(lambda tests: f"{field}/all(x: {' and '.join(tests)})"),
        test.map(lambda one: f"{field}/any(x: not ({one}))"),
        test.map(lambda one: f"not {field}/all(x: {one})"),
    )


_lambdas = st.one_of(
    st.lists(_texts, min_size=1, max_size=3).map(lambda v: f"texts/any(x: {' or '.join('x eq ' + one for one in v)})"),
    st.lists(_texts, min_size=1, max_size=3).map(lambda v: f"texts/all(x: {' and '.join('x ne ' + one for one in v)})"),
    _lambda("numbers", _numbers, _ops),
    _lambda("doubles", _doubles, _ops),
    _lambda("flags", st.sampled_from(("true", "false")), _equal),
    _lambda("moments", st.sampled_from(MOMENTS), _ops),
)
_filters = st.recursive(
    st.one_of(_atoms, _lambdas),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda two: f"({two[0]} and {two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} or {two[1]})"),
        inner.map(lambda one: f"not ({one})"),
    ),
    max_leaves=5,
)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=_filters)
def test_a_filter_finds_exactly_what_it_means(
    collection: tuple[IndexDefinition, list[StoredDocument], DocumentSnapshot], text: str
) -> None:
    definition, documents, snapshot = collection
    where = parse_filter(text, definition.filter_fields)
    expected = [document.key for document in documents if document_matches(where, definition, document)]
    assert sorted(document.key for document in snapshot.read(snapshot.rows(where))) == expected
    assert snapshot.count(where) == len(expected)
