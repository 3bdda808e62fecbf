"""Searching an index of a caller's own fields over HTTP."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from .conftest import ids, search


@pytest.mark.parametrize(
    ("text", "mode", "found"),
    [
        ("*", "any", "123"),
        ("", "any", "123"),
        ("beach", "any", "12"),
        ("beach grand", "all", "1"),
        ("grand + beach", "any", "1"),
        ("hostel | lodge", "any", "23"),
        ("beach -grand", "all", "2"),
        ("beach -grand", "any", "123"),
        ('"beach hotel"', "any", "1"),
        ("moun*", "any", "3"),
        ("(hostel | lodge) + beach", "any", "2"),
        ("swordfish", "any", "1"),
        ("london", "any", "2"),
        ("nothing", "any", ""),
        ('a "broken (query', "any", ""),
    ],
)
def test_the_simple_syntax(hotels: httpx.Client, text: str, mode: str, found: str) -> None:
    assert sorted(ids(search(hotels, search=text, searchMode=mode))) == list(found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("title:beach AND NOT title:grand", "2"),
        ("title:(hostel OR lodge)", "23"),
        ("+beach -hostel", "1"),
        ("l?dge", "3"),
        ("hotl~1", "1"),
        ("address/city:paris^3", "1"),
        ('"grand beach"', "1"),
        ("lodge || hostel", "23"),
        (r"swordfish\:", "1"),
    ],
)
def test_the_full_syntax(hotels: httpx.Client, text: str, found: str) -> None:
    assert sorted(ids(search(hotels, search=text, queryType="full"))) == list(found)


@pytest.mark.parametrize("text", ["nothing:x", "[a TO b]", "/regex/", '"a b"~3', "(open", "AND", "a AND", "x~7", '"'])
def test_lucene_that_is_not_served_says_so(hotels: httpx.Client, text: str) -> None:
    refused = hotels.post("/indexes/hotels/docs/search", json={"search": text, "queryType": "full"})
    assert refused.status_code == 400
    assert "Lucene" in refused.json()["error"]["message"]


def test_a_boost_changes_the_order(hotels: httpx.Client) -> None:
    assert ids(search(hotels, search="hostel^9 OR lodge", queryType="full")) == ["2", "3"]
    assert ids(search(hotels, search="hostel OR lodge^9", queryType="full")) == ["3", "2"]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("stars gt 1", "13"),
        ("rating eq null", "3"),
        ("tags/any(t: t eq 'wifi')", "12"),
        ("tags/all(t: t ne 'pool')", "23"),
        ("not tags/any()", "3"),
        ("rooms/any(r: r ge 2)", "12"),
        ("open", "1"),
        ("built lt 2005-01-01T00:00:00Z", "1"),
        ("geo.distance(place, geography'POINT(0 51)') lt 100", "2"),
        ("search.in(address/city, 'Paris,Rome')", "1"),
        ("search.ismatch('lodge')", "3"),
        ("search.ismatchscoring('beach', 'title') and stars eq 5", "1"),
        ("secret eq 'the code is swordfish'", "1"),
    ],
)
def test_filters_over_the_fields_of_the_index(hotels: httpx.Client, where: str, found: str) -> None:
    assert sorted(ids(search(hotels, search="*", filter=where))) == list(found)


@pytest.mark.parametrize("where", ["nothing eq 1", "body eq 'x'", "stars eq 'x'", "tags eq 'x'", "("])
def test_a_bad_filter_is_the_callers_error(hotels: httpx.Client, where: str) -> None:
    refused = hotels.post("/indexes/hotels/docs/search", json={"filter": where})
    assert refused.status_code == 400
    assert re.search("filter|character", refused.json()["error"]["message"])


def test_count_is_given_when_asked_for_and_is_of_all(hotels: httpx.Client) -> None:
    assert "@odata.count" not in search(hotels, search="beach")
    assert search(hotels, search="beach", count=True, top=1)["@odata.count"] == 2
    assert search(hotels, search="beach", count=True, top=0)["value"] == []


def test_fields_are_selected_and_hidden_ones_never_shown(hotels: httpx.Client) -> None:
    found = search(hotels, search="swordfish", select="id, address/city")["value"][0]
    assert found.keys() == {"@search.score", "id", "address"}
    assert "secret" not in search(hotels, search="*")["value"][0]
    refused = hotels.post("/indexes/hotels/docs/search", json={"select": "secret"})
    assert refused.status_code == 400


def test_order_by_fields_distance_and_score(hotels: httpx.Client) -> None:
    assert ids(search(hotels, search="*", orderby="stars desc")) == ["1", "3", "2"]
    assert ids(search(hotels, search="*", orderby="rating")) == ["3", "2", "1"]
    assert ids(search(hotels, search="*", orderby="rating desc, id")) == ["1", "2", "3"]
    near_london = "geo.distance(place, geography'POINT(0 51)')"
    assert ids(search(hotels, search="beach", orderby=near_london)) == ["2", "1"]
    assert ids(search(hotels, search="grand beach", orderby="search.score() desc")) == ["1", "2"]
    for wrong in ("tags", "nothing", "stars up", "place"):
        assert hotels.post("/indexes/hotels/docs/search", json={"orderby": wrong}).status_code == 400


def test_facets_count_what_was_found(hotels: httpx.Client) -> None:
    asked = ["tags,sort:value", "stars,interval:2", "rating,values:3", "built,interval:year", "address/city,count:1"]
    found = search(hotels, search="beach", top=0, facets=asked)["@search.facets"]
    assert found["tags"] == [{"count": 1, "value": "pool"}, {"count": 2, "value": "wifi"}]
    assert found["stars"] == [{"count": 1, "value": 0}, {"count": 1, "value": 4}]
    assert found["rating"] == [{"count": 1, "to": 3}, {"count": 1, "from": 3}]
    assert [one["value"] for one in found["built"]] == ["2001-01-01T00:00:00Z", "2011-01-01T00:00:00Z"]
    assert len(found["address/city"]) == 1
    for wrong in ("nothing", "tags,interval:2", "stars,count:x", "place", "stars,interval:0", "tags,sort:up"):
        assert hotels.post("/indexes/hotels/docs/search", json={"facets": [wrong]}).status_code == 400


def test_pages_follow_one_another_to_the_end(hotels: httpx.Client) -> None:
    more = [{"id": f"m{n:03}", "title": "many"} for n in range(120)]
    assert hotels.post("/indexes/hotels/docs/index", json={"value": more}).status_code == 200
    seen: list[str] = []
    body: dict[str, Any] | None = {"search": "many", "count": True, "orderby": "id"}
    address = "/indexes/hotels/docs/search"
    while body is not None:
        page = hotels.post(address, json=body).json()
        assert page["@odata.count"] == 120
        seen += ids(page)
        body = page.get("@search.nextPageParameters")
        address = page.get("@odata.nextLink", address)
    assert seen == [f"m{n:03}" for n in range(120)]
    assert ids(search(hotels, search="many", orderby="id", top=2, skip=118)) == ["m118", "m119"]
    assert "@odata.nextLink" not in search(hotels, search="many", top=10)


def test_matching_words_are_highlighted_in_the_callers_tags(hotels: httpx.Client) -> None:
    found = search(hotels, search="beach dogs", highlight="title,body-1", highlightPreTag="[", highlightPostTag="]")
    assert found["value"][0]["@search.highlights"] == {
        "title": ["Grand [beach] hotel"],
        "body": ["[Dogs] may run on our [beach]."],
    }
    assert hotels.post("/indexes/hotels/docs/search", json={"highlight": "stars"}).status_code == 400


def test_words_are_looked_for_only_in_the_fields_named(hotels: httpx.Client) -> None:
    assert ids(search(hotels, search="beach", searchFields="body")) == ["1"]
    assert hotels.post("/indexes/hotels/docs/search", json={"search": "x", "searchFields": "stars"}).status_code == 400


def _vector(*values: float) -> list[float]:
    return [*values, *[0.0] * (32 - len(values))]


def test_vectors_find_their_neighbours(hotels: httpx.Client) -> None:
    query = {"kind": "vector", "vector": _vector(1.0, 0.2), "fields": "vector", "k": 5}
    found = search(hotels, vectorQueries=[query], select="id")
    assert ids(found) == ["1", "2"]
    assert found["value"][0]["@search.score"] == pytest.approx(1 / (2 - 1 / 1.04**0.5), abs=1e-4)
    assert ids(search(hotels, vectorQueries=[{**query, "k": 1, "exhaustive": True}])) == ["1"]


def test_a_filter_applies_before_or_after_the_neighbours_as_asked(hotels: httpx.Client) -> None:
    query = {"kind": "vector", "vector": _vector(1.0), "fields": "vector", "k": 1}
    assert ids(search(hotels, vectorQueries=[query], filter="stars eq 1")) == ["2"]
    assert ids(search(hotels, vectorQueries=[query], filter="stars eq 1", vectorFilterMode="postFilter")) == []


def test_words_and_vectors_are_fused_by_rank(hotels: httpx.Client) -> None:
    query = {"kind": "vector", "vector": _vector(0.0, 1.0), "fields": "vector", "k": 1}
    found = search(hotels, search="hostel", vectorQueries=[query])
    assert ids(found) == ["2"]
    assert found["value"][0]["@search.score"] == pytest.approx(2 / 60)
    weighed = search(hotels, search="lodge", vectorQueries=[{**query, "weight": 3.0}])
    assert ids(weighed) == ["2", "3"]
    assert weighed["value"][0]["@search.score"] == pytest.approx(3 / 60)


def test_a_vector_query_of_words_is_embedded(hotels: httpx.Client) -> None:
    query = {"kind": "text", "text": "anything", "fields": "vector", "k": 5}
    assert sorted(ids(search(hotels, vectorQueries=[query]))) == ["1", "2"]


@pytest.mark.parametrize(
    "query",
    [
        {"kind": "vector", "vector": [1.0], "fields": "vector"},
        {"kind": "vector", "vector": _vector(1.0), "fields": "title"},
        {"kind": "vector", "fields": "vector"},
        {"kind": "imageUrl", "url": "https://example.org", "fields": "vector"},
        {"kind": "vector", "vector": _vector(1e300), "fields": "vector"},
        {"kind": "vector", "vector": "x", "fields": "vector"},
        {"kind": "vector", "vector": _vector(1.0), "fields": "vector", "k": 0},
    ],
)
def test_a_vector_query_that_does_not_fit_is_refused(hotels: httpx.Client, query: dict[str, Any]) -> None:
    refused = hotels.post("/indexes/hotels/docs/search", json={"vectorQueries": [query]})
    assert refused.status_code == 400


def test_semantic_results_are_re_ranked(hotels: httpx.Client) -> None:
    asked = {"queryType": "semantic", "semanticConfiguration": "default", "captions": "extractive", "answers": "none"}
    found = search(hotels, search="grand hotel", **asked)["value"]
    scores = [one["@search.rerankerScore"] for one in found]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == 4.0
    assert "@search.captions" in found[0]
    assert "@search.rerankerScore" not in search(hotels, search="grand hotel")["value"][0]


@pytest.mark.parametrize("more", [{}, {"semanticConfiguration": "nothing"}])
def test_a_semantic_query_needs_a_configuration(hotels: httpx.Client, more: dict[str, str]) -> None:
    body = {"search": "x", "queryType": "semantic", **more}
    assert hotels.post("/indexes/hotels/docs/search", json=body).status_code == 400


def test_a_search_by_address_says_the_same(hotels: httpx.Client) -> None:
    params = {"search": "beach", "$filter": "stars gt 0", "$top": "1", "$count": "true", "$orderby": "stars"}
    for address in ("/indexes/hotels/docs", "/indexes('hotels')/docs"):
        found = hotels.get(address, params=[*params.items(), ("facet", "tags"), ("facet", "stars")]).json()
        assert (ids(found), found["@odata.count"], sorted(found["@search.facets"])) == (["2"], 2, ["stars", "tags"])
    assert hotels.get("/indexes/hotels/docs", params={"$top": "x"}).status_code == 400


@pytest.mark.parametrize(
    "body",
    [{"top": -1}, {"skip": 100_001}, {"queryType": "odd"}, {"search": 7}, {"facets": "tags"}, [], "x", None],
)
def test_a_malformed_search_is_refused_in_the_services_envelope(hotels: httpx.Client, body: object) -> None:
    refused = hotels.post("/indexes/hotels/docs/search", json=body)
    assert refused.status_code == 400
    assert refused.json()["error"].keys() == {"code", "message", "details"}


def test_null_is_absent_and_the_unknown_is_read_past(hotels: httpx.Client) -> None:
    found = search(hotels, search="lodge", filter=None, top=None, queryType="Simple", scoringProfile=None, odd=1)
    assert ids(found) == ["3"]
