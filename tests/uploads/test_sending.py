"""`/v1/files`: what is sent, described, refused, listed and deleted; and who may."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from foveal.api.auth import Role
from foveal.errors import NotFoundError, UnreadableAssetError
from foveal.testing.fakes_engine import FakeEngine
from foveal.types.ingestions import Ingestion, IngestionId, IngestionState
from foveal.types.uploads import FileId

PNG = b"\x89PNG\r\n\x1a\n"
Client = Callable[..., httpx.Client]


def png(text: str = "") -> bytes:
    return PNG + text.encode()


def files(**contents: bytes) -> list[tuple[str, tuple[str, bytes]]]:
    return [("files", (name.replace("_", ".", 1), data)) for name, data in contents.items()]


def waiting(engine: FakeEngine) -> list[Ingestion]:
    """The jobs that waited, done."""
    done = []
    while (job := engine.jobs.run_next()) is not None:
        done.append(job)
    return done


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["innererror"]["code"]


def ids(http: httpx.Client) -> dict[str, str]:
    return {file["name"]: file["file_id"] for file in http.get("/v1/files").json()["files"]}


def test_many_files_are_sent_at_once_each_with_its_words(http: httpx.Client, engine: FakeEngine) -> None:
    sent = http.post(
        "/v1/files",
        files=[*files(a_png=png("a"), b_png=png("b")), ("files", ("notes.txt", b"Some notes."))],
        data={"description": ["A harbour.", ""], "index": "trip"},
    )
    assert sent.status_code == 202, sent.text
    body = sent.json()
    assert [(f["name"], f["description"], f["media_type"], f["outcome"]) for f in body["files"]] == [
        ("a.png", "A harbour.", "image/png", "added"),
        ("b.png", "", "image/png", "added"),
        ("notes.txt", "", "text/plain", "added"),
    ]
    assert (body["refused"], body["run"]["index"], body["run"]["source"]) == ([], "trip", "uploads-trip")
    assert sent.headers["operation-location"] == body["run"]["url"]
    source = http.get(body["run"]["source_url"]).json()
    assert (source["kind"], source["index"], source["location"]) == ("uploads", "trip", "uploads://uploads-trip")
    assert http.get(body["run"]["url"]).json()["state"] == "queued"
    assert [job.counts.found for job in waiting(engine)] == [3]
    assert http.get(body["run"]["url"]).json()["state"] == "succeeded"


def test_more_files_join_those_that_are_there(http: httpx.Client, engine: FakeEngine) -> None:
    for name in ("a", "b"):
        assert http.post("/v1/files", files=files(**{f"{name}_png": png(name)})).status_code == 202
    assert list(ids(http)) == ["a.png", "b.png"]
    assert [saved.settings.name for saved in engine.sources.all()] == ["uploads-default"]


def test_the_same_bytes_are_told_and_not_kept_twice(http: httpx.Client) -> None:
    first = http.post("/v1/files", files=files(a_png=png())).json()["files"][0]
    again = http.post("/v1/files", files=files(b_png=png(), c_png=png())).json()["files"]
    assert [(f["outcome"], f["file_id"], f["name"]) for f in again] == [("duplicate", first["file_id"], "a.png")] * 2
    assert [f["sent_as"] for f in again] == ["b.png", "c.png"]
    assert list(ids(http)) == ["a.png"]


def test_other_bytes_of_a_name_that_is_taken_are_kept_beside_or_instead(http: httpx.Client) -> None:
    first = http.post("/v1/files", files=files(a_png=png("1"))).json()["files"][0]
    beside = http.post("/v1/files", files=files(a_png=png("2"))).json()["files"][0]
    assert (beside["name"], beside["sent_as"], beside["outcome"]) == ("a (2).png", "a.png", "added")
    instead = http.post("/v1/files", files=files(a_png=png("3")), data={"replace": "true"}).json()["files"][0]
    assert (instead["name"], instead["file_id"], instead["outcome"]) == ("a.png", first["file_id"], "replaced")
    assert list(ids(http)) == ["a (2).png", "a.png"]


@pytest.mark.parametrize(
    ("name", "data", "status", "reason", "told"),
    [
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", 422, "unsupported", "SVG"),
        ("a.zip", b"PK\x03\x04" + b"\0" * 100, 422, "unsupported", "ZIP"),
        ("a.exe", b"\x7fELF" + b"\0" * 100, 422, "unsupported", "a.exe"),
        ("a.png", b"", 422, "unreadable", "empty"),
        ("a.png", png("x" * 100_001), 413, "too_large", "larger than 100000 bytes"),
        ("a.txt", b"x" * 1_000_001, 413, "too_large", "larger than 1000000 bytes"),
        ("../../etc/passwd", png(), 400, "invalid_request", "leads out"),
        ("/etc/passwd", png(), 400, "invalid_request", "leads out"),
        ("C:/a.png", png(), 400, "invalid_request", "leads out"),
        ("a//b.png", png(), 400, "invalid_request", "leads out"),
        ("x" * 252 + ".png", png(), 400, "invalid_request", "longer than 255 bytes"),
        ("日" * 84 + ".png", png(), 400, "invalid_request", "longer than 255 bytes"),
        ("a\nb.png", png(), 400, "invalid_request", "control characters"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_the_reason(
    http: httpx.Client, name: str, data: bytes, status: int, reason: str, told: str
) -> None:
    refused = http.post("/v1/files", files=[("files", (name, data))])
    assert code(refused) == (status, reason), refused.text
    assert told in refused.json()["error"]["message"]
    assert ids(http) == {}
    mixed = http.post("/v1/files", files=[("files", (name, data)), *files(good_png=png())]).json()
    assert [f["name"] for f in mixed["files"]] == ["good.png"]
    assert [(r["name"], r["code"]) for r in mixed["refused"]] == [(name, reason)]


@pytest.mark.parametrize(
    "name", ["日本の港.png", "ท่าเรือ.png", "مرفأ.png", "Fahrt/Tag 1/Hafen ä.png", "a%41.png", "x" * 251 + ".png"]
)
def test_names_in_any_script_come_back_as_they_were_sent(http: httpx.Client, name: str) -> None:
    sent = http.post("/v1/files", files=[("files", (name, png()))])
    assert sent.json()["files"][0]["name"] == name
    assert list(ids(http)) == [name]


def test_a_name_in_the_extended_form_is_read(http: httpx.Client) -> None:
    body = (
        b"--x\r\ncontent-disposition: form-data; name=\"files\"; filename*=utf-8''%E6%97%A5.png\r\n\r\n"
        + png()
        + b"\r\n--x--\r\n"
    )
    sent = http.post("/v1/files", content=body, headers={"content-type": "multipart/form-data; boundary=x"})
    assert sent.json()["files"][0]["name"] == "日.png"


def test_a_form_that_is_none_or_broken_leaves_nothing(http: httpx.Client, engine: FakeEngine) -> None:
    heading = {"content-type": "multipart/form-data; boundary=x"}
    part = b'--x\r\ncontent-disposition: form-data; name="files"; filename="a.png"\r\n\r\n' + png()
    for content, headers in (
        (b"{}", {"content-type": "application/json"}),
        (b"", heading),
        (b"no form at all", heading),
        (part, heading),
        (part + b"\r\n--x\r\nbad", heading),
    ):
        assert code(http.post("/v1/files", content=content, headers=headers)) == (400, "invalid_request")
    assert code(http.post("/v1/files", files=[("note", (None, "words"))])) == (400, "invalid_request")
    assert code(http.post("/v1/files", files={"description": (None, "words")})) == (400, "invalid_request")
    too_many = {"description": ["one", "two"]}
    assert code(http.post("/v1/files", files=files(a_png=png()), data=too_many)) == (400, "invalid_request")
    assert code(http.post("/v1/files", files=files(a_png=png()), data={"start": "maybe"})) == (400, "invalid_request")
    assert ids(http) == {}
    assert not engine.uploads._store._arriving  # type: ignore[attr-defined]


def test_a_form_over_its_limits_is_refused(http: httpx.Client, engine: FakeEngine) -> None:
    seven = [("files", (f"{n}.png", png(str(n)))) for n in range(7)]
    assert code(http.post("/v1/files", files=seven)) == (400, "invalid_request")
    large = [("files", (f"{n}.txt", b"x" * 900_000)) for n in range(4)]
    assert code(http.post("/v1/files", files=large)) == (413, "too_large")

    def endless():  # of no declared length
        yield b'--x\r\ncontent-disposition: form-data; name="files"; filename="a.txt"\r\n\r\n'
        for _ in range(40):
            yield b"x" * 100_000

    try:
        answer = http.post("/v1/files", content=endless(), headers={"content-type": "multipart/form-data; boundary=x"})
        assert code(answer) == (413, "too_large")
    except httpx.WriteError:
        pass  # the server had hung up
    assert ids(http) == {}
    assert not engine.uploads._store._arriving  # type: ignore[attr-defined]


def test_words_come_from_a_metadata_file_of_the_same_form(http: httpx.Client) -> None:
    entries = [
        {"image_blob_path": "a.png", "description": "A harbour."},
        {"image_blob_path": "nowhere.png", "description": "Nothing."},
        {"image_blob_path": "../../b.png", "description": "A trick."},
    ]
    body = http.post(
        "/v1/files",
        files=[("files", ("metadata.json", json.dumps(entries).encode())), *files(a_png=png("a"), b_png=png("b"))],
    ).json()
    assert body["described"] == 1
    assert {f["reason"] for f in body["failures"]} == {
        "Entry 2 describes nowhere.png, which is not in the source.",
        "Entry 3: '../../b.png' leads out of the folder.",
    }
    described = {f["name"]: f["description"] for f in http.get("/v1/files").json()["files"]}
    assert described == {"a.png": "A harbour.", "b.png": ""}


def test_words_are_imported_later_from_json_or_csv(http: httpx.Client, engine: FakeEngine) -> None:
    http.post("/v1/files", files=files(a_png=png("a"), b_png=png("b")), data={"description": ["Old words.", ""]})
    waiting(engine)
    entries = [{"image_blob_path": "a.png", "description": "New words."}]
    assert http.post("/v1/files/descriptions", json=entries).json()["described"] == 1
    assert len(waiting(engine)) == 1
    csv = "b.png,Words of b.\nc.png,None.\n"
    imported = http.post("/v1/files/descriptions", content=csv, headers={"content-type": "text/csv"}).json()
    assert (imported["described"], len(imported["failures"])) == (1, 1)
    described = {f["name"]: f["description"] for f in http.get("/v1/files").json()["files"]}
    assert described == {"a.png": "New words.", "b.png": "Words of b."}
    for wrong in (b"{", b'{"a": 1}'):
        assert code(http.post("/v1/files/descriptions", content=wrong)) == (400, "invalid_request")


def test_words_that_are_imported_without_a_start_wait_for_the_next_run(http: httpx.Client, engine: FakeEngine) -> None:
    """S10: who has not yet seen what it costs has nothing read."""
    http.post("/v1/files", files=files(a_png=png()), data={"start": "false"})
    entries = [{"image_blob_path": "a.png", "description": "A harbour."}]
    imported = http.post("/v1/files/descriptions?start=false", json=entries).json()
    assert (imported["described"], imported["run"]["job_id"]) == (1, None)
    assert waiting(engine) == []


def test_a_file_is_had_back_as_it_was_sent_and_never_run(http: httpx.Client) -> None:
    http.post("/v1/files", files=[*files(a_png=png()), ("files", ("b.html", b"<script>alert(1)</script>"))])
    sent = ids(http)
    picture, page = (http.get(f"/v1/files/{sent[name]}/bytes") for name in ("a.png", "b.html"))
    assert (picture.content, picture.headers["content-type"]) == (png(), "image/png")
    assert page.headers["content-type"].startswith("text/plain")
    assert "sandbox" in page.headers["content-security-policy"]
    part = http.get(f"/v1/files/{sent['a.png']}/bytes", headers={"range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, png()[:4])
    known = http.get(f"/v1/files/{sent['a.png']}/bytes", headers={"if-none-match": picture.headers["etag"]})
    assert known.status_code == 304
    http.delete(f"/v1/files/{sent['a.png']}")
    assert http.get(f"/v1/files/{sent['a.png']}/bytes").status_code == 404


def test_metadata_of_over_ten_thousand_entries_is_used_up_to_there_and_reported(http: httpx.Client) -> None:
    http.post("/v1/files", files=files(a_png=png("a"), b_png=png("b")))
    entries = [{"image_blob_path": "a.png", "description": "Words."}] * 10_000
    entries.append({"image_blob_path": "b.png", "description": "Too late."})
    imported = http.post("/v1/files/descriptions", json=entries).json()
    assert imported["described"] == 1
    assert "10001 entries" in imported["failures"][0]["reason"]


def test_words_are_changed_and_the_file_is_read_again(http: httpx.Client, engine: FakeEngine) -> None:
    http.post("/v1/files", files=files(a_png=png()))
    waiting(engine)
    (file_id,) = ids(http).values()
    changed = http.patch(f"/v1/files/{file_id}", json={"description": "  A boat.  "}).json()
    assert (changed["description"], changed["state"]) == ("A boat.", "pending")
    assert [job.saved_source for job in waiting(engine)] == ["uploads-default"]
    assert http.patch(f"/v1/files/{file_id}", json={"description": "A boat."}).status_code == 200
    assert waiting(engine) == []  # the same words cost nothing
    assert code(http.patch(f"/v1/files/{file_id}", json={"name": "b.png"})) == (400, "invalid_request")
    assert code(http.patch(f"/v1/files/{'0' * 32}", json={"description": ""})) == (404, "not_found")


def test_a_deleted_file_is_gone_at_once_and_its_source_is_due(http: httpx.Client, engine: FakeEngine) -> None:
    http.post("/v1/files", files=files(a_png=png("a"), b_png=png("b")))
    waiting(engine)
    file_id = ids(http)["a.png"]
    asset_id = engine.uploads.file(FileId(file_id)).asset_id
    deleted = http.delete(f"/v1/files/{file_id}")
    assert (deleted.status_code, deleted.json()["run"]["source"]) == (202, "uploads-default")
    with pytest.raises(UnreadableAssetError):
        engine.uploads._store.open(asset_id)
    assert code(http.get(f"/v1/files/{file_id}")) == (404, "not_found")
    assert code(http.delete(f"/v1/files/{file_id}")) == (404, "not_found")
    assert [job.counts.found for job in waiting(engine)] == [1]


def test_files_can_be_looked_at_before_they_are_read(http: httpx.Client, engine: FakeEngine) -> None:
    body = http.post("/v1/files", files=files(a_png=png()), data={"start": "false"}).json()
    assert (body["run"]["job_id"], body["run"]["url"], waiting(engine)) == (None, None, [])
    assert http.get(f"{body['run']['source_url']}/plan").json()["counts"]["added"] == 1
    assert http.post(f"{body['run']['source_url']}/refresh").status_code == 202
    assert [job.saved_source for job in waiting(engine)] == ["uploads-default"]


def test_what_is_sent_joins_a_job_that_waits_and_follows_one_that_runs(http: httpx.Client, engine: FakeEngine) -> None:
    first = http.post("/v1/files", files=files(a_png=png("a"))).json()["run"]["job_id"]
    assert http.post("/v1/files", files=files(b_png=png("b"))).json()["run"]["job_id"] == first
    assert engine.log.claim() is not None  # another process has begun with it
    second = http.post("/v1/files", files=files(c_png=png("c"))).json()["run"]["job_id"]
    assert second != first
    assert waiting(engine) == []  # not while the first one writes to the index
    engine.log.update(IngestionId(first), state=IngestionState.SUCCEEDED)
    assert [job.ingestion_id for job in waiting(engine)] == [second]


def test_a_list_comes_in_pages(http: httpx.Client) -> None:
    for index in ("one", "two"):
        http.post("/v1/files", files=files(a_png=png("a"), b_png=png("b"), c_png=png("c")), data={"index": index})
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = http.get("/v1/files", params={"limit": 2, "after": after}).json()
        seen += [f"{file['index']}/{file['name']}" for file in page["files"]]
        after = page["next"]
    assert seen == [f"{index}/{name}.png" for index in ("one", "two") for name in "abc"]
    only = http.get("/v1/files", params={"index": "two"}).json()["files"]
    assert {file["index"] for file in only} == {"two"}


def test_removing_the_source_deletes_its_files(http: httpx.Client, engine: FakeEngine) -> None:
    http.post("/v1/files", files=files(a_png=png()))
    (file_id,) = ids(http).values()
    assert http.delete("/v1/sources/uploads-default").status_code == 204
    with pytest.raises(NotFoundError):
        engine.uploads.file(FileId(file_id))


def test_readers_send_nothing(keyed: Client) -> None:
    reader = keyed(Role.READER)
    for answer in (
        reader.post("/v1/files", files=files(a_png=png())),
        reader.get("/v1/files"),
        reader.get("/v1/files/none/bytes"),
        reader.post("/v1/files/descriptions", json=[]),
        reader.post("/v1/files/resumable", headers={"upload-length": "1"}),
    ):
        assert code(answer) == (403, "forbidden")


def test_a_key_with_groups_sends_for_these_and_sees_no_others(keyed: Client, engine: FakeEngine) -> None:
    board, press, everybody = (
        keyed(Role.CONTRIBUTOR, ("board",)),
        keyed(Role.CONTRIBUTOR, ("press",)),
        keyed(Role.OWNER),
    )
    sent = board.post("/v1/files", files=files(a_png=png())).json()
    assert sent["run"]["groups"] == ["board"]
    (file_id,) = ids(board).values()
    # The same bytes for others are a file of their own: that somebody has them is not told.
    assert press.post("/v1/files", files=files(a_png=png())).json()["files"][0]["outcome"] == "added"
    assert everybody.post("/v1/files", files=files(a_png=png())).json()["files"][0]["outcome"] == "added"
    assert len(ids(press)) == 1
    assert file_id not in ids(press).values()
    for answer in (
        press.get(f"/v1/files/{file_id}"),
        press.patch(f"/v1/files/{file_id}", json={"description": "x"}),
        press.delete(f"/v1/files/{file_id}"),
        press.post("/v1/files", files=files(b_png=png("b")), data={"source": sent["run"]["source"]}),
    ):
        assert code(answer) == (404, "not_found")
    for group in ("press", ""):
        denied = board.post("/v1/files", files=files(b_png=png("b")), data={"group": group or "press"})
        assert code(denied) == (403, "forbidden")
    assert {s.settings.groups for s in engine.uploads.all_sources()} == {("board",), ("press",), ()}
    assert len(everybody.get("/v1/files").json()["files"]) == 3


def test_files_go_to_a_source_that_was_added_by_name(http: httpx.Client, engine: FakeEngine) -> None:
    added: dict[str, Any] = {"name": "inbox", "kind": "uploads", "index": "trip"}
    assert http.post("/v1/sources", json=added).json()["location"] == "uploads://inbox"
    body = http.post("/v1/files", files=files(a_png=png()), data={"source": "inbox"}).json()
    assert (body["run"]["source"], body["run"]["index"]) == ("inbox", "trip")
    place = {"account_url": "https://a.blob.core.windows.net", "container": "c"}
    http.post("/v1/sources", json={"name": "blobs", "kind": "azure-blob", "index": "trip", **place})
    assert code(http.post("/v1/files", files=files(b_png=png("b")), data={"source": "blobs"})) == (404, "not_found")


def test_a_watched_upload_or_a_key_for_one_is_refused(http: httpx.Client) -> None:
    source = {"name": "inbox", "kind": "uploads", "index": "trip"}
    assert code(http.post("/v1/sources", json={**source, "watch": True})) == (400, "invalid_request")
    key = {"kind": "key", "secret": "c2VjcmV0"}
    assert code(http.post("/v1/sources", json={**source, "credential": key})) == (400, "invalid_request")
