"""V1: video retrieval on the wire, over registries in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from foveal.pipeline.places import document_id
from foveal.testing.fakes_engine import fake_chunk
from foveal.testing.fakes_eyes import fake_vision
from foveal.testing.fakes_videos import InMemoryVideoRegistry, fake_video_indexes
from foveal.types.assets import DocumentId, MediaKind
from foveal.types.chunks import NO_GENERATION, Chunk, Feature
from foveal.types.filters import And, Filter, Or, SearchIn
from foveal.types.locators import Locator
from foveal.types.search import Hit, Query, SearchResult
from foveal.types.videos import TaskResult, VideoDocument, VideoIngestionState

from .conftest import SeeingEngine

V = {"api-version": "2023-05-01-preview"}
BASE = "/computervision/retrieval/indexes"
SEED = """
    {
      'metadataSchema': {
        'fields': [
          {
            'name': 'cameraId',
            'searchable': false,
            'filterable': true,
            'type': 'string'
          },
          {
            'name': 'timestamp',
            'searchable': false,
            'filterable': true,
            'type': 'datetime'
          }
        ]
      },
      'features': [
        {
          'name': 'vision',
          'domain': 'surveillance'
        },
        {
          'name': 'speech'
        }
      ]
    }"""
"""The body of the service's own example for the command line, as it stands there."""


@pytest.fixture
def registry(engine: SeeingEngine) -> InMemoryVideoRegistry:
    kept = InMemoryVideoRegistry()
    engine.vision = fake_vision(videos=fake_video_indexes(kept, taken=["photos"]))
    return kept


def made(http: httpx.Client, name: str = "my-video-index", body: str = SEED) -> dict[str, Any]:
    reply = http.put(f"{BASE}/{name}", params=V, content=body, headers={"content-type": "application/json"})
    assert reply.status_code == 201, reply.text
    return reply.json()


def started(http: httpx.Client, name: str = "my-ingestion", *videos: dict[str, Any]) -> httpx.Response:
    documents = videos or ({"mode": "add", "documentId": "a", "documentUrl": "https://x.org/a.mp4?sig=s"},)
    return http.put(f"{BASE}/my-video-index/ingestions/{name}", params=V, json={"videos": list(documents)})


def test_an_index_is_made_by_the_seed_s_body_and_echoed_with_field_names_in_lower_case(
    http: httpx.Client, registry: InMemoryVideoRegistry
) -> None:
    index = made(http)
    assert index["name"] == "my-video-index"
    assert index["metadataSchema"] == {
        "language": "en",
        "fields": [
            {"name": "cameraid", "searchable": False, "filterable": True, "type": "string"},
            {"name": "timestamp", "searchable": False, "filterable": True, "type": "datetime"},
        ],
    }
    assert index["features"] == [
        {"name": "vision", "modelVersion": "2023-05-31", "domain": "surveillance"},
        {"name": "speech", "modelVersion": "2023-06-30", "domain": "generic"},
    ]
    assert index["userData"] == {}
    assert index["eTag"].startswith('"')
    assert index["createdDateTime"].endswith("0Z")
    assert len(index["createdDateTime"].partition(".")[2]) == len("1234567Z")
    assert http.get(f"{BASE}/my-video-index", params=V).json() == index


def test_vision_alone_is_looked_for_when_no_feature_is_named(
    http: httpx.Client, registry: InMemoryVideoRegistry
) -> None:
    assert [feature["name"] for feature in made(http, body="{}")["features"]] == ["vision"]


def test_an_index_is_made_again_only_as_it_is(http: httpx.Client, registry: InMemoryVideoRegistry) -> None:
    assert made(http) == made(http)
    other = http.put(f"{BASE}/my-video-index", params=V, json={"features": [{"name": "speech"}]})
    assert other.status_code == 409
    assert other.json()["error"]["code"] == "Conflict"
    taken = http.put(f"{BASE}/photos", params=V, json={})
    assert taken.status_code == 409


