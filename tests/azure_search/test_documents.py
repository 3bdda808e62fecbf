"""Writing, counting and looking up documents."""

from __future__ import annotations

import httpx
import pytest

from .conftest import DOCUMENTS, ids, search


def write(http: httpx.Client, *documents: object, path: str = "/indexes/hotels/docs/index") -> httpx.Response:
    return http.post(path, json={"value": list(documents)})


def test_a_document_comes_back_whole_by_either_address(hotels: httpx.Client) -> None:
    for address in ("/indexes/hotels/docs/1", "/indexes('hotels')/docs('1')"):
        found = hotels.get(address).json()
        assert found == {key: value for key, value in DOCUMENTS[0].items() if key != "secret"}
    assert hotels.get("/indexes/hotels/docs/1", params={"$select": "id,address/city"}).json() == {
        "id": "1",
        "address": {"city": "Paris"},
    }
    assert hotels.get("/indexes('hotels')/docs/$count").text == "3"


def test_null_is_null_and_an_empty_collection_is_empty(hotels: httpx.Client) -> None:
    found = hotels.get("/indexes/hotels/docs/3").json()
    assert (found["rating"], found["tags"], found["rooms"], found["address"], found["vector"]) == (
        None,
        [],
        [],
        None,
        None,
    )


def test_dates_are_kept_in_utc(hotels: httpx.Client) -> None:
    assert hotels.get("/indexes/hotels/docs/2").json()["built"] == "2011-12-31T21:59:59Z"


def test_an_unknown_document_is_404(hotels: httpx.Client) -> None:
    assert hotels.get("/indexes/hotels/docs/nothing").status_code == 404


def test_every_action_has_its_own_status(hotels: httpx.Client) -> None:
    reply = write(
        hotels,
        {"@search.action": "upload", "id": "1", "title": "replaced"},
        {"@search.action": "upload", "id": "4", "title": "new"},
        {"@search.action": "merge", "id": "2", "stars": 2},
        {"@search.action": "mergeOrUpload", "id": "5", "stars": 2},
        {"@search.action": "delete", "id": "3"},
        {"@search.action": "delete", "id": "never there"},
        path="/indexes('hotels')/docs/search.index",
    )
    assert reply.status_code == 200
    assert [(r["key"], r["status"], r["errorMessage"], r["statusCode"]) for r in reply.json()["value"]] == [
        ("1", True, None, 200),
        ("4", True, None, 201),
        ("2", True, None, 200),
        ("5", True, None, 201),
        ("3", True, None, 200),
        ("never there", True, None, 200),
    ]
    one, two = (hotels.get(f"/indexes/hotels/docs/{key}").json() for key in "12")
    assert (one["title"], one["stars"], one["vector"]) == ("replaced", None, None)
    assert (two["title"], two["stars"], two["vector"][1]) == ("Beach hostel", 2, 1.0)
    assert sorted(ids(search(hotels, search="*"))) == ["1", "2", "4", "5"]


def test_a_document_that_fails_leaves_the_others_alone(hotels: httpx.Client) -> None:
    reply = write(
        hotels,
        {"id": "6", "title": "fine"},
        {"id": "bad key!", "title": "x"},
        {"id": "7", "stars": "many"},
        {"id": "8", "nothing": 1},
        {"id": "9", "vector": [1, 2]},
        {"id": "10", "built": "yesterday"},
        {"id": "11", "place": {"type": "Point", "coordinates": [200, 0]}},
        {"id": "12", "stars": 2**31},
        {"@search.action": "merge", "id": "13"},
        {"title": "no key"},
    )
    assert reply.status_code == 207
    statuses = [(r["status"], r["statusCode"]) for r in reply.json()["value"]]
    assert statuses == [(True, 201), *[(False, 400)] * 7, (False, 404), (False, 400)]
    assert all(r["errorMessage"] for r in reply.json()["value"][1:])
    assert hotels.get("/indexes/hotels/docs/$count").text == "4"


def test_later_actions_of_a_batch_see_earlier_ones(hotels: httpx.Client) -> None:
    reply = write(
        hotels,
        {"@search.action": "upload", "id": "20", "title": "first"},
        {"@search.action": "merge", "id": "20", "stars": 4},
        {"@search.action": "delete", "id": "1"},
        {"@search.action": "mergeOrUpload", "id": "1", "title": "again"},
    )
    assert reply.status_code == 200
    both = hotels.get("/indexes/hotels/docs/20").json()
    assert (both["title"], both["stars"]) == ("first", 4)
    assert hotels.get("/indexes/hotels/docs/1").json()["body"] is None


def test_merging_null_clears_and_merging_a_complex_field_keeps_its_other_parts(hotels: httpx.Client) -> None:
    write(hotels, {"@search.action": "merge", "id": "1", "title": None, "vector": None, "address": {"city": "Lyon"}})
    found = hotels.get("/indexes/hotels/docs/1").json()
    assert (found["title"], found["vector"], found["address"], found["stars"]) == (None, None, {"city": "Lyon"}, 5)


@pytest.mark.parametrize(
    "body",
    [{"value": []}, {"value": [{"@search.action": "explode", "id": "1"}]}, {"value": {}}, {}, [], {"value": [1]}],
)
def test_a_batch_that_is_none_is_refused_as_a_whole(hotels: httpx.Client, body: object) -> None:
    assert hotels.post("/indexes/hotels/docs/index", json=body).status_code == 400


def test_a_batch_that_is_too_long_is_413(hotels: httpx.Client) -> None:
    documents = [{"id": "1"}] * 32_001
    assert hotels.post("/indexes/hotels/docs/index", json={"value": documents}).status_code == 413


def test_an_index_made_by_ingestion_is_not_written_to(http: httpx.Client) -> None:
    for reply in (write(http, {"id": "1"}, path="/indexes/photos/docs/index"), http.delete("/indexes/photos")):
        assert reply.status_code == 400
        assert reply.json()["error"]["code"] == "OperationNotSupported"
        assert "ingest" in reply.json()["error"]["message"]
