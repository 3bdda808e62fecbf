"""`/v1/sources`: saved, tried out, asked for, removed; who may; and that what opens them never comes back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from foveal.api.auth import Role
from foveal.testing.fakes_engine import FakeEngine
from foveal.types.sources import Credential, CredentialKind, Secret

SECRET = "c2VjcmV0IMO8"
BLOBS: dict[str, Any] = {
    "name": "blobs",
    "kind": "azure-blob",
    "index": "photos",
    "account_url": "https://acme.blob.core.windows.net",
    "container": "photos",
    "credential": {"kind": "key", "secret": SECRET},
    "every": "6h",
}


@pytest.fixture
def folder(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "a.txt").write_text("words")
    return {"name": "texts", "kind": "folder", "index": "texts", "path": str(tmp_path)}


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def test_a_saved_source_is_listed_without_what_opens_it(http: httpx.Client, engine: FakeEngine) -> None:
    added = http.post("/v1/sources", json=BLOBS)
    assert added.status_code == 201
    saved = added.json()
    assert saved["location"] == "https://acme.blob.core.windows.net/photos"
    assert (saved["credential"], saved["every_s"], saved["state"]) == ("key", 21600, "new")
    assert saved["next_run_at"] is not None
    listed = http.get("/v1/sources")
    assert listed.json() == {"sources": [saved]}
    assert http.get("/v1/sources/blobs").json() == saved
    assert SECRET not in added.text + listed.text
    (kept,) = engine.sources.all()
    assert kept.credential is CredentialKind.ACCOUNT_KEY


def test_a_secret_in_a_body_that_is_refused_does_not_come_back(http: httpx.Client) -> None:
    for wrong in (
        {**BLOBS, "credential": {"kind": "key", "secret": [SECRET]}},
        {**BLOBS, "credential": {"kind": SECRET, "secret": SECRET}},
        {**BLOBS, "credential": {"kind": "connection-string", "secret": SECRET}},
        {**BLOBS, "credential": {"kind": "sas-url", "secret": f"https://x/{SECRET}"}},
        {**BLOBS, "account_url": ""},
    ):
        refused = http.post("/v1/sources", json=wrong)
        assert refused.status_code == 400
        assert SECRET not in refused.text


def test_a_folder_is_tried_out_planned_refreshed_and_removed(
    http: httpx.Client, engine: FakeEngine, folder: dict[str, Any]
) -> None:
    http.post("/v1/sources", json=folder)
    tried = http.post("/v1/sources/texts/test").json()
    assert (tried["ok"], tried["files"], tried["readable"]) == (True, 1, "a.txt")
    assert http.get("/v1/sources/texts/plan").json()["counts"]["added"] == 1
    asked = http.post("/v1/sources/texts/refresh")
    assert (asked.status_code, asked.json()["state"], asked.json()["saved_source"]) == (202, "queued", "texts")
    assert asked.headers["location"] == f"/v1/jobs/{asked.json()['id']}"
    assert http.post("/v1/sources/texts/refresh").json()["id"] == asked.json()["id"]
    assert engine.jobs.run_next() is not None
    ended = http.get(asked.headers["location"]).json()
    assert (ended["state"], ended["counts"]["added"], ended["failures"]) == ("succeeded", 1, [])
    assert http.get("/v1/sources/texts").json()["state"] == "succeeded"
    assert http.delete("/v1/sources/texts").status_code == 204
    assert code(http.get("/v1/sources/texts")) == (404, "not_found")


def test_what_is_wrong_is_said_precisely(http: httpx.Client, tmp_path: Path) -> None:
    empty = {"name": "empty", "kind": "folder", "index": "texts", "path": str(tmp_path)}
    http.post("/v1/sources", json=empty)
    tried = http.post("/v1/sources/empty/test").json()
    assert (tried["ok"], tried["reason"]) == (False, "empty")
    assert str(tmp_path) in tried["message"]


def test_a_schedule_and_a_key_can_be_changed(http: httpx.Client, engine: FakeEngine) -> None:
    http.post("/v1/sources", json=BLOBS)
    changed = http.put("/v1/sources/blobs/schedule", json={"cron": "0 3 * * *"}).json()
    assert (changed["cron"], changed["every_s"]) == ("0 3 * * *", None)
    assert code(http.put("/v1/sources/blobs/schedule", json={"cron": "often"})) == (400, "invalid_request")
    other = {"kind": "key", "secret": "cm90YXRlZA=="}
    assert http.put("/v1/sources/blobs/credential", json=other).status_code == 204
    assert engine.sources._registry.credential("blobs") == Credential(
        kind=CredentialKind.ACCOUNT_KEY, secret=Secret("cm90YXRlZA==")
    )


def test_a_second_source_of_that_name_is_a_conflict(http: httpx.Client) -> None:
    http.post("/v1/sources", json=BLOBS)
    assert code(http.post("/v1/sources", json=BLOBS)) == (409, "conflict")


def test_sources_are_for_contributors(keyed: Callable[..., httpx.Client]) -> None:
    reader = keyed(Role.READER)
    for response in (
        reader.get("/v1/sources"),
        reader.get("/v1/sources/blobs"),
        reader.post("/v1/sources", json=BLOBS),
        reader.delete("/v1/sources/blobs"),
        reader.post("/v1/sources/blobs/refresh"),
        reader.post("/v1/sources/blobs/test"),
        reader.get("/v1/sources/blobs/plan"),
        reader.put("/v1/sources/blobs/credential", json={"kind": "key", "secret": "x"}),
        reader.put("/v1/sources/blobs/schedule", json={}),
    ):
        assert code(response) == (403, "forbidden")


def test_what_this_machine_alone_may_open_is_for_owners(
    keyed: Callable[..., httpx.Client], folder: dict[str, Any]
) -> None:
    contributor, owner = keyed(Role.CONTRIBUTOR), keyed(Role.OWNER)
    own = [
        folder,
        {"name": "url", "kind": "url", "index": "texts", "url": "file:///etc"},
        {**BLOBS, "name": "me", "credential": {"kind": "identity"}},
        {**BLOBS, "name": "inside", "account_url": "http://10.0.0.1/acme"},
        {
            **BLOBS,
            "name": "text",
            "account_url": "",
            "credential": {"kind": "connection-string", "secret": "BlobEndpoint=http://10.0.0.1/x;AccountKey=eA=="},
        },
    ]
    for body in own:
        assert code(contributor.post("/v1/sources", json=body)) == (403, "forbidden"), body
        if body["name"] in {"texts", "me"}:
            assert owner.post("/v1/sources", json=body).status_code == 201
    assert contributor.post("/v1/sources", json={**BLOBS, "index": "others"}).status_code == 201
    assert code(contributor.put("/v1/sources/blobs/credential", json={"kind": "identity"})) == (403, "forbidden")


def test_a_key_with_groups_has_the_sources_of_its_groups_only(keyed: Callable[..., httpx.Client]) -> None:
    everyone, press = keyed(Role.CONTRIBUTOR), keyed(Role.CONTRIBUTOR, ("press", "radio"))
    everyone.post("/v1/sources", json=BLOBS)
    everyone.post("/v1/sources", json={**BLOBS, "name": "board", "index": "board", "groups": ["board", "press"]})
    assert code(press.post("/v1/sources", json={**BLOBS, "name": "x", "groups": []})) == (403, "forbidden")
    assert code(press.post("/v1/sources", json={**BLOBS, "name": "x", "groups": ["board"]})) == (403, "forbidden")
    mine = press.post("/v1/sources", json={**BLOBS, "name": "mine", "index": "press"})
    assert mine.json()["groups"] == ["press", "radio"]
    assert [s["name"] for s in press.get("/v1/sources").json()["sources"]] == ["mine"]
    for name in ("blobs", "board"):
        for response in (
            press.get(f"/v1/sources/{name}"),
            press.post(f"/v1/sources/{name}/refresh"),
            press.post(f"/v1/sources/{name}/test"),
            press.put(f"/v1/sources/{name}/schedule", json={}),
            press.put(f"/v1/sources/{name}/credential", json={"kind": "key", "secret": "x"}),
            press.delete(f"/v1/sources/{name}"),
        ):
            assert code(response) == (404, "not_found")
    assert len(everyone.get("/v1/sources").json()["sources"]) == 3
