"""`/openai/ingestion/jobs`: the contract's examples and both spellings of fields; no container is reached."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from foveal.api.auth import Role
from foveal.asgi import create_app
from foveal.testing.fakes_engine import FakeEngine
from foveal.testing.fakes_keys import InMemoryApiKeys
from foveal.types.ingestions import AssetFailure, IngestionCounts, IngestionId, IngestionState, JobProgress
from foveal.types.keys import KeyGrant
from foveal.types.sources import CredentialKind

VERSION = {"api-version": "2024-08-01-preview"}
KEY = "c2VjcmV0IGtleQ=="
STORAGE: dict[str, Any] = {
    "kind": "Storage",
    "connection": {"kind": "EndpointWithKey", "endpoint": "https://acme.blob.core.windows.net/", "key": KEY},
    "containerName": "container",
    "chunking": {"maxChunkSizeInTokens": 2048},
    "embeddings": [{"connection": {"kind": "RelativeConnection"}, "deploymentName": "Ada"}],
}
JOB: dict[str, Any] = {
    "kind": "SystemCompute",
    "searchServiceConnection": {"kind": "EndpointWithManagedIdentity", "endpoint": "https://acme.search.windows.net"},
    "datasource": STORAGE,
    "dataRefreshIntervalInHours": 24,
    "completionAction": "keepAllAssets",
}
RESOURCE = "/subscriptions/1/resourceGroups/r/providers/Microsoft.Storage/storageAccounts/acme"
OLD_SPELLING: dict[str, Any] = {
    "kind": "system",
    "searchServiceConnection": {"kind": "EndpointWithManagedIdentity", "endpoint": "https://acme.search.windows.net"},
    "datasource": {
        "kind": "Storage",
        "storageAccountConnection": {
            "kind": "EndpointWithManagedIdentity",
            "endpoint": "https://acme.blob.core.windows.net",
            "resourceId": f"ResourceId={RESOURCE}",
        },
        "containerName": "container",
        "chunkingSettings": {"maxChunkSizeInTokens": 2048},
        "embeddingsSettings": [
            {"embeddingResourceConnection": {"kind": "RelativeConnection"}, "deploymentName": "Ada"}
        ],
    },
    "dataRefreshIntervalInHours": 24,
    "completionAction": "cleanUpTempAssets",
}


@pytest.fixture
def put(http: httpx.Client) -> Callable[..., httpx.Response]:
    def send(body: object, job_id: str = "photos") -> httpx.Response:
        return http.put(f"/openai/ingestion/jobs/{job_id}", params=VERSION, json=body)

    return send


@pytest.fixture
def keyed(engine: FakeEngine, serve: Callable[[ASGIApp], str]) -> Iterator[Callable[..., httpx.Client]]:
    keys = InMemoryApiKeys()
    base_url = serve(create_app(engine, keys=keys))
    clients: list[httpx.Client] = []

    def client(role: Role, groups: tuple[str, ...] | None = None) -> httpx.Client:
        _, key = keys.create(KeyGrant(name=f"k{len(clients)}", role=role, groups=groups))
        clients.append(httpx.Client(base_url=base_url, timeout=20, trust_env=False, headers={"api-key": key}))
        return clients[-1]

    yield client
    for made in clients:
        made.close()


def run_of(http: httpx.Client, created: httpx.Response) -> dict[str, Any]:
    answer = http.get(created.headers["operation-location"])
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def test_the_contracts_example_is_answered_as_there(
    put: Callable[..., httpx.Response], http: httpx.Client, test_data: Path
) -> None:
    examples = test_data.parent / "contracts" / "examples"
    if not examples.is_dir():
        pytest.skip("the contract's examples are not here")
    example = json.loads((examples / "2024-08-01-preview.put_ingestion_job_sc.json").read_text())
    created = put(example["parameters"]["ingestionJob"], "ingestion-job")
    assert created.status_code == 200
    assert created.json() == example["responses"]["200"]["body"]
    where = httpx.URL(created.headers["operation-location"])
    theirs = httpx.URL(example["responses"]["200"]["headers"]["operation-location"])
    assert where.path.rpartition("/")[0] == theirs.path.rpartition("/")[0]
    assert where.params == theirs.params
    run = run_of(http, created)
    shape = json.loads((examples / "2024-08-01-preview.get_ingestion_job_run.json").read_text())["responses"]["200"]
    assert run.keys() == shape["body"].keys()
    runs = http.get("/openai/ingestion/jobs/ingestion-job/runs", params=VERSION).json()
    assert runs == {"value": [{"jobId": "ingestion-job", "runId": run["runId"], "status": "notRunning"}]}


def test_a_job_is_a_source_of_blobs_whose_id_names_the_index(
    put: Callable[..., httpx.Response], engine: FakeEngine
) -> None:
    assert put(JOB).status_code == 200
    (saved,) = engine.sources.all()
    settings = saved.settings
    assert (settings.index, settings.location) == ("photos", "https://acme.blob.core.windows.net/container")
    assert (saved.credential, settings.schedule.every_s) == (CredentialKind.ACCOUNT_KEY, 86_400)
    assert saved.next_run_at is not None
    assert (saved.next_run_at - saved.created_at).total_seconds() > 86_000  # its first run is queued, not due as well
    assert len(engine.jobs.recent()) == 1


def test_what_opens_a_container_does_not_come_back(put: Callable[..., httpx.Response], http: httpx.Client) -> None:
    created = put(JOB)
    shown = http.get("/openai/ingestion/jobs/photos", params=VERSION)
    listed = http.get("/openai/ingestion/jobs", params=VERSION)
    assert shown.json() == created.json()
    assert listed.json() == {"value": [created.json()]}
    assert created.json()["datasource"]["connection"]["endpoint"] == "https://acme.blob.core.windows.net/"
    text = f"DefaultEndpointsProtocol=https;AccountName=acme;AccountKey={KEY};EndpointSuffix=core.windows.net"
    connection = {"kind": "ConnectionString", "connectionString": text}
    other = put({**JOB, "datasource": {**STORAGE, "connection": connection}}, "others")
    assert other.status_code == 200
    assert KEY not in created.text + shown.text + listed.text + other.text


@pytest.mark.parametrize(
    "connection",
    [
        OLD_SPELLING["datasource"]["storageAccountConnection"],
        {"kind": "EndpointWithManagedIdentity", "resourceId": RESOURCE},
        {"kind": "ConnectionString", "connectionString": f"ResourceId={RESOURCE};"},
    ],
)
def test_the_spelling_of_may_2024_is_understood_and_sent_back_as_it_was(
    put: Callable[..., httpx.Response], engine: FakeEngine, connection: dict[str, str]
) -> None:
    body = {**OLD_SPELLING, "datasource": {**OLD_SPELLING["datasource"], "storageAccountConnection": connection}}
    created = put(body)
    assert created.status_code == 200, created.text
    assert created.json()["datasource"].keys() == body["datasource"].keys()
    assert created.json()["kind"] == "system"
    (saved,) = engine.sources.all()
    assert saved.credential is CredentialKind.IDENTITY
    assert saved.settings.location == "https://acme.blob.core.windows.net/container"


def test_a_run_goes_through_the_states_of_the_contract(
    put: Callable[..., httpx.Response], http: httpx.Client, engine: FakeEngine
) -> None:
    created = put(JOB)
    waits = run_of(http, created)
    assert waits["status"] == "notRunning"
    assert waits["progress"]["stageProgress"] == [
        {"name": "Preprocessing", "state": "notRunning"},
        {"name": "Indexing", "state": "notRunning"},
    ]
    job_id = IngestionId(waits["runId"])
    assert engine.log.claim() is not None
    engine.log.update(job_id, stage="understand", progress=JobProgress(todo=14, done=3))
    runs = run_of(http, created)
    assert runs["status"] == "running"
    assert runs["progress"]["stageProgress"] == [
        {"name": "Preprocessing", "totalItems": 14, "processedItems": 3, "state": "running"},
        {"name": "Indexing", "state": "notRunning"},
    ]
    engine.log.update(job_id, stage="finish", progress=JobProgress(todo=14, done=14))
    finishes = run_of(http, created)
    assert [stage["state"] for stage in finishes["progress"]["stageProgress"]] == ["succeeded", "running"]
    broken = AssetFailure(path="a.jpg", stage="read", code="unreadable", reason="It is broken.", remedy="Look.")
    engine.log.add_failures(job_id, [broken])
    engine.log.update(job_id, IngestionCounts(found=14, added=13, failed=1), state=IngestionState.PARTIAL)
    done = run_of(http, created)
    assert (done["status"], done["warnings"]) == ("succeeded", ["a.jpg: It is broken. Look."])
    assert done["progress"]["stageProgress"][1] == {
        "name": "Indexing",
        "totalItems": 13,
        "processedItems": 13,
        "state": "succeeded",
    }


def test_a_run_that_failed_says_why(put: Callable[..., httpx.Response], http: httpx.Client, engine: FakeEngine) -> None:
    created = put(JOB)
    job_id = IngestionId(run_of(http, created)["runId"])
    assert engine.log.claim() is not None
    engine.log.update(job_id, stage="list")
    engine.log.update(job_id, state=IngestionState.FAILED, message="The key is refused.")
    failed = run_of(http, created)
    assert (failed["status"], failed["error"]) == ("failed", {"message": "The key is refused."})
    assert [stage["state"] for stage in failed["progress"]["stageProgress"]] == ["failed", "notRunning"]


def test_a_job_that_is_sent_again_is_run_again_with_its_new_key(
    put: Callable[..., httpx.Response], http: httpx.Client, engine: FakeEngine
) -> None:
    first = run_of(http, put(JOB))["runId"]
    engine.jobs.run_next()
    connection = {**STORAGE["connection"], "key": "cm90YXRlZA=="}
    again = put({**JOB, "datasource": {**STORAGE, "connection": connection}})
    second = run_of(http, again)["runId"]
    assert second != first
    (saved,) = engine.sources.all()
    kept = engine.sources._registry.credential(saved.settings.name)
    assert kept is not None
    assert kept.secret.reveal == "cm90YXRlZA=="
    runs = http.get("/openai/ingestion/jobs/photos/runs", params=VERSION).json()["value"]
    assert [run["runId"] for run in runs] == [second, first]
    other = put({**JOB, "datasource": {**STORAGE, "containerName": "elsewhere"}})
    assert code(other) == (409, "conflict")


@pytest.mark.parametrize(
    ("change", "target"),
    [
        ({"kind": "UserCompute"}, "kind"),
        ({"datasource": None}, "datasource"),
        ({"datasource": {**STORAGE, "kind": "Urls", "urls": ["https://example.com"]}}, "datasource.kind"),
        ({"datasource": {**STORAGE, "containerName": ""}}, "datasource.containerName"),
        ({"datasource": {**STORAGE, "connection": None}}, "datasource.connection"),
        ({"datasource": {**STORAGE, "connection": {"kind": "WorkspaceConnection"}}}, "datasource.connection.kind"),
        ({"dataRefreshIntervalInHours": 0}, "dataRefreshIntervalInHours"),
    ],
)
def test_a_body_that_cannot_be_run_is_refused_with_its_target(
    put: Callable[..., httpx.Response], engine: FakeEngine, change: dict[str, Any], target: str
) -> None:
    refused = put({**JOB, **change})
    assert code(refused) == (400, "invalidPayload")
    assert refused.json()["error"]["target"] == target
    assert engine.sources.all() == []


def test_what_is_not_there_is_not_found_and_a_version_is_needed(http: httpx.Client) -> None:
    for path in ("nowhere", "nowhere/runs", "nowhere/runs/1"):
        assert code(http.get(f"/openai/ingestion/jobs/{path}", params=VERSION)) == (404, "notFound")
    assert http.get("/openai/ingestion/jobs").status_code == 404
    assert http.put("/openai/ingestion/jobs/photos", json=JOB).status_code == 404
    bad = http.put("/openai/ingestion/jobs/photos", params=VERSION, content=b"{")
    assert code(bad) == (400, "invalidPayload")


def test_a_source_that_is_no_job_is_not_listed(http: httpx.Client, tmp_path: Path) -> None:
    http.post("/v1/sources", json={"name": "ingestion-mine", "kind": "folder", "index": "m", "path": str(tmp_path)})
    assert http.get("/openai/ingestion/jobs", params=VERSION).json() == {"value": []}
    assert code(http.get("/openai/ingestion/jobs/mine", params=VERSION)) == (404, "notFound")


def test_ids_of_any_script_and_case_are_jobs_of_their_own(
    put: Callable[..., httpx.Response], http: httpx.Client
) -> None:
    ids = ["Photos", "photos", "港の写真", "my job"]
    for number, job_id in enumerate(ids):
        body = {**JOB, "datasource": {**STORAGE, "containerName": f"c{number}"}}
        assert put(body, job_id).json()["jobId"] == job_id
    listed = http.get("/openai/ingestion/jobs", params=VERSION).json()["value"]
    assert {job["jobId"] for job in listed} == set(ids)


def test_a_job_is_its_groups_and_the_servers_identity_is_for_owners(keyed: Callable[..., httpx.Client]) -> None:
    reader, board = keyed(Role.READER), keyed(Role.CONTRIBUTOR, ("board",))
    press, owner = keyed(Role.CONTRIBUTOR, ("press",)), keyed(Role.OWNER)
    address = "/openai/ingestion/jobs/photos"
    assert code(reader.put(address, params=VERSION, json=JOB)) == (401, "PermissionDenied")
    assert code(board.put(address, params=VERSION, json=OLD_SPELLING)) == (403, "forbidden")
    assert board.put(address, params=VERSION, json=JOB).status_code == 200
    assert code(press.get(address, params=VERSION)) == (404, "notFound")
    assert press.get("/openai/ingestion/jobs", params=VERSION).json() == {"value": []}
    assert code(press.put(address, params=VERSION, json=JOB)) == (409, "conflict")
    assert owner.get(address, params=VERSION).json()["jobId"] == "photos"
