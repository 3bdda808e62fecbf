"""`/v1/files/resumable`: the tus protocol, by its own words; `tests/wire` has a client of it."""

from __future__ import annotations

import base64
import socket
import time
from collections.abc import Callable

import httpx
import pytest

from foveal.api.auth import Role
from foveal.testing.fakes_engine import FakeEngine

DATA = b"Words in pieces. " * 40_000
TUS = {"tus-resumable": "1.0.0"}
PIECE = {**TUS, "content-type": "application/offset+octet-stream"}
PLACE = "/v1/files/resumable"


def metadata(**values: str) -> dict[str, str]:
    pairs = (f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())
    return {"upload-metadata": ",".join(pairs)}


def begun(http: httpx.Client, size_bytes: int = len(DATA), **said: str) -> str:
    heading = {**TUS, "upload-length": str(size_bytes), **metadata(**{"filename": "a.txt", **said})}
    answer = http.post(PLACE, headers=heading)
    assert answer.status_code == 201, answer.text
    assert answer.headers["tus-resumable"] == "1.0.0"
    return answer.headers["location"]


def send(http: httpx.Client, address: str, offset: int, data: bytes) -> httpx.Response:
    return http.patch(address, content=data, headers={**PIECE, "upload-offset": str(offset)})


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["innererror"]["code"]


def test_what_the_server_can_do_is_said(http: httpx.Client) -> None:
    answer = http.options(PLACE)
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == "1.0.0"
    assert answer.headers["tus-max-size"] == "1000000"
    assert set(answer.headers["tus-extension"].split(",")) == {
        "creation",
        "creation-with-upload",
        "expiration",
        "termination",
    }


def test_a_file_in_pieces_is_kept_with_the_last_one(http: httpx.Client, engine: FakeEngine) -> None:
    address = begun(http, index="trip", description="Many words.")
    assert http.head(address, headers=TUS).headers["upload-offset"] == "0"
    first = send(http, address, 0, DATA[:300_000])
    assert (first.status_code, first.headers["upload-offset"]) == (204, "300000")
    head = http.head(address, headers=TUS)
    assert (head.status_code, head.headers["upload-offset"], head.headers["upload-length"]) == (
        200,
        "300000",
        str(len(DATA)),
    )
    assert head.headers["cache-control"] == "no-store"
    assert http.get(address).json()["offset"] == 300_000
    assert http.get("/v1/files").json()["files"] == []
    last = send(http, address, 300_000, DATA[300_000:])
    assert (last.status_code, last.headers["upload-offset"]) == (204, str(len(DATA)))
    file = http.get(f"/v1/files/{last.headers['foveal-file-id']}").json()
    assert (file["name"], file["index"], file["description"]) == ("a.txt", "trip", "Many words.")
    assert file["size_bytes"] == len(DATA)
    assert http.get(last.headers["operation-location"]).json()["state"] == "queued"
    assert http.head(address, headers=TUS).status_code == 404


def test_a_file_may_come_with_its_announcement(http: httpx.Client) -> None:
    heading = {**PIECE, "upload-length": "11", **metadata(filename="a.txt", start="false")}
    answer = http.post(PLACE, content=b"A few words", headers=heading)
    assert (answer.status_code, answer.headers["upload-offset"]) == (201, "11")
    assert answer.headers["foveal-outcome"] == "added"
    assert http.get(answer.headers["operation-location"]).json()["state"] == "new"  # the source: no job was started


def test_bytes_at_the_wrong_place_are_refused_and_change_nothing(http: httpx.Client) -> None:
    address = begun(http)
    send(http, address, 0, DATA[:1000])
    for offset in (0, 999, 1001):
        assert code(send(http, address, offset, b"x")) == (409, "conflict")
    assert http.head(address).headers["upload-offset"] == "1000"


