"""Bad requests, one row each: every kind has its status, its envelope and its code, and none is a 5xx."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from foveal.asgi import create_app
from foveal.testing.fakes_engine import IMAGE_MAGIC, FakeEngine

from .wire import EXTENSIONS, PLAIN, body, plain_body

EMBED = "/openai/deployments/foveal-embedding/embeddings"
COMPLETE = "/openai/deployments/foveal/completions"
V1 = "/openai/v1/chat/completions"
MODELS = "/openai/models"
DATED = {"api-version": "2024-10-21"}
IMAGE = "data:image/png;base64,RkFLRQ=="


@dataclass(frozen=True, kw_only=True)
class Bad:
    """A request and what it is answered.

    Attributes:
        code: `error.code`; an integer is On Your Data's envelope.
        says: Words of the message.
        param: `error.param`.
    """

    name: str
    path: str = PLAIN
    method: str = "POST"
    given: object = None
    raw: bytes | None = None
    query: dict[str, str] = field(default_factory=lambda: DATED)
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 400
    code: str | int = "invalid_request"
    says: str = ""
    param: str | None = None


def images(*urls: object) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": u}} for u in urls]}]}


def deep(depth: int) -> bytes:
    return b'{"messages":' + b"[" * depth + b"]" * depth + b"}"


def chat(**more: object) -> dict[str, Any]:
    return plain_body() | more


TABLE = [
    # Where it is sent to.
    Bad(name="an unknown deployment", path="/openai/deployments/nothing/chat/completions", given=plain_body(),
        status=404, code="DeploymentNotFound", says="nothing"),
    Bad(name="an unknown deployment with data", path="/openai/deployments/nothing/chat/completions", given=body(),
        status=404, code="DeploymentNotFound", says="nothing"),
    Bad(name="an unknown embedding deployment", path="/openai/deployments/nothing/embeddings", given={"input": "x"},
        status=404, code="DeploymentNotFound"),
    Bad(name="an unknown model in v1", path=V1, query={}, given=chat(model="nothing"),
        status=404, code="DeploymentNotFound"),
    Bad(name="no model in v1", path=V1, query={}, given=plain_body(), says="`model` is missing"),
    Bad(name="an unknown model in the list", path=f"{MODELS}/nothing", method="GET",
        status=404, code="DeploymentNotFound"),
    Bad(name="no version", query={}, given=plain_body(), status=404, code="404", says="api-version"),
    Bad(name="an empty version", query={"api-version": ""}, given=plain_body(), status=404, code="404"),
    Bad(name="no version in a list", path=MODELS, method="GET", query={}, status=404, code="404"),
    Bad(name="an unknown path", path="/openai/deployments/foveal/audio/speech", given={}, status=404, code="404",
        says="Resource not found"),
    Bad(name="a wrong method", method="GET", status=405, code="405"),
    Bad(name="a wrong method for a list", path=MODELS, method="DELETE", status=405, code="405"),
    Bad(name="a wrong method for embeddings", path=EMBED, method="PUT", given={}, status=405, code="405"),
    Bad(name="a chat where texts are embedded", path=EMBED.replace("foveal-embedding", "foveal"),
        given={"input": "x"}, code="OperationNotSupported", says="embeddings operation"),
    Bad(name="texts to embed where chats are held", path=PLAIN.replace("foveal", "foveal-embedding"),
        given=plain_body(), code="OperationNotSupported", says="chatCompletion operation"),
    Bad(name="a completion", path=COMPLETE, given={"prompt": "x"}, code="OperationNotSupported",
        says="completion operation"),
    # What a body is.
    Bad(name="no body", raw=b"", says="not valid JSON"),
    Bad(name="half a body", raw=b'{"messages": [', says="not valid JSON"),
    Bad(name="a form", raw=b"messages=Hello", headers={"content-type": "application/x-www-form-urlencoded"},
        says="not valid JSON"),
    Bad(name="a picture", raw=b"\x89PNG\r\n\x1a\n", headers={"content-type": "image/png"}, says="not valid JSON"),
    Bad(name="bytes of no text", raw=b"\xff\xfe{", says="not valid JSON"),
    Bad(name="a list", raw=b"[]"),
    Bad(name="null", raw=b"null"),
    Bad(name="a string", raw=b'"hello"'),
    Bad(name="a number", raw=b"1e999"),
    Bad(name="deep nesting", raw=deep(100_000)),
    Bad(name="rather deep nesting", raw=deep(900)),
    Bad(name="an endless number", raw=b'{"messages":[{"role":"user","content":"x"}],"seed":' + b"9" * 5000 + b"}"),
    Bad(name="NaN", raw=b'{"messages":[{"role":"user","content":"x"}],"temperature":NaN}'),
    Bad(name="infinity", raw=b'{"messages":[{"role":"user","content":"x"}],"top_p":-Infinity}'),
    Bad(name="half a body of embeddings", path=EMBED, raw=b'{"input":', says="not valid JSON"),
    Bad(name="a list as embeddings", path=EMBED, raw=b"[]"),
    # What is in it.
    Bad(name="no messages", given={}, param="messages"),
    Bad(name="empty messages", given={"messages": []}, param="messages"),
    Bad(name="too many messages", given={"messages": [{"role": "user", "content": "x"}] * 2049}, param="messages"),
    Bad(name="messages that are words", given={"messages": "Hello"}, param="messages"),
    Bad(name="an unknown role", given={"messages": [{"role": "king", "content": "x"}]}, param="messages.0.role"),
    Bad(name="no question", given={"messages": [{"role": "assistant", "content": "x"}]}, says="user"),
    Bad(name="content that is a number", given={"messages": [{"role": "user", "content": 5}]},
        param="messages.0.content"),
    Bad(name="a temperature in words", given=chat(temperature="hot"), param="temperature"),
    Bad(name="too hot", given=chat(temperature=2.1), param="temperature"),
    Bad(name="too huge a seed", given=chat(seed=2**64), param="seed"),
    Bad(name="too huge a number of tokens", given=chat(max_tokens=10**30), param="max_tokens"),
    Bad(name="no tokens", given=chat(max_tokens=0), param="max_tokens"),
    Bad(name="a stream of words", given=chat(stream="perhaps"), param="stream"),
    Bad(name="two wrong values", given=chat(temperature=9, top_p=9), param="temperature", says="top_p"),
    Bad(name="embeddings of nothing", path=EMBED, given={}, param="input"),
    Bad(name="an empty text to embed", path=EMBED, given={"input": ""}, param="input"),
    Bad(name="too many texts to embed", path=EMBED, given={"input": ["x"] * 2049}, param="input"),
    Bad(name="an unknown encoding", path=EMBED, given={"input": "x", "encoding_format": "hex"},
        param="encoding_format"),
    Bad(name="a length no model has", path=EMBED, given={"input": "x", "dimensions": 3}, says="dimensions"),
    Bad(name="a length of nothing", path=EMBED, given={"input": "x", "dimensions": 0}, param="dimensions"),
    # Images.
    Bad(name="eleven images", given=images(*[IMAGE] * 11), says="Too many images"),
    Bad(name="an unreachable image", given=images("https://nowhere.example/a.png?sig=hidden"), code="invalid_image",
        says="nowhere.example/a.png"),
    Bad(name="an image of a file", given=images("file:///etc/passwd"), code="invalid_image"),
    Bad(name="an undecodable image", given=images("data:image/png;base64,AAAA"), code="invalid_image"),
    Bad(name="broken base64", given=images("data:image/png;base64,%%%"), code="invalid_image"),
    Bad(name="no image", given=images(""), param="messages.0.content.0"),
    Bad(name="an image that is a number", given=images(5)),
    Bad(name="an undecodable image from afar", given=images("https://example.org/broken.png"), code="invalid_image"),
    # Data.
    Bad(name="an unknown index", given=body(index="nothing"), code=400, says="nothing"),
    Bad(name="an unknown index in the form of 2023", path=EXTENSIONS, given=body(index="nothing"), code=400,
        says="nothing"),
    Bad(name="a bad filter", given=body(filter="title eq"), code=400),
    Bad(name="a filter on an unknown field", given=body(filter="titel eq 'x'"), code=400, says="titel"),
    Bad(name="a wrong strictness", given=body(strictness=6), code=400,
        says="Validation error at #/data_sources/0/azure_search/parameters/strictness"),
    Bad(name="an unknown source", given=chat(data_sources=[{"type": "nothing"}]), code=400, says="nothing"),
    Bad(name="a source that is a word", given=chat(data_sources=["azure_search"]), code=400),
    Bad(name="a wrong temperature with data", given=body() | {"temperature": 9}, code=400, says="temperature"),
    Bad(name="an undecodable image with data", given=body() | images("data:,x"), code=400),
]  # fmt: skip


def send(http: httpx.Client, bad: Bad) -> httpx.Response:
    data = bad.raw if bad.raw is not None else b"" if bad.given is None else json.dumps(bad.given).encode()
    headers = {"content-type": "application/json"} | bad.headers
    return http.request(bad.method, bad.path, params=bad.query, content=data, headers=headers)


@pytest.mark.parametrize("bad", TABLE, ids=lambda bad: bad.name)
def test_a_bad_request_has_its_status_envelope_and_code(http: httpx.Client, engine: FakeEngine, bad: Bad) -> None:
    engine.web = {"https://example.org/broken.png": b"no image"}
    response = send(http, bad)
    assert response.status_code == bad.status, response.text
    error = response.json()["error"]
    assert error["code"] == bad.code
    assert bad.says in error["message"]
    if isinstance(bad.code, int):
        assert list(error) == ["requestid", "code", "message"]
    else:
        assert list(error) == ["code", "message", "param", "type", "innererror"]
        assert error["type"] == "invalid_request_error"
        assert bad.param is None or error["param"] == bad.param
    assert "hidden" not in response.text
    assert engine.requests == []


@pytest.mark.parametrize("path", [PLAIN, EMBED, COMPLETE, "/v1/search"])
@pytest.mark.parametrize("declared", [True, False])
def test_a_body_over_the_limit_is_too_large_declared_or_not(
    engine: FakeEngine, serve: Any, path: str, *, declared: bool
) -> None:
    pieces = [b"[" + b" " * 5000] if declared else iter([b" " * 1000] * 5)
    content = pieces[0] if isinstance(pieces, list) else pieces
    with httpx.Client(base_url=serve(create_app(engine, max_body_bytes=2000)), trust_env=False, timeout=20) as http:
        response = http.post(path, params=DATED, content=content)
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "too_large"
    assert "2000" in response.json()["error"]["message"]


def test_ten_images_are_not_too_many(http: httpx.Client) -> None:
    assert IMAGE.endswith("RkFLRQ==")
    assert IMAGE_MAGIC == b"FAKE"
    assert http.post(PLAIN, params=DATED, json=images(*[IMAGE] * 10)).status_code == 200


def test_any_content_type_is_taken_where_the_body_is_json(http: httpx.Client) -> None:
    for kind in ("text/plain", "application/octet-stream", "application/json; charset=utf-16", ""):
        response = http.post(PLAIN, params=DATED, content=json.dumps(plain_body()), headers={"content-type": kind})
        assert response.status_code == 200
