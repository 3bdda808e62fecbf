"""Azure's ingestion jobs over a real Azurite and a served home: photos of a container, searched by the job's id."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from foveal.models.cards import Card
from foveal.testing.serving import environment, launched

from .azurite import KEY, Azurite

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

OPEN = {"notRunning", "running"}
VERSION = {"api-version": "2024-08-01-preview"}


def ended(http: httpx.Client, created: httpx.Response) -> dict[str, Any]:
    """The run that a reply leads to, when it has ended."""
    deadline = time.monotonic() + 90
    while (run := http.get(created.headers["operation-location"]).json())["status"] in OPEN:
        assert time.monotonic() < deadline, run
        time.sleep(0.2)
    return dict(run)


def test_a_job_over_a_container_makes_an_index_of_its_name(
    azurite: Azurite,
    container: ContainerClient,
    upload: Callable[[str, bytes | Path], None],
    tmp_path: Path,
    models_dir: Path,
    pulled: Callable[[str], Card],
) -> None:
    pulled("multilingual-e5-small")
    upload("ships/zeppelin.txt", b"The zeppelin lands in the harbour at noon.")
    upload("empty.txt", b"")
    upload("metadata.json", json.dumps([{"image_blob_path": "nowhere.png", "description": "x"}]).encode())
    environ = environment(home=tmp_path / "home", models=models_dir, offline=1)
    with launched(environ) as running, httpx.Client(base_url=running.address, trust_env=False, timeout=60) as http:
        connection = {"kind": "EndpointWithKey", "endpoint": azurite.account_url, "key": KEY}
        datasource = {"kind": "Storage", "connection": connection, "containerName": container.container_name}
        body = {"kind": "SystemCompute", "datasource": {**datasource, "embeddings": []}}
        created = http.put("/openai/ingestion/jobs/ship-docs", params=VERSION, json=body)
        assert created.status_code == 200, created.text
        run = ended(http, created)
        assert run["status"] == "succeeded", run
        assert [stage["state"] for stage in run["progress"]["stageProgress"]] == ["succeeded", "succeeded"]
        assert any("empty" in warning for warning in run["warnings"])
        assert any("nowhere.png" in warning for warning in run["warnings"])
        hits = http.post("/v1/search", json={"index": "ship-docs", "text": "zeppelin"}).json()["hits"]
        assert [hit["filepath"] for hit in hits] == ["ships/zeppelin.txt"]

        wrong = {**connection, "key": "d3Jvbmc="}
        refused = http.put(
            "/openai/ingestion/jobs/ship-docs",
            params=VERSION,
            json={**body, "datasource": {**datasource, "connection": wrong}},
        )
        run = ended(http, refused)
        assert (run["status"], container.container_name in run["error"]["message"]) == ("failed", True)
        hits = http.post("/v1/search", json={"index": "ship-docs", "text": "zeppelin"}).json()["hits"]
        assert len(hits) == 1  # what was searchable still is
