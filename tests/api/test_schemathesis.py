"""Requests made from OpenAPI documents, ours and Microsoft's: never a 5xx, never a reply that the document denies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.types import ASGIApp

from foveal.asgi import create_app
from foveal.testing.fakes_engine import FakeEngine, fake_chunk

DRAWN = settings(
    max_examples=12,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
MODES = st.sampled_from([GenerationMode.POSITIVE, GenerationMode.POSITIVE, GenerationMode.NEGATIVE])


def application() -> ASGIApp:
    return create_app(FakeEngine({"photos": [fake_chunk("dogs.txt", "Two dogs run along the beach.")]}))


@cache
def own_document() -> Any:
    return schemathesis.openapi.from_dict(create_app(FakeEngine()).openapi())


def operations(document: Any) -> list[tuple[str, str]]:
    found = (result.ok() for result in document.get_all_operations())
    return [(operation.method.upper(), operation.path) for operation in found]


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def url(serve: Callable[[ASGIApp], str]) -> str:
    return serve(application())


def drawn(data: st.DataObject, document: Any, method: str, path: str) -> Case:
    mode = data.draw(MODES)
    operation = document[path][method]
    if mode is GenerationMode.NEGATIVE and not (operation.body or list(operation.iter_parameters())):
        mode = GenerationMode.POSITIVE
    case: Case = data.draw(operation.as_strategy(generation_mode=mode))
    return case


@pytest.mark.parametrize(("method", "path"), operations(own_document()))
def test_our_own_document_is_kept(url: str, session: requests.Session, method: str, path: str) -> None:
    @DRAWN
    @given(data=st.data())
    def kept(data: st.DataObject) -> None:
        case = drawn(data, own_document(), method, path)
        for name, known in (("deployment", "foveal"), ("model", "foveal"), ("index", "photos")):
            if name in (case.path_parameters or {}) and data.draw(st.booleans()):
                case.path_parameters[name] = known
        if path.endswith("chat/completions") and data.draw(st.booleans()):
            streamed = data.draw(st.booleans())
            _with_question(case.body, data)
            if isinstance(case.body, dict):
                case.body |= {"stream": streamed, "model": "foveal"}
        case.call_and_validate(base_url=url, session=session, checks=CHECKS, timeout=20)

    kept()


SERVED = {
    "/deployments/{deployment-id}/chat/completions": "foveal",
    "/deployments/{deployment-id}/extensions/chat/completions": "foveal",
    "/deployments/{deployment-id}/completions": "foveal",
    "/deployments/{deployment-id}/embeddings": "foveal-embedding",
}
"""Of Microsoft's operations those that are served, and a deployment for each."""
EXTENSIONS_UNTIL = "2023-12-01-preview"
SPECIFIED = [
    (version, path)
    for version in (EXTENSIONS_UNTIL, "2024-03-01-preview", "2024-10-21")
    for path in SERVED
    if "extensions" not in path or version == EXTENSIONS_UNTIL
]


@pytest.fixture(scope="session")
def specifications(test_data: Path) -> Path:
    folder = test_data.parent / "contracts" / "microsoft"
    if not folder.is_dir():
        pytest.skip(f"Microsoft's specifications are not at {folder}")
    return folder


def _as_read(raw: dict[str, Any]) -> dict[str, Any]:
    """A specification with what it says otherwise than its own service did on the wire."""
    schemas = raw["components"]["schemas"]
    # Replies of the service have null where the error is about no parameter.
    schemas["error"]["properties"]["param"] |= {"nullable": True}
    # Recorded replies on data have it, whatever the specification says (contract notes, section 3.3).
    whole = schemas.get("createChatCompletionResponse", {}).get("properties", {}).get("object", {})
    kinds = schemas.get("chatCompletionResponseObject", whole)
    kinds["enum"].append("extensions.chat.completion")
    # On Your Data's envelope had an integer (contract notes, section 3.6).
    for name in ("error", "errorBase"):
        schemas[name]["properties"]["code"] = {}
    return raw | {"servers": []}  # theirs name variables that they do not define


def _with_question(body: Any, sources: st.DataObject) -> None:
    """Make a drawn chat one that has an answer: a question last, and no data source or one that there is."""
    if not isinstance(body, dict) or not isinstance(body.get("messages"), list):
        return
    body["messages"] = [*body["messages"][:3], {"role": "user", "content": "dogs on the beach"}]
    for name in ("data_sources", "dataSources", "stream", "tools", "functions", "response_format", "n", "logprobs"):
        body.pop(name, None)
    if sources.draw(st.booleans()):
        body["data_sources"] = [{"type": "azure_search", "parameters": {"index_name": "photos"}}]


@pytest.mark.parametrize(("version", "path"), SPECIFIED)
def test_requests_made_from_microsofts_specifications_are_answered_as_these_say(
    specifications: Path, url: str, session: requests.Session, version: str, path: str
) -> None:
    raw = json.loads((specifications / f"{version}.json").read_text("utf-8"))
    document = schemathesis.openapi.from_dict(_as_read(raw))

    @DRAWN
    @given(data=st.data())
    def answered(data: st.DataObject) -> None:
        case = drawn(data, document, "POST", path)
        case.path_parameters = {"deployment-id": SERVED[path]}
        case.query = {"api-version": version}
        if data.draw(st.booleans()):
            _with_question(case.body, data)
        response = case.call(base_url=f"{url}/openai", session=session, timeout=20)
        # Refusals are documented for some operations only.
        assert response.status_code in {200, 400}
        statuses.append(response.status_code)
        documented = response.status_code == 200 or "default" in raw["paths"][path]["post"]["responses"]
        case.validate_response(response, checks=CHECKS if documented else [not_a_server_error])

    statuses: list[int] = []
    answered()
    assert (200 in statuses) == (not path.endswith("}/completions"))