def test_an_index_is_changed_listed_page_by_page_and_removed(
    http: httpx.Client, registry: InMemoryVideoRegistry
) -> None:
    before = made(http)
    for name in ("a", "b", "z"):
        made(http, name, "{}")
    change = {"metadataSchema": {"fields": [{"name": "Place", "type": "string"}]}, "userData": {"x": 1}}
    after = http.patch(f"{BASE}/my-video-index", params=V, json=change).json()
    assert [field["name"] for field in after["metadataSchema"]["fields"]] == ["cameraid", "timestamp", "place"]
    assert after["userData"] == {"x": 1}
    assert after["eTag"] != before["eTag"]
    first = http.get(BASE, params={**V, "$top": 3}).json()
    assert [index["name"] for index in first["value"]] == ["a", "b", "my-video-index"]
    rest = http.get(first["nextLink"]).json()
    assert [index["name"] for index in rest["value"]] == ["z"]
    assert "nextLink" not in rest
    gone = http.delete(f"{BASE}/my-video-index", params=V)
    assert (gone.status_code, gone.content) == (204, b"")
    assert http.get(f"{BASE}/my-video-index", params=V).status_code == 404


def test_an_ingestion_is_accepted_and_polled_by_name_and_as_the_first_of_the_list(
    http: httpx.Client, registry: InMemoryVideoRegistry
) -> None:
    made(http)
    reply = started(http)
    assert reply.status_code == 202
    assert reply.json()["state"] == "Running"
    assert set(reply.json()) == {"name", "state", "batchName", "createdDateTime", "lastModifiedDateTime"}
    location = reply.headers["operation-location"]
    assert "/computervision/retrieval/indexes/my-video-index/ingestions/my-ingestion?api-version=" in location
    assert http.get(location).json()["state"] == "Running"
    (ingestion,) = registry.ingestions("my-video-index")
    assert reply.json()["batchName"] == registry.log.recent()[0].ingestion_id
    registry.report(replace(ingestion, state=VideoIngestionState.COMPLETED))
    listed = http.get(f"{BASE}/my-video-index/ingestions", params={**V, "$top": "20"}).json()
    assert listed["value"][0]["state"] == "Completed"
    assert "sig=s" not in reply.text + str(listed)
    assert started(http).status_code == 409


def test_what_became_of_each_document_is_told_where_that_is_asked_for(
    http: httpx.Client, registry: InMemoryVideoRegistry
) -> None:
    made(http)
    location = started(http).headers["operation-location"]
    (ingestion,) = registry.ingestions("my-video-index")
    at = ingestion.created_at
    results = (
        TaskResult(number=0, document_id="a", url="https://x.org/a.mp4", at=at),
        TaskResult(number=1, document_id="b", url="https://x.org/b.mp4", at=at, code="unreadable", message="Broken."),
    )
    registry.report(replace(ingestion, state=VideoIngestionState.PARTIAL, results=results, message="b: Broken."))
    plain, detailed = http.get(location).json(), http.get(f"{location}&detailLevel=full").json()
    assert "fileStatusDetails" not in plain
    assert plain["state"] == "PartiallySucceeded"
    assert plain["error"]["code"] == "FailedToProcessBatch"
    assert plain["error"]["details"] == [{"code": "unreadable", "message": "b: Broken."}]
    first, second = detailed["fileStatusDetails"]
    assert (first["documentId"], first["succeeded"], "error" in first) == ("a", True, False)
    assert (second["succeeded"], second["error"]["code"]) == (False, "unreadable")
    assert first["lastUpdateTime"].endswith("Z")


def test_replies_carry_the_headers_that_clients_log(http: httpx.Client, registry: InMemoryVideoRegistry) -> None:
    reply = http.get(BASE, params=V)
    assert reply.headers["request-id"] == reply.headers["x-request-id"]
    assert reply.headers["api-supported-versions"] == "2023-05-01-preview"


