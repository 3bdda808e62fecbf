"""Show 2: the seed's three video calls with endpoint and key changed, then the chat; real models, a real storage."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from tests.sources.azurite import ACCOUNT, KEY, running
from tests.wire.environments import node_script

from foveal.asgi import create_app
from foveal.models.cards import Card
from foveal.runtime import Foveal
from foveal.runtime.scheduler import refreshing
from foveal.settings import load
from foveal.testing.openai_server import OpenAIServer
from foveal.testing.serving import served

from .test_video_routes import SEED

pytestmark = pytest.mark.timeout(600)

CARDS = ("efficientnet-lite2", "nanodet", "ssdlite", "multilingual-e5-small", "pp-ocr-v6", "whisper-base")
V = {"api-version": "2023-05-01-preview"}
VIDEO_ID = "02a504c9cd28296a8b74394ed7488045"
PATIENCE_S = 500
"""On a quiet machine it takes half a minute."""


@dataclass(frozen=True)
class Shown:
    """A server with the talk in its index, an upstream of its own, and the talk's address with its signature."""

    http: httpx.Client
    upstream: OpenAIServer
    address: str
    states: list[str]


@pytest.fixture(scope="module")
def shown(
    tmp_path_factory: pytest.TempPathFactory, test_data: Path, pulled: Callable[[str], Card], models_dir: Path
) -> Iterator[Shown]:
    for card in CARDS:
        pulled(card)
    home = tmp_path_factory.mktemp("show")
    with running() as azurite, OpenAIServer() as upstream:
        address = _uploaded(azurite, test_data / "video" / "ted" / "test.mp4")
        seeing = {"base_url": upstream.base_url, "model": "seeing", "sees": True, "context_tokens": 32_000}
        flags = {"home": home, "models": models_dir, "fetch.allow": "127.0.0.1", "deployments": {"gpt4v": seeing}}
        with Foveal(load({**flags, "understanding.safety": False}, environ={})) as foveal:
            app = create_app(foveal, api_keys=("the-key",))
            with served(app) as url, refreshing(None, jobs=foveal.jobs, poll_s=0.1):
                headers = {"Ocp-Apim-Subscription-Key": "the-key", "api-key": "the-key"}
                with httpx.Client(base_url=url, headers=headers, timeout=120, trust_env=False) as http:
                    yield Shown(http=http, upstream=upstream, address=address, states=_ingested(http, address))


def _uploaded(azurite: Any, file: Path) -> str:
    from azure.storage.blob import BlobSasPermissions, BlobServiceClient, generate_blob_sas

    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        with service.create_container("videos") as container, file.open("rb") as data:
            container.upload_blob("talk.mp4", data)
    signature = generate_blob_sas(
        ACCOUNT,
        "videos",
        "talk.mp4",
        account_key=KEY,
        permission=BlobSasPermissions(read=True),
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )
    return f"{azurite.account_url}/videos/talk.mp4?{signature}"


def _ingested(http: httpx.Client, address: str) -> list[str]:
    """The seed's calls; every state that was polled."""
    json_type = {"Content-Type": "application/json"}
    index = "/computervision/retrieval/indexes/my-video-index"
    made = http.put(index, params=V, content=SEED, headers=json_type)
    assert made.status_code == 201, made.text
    body = f"""{{
      'videos': [
        {{
          'mode': 'add',
          'documentId': '{VIDEO_ID}',
          'documentUrl': '{address}',
          'metadata': {{
            'cameraId': 'camera1',
            'timestamp': '2023-06-30 17:40:33'
          }}
        }}
      ]
    }}"""
    sent = http.put(f"{index}/ingestions/my-ingestion", params=V, content=body, headers=json_type)
    assert sent.status_code == 202, sent.text
    states, end = [], time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        listed = http.get(f"{index}/ingestions", params={**V, "$top": "20"}).json()
        states.append(listed["value"][0]["state"])
        if states[-1] != "Running":
            break
        time.sleep(0.5)
    return states


