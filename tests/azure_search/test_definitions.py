"""Making, showing, changing and removing indexes, in both spellings of their addresses."""

from __future__ import annotations

import copy
from typing import Any

import httpx
import pytest

from .conftest import WIRE


def test_an_index_is_shown_as_it_was_made(http: httpx.Client) -> None:
    made = http.post("/indexes", json=WIRE)
    assert made.status_code == 201
    assert made.headers["etag"] == made.json()["@odata.etag"]
    for address in ("/indexes/hotels", "/indexes('hotels')", "/indexes('hotels')/"):
        shown = http.get(address)
        assert shown.status_code == 200
        assert {key: shown.json()[key] for key in WIRE} == WIRE
    assert [one["name"] for one in http.get("/indexes").json()["value"]] == ["hotels", "photos"]
    assert http.get("/indexes", params={"$select": "name"}).json()["value"] == [{"name": "hotels"}, {"name": "photos"}]


@pytest.mark.parametrize("version", [None, "2023-07-01-Preview", "2023-11-01", "2026-04-01", "1999-01-01"])
def test_any_version_is_served(http: httpx.Client, version: str | None) -> None:
    params = {"api-version": version} if version else {}
    assert httpx.get(f"{http.base_url}/indexes", params=params, trust_env=False).status_code == 200


def test_a_name_is_taken_once_over_both_kinds(hotels: httpx.Client) -> None:
    for name in ("hotels", "photos"):
        refused = hotels.post("/indexes", json={**WIRE, "name": name})
        assert refused.status_code == 409
        assert refused.json()["error"]["code"] == "ResourceNameAlreadyInUse"


def test_put_makes_an_index_and_then_adds_fields(http: httpx.Client) -> None:
    assert http.put("/indexes('hotels')", json=WIRE).status_code == 201
    wider = copy.deepcopy(WIRE)
    wider["fields"].append({"name": "note", "type": "Edm.String"})
    first = http.get("/indexes/hotels").json()["@odata.etag"]
    changed = http.put("/indexes/hotels", json=wider)
    assert changed.status_code == 200
    assert changed.json()["@odata.etag"] != first
    assert http.get("/indexes/hotels").json()["fields"][-1]["name"] == "note"


def test_existing_fields_are_not_changed(hotels: httpx.Client) -> None:
    other = copy.deepcopy(WIRE)
    other["fields"][1]["type"] = "Edm.Int32"
    other["fields"][1]["searchable"] = False
    refused = hotels.put("/indexes/hotels", json=other)
    assert refused.status_code == 400
    assert "title" in refused.json()["error"]["message"]
    del other["fields"][1]
    assert hotels.put("/indexes/hotels", json=other).status_code == 400


def test_conditions_on_the_etag_are_kept(hotels: httpx.Client) -> None:
    etag = hotels.get("/indexes/hotels").headers["etag"]
    for header in ({"if-match": '"other"'}, {"if-none-match": "*"}, {"if-none-match": etag}):
        refused = hotels.put("/indexes/hotels", json=WIRE, headers=header)
        assert refused.status_code == 412, header
        assert refused.json()["error"]["message"]
    assert hotels.delete("/indexes/hotels", headers={"if-match": '"other"'}).status_code == 412
    assert hotels.put("/indexes/hotels", json=WIRE, headers={"if-match": etag.strip('"')}).status_code == 200
    assert hotels.delete("/indexes/hotels", headers={"if-match": "*"}).status_code == 204


def test_a_deleted_index_is_gone_with_its_documents(hotels: httpx.Client) -> None:
    assert hotels.delete("/indexes('hotels')").status_code == 204
    for reply in (
        hotels.delete("/indexes/hotels"),
        hotels.get("/indexes/hotels"),
        hotels.get("/indexes/hotels/docs/$count"),
        hotels.post("/indexes/hotels/docs/search", json={"search": "*"}),
        hotels.post("/indexes/hotels/docs/index", json={"value": [{"id": "1"}]}),
    ):
        assert reply.status_code == 404
        assert "hotels" in reply.json()["error"]["message"]
    assert hotels.post("/indexes", json=WIRE).status_code == 201
    assert hotels.get("/indexes/hotels/docs/$count").text == "0"


def _broken(**field: Any) -> dict[str, Any]:
    return {"name": "broken", "fields": [{"name": "id", "type": "Edm.String", "key": True}, field]}


@pytest.mark.parametrize(
    ("definition", "named"),
    [
        ({"name": "No Name!", "fields": WIRE["fields"]}, "No Name!"),
        ({"name": "x" * 129, "fields": WIRE["fields"]}, "xxx"),
        ({"name": "broken", "fields": []}, "fields"),
        ({"name": "broken", "fields": [{"name": "a", "type": "Edm.String"}]}, "key"),
        (_broken(name="id", type="Edm.String"), "twice"),
        (_broken(name="ID", type="Edm.String"), "twice"),
        (_broken(name="9", type="Edm.String"), "'9'"),
        (_broken(name="a", type="Edm.Nothing"), "Edm.Nothing"),
        (_broken(name="a", type="Collection(Edm.ComplexType)", fields=[]), "not served"),
        (_broken(name="a", type="Collection(Edm.Single)", dimensions=1, vectorSearchProfile="p"), "dimensions"),
        (_broken(name="a", type="Collection(Edm.Single)", dimensions=4, vectorSearchProfile="p"), "profile"),
        (_broken(name="a", type="Edm.Int32", searchable=True), "searchable"),
        (_broken(name="a", type="Collection(Edm.String)", sortable=True), "sortable"),
        (_broken(name="a", type="Edm.String", searchable="yes"), "searchable"),
        ([1], "object"),
    ],
)
def test_a_definition_without_sense_says_what_is_wrong(http: httpx.Client, definition: object, named: str) -> None:
    refused = http.post("/indexes", json=definition)
    assert refused.status_code == 400
    assert named in refused.json()["error"]["message"]


def test_the_address_and_the_body_name_one_index(http: httpx.Client) -> None:
    assert http.put("/indexes/other", json=WIRE).status_code == 400
    assert http.put("/indexes/hotels", json={"fields": WIRE["fields"][:2]}).status_code == 201


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/indexers"),
        ("PUT", "/indexers('x')"),
        ("POST", "/indexers('x')/search.run"),
        ("GET", "/datasources/x"),
        ("PUT", "/skillsets('x')"),
        ("DELETE", "/synonymmaps/x"),
        ("GET", "/servicestats"),
        ("GET", "/aliases"),
        ("POST", "/indexes/photos/docs/suggest"),
        ("POST", "/indexes('photos')/docs/search.post.autocomplete"),
        ("POST", "/indexes('photos')/search.analyze"),
    ],
)
def test_what_is_not_served_says_so(http: httpx.Client, method: str, path: str) -> None:
    refused = http.request(method, path, json={})
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "OperationNotSupported"
    assert "not served" in refused.json()["error"]["message"]