def test_the_prefix_may_be_left_out_and_misspelt_fields_are_read_past(
    http: httpx.Client, registry: InMemoryVideoRegistry
) -> None:
    made(http)
    body = {
        "includeSpeechTranscrpt": True,
        "moderation": False,
        "videos": [{"mode": "Add", "documentUrl": "https://x.org/a.mp4", "metadata": None}],
    }
    reply = http.put("/retrieval/indexes/my-video-index/ingestions/one", params=V, json=body)
    assert reply.status_code == 202
    assert "/computervision" not in reply.headers["operation-location"]


@pytest.mark.parametrize(
    ("document", "part"),
    [
        ({"mode": "add", "documentId": "a"}, "documentUrl"),
        ({"mode": "remove"}, "documentId"),
        ({"mode": "burn", "documentId": "a"}, "mode"),
        ({"mode": "add", "documentUrl": "https://x/a.mp4", "metadata": {"Timestamp": "yesterday"}}, "yesterday"),
    ],
)
def test_a_document_that_cannot_be_meant_is_refused(
    http: httpx.Client, registry: InMemoryVideoRegistry, document: dict[str, Any], part: str
) -> None:
    made(http)
    reply = started(http, "one", document)
    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == "InvalidRequest"
    assert part in reply.json()["error"]["message"]
    assert registry.log.recent() == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("GET", "/ingestions"),
        ("GET", "/ingestions/x"),
        ("PUT", "/ingestions/x"),
        ("GET", "/documents"),
        ("POST", ":queryByText"),
    ],
)
def test_an_unknown_index_is_not_found_whatever_is_asked(
    http: httpx.Client, registry: InMemoryVideoRegistry, method: str, path: str
) -> None:
    body = {"queryText": "x", "videos": [{"mode": "remove", "documentId": "a"}]}
    sent = {"json": body} if method in {"PUT", "PATCH", "POST"} else {}
    reply = http.request(method, f"{BASE}/nothing{path}", params=V, **sent)  # type: ignore[arg-type]
    assert reply.status_code == 404
    assert reply.json()["error"]["code"] == "NotFound"


def test_names_longer_than_the_service_said_are_taken_and_endless_ones_are_not(
    http: httpx.Client, registry: InMemoryVideoRegistry
) -> None:
    made(http, "a" * 60, "{}")
    reply = http.put(f"{BASE}/{'a' * 200}", params=V, json={})
    assert reply.status_code == 400
    assert http.put(f"{BASE}/x", json={}).status_code == 404  # no api-version


# --- asking -----------------------------------------------------------------------------------------------

PLACE = "/videos/my-video-index"
DOCUMENTS = {
    "a": {"cameraid": "Camera1", "timestamp": "2023-06-30 17:40:33"},
    "b": {"cameraid": "camera2", "timestamp": "2024-01-01"},
    "c": {},
    "d": {},
}


def _moment(name: str, number: int, confidence: float, feature: Feature, start_ms: int, end_ms: int) -> Hit:
    chunk = fake_chunk(
        f"{name}{number}",
        f"words {name}{number}",
        document_id=DocumentId(document_id(PLACE, f"{name}/{name}.mp4")),
        kind=MediaKind.VIDEO,
        media_type="video/mp4",
        feature=feature,
        locator=Locator(start_ms=start_ms, end_ms=end_ms, frame_ms=start_ms + 100),
    )
    return Hit(chunk=chunk, score=1.0, confidence=confidence, legs=())


def _picture(name: str, confidence: float) -> Hit:
    place = DocumentId(document_id(PLACE, f"{name}/{name}.mp4"))
    chunk = fake_chunk(name, "a picture", document_id=place, kind=MediaKind.IMAGE, media_type="image/png")
    return Hit(chunk=chunk, score=1.0, confidence=confidence, legs=())


MOMENTS = [
    _moment("a", 0, 0.9, Feature.SPEECH, 33_933, 34_753),
    _moment("b", 0, 0.2, Feature.VISION, 3_725_000, 3_726_000),
    _moment("a", 1, 0.6, Feature.VISION, 2_000, 4_000),
    _moment("a", 2, 0.5, Feature.VISION, 3_000, 5_000),
    _moment("c", 0, 0.1, Feature.SCREEN_TEXT, 0, 1_000),
    _picture("d", 0.05),
]