def ask(shown: Shown, words: str, deployment: str = "foveal") -> str:
    """The words of an answer."""
    text = answer(shown, words, deployment).content
    assert text
    return text


def answer(shown: Shown, words: str, deployment: str = "foveal") -> Any:
    """The seed's chat call, by the official client."""
    source = {
        "type": "AzureComputerVisionVideoIndex",
        "parameters": {
            "computerVisionBaseUrl": f"{shown.http.base_url}/computervision",
            "computerVisionApiKey": "the-key",
            "indexName": "my-video-index",
            "videoUrls": [shown.address],
        },
    }
    content: Any = [{"type": "acv_document_id", "acv_document_id": VIDEO_ID}, {"type": "text", "text": words}]
    own = httpx.Client(trust_env=False)
    with openai.AzureOpenAI(
        azure_endpoint=str(shown.http.base_url), api_key="the-key", api_version="2024-02-15-preview", http_client=own
    ) as client:
        reply = client.chat.completions.create(
            model=deployment,
            messages=[
                {"role": "system", "content": "You are a helpful assistant."},
                {"role": "user", "content": content},
            ],
            max_tokens=400,
            extra_body={"enhancements": {"video": {"enabled": True}}, "dataSources": [source]},
        )
    return reply.choices[0].message


def seconds(text: str) -> list[int]:
    return [int(at) for at in re.findall(r"#t=(\d+)\)", text)]


def test_the_ingestion_runs_and_completes(shown: Shown) -> None:
    assert shown.states[-1] == "Completed"
    assert set(shown.states) <= {"Running", "Completed"}


def test_the_ingestion_is_a_job_of_the_server(shown: Shown) -> None:
    (job,) = shown.http.get("/v1/jobs").json()["jobs"]
    assert (job["kind"], job["index"], job["state"]) == ("videos", "my-video-index", "succeeded")
    assert job["counts"]["added"] == 1


@pytest.mark.parametrize(
    ("query", "at_s", "kind"),
    [
        ("So what is luck?", 33.8, "SpeechTextSegment"),
        ("luck is rarely a lightning strike", 56.6, "SpeechTextSegment"),
        ("ideas worth spreading", 6.5, "VideoFrame"),
    ],
)
def test_what_is_said_and_shown_is_found_at_its_second(shown: Shown, query: str, at_s: float, kind: str) -> None:
    body = {
        "queryText": query,
        "filters": {
            "stringFilters": [{"fieldName": "cameraId", "values": ["CAMERA1"]}],
            "featureFilters": ["speech"] if kind.startswith("Speech") else ["vision"],
        },
    }
    reply = shown.http.post("/computervision/retrieval/indexes/my-video-index:queryByText", params=V, json=body)
    first = reply.json()["value"][0]
    assert (first["documentId"], first["documentKind"]) == (VIDEO_ID, kind)
    start, end = (_clock(first[name]) for name in ("start", "end"))
    assert start - 2 <= at_s <= end + 2


def _clock(text: str) -> float:
    hours, minutes, rest = text.split(":")
    return 3600 * int(hours) + 60 * int(minutes) + float(rest)


def test_the_summary_covers_the_talk_from_beginning_to_end(shown: Shown) -> None:
    text = ask(shown, "Describe this video:")
    assert "luck" in text.lower()
    at = seconds(text)
    assert at == sorted(at)
    assert at[0] <= 13
    assert at[-1] >= 46


@pytest.mark.parametrize(
    ("question", "said", "at_s"),
    [
        ("What does she teach?", "entrepreneurship", 22.7),
        ("What is luck?", "success or failure", 35.2),
    ],
)
def test_a_question_about_something_said_is_answered_with_the_right_second(
    shown: Shown, question: str, said: str, at_s: float
) -> None:
    text = ask(shown, question)
    assert said in text
    assert any(abs(at - at_s) <= 2 for at in seconds(text))


