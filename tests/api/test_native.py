"""The native interface: indexes, search, and bytes that a browser never runs."""

from __future__ import annotations

import base64

import httpx
import pytest

from foveal.api.links import Links
from foveal.testing.fakes_engine import FakeEngine, fake_chunk
from foveal.types.filters import Comparison
from foveal.types.locators import Locator
from foveal.types.search import Mode

from .conftest import DOGS


def search(http: httpx.Client, **body: object) -> httpx.Response:
    return http.post("/v1/search", json=body)


def bytes_path(engine: FakeEngine, name: str) -> str:
    index, chunk = next((i, c) for i, chunks in engine.indexes.items() for c in chunks if c.filepath == name)
    return f"/v1/indexes/{index}/chunks/{chunk.chunk_id}"


def test_indexes_are_listed_with_their_figures(http: httpx.Client) -> None:
    listed = http.get("/v1/indexes").json()["indexes"]
    assert [(i["name"], i["documents"], i["images"], i["described"]) for i in listed] == [
        ("photos", 2, 1, 1),
        ("texts", 3, 0, 0),
    ]
    assert http.get("/v1/indexes/photos").json() == listed[0]


def test_an_unknown_index_is_not_found_by_its_code(http: httpx.Client) -> None:
    for response in (http.get("/v1/indexes/nothing"), search(http, index="nothing", text="x")):
        assert response.status_code == 404
        assert response.json()["error"]["code"] == "index_not_found"


def test_a_search_finds_and_says_whose_words_are_whose(http: httpx.Client) -> None:
    reply = search(http, index="photos", text="beach").json()
    assert (reply["index"], reply["generation"], reply["rejected"], reply["elapsed_ms"]) == ("photos", 1, None, None)
    (hit,) = reply["hits"]
    assert (hit["filepath"], hit["description"], hit["caption"], hit["legs"]) == ("dogs.jpg", DOGS, "", None)
    assert hit["score"] == hit["confidence"] == 1.0
    assert hit["extract"]["highlights"] == [[0, 1]]


def test_the_addresses_in_a_hit_lead_to_its_bytes(http: httpx.Client) -> None:
    (hit,) = search(http, index="photos", text="beach").json()["hits"]
    assert http.get(hit["bytes_url"]).content == b"\xff\xd8\xff jpeg"
    assert http.get(hit["thumbnail_url"]).content == b"\xff\xd8 320"
    (text_hit,) = search(http, index="texts", text="parrot").json()["hits"]
    assert text_hit["thumbnail_url"] is None


def test_every_option_reaches_the_engine(http: httpx.Client, engine: FakeEngine, picture: bytes) -> None:
    response = search(
        http,
        index="photos",
        text="dogs",
        images=[base64.b64encode(picture).decode(), "data:image/png;base64," + base64.b64encode(picture).decode()],
        filter="title eq 'dogs'",
        mode="semantic",
        top=3,
        skip=1,
        strictness=2,
        collapse=False,
    )
    assert response.status_code == 200
    index, query = engine.queries[-1]
    assert (index, query.text, len(query.images), query.mode) == ("photos", "dogs", 2, Mode.SEMANTIC)
    assert query.filter == Comparison(field="title", op="eq", value="dogs")
    assert (query.top, query.skip, query.strictness, query.collapse, query.groups) == (3, 1, 2, False, None)


def test_a_box_makes_of_an_image_a_part_that_is_sought_in_others(
    http: httpx.Client, engine: FakeEngine, picture: bytes
) -> None:
    given = {"image": base64.b64encode(picture).decode(), "box": {"x": 0.5, "y": 0, "width": 0.5, "height": 1}}
    assert search(http, index="photos", images=[given]).status_code == 200
    query = engine.queries[-1][1]
    (part,) = query.regions
    assert query.images == ()
    whole = engine.open_image(picture).pixels
    assert part.shape == (whole.shape[0], whole.shape[1] // 2, 3)
    outside = {**given, "box": {"x": 2000, "y": 0, "width": 10, "height": 10}}
    assert search(http, index="photos", images=[outside]).status_code == 400


def test_explain_shows_legs_what_was_rejected_and_times(http: httpx.Client) -> None:
    reply = search(http, index="photos", text="beach at sunset with nine more words that match nothing", explain=True)
    plain = search(http, index="photos", text="beach", explain=True).json()
    assert plain["hits"][0]["legs"][0]["leg"] == "keyword"
    assert plain["elapsed_ms"] == {"search": 1.0}
    assert reply.json()["rejected"] == []
    strict = search(http, index="photos", text="a beach is far from my home", explain=True, strictness=5).json()
    assert strict["hits"] == []
    assert strict["rejected"][0]["filepath"] == "dogs.jpg"


def test_the_index_may_be_left_out_when_there_is_only_one(http: httpx.Client, engine: FakeEngine) -> None:
    refused = search(http, text="dogs")
    assert refused.status_code == 400
    assert "photos" in refused.json()["error"]["message"]
    del engine.indexes["texts"]
    assert search(http, text="dogs").json()["index"] == "photos"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"index": "photos"}, "text"),
        ({"index": "photos", "text": "x", "top": 0}, "top"),
        ({"index": "photos", "text": "x", "strictness": 6}, "strictness"),
        ({"index": "photos", "text": "x", "mode": "magic"}, "mode"),
        ({"index": "photos", "text": "x", "fitler": "y"}, "fitler"),
    ],
)
def test_a_wrong_search_names_the_field(http: httpx.Client, body: dict[str, object], param: str) -> None:
    response = search(http, **body)
    assert response.status_code == 400
    assert response.json()["error"]["param"] == param