def _passes(chunk: Chunk, where: Filter | None) -> bool:
    if isinstance(where, And):
        return all(_passes(chunk, one) for one in where.operands)
    if isinstance(where, Or):
        return any(_passes(chunk, one) for one in where.operands)
    assert isinstance(where, SearchIn)
    return str(getattr(chunk, where.field)) in where.values


@pytest.fixture
def asked(http: httpx.Client, engine: SeeingEngine) -> Callable[..., list[dict[str, Any]]]:
    registry = InMemoryVideoRegistry()

    def search(index: str, query: Query) -> SearchResult:
        hits = tuple(hit for hit in MOMENTS if _passes(hit.chunk, query.filter))[: query.top]
        return SearchResult(index=index, generation=NO_GENERATION, hits=hits)

    engine.vision = fake_vision(videos=fake_video_indexes(registry, search))
    index = made(http)
    for name, metadata in DOCUMENTS.items():
        now = registry.indexes()[0].created_at
        document = VideoDocument(
            document_id=name,
            url=f"https://x/{name}.mp4",
            path=f"{name}/{name}.mp4",
            metadata=metadata,
            created_at=now,
            modified_at=now,
        )
        registry.put_document(index["name"], document)

    def ask(**body: Any) -> list[dict[str, Any]]:
        reply = http.post(f"{BASE}/my-video-index:queryByText", params=V, json={"queryText": "luck"} | body)
        assert reply.status_code == 200, reply.text
        value: list[dict[str, Any]] = reply.json()["value"]
        return value

    return ask


def test_hits_have_kinds_times_and_a_falling_relevance(asked: Callable[..., list[dict[str, Any]]]) -> None:
    hits = asked()
    assert [hit["documentId"] for hit in hits] == ["a", "b", "a", "c", "d"]
    speech, frame = hits[0], hits[1]
    assert speech["documentKind"] == "SpeechTextSegment"
    assert (speech["start"], speech["end"]) == ("00:00:33.9330000", "00:00:34.7530000")
    assert frame["documentKind"] == "VideoFrame"
    assert (frame["start"], frame["end"], frame["best"]) == ("01:02:05", "01:02:06", "01:02:05")
    relevance = [hit["relevance"] for hit in hits]
    assert relevance == sorted(relevance, reverse=True)
    assert relevance[0] == 0.9


def test_overlapping_frames_of_a_video_are_one_hit_unless_all_are_wanted(
    asked: Callable[..., list[dict[str, Any]]],
) -> None:
    assert len(asked(dedup=False)) == len(asked()) + 1


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"featureFilters": ["speech"]}, ["a"]),
        ({"featureFilters": ["vision"]}, ["b", "a", "c", "d"]),
        ({"stringFilters": [{"fieldName": "cameraId", "values": ["CAMERA2", "camera9"]}]}, ["b"]),
        ({"stringFilters": [{"fieldName": "CAMERAID", "values": ["camera1"]}], "featureFilters": ["vision"]}, ["a"]),
        ({"datetimeFilters": [{"fieldName": "timestamp", "startTime": "2023-12-31T00:00:00Z"}]}, ["b"]),
        ({"datetimeFilters": [{"fieldName": "timestamp", "endTime": "2023-06-30T17:40:33Z"}]}, ["a", "a"]),
        ({"stringFilters": [{"fieldName": "cameraid", "values": ["nobody"]}]}, []),
    ],
)
def test_filters_go_by_metadata_without_case_and_by_feature(
    asked: Callable[..., list[dict[str, Any]]], filters: dict[str, Any], expected: list[str]
) -> None:
    assert [hit["documentId"] for hit in asked(filters=filters)] == expected