def test_a_question_about_something_on_the_screen_too(shown: Shown) -> None:
    text = ask(shown, "Which year is written on the screen?")
    assert "2018" in text


def test_the_link_of_an_answer_plays_the_video_from_there(shown: Shown) -> None:
    text = ask(shown, "What does she teach?")
    found = re.search(r"\]\((\S+)#t=\d+\)", text)
    assert found
    reply = shown.http.get(found[1], headers={"Range": "bytes=0-99"})
    assert reply.status_code == 206
    assert reply.headers["content-type"].startswith("video/mp4")
    assert reply.headers["content-range"].startswith("bytes 0-99/")


def test_the_answer_carries_the_moments_it_rests_on_each_with_a_link_to_its_second(shown: Shown) -> None:
    context = answer(shown, "What does she teach?").context
    assert json.loads(context["intent"]) == ["What does she teach?"]
    assert 1 <= len(context["citations"]) <= 5
    assert not any("Mostly" in one["content"] for one in context["citations"])  # a frame that says nothing of it
    said = next(one for one in context["citations"] if "entrepreneurship" in one["content"])
    assert abs(int(said["url"].partition("#t=")[2]) - 22.7) <= 4
    assert shown.http.get(said["url"].partition("#")[0], headers={"Range": "bytes=0-9"}).status_code == 206


def test_a_model_that_sees_is_shown_the_moment_and_the_whole(shown: Shown) -> None:
    ask(shown, "What does she teach?", "gpt4v")
    sent = shown.upstream.calls[-1].body
    messages: Any = sent["messages"]
    assert sent["model"] == "seeing"
    parts = [part for m in messages if isinstance(m["content"], list) for part in m["content"]]
    images = [part for part in parts if part["type"] == "image_url"]
    texts = " ".join(m["content"] for m in messages if isinstance(m["content"], str))
    texts += " ".join(part["text"] for part in parts if part["type"] == "text")
    assert len(images) >= 10
    assert "entrepreneurship" in texts
    frames = [int(m) * 60 + int(s) for m, s in re.findall(r"Frame of video 1 at \[(\d\d):(\d\d)\]", texts)]
    assert len(frames) == len(images)
    assert frames[0] <= 5
    assert frames[-1] >= 50


def test_the_samples_for_javascript_bring_a_video_in_find_in_it_and_ask_about_it(shown: Shown) -> None:
    told = {"ENDPOINT": str(shown.http.base_url).rstrip("/"), "KEY": "the-key", "VIDEO": shown.address}
    environ = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    environ |= {f"WIRE_{name}": value for name, value in told.items()} | {"WIRE_QUESTION": "What does she teach?"}
    done = subprocess.run(
        node_script("video.mjs"), env=environ, capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stderr
    said = {line.pop("case"): line for line in map(json.loads, done.stdout.splitlines())}
    brought = said["ingested"]
    assert (brought["index"], brought["started"], brought["fields"]) == (201, 202, ["cameraid"])
    assert brought["states"][-1] == "Completed"
    assert said["found"]["first"]["documentId"] == "talk"
    whole, streamed = said["whole"], said["streamed"]
    assert "entrepreneurship" in whole["text"]
    assert whole["finish"] == "stop"
    assert (streamed["text"], len(streamed["links"])) == (whole["text"], len(whole["links"]))
    assert streamed["chunks"] > 2
    assert all("#t=" in link for link in whole["links"])
    assert said["unknown"]["told"]["ErrorCode"] == 404
    assert (said["removed"]["status"], said["removed"]["after"]) == (204, 404)


def test_documents_are_listed_without_the_signature(shown: Shown) -> None:
    reply = shown.http.get("/computervision/retrieval/indexes/my-video-index/documents", params=V)
    (document,) = reply.json()["value"]
    assert document["documentId"] == VIDEO_ID
    assert document["documentUrl"].endswith("/videos/talk.mp4")
    assert "sig=" not in reply.text
    assert document["metadata"] == {"cameraid": "camera1", "timestamp": "2023-06-30 17:40:33"}