def test_a_connection_that_breaks_leaves_what_came(http: httpx.Client) -> None:
    address = httpx.URL(begun(http))
    head = (
        f"PATCH {address.path} HTTP/1.1\r\nhost: {address.host}\r\ncontent-length: {len(DATA)}\r\nupload-offset: 0\r\n"
        "tus-resumable: 1.0.0\r\ncontent-type: application/offset+octet-stream\r\n\r\n"
    )
    with socket.create_connection((address.host, address.port)) as broken:
        broken.sendall(head.encode() + DATA[:200_000])
    deadline = time.monotonic() + 20
    while (offset := int(http.head(str(address)).headers["upload-offset"])) < 200_000:
        assert time.monotonic() < deadline, offset
        time.sleep(0.05)
    last = send(http, str(address), offset, DATA[offset:])
    assert last.headers["foveal-outcome"] == "added"


def test_more_than_was_announced_is_refused(http: httpx.Client) -> None:
    address = begun(http, 10)
    assert code(send(http, address, 0, b"x" * 11)) == (413, "too_large")
    assert http.head(address).status_code == 404


def test_a_file_over_the_limit_or_of_no_use_is_refused_as_early_as_it_shows(http: httpx.Client) -> None:
    heading = {**TUS, "upload-length": "1000001", **metadata(filename="a.txt")}
    assert code(http.post(PLACE, headers=heading)) == (413, "too_large")
    picture = begun(http, 500_000, filename="a.png")
    assert code(send(http, picture, 0, b"\x89PNG\r\n\x1a\n" + b"x" * 5000)) == (413, "too_large")
    program = begun(http, 500_000, filename="a.txt")
    assert code(send(http, program, 0, b"\x7fELF" + b"\0" * 5000)) == (422, "unsupported")
    empty = {**PIECE, "upload-length": "0", **metadata(filename="a.txt")}
    assert code(http.post(PLACE, headers=empty)) == (422, "unreadable")
    for address in (picture, program):
        assert http.head(address).status_code == 404


@pytest.mark.parametrize(
    ("heading", "status"),
    [
        ({"tus-resumable": "0.2.2", "upload-length": "1"}, 412),
        ({}, 400),
        ({"upload-length": "many"}, 400),
        ({"upload-length": "-1"}, 400),
        ({"upload-length": "9" * 30}, 400),
        ({"upload-length": "1"}, 400),
        ({"upload-length": "1", "upload-metadata": "filename ***"}, 400),
        ({"upload-length": "1", **metadata(filename="../a.txt")}, 400),
        ({"upload-length": "1", **metadata(filename="a.txt", source="nowhere")}, 404),
    ],
)
def test_an_announcement_that_cannot_be_taken_is_refused(
    http: httpx.Client, heading: dict[str, str], status: int
) -> None:
    assert http.post(PLACE, headers=heading).status_code == status


def test_pieces_that_say_too_little_are_refused(http: httpx.Client) -> None:
    address = begun(http)
    assert http.patch(address, content=b"x", headers={**TUS, "upload-offset": "0"}).status_code == 415
    assert code(http.patch(address, content=b"x", headers=PIECE)) == (400, "invalid_request")
    assert code(send(http, f"{PLACE}/{'0' * 32}", 0, b"x")) == (404, "not_found")
    assert http.head(address).headers["upload-offset"] == "0"


def test_an_upload_is_given_up(http: httpx.Client) -> None:
    address = begun(http)
    assert http.delete(address, headers=TUS).status_code == 204
    assert http.head(address).status_code == 404
    assert code(send(http, address, 0, b"x")) == (404, "not_found")


def test_an_upload_is_its_senders(keyed: Callable[..., httpx.Client]) -> None:
    board, press = keyed(Role.CONTRIBUTOR, ("board",)), keyed(Role.CONTRIBUTOR, ("press",))
    address = begun(board)
    assert code(press.get(address)) == (404, "not_found")
    assert code(send(press, address, 0, b"x")) == (404, "not_found")
    assert code(press.delete(address)) == (404, "not_found")
    assert send(board, address, 0, DATA).headers["foveal-outcome"] == "added"