def test_a_wrong_filter_or_image_has_its_code(http: httpx.Client) -> None:
    assert search(http, index="photos", text="x", filter="((").json()["error"]["code"] == "invalid_filter"
    assert search(http, index="photos", images=["eHg="]).json()["error"]["code"] == "invalid_image"
    assert search(http, index="photos", images=["https://x.example/a.jpg"]).json()["error"]["code"] == "invalid_image"


def test_a_chunk_shows_everything_known_of_it(http: httpx.Client, engine: FakeEngine) -> None:
    shown = http.get(bytes_path(engine, "dogs.jpg")).json()
    assert (shown["filepath"], shown["description"], shown["ocr_lines"], shown["violence"]) == ("dogs.jpg", DOGS, [], 0)


@pytest.mark.parametrize("what", ["", "/thumbnail", "/bytes"])
def test_an_unknown_chunk_is_not_found(http: httpx.Client, what: str) -> None:
    for path in (f"/v1/indexes/photos/chunks/x-0{what}", f"/v1/indexes/nothing/chunks/x-0{what}"):
        assert http.get(path).status_code == 404


def test_a_thumbnail_has_the_size_asked_for_within_limits(http: httpx.Client, engine: FakeEngine) -> None:
    path = bytes_path(engine, "dogs.jpg") + "/thumbnail"
    response = http.get(path, params={"size": 64})
    assert (response.content, response.headers["content-type"]) == (b"\xff\xd8 64", "image/jpeg")
    for size in ("1", "100000", "x"):
        refused = http.get(path, params={"size": size})
        assert refused.status_code == 400
        assert refused.json()["error"]["param"] == "query.size"


@pytest.mark.parametrize(
    ("name", "media_type", "kind"),
    [
        ("dogs.jpg", "image/jpeg", "inline"),
        ("page.html", "text/plain; charset=utf-8", "inline"),
        ("logo.svg", "application/octet-stream", "attachment"),
    ],
)
def test_bytes_are_served_so_that_a_browser_never_runs_them(
    http: httpx.Client, engine: FakeEngine, name: str, media_type: str, kind: str
) -> None:
    response = http.get(bytes_path(engine, name) + "/bytes")
    assert response.content == engine.files[name]
    headers = response.headers
    assert headers["content-type"] == media_type
    assert headers["content-disposition"].startswith(f"{kind}; filename=")
    assert headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]


def test_a_pdf_opens_in_the_browser_at_the_page_that_is_cited(http: httpx.Client, engine: FakeEngine) -> None:
    chunk = fake_chunk("plan.pdf", "the third page", media_type="application/pdf", locator=Locator(page=3))
    engine.indexes["photos"].append(chunk)
    engine.files["plan.pdf"] = b"%PDF-1.7"
    url = Links(base=str(http.base_url).rstrip("/")).bytes("photos", chunk)
    assert url.endswith("/bytes#page=3")
    headers = http.get(url).headers
    assert headers["content-type"] == "application/pdf"
    assert headers["content-disposition"].startswith("inline")
    assert headers["content-security-policy"] == "default-src 'none'"


def test_a_file_name_cannot_break_out_of_its_header(http: httpx.Client, engine: FakeEngine) -> None:
    name = 'a/b"; filename=evil.exe\r\nSet-Cookie: x=1 Größe.jpg'
    engine.indexes["photos"].append(fake_chunk(name, "odd", media_type="image/jpeg"))
    engine.files[name] = b"x"
    headers = http.get(bytes_path(engine, name) + "/bytes").headers
    assert "set-cookie" not in headers
    plain, _, extended = headers["content-disposition"].partition("; filename*=")
    assert plain.count('"') == 2
    assert extended.startswith("UTF-8''")
    assert "Gr%C3%B6%C3%9Fe.jpg" in extended


def test_bytes_that_are_known_are_not_sent_again(http: httpx.Client, engine: FakeEngine) -> None:
    for path in (bytes_path(engine, "dogs.jpg") + "/bytes", bytes_path(engine, "dogs.jpg") + "/thumbnail"):
        first = http.get(path)
        again = http.get(path, headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        assert http.get(path, headers={"if-none-match": '"other"'}).status_code == 200


def test_a_file_that_vanished_is_not_found(http: httpx.Client, engine: FakeEngine) -> None:
    engine.files.clear()
    assert http.get(bytes_path(engine, "dogs.jpg") + "/bytes").status_code == 404


def test_health_says_what_is_off_and_what_to_do(http: httpx.Client) -> None:
    health = http.get("/v1/health").json()
    assert health["status"] == "ok"
    assert {c["name"]: c["remedy"] for c in health["checks"]}["chat model"] == "Set chat.base_url."