def test_several_indexes_are_asked_at_once(http: httpx.Client, asked: Callable[..., list[dict[str, Any]]]) -> None:
    made(http, "other", "{}")
    alone = asked()
    assert asked(additionalIndexNames=["other", "my-video-index"]) == alone
    body = {"queryText": "luck", "additionalIndexNames": ["my-video-index"]}
    assert http.post(f"{BASE}/other:queryByText", params=V, json=body).json()["value"] == alone
    gone = {"queryText": "luck", "additionalIndexNames": ["nothing"]}
    assert http.post(f"{BASE}/other:queryByText", params=V, json=gone).status_code == 404


def test_a_threshold_and_pages_cut_the_list(asked: Callable[..., list[dict[str, Any]]]) -> None:
    everything = asked()
    assert asked(top=2) == everything[:2]
    assert asked(top=2, skip=2) == everything[2:4]
    assert asked(scoreThreshold=0.55) == [hit for hit in everything if hit["relevance"] >= 0.55]
    assert {hit["documentId"] for hit in asked(dedupMaxDocumentCount=1)} == {"a"}


def test_a_filter_on_a_field_that_the_index_does_not_have_is_refused(
    http: httpx.Client, asked: Callable[..., list[dict[str, Any]]]
) -> None:
    filters = {"stringFilters": [{"fieldName": "colour", "values": ["red"]}]}
    reply = http.post(f"{BASE}/my-video-index:queryByText", params=V, json={"queryText": "luck", "filters": filters})
    assert reply.status_code == 400
    assert "cameraid" in reply.json()["error"]["message"]


def make_searchable(http: httpx.Client, *, filterable: bool = True) -> None:
    field = {"name": "cameraId", "searchable": True, "filterable": filterable, "type": "string"}
    reply = http.patch(f"{BASE}/my-video-index", params=V, json={"metadataSchema": {"fields": [field]}})
    assert reply.status_code == 200, reply.text


def test_a_question_that_names_a_camera_raises_its_moments_unless_that_is_turned_off(
    http: httpx.Client, asked: Callable[..., list[dict[str, Any]]]
) -> None:
    question = {"queryText": "Luck, Camera2!"}
    assert asked(**question) == asked()
    make_searchable(http)
    raised = {hit["documentId"]: hit["relevance"] for hit in reversed(asked(**question))}
    assert raised["b"] == pytest.approx(1 - (1 - asked()[1]["relevance"]) * (1 - 1 / 2))
    assert {name: raised[name] for name in "acd"} == {
        hit["documentId"]: hit["relevance"] for hit in reversed(asked()) if hit["documentId"] != "b"
    }
    first, *others = asked(queryText="camera2")
    assert (first["documentId"], first["relevance"]) == ("b", 1.0)
    assert {hit["documentId"] for hit in others} == {"a", "c", "d"}
    assert asked(**question, disableMetadataSearch=True) == asked()
    assert asked(**question, filters={"stringFilters": [{"fieldName": "cameraId", "values": ["camera1"]}]}) == asked(
        filters={"stringFilters": [{"fieldName": "cameraId", "values": ["camera1"]}]}
    )


def test_a_field_that_is_not_filterable_is_no_filter(
    http: httpx.Client, asked: Callable[..., list[dict[str, Any]]]
) -> None:
    make_searchable(http, filterable=False)
    filters = {"stringFilters": [{"fieldName": "cameraId", "values": ["camera1"]}]}
    reply = http.post(f"{BASE}/my-video-index:queryByText", params=V, json={"queryText": "luck", "filters": filters})
    assert reply.status_code == 400
    assert "filterable" in reply.json()["error"]["message"]


def test_documents_are_listed_without_their_signatures(
    http: httpx.Client, asked: Callable[..., list[dict[str, Any]]]
) -> None:
    value = http.get(f"{BASE}/my-video-index/documents", params=V).json()["value"]
    assert [document["documentId"] for document in value] == ["a", "b", "c", "d"]
    assert value[0]["documentUrl"] == "https://x/a.mp4"
    assert value[0]["metadata"] == DOCUMENTS["a"]
