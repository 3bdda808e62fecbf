"""Uploads with the real models: sent over HTTP to a served home, found, described anew, deleted everywhere."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from foveal.models.cards import Card
from foveal.testing.serving import environment, launched

CARDS = ("efficientnet-lite2", "nanodet", "ssdlite", "open-nsfw", "multilingual-e5-small", "pp-ocr-v6")
BEAR, APPLES, COFFEE = "000000000285.jpg", "000000002149.jpg", "000000002592.jpg"
ZEPPELIN = "A zeppelin over the harbour of Friedrichshafen."


@pytest.fixture(scope="module")
def photos(test_data: Path, pulled: Callable[[str], Card]) -> dict[str, bytes]:
    for card in CARDS:
        pulled(card)
    coco = test_data / "photos" / "coco"
    return {name: next(coco.rglob(name)).read_bytes() for name in (BEAR, APPLES, COFFEE)}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uploads") / "home"


@pytest.fixture(scope="module")
def environ(home: Path, models_dir: Path) -> dict[str, str]:
    return environment(home=home, models=models_dir, offline=1)


@pytest.fixture
def served(environ: dict[str, str]) -> Iterator[httpx.Client]:
    with launched(environ) as running, httpx.Client(base_url=running.address, trust_env=False, timeout=60) as http:
        yield http


def settled(http: httpx.Client, run: dict[str, Any]) -> dict[str, Any]:
    """The job of a reply, when it has ended."""
    deadline = time.monotonic() + 120
    while (job := http.get(run["url"]).json())["state"] in {"queued", "running"}:
        assert time.monotonic() < deadline, job
        time.sleep(0.1)
    assert job["state"] == "succeeded", job
    return dict(job)


def run(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "foveal", *arguments]
    return subprocess.run(command, check=False, env=environ, capture_output=True, text=True, timeout=120)


def found(http: httpx.Client, text: str) -> dict[str, dict[str, Any]]:
    hits = http.post("/v1/search", json={"index": "trip", "text": text, "top": 50}).json()["hits"]
    return {hit["filepath"]: hit for hit in hits}


def test_photos_are_sent_found_described_anew_and_deleted_everywhere(
    served: httpx.Client, photos: dict[str, bytes], home: Path
) -> None:
    http = served
    sent = http.post(
        "/v1/files",
        files=[("files", (name, data)) for name, data in photos.items()],
        data={"index": "trip", "description": ["A grizzly bear.", "", "Coffee on a table."]},
    ).json()
    assert [file["outcome"] for file in sent["files"]] == ["added"] * 3
    assert settled(http, sent["run"])["counts"]["added"] == 3
    listed = http.get("/v1/files", params={"index": "trip"}).json()["files"]
    assert {file["name"]: file["state"] for file in listed} == dict.fromkeys(photos, "indexed")
    assert set(found(http, "photo")) == set(photos)
    bear = found(http, "grizzly bear")[BEAR]
    assert bear["description"] == "A grizzly bear."
    assert http.get(bear["bytes_url"]).content == photos[BEAR]
    assert http.get(bear["thumbnail_url"]).headers["content-type"] == "image/jpeg"
    assert list((home / "derived").rglob("*.jpg"))

    ids = {file["name"]: file["file_id"] for file in listed}
    changed = http.patch(f"/v1/files/{ids[APPLES]}", json={"description": ZEPPELIN}).json()
    assert changed["state"] == "pending"
    assert settled(http, changed["run"])["counts"]["changed"] == 1
    best = http.post("/v1/search", json={"index": "trip", "text": "zeppelin Friedrichshafen"}).json()["hits"][0]
    assert (best["filepath"], best["description"]) == (APPLES, ZEPPELIN)

    deleted = http.delete(f"/v1/files/{ids[BEAR]}")
    assert deleted.status_code == 202
    for address in (bear["bytes_url"], bear["thumbnail_url"]):  # at once
        gone = http.get(address)
        assert gone.status_code == 404, gone.text
        assert gone.json()["error"]["message"]
    assert not [p for p in (home / "uploads").rglob("*") if p.is_file() and p.read_bytes() == photos[BEAR]]
    assert settled(http, deleted.json()["run"])["counts"]["deleted"] == 1
    assert set(found(http, "grizzly bear")) <= {APPLES, COFFEE}
    chunk = f"/v1/indexes/trip/chunks/{bear['chunk_id']}"
    assert http.get(chunk).status_code == 404
    assert not (home / "derived" / bear["asset_id"][:2] / bear["asset_id"][2:4] / bear["asset_id"]).exists()
    body = {
        "messages": [{"role": "user", "content": "Is there a photo of a grizzly bear?"}],
        "data_sources": [{"type": "azure_search", "parameters": {"index_name": "trip"}}],
    }
    answer = http.post("/v1/chat/completions", json={"model": "foveal", **body}).json()
    cited = answer["choices"][0]["message"]["context"]["citations"]
    assert BEAR not in [citation["filepath"] for citation in cited]


def test_uploads_survive_a_restart_and_the_command_line_adds_to_them(
    environ: dict[str, str], photos: dict[str, bytes], tmp_path: Path
) -> None:
    (tmp_path / "ours.jpg").write_bytes(photos[COFFEE])
    (tmp_path / "again.jpg").write_bytes(photos[COFFEE])
    (tmp_path / "drawing.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    files = [str(tmp_path / n) for n in ("ours.jpg", "again.jpg", "drawing.svg")]
    told = run(environ, "upload", *files, "--index", "inbox", "--description", "Coffee.")
    assert told.returncode == 4, told.stderr
    assert "ours.jpg (added)" in told.stdout
    assert "again.jpg → ours.jpg (duplicate)" in told.stdout
    assert "1 added" in told.stdout
    assert "SVG" in told.stderr
    (tmp_path / "ours.jpg").unlink()  # the home has a copy
    seen = run(environ, "search", "coffee", "--index", "inbox", "--json")
    assert "ours.jpg" in seen.stdout
