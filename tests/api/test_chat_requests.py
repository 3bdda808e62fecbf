"""What clients send, in all its spellings, as the engine gets it."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.api.azure_openai.convert import read_chat, read_given
from foveal.api.azure_openai.data_sources import DataSources, read_sources
from foveal.api.errors import GroundedError
from foveal.errors import FovealError
from foveal.testing.fakes_engine import FakeEngine, fake_chunk
from foveal.types.chat import ChatRequest
from foveal.types.filters import Comparison
from foveal.types.search import Mode

from .wire import DOGS_QUESTION, EXTENSIONS, PLAIN, answered, ask, body, plain_body

OPTIONS = {
    "index_name": "photos",
    "top_n_documents": 7,
    "strictness": 2,
    "in_scope": False,
    "role_information": "Be brief.",
    "query_type": "vector_semantic_hybrid",
    "filter": "title eq 'dogs'",
}


def indexes(asked: ChatRequest | DataSources) -> tuple[str, ...]:
    return tuple(source.index for source in asked.sources)


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def pascal(name: str) -> str:
    return "".join(part.title() for part in name.split("_"))


def spelt(spelling: Any) -> dict[str, object]:
    return {spelling(name): value for name, value in OPTIONS.items()}


SPELLINGS = {
    "snake": spelt(str),
    "camel": spelt(camel),
    "pascal": spelt(pascal),
    "camel enum": spelt(camel) | {"queryType": "vectorSemanticHybrid"},
    "pascal enum": spelt(camel) | {"queryType": "VectorSemanticHybrid"},
    "strings": spelt(camel) | {"topNDocuments": "7", "strictness": "2", "inScope": "false"},
    "unknown fields": spelt(str) | {"includeSpeechTranscrpt": True, "semantic_configuration": "", "x": None},
    "everything else": spelt(camel)
    | {
        "endpoint": "https://x.search.windows.net",
        "key": "k",
        "authentication": {"type": "APIKey", "key": "k"},
        "fieldsMapping": {"titleField": "t", "contentFields": ["c"], "contentFieldsSeparator": "\\n"},
        "embeddingDependency": {"type": "DeploymentName", "deploymentName": "ada"},
        "maxSearchQueries": 3,
        "allowPartialResult": 1,
    },
}
PLACES = {
    "nested": lambda kind, options: {"type": kind, "parameters": options},
    "flat": lambda kind, options: {"type": kind, **options},
    "doubly nested": lambda kind, options: {"type": kind, "parameters": {"parameters": options}},
    "pascal": lambda kind, options: {"Type": kind, "Parameters": options},
}
TYPES = ["azure_search", "AzureCognitiveSearch", "AzureSearch"]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("place", PLACES)
def test_all_spellings_of_a_data_source_mean_the_same(engine: FakeEngine, spelling: str, place: str) -> None:
    engine.mapped["x.search.windows.net", "photos"] = "photos"
    for kind in TYPES:
        source = PLACES[place](kind, SPELLINGS[spelling])
        got = read_sources([source], engine, groups=("a",))
        assert indexes(got) == ("photos",)
        options = got.grounding
        assert (options.top_n_documents, options.strictness, options.in_scope) == (7, 2, False)
        assert (options.role_information, got.sources[0].mode) == ("Be brief.", Mode.SEMANTIC)
        assert got.sources[0].filter == Comparison(field="title", op="eq", value="dogs")
        assert options.groups == ("a",)


@pytest.mark.parametrize("key", ["data_sources", "dataSources"])
@pytest.mark.parametrize("path", [PLAIN, EXTENSIONS])
@pytest.mark.parametrize("version", ["2023-06-01-preview", "2023-12-01-preview", "2024-10-21"])
def test_both_names_are_taken_on_both_paths_at_every_version(
    http: httpx.Client, engine: FakeEngine, key: str, path: str, version: str
) -> None:
    request = body()
    request[key] = request.pop("data_sources")
    answered(ask(http, path, request, version))
    assert indexes(engine.requests[-1]) == ("photos",)


@pytest.mark.parametrize(
    ("given", "mode"),
    [
        ("simple", Mode.KEYWORD),
        ("semantic", Mode.SEMANTIC),
        ("vector", Mode.VECTOR),
        ("vector_simple_hybrid", Mode.HYBRID),
        ("vectorSimpleHybrid", Mode.HYBRID),
        ("vector_semantic_hybrid", Mode.SEMANTIC),
        ("VectorSemanticHybrid", Mode.SEMANTIC),
        (None, Mode.HYBRID),
    ],
)
def test_the_five_query_types_are_modes(http: httpx.Client, engine: FakeEngine, given: str | None, mode: Mode) -> None:
    answered(ask(http, PLAIN, body(query_type=given)))
    assert engine.queries[-1][1].mode is mode


@pytest.mark.parametrize("absent", [None, "", " ", "None", "null"])
def test_an_absent_filter_may_be_written_in_many_ways(
    http: httpx.Client, engine: FakeEngine, absent: str | None
) -> None:
    answered(ask(http, PLAIN, body(filter=absent)))
    assert engine.requests[-1].sources[0].filter is None


def test_without_options_the_operators_defaults_hold(http: httpx.Client, engine: FakeEngine) -> None:
    answered(ask(http, PLAIN, body()))
    assert engine.requests[-1].grounding == replace(engine.grounding(), role_tokens=100)


def test_two_sources_are_both_searched(http: httpx.Client, engine: FakeEngine) -> None:
    request = body("dogs parrot beach cage")
    request["data_sources"].append({"type": "AzureCognitiveSearch", "parameters": {"indexName": "texts"}})
    context = answered(ask(http, PLAIN, request))["choices"][0]["message"]["context"]
    assert indexes(engine.requests[-1]) == ("photos", "texts")
    assert {c["filepath"] for c in context["citations"]} >= {"dogs.jpg", "parrot.md"}


def test_each_source_is_searched_with_its_own_filter_and_query_type(http: httpx.Client, engine: FakeEngine) -> None:
    request = body(filter="title eq 'dogs'", query_type="simple")
    request["data_sources"].append({"type": "azure_search", "parameters": {"index_name": "texts"}})
    answered(ask(http, PLAIN, request))
    (first, one), (second, other) = engine.queries[-2:]
    assert (first, one.mode, second, other.mode) == ("photos", Mode.KEYWORD, "texts", Mode.HYBRID)
    assert isinstance(one.filter, Comparison)
    assert other.filter is None


def test_a_vision_source_beside_a_search_source_is_the_image_retrieval_form(
    http: httpx.Client, engine: FakeEngine, picture: bytes
) -> None:
    request = body()
    request["dataSources"] = [*request.pop("data_sources"), {"type": "AzureComputerVision", "parameters": {"key": "k"}}]
    request["messages"][0]["content"] = [{"type": "image_url", "image_url": {"url": data_url(picture)}}]
    answered(ask(http, EXTENSIONS, request, "2023-12-01-preview"))
    assert indexes(engine.requests[-1]) == ("photos",)
    assert len(engine.queries[-1][1].images) == 1


def test_enhancements_without_any_source_are_a_plain_chat(http: httpx.Client, engine: FakeEngine) -> None:
    request = plain_body(enhancements={"ocr": {"enabled": "true"}, "grounding": {"enabled": True}})
    reply = answered(ask(http, EXTENSIONS, request, "2023-12-01-preview"))
    assert reply["object"] == "chat.completion"
    assert indexes(engine.requests[-1]) == ()


@pytest.mark.parametrize("absent", [None, []])
def test_no_data_sources_are_a_plain_chat(http: httpx.Client, engine: FakeEngine, absent: object) -> None:
    answered(ask(http, PLAIN, plain_body(data_sources=absent)))
    assert indexes(engine.requests[-1]) == ()


def data_url(data: bytes, media_type: str = "image/png") -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def message_parts(picture: bytes) -> dict[str, object]:
    url = data_url(picture)
    return {
        "standard": {"type": "image_url", "image_url": {"url": url, "detail": "high"}},
        "camel": {"type": "image_url", "imageUrl": {"url": url, "detail": "high"}},
        "bare string": {"type": "image_url", "image_url": url},
        "first preview": {"image": url},
        "first preview, base64": {"image": base64.b64encode(picture).decode()},
        "unofficial type": {"type": "image_url", "image_url": {"url": data_url(picture, "image/jpg")}},
        "upper case": {"type": "image_url", "image_url": {"url": url.replace("data:", "DATA:")}},
        "line breaks": {"type": "image_url", "image_url": {"url": url[:40] + "\n" + url[40:]}},
        "no padding": {"type": "image_url", "image_url": {"url": url.rstrip("=")}},
        "url-safe": {
            "type": "image_url",
            "image_url": {"url": url.replace("+", "-").replace("/", "_").replace("image_png", "image/png")},
        },
        "percent": {"type": "image_url", "image_url": {"url": url.replace("=", "%3D")}},
    }


@pytest.mark.parametrize("form", list(message_parts(b"")))
def test_an_image_is_taken_in_every_form_clients_use(
    http: httpx.Client, engine: FakeEngine, picture: bytes, form: str
) -> None:
    picture += bytes(range(256))
    content = ["What is this?", message_parts(picture)[form]]
    answered(ask(http, PLAIN, {"messages": [{"role": "user", "content": content}]}))
    (message,) = engine.requests[-1].messages
    assert message.text == "What is this?"
    (image,) = message.images
    assert image.data == picture
    assert image.detail == ("high" if form in {"standard", "camel"} else "auto")


def test_ten_images_are_taken_and_eleven_are_not(http: httpx.Client, engine: FakeEngine, picture: bytes) -> None:
    part = {"type": "image_url", "image_url": {"url": data_url(picture)}}
    answered(ask(http, PLAIN, {"messages": [{"role": "user", "content": [part] * 10}]}))
    assert len(engine.requests[-1].messages[0].images) == 10
    response = ask(http, PLAIN, {"messages": [{"role": "user", "content": [part] * 11}]})
    assert response.status_code == 400
    assert "Too many images" in response.json()["error"]["message"]
    assert "10" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    "url", ["https://example.com/a.jpg", "http://169.254.169.254/", "file:///etc/passwd", "ftp://x"]
)
def test_where_no_image_is_fetched_the_refusal_says_what_to_do(http: httpx.Client, url: str) -> None:
    content = [{"type": "image_url", "image_url": {"url": url}}]
    response = ask(http, PLAIN, {"messages": [{"role": "user", "content": content}]})
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["innererror"]["code"] == "invalid_image"
    assert "data URL" in error["innererror"]["remedy"]


@pytest.mark.parametrize("given", ["https://example.org/a.png?sig=x", " HTTPS://example.org/a.png "])
def test_an_image_given_by_address_is_fetched(
    http: httpx.Client, engine: FakeEngine, picture: bytes, given: str
) -> None:
    engine.web = {given.strip(): picture}
    content = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": given}}]
    answered(ask(http, PLAIN, {"messages": [{"role": "user", "content": content}]}))
    assert [image.data for image in engine.requests[-1].messages[-1].images] == [picture]


@pytest.mark.parametrize("payload", ["data:image/png;base64,%%%", "data:image/png;base64,", "AAAA", "data:,x"])
def test_what_is_no_image_is_refused_by_its_bytes(http: httpx.Client, payload: str) -> None:
    content = [{"type": "image_url", "image_url": {"url": payload}}]
    response = ask(http, PLAIN, {"messages": [{"role": "user", "content": content}]})
    assert response.status_code == 400
    assert response.json()["error"]["innererror"]["code"] == "invalid_image"


def test_history_as_clients_send_it_is_read_past_what_is_not_said(http: httpx.Client, engine: FakeEngine) -> None:
    messages = [
        {"role": "system", "content": [{"type": "text", "text": "Be"}, {"type": "text", "text": "brief."}]},
        {"role": "user", "content": "First?", "id": "1", "date": "2024-01-01"},
        {"role": "tool", "content": '{"citations":[],"intent":"[]"}'},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "x", "type": "function"}]},
        {"role": "assistant", "content": "Yes [doc1].", "context": {"citations": [], "intent": "x"}, "end_turn": True},
        {"role": "user", "content": DOGS_QUESTION},
    ]
    answered(ask(http, PLAIN, body() | {"messages": messages}))
    said = [(m.role, m.text) for m in engine.requests[-1].messages]
    assert said == [
        ("system", "Be\nbrief."),
        ("user", "First?"),
        ("assistant", "Yes [doc1]."),
        ("user", DOGS_QUESTION),
    ]


def test_a_system_message_after_the_question_is_said_before_it(http: httpx.Client, engine: FakeEngine) -> None:
    messages = [{"role": "user", "content": "Hi"}, {"role": "developer", "content": "Be brief."}]
    answered(ask(http, PLAIN, {"messages": messages}))
    assert [(m.role, m.text) for m in engine.requests[-1].messages] == [("system", "Be brief."), ("user", "Hi")]


@pytest.mark.parametrize("messages", [[{"role": "system", "content": "x"}], [{"role": "assistant", "content": "x"}]])
def test_without_a_question_there_is_nothing_to_answer(http: httpx.Client, messages: list[object]) -> None:
    assert ask(http, PLAIN, {"messages": messages}).status_code == 400


def test_request_oddities_of_real_clients_are_taken(http: httpx.Client, engine: FakeEngine) -> None:
    odd = {
        "model": None,
        "max_completion_tokens": 33,
        "n": 1,
        "temperature": 0,
        "top_p": 0,
        "stop": None,
        "seed": 5,
        "user_security_context": {"x": 1},
        "presence_penalty": 0,
        "logit_bias": {},
        "tools": [],
        "response_format": {"type": "text"},
        "deployment": "x",
    }
    answered(ask(http, PLAIN, plain_body(**odd), "2023-05-15"))
    sampling = engine.requests[-1].sampling
    assert (sampling.max_tokens, sampling.temperature, sampling.top_p, sampling.seed) == (33, 0, 0, 5)
    answered(ask(http, PLAIN, plain_body(stop="x", model="another-model")))
    assert engine.requests[-1].sampling.stop == ("x",)


def test_with_tool_choice_none_the_tools_are_ignored_and_the_data_is_used(
    http: httpx.Client, engine: FakeEngine
) -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]
    answered(ask(http, PLAIN, body() | {"tools": tools, "tool_choice": "none"}))
    assert indexes(engine.requests[-1]) == ("photos",)


@pytest.mark.parametrize(
    "asked",
    [
        {"n": 2},
        {"logprobs": True},
        {"response_format": {"type": "json_object"}},
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
    ],
)
def test_what_is_not_served_is_refused_by_name_instead_of_ignored(http: httpx.Client, asked: dict[str, object]) -> None:
    response = ask(http, PLAIN, plain_body(**asked))
    assert response.status_code == 400
    assert response.json()["error"]["param"] == next(iter(asked))


def test_bodies_are_read_whatever_their_content_type_and_byte_order_mark(http: httpx.Client) -> None:
    data = b'\xef\xbb\xbf{"messages":[{"role":"user","content":"Hi"}]}'
    response = http.post(
        PLAIN, params={"api-version": "2024-10-21"}, content=data, headers={"content-type": "text/plain"}
    )
    assert response.status_code == 200


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


BODIES = st.fixed_dictionaries(
    {"messages": st.lists(st.fixed_dictionaries({"role": st.sampled_from(["user", "tool"]), "content": JSON})) | JSON},
    optional={
        "data_sources": st.lists(st.dictionaries(st.sampled_from(["type", "parameters", "indexName"]), JSON)) | JSON,
        "stream": JSON,
        "temperature": JSON,
        "max_tokens": JSON,
        "seed": JSON,
        "tools": JSON,
        "stream_options": JSON,
    },
)


@given(request=BODIES | JSON)
def test_any_json_as_a_request_is_understood_or_refused_but_never_crashes(request: object) -> None:
    engine = FakeEngine({"photos": [fake_chunk("a", "b")]})
    try:
        asked = read_chat(read_given(json.dumps(request).encode()), engine, groups=None)
    except (FovealError, GroundedError):
        return
    assert asked.request.messages[-1].role == "user"


@pytest.mark.parametrize("depth", [100, 900, 5000])
def test_deeply_nested_json_is_refused_or_read_past(http: httpx.Client, depth: int) -> None:
    nested = "[" * depth + "]" * depth
    data = f'{{"messages":[{{"role":"user","content":"x"}}],"data_sources":[{{"type":"azure_search","x":{nested}}}]}}'
    response = http.post(PLAIN, params={"api-version": "2024-10-21"}, content=data)
    assert response.status_code == 400


@given(source=st.dictionaries(st.sampled_from(["type", "parameters", "indexName", "filter", "topNDocuments"]), JSON))
def test_any_json_as_a_data_source_is_understood_or_refused_but_never_crashes(source: dict[str, Any]) -> None:
    engine = FakeEngine({"photos": [fake_chunk("a", "b")]})
    try:
        got = read_sources([source | {"type": source.get("type", "azure_search")}], engine, groups=None)
    except FovealError:
        return
    assert indexes(got) == ("photos",)
