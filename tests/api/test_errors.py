"""Every failure leaves in one of the two envelopes, with the headers clients act on, and without a traceback."""

from __future__ import annotations

import re
import uuid

import httpx
import pytest

from foveal.errors import (
    BudgetError,
    FovealError,
    ModelOverloadedError,
    ModelTimeoutError,
    ModelUnavailableError,
    StoreBusyError,
)
from foveal.testing.fakes_engine import FakeEngine

from .wire import EXTENSIONS, PLAIN, ask, body, events, plain_body


def azure(response: httpx.Response) -> dict[str, object]:
    error = response.json()["error"]
    assert list(error) == ["code", "message", "param", "type", "innererror"]
    assert isinstance(error["code"], str)
    assert list(error["innererror"]) == ["code", "remedy"]
    return error  # type: ignore[no-any-return]


def grounded(response: httpx.Response) -> dict[str, object]:
    error = response.json()["error"]
    assert list(error) == ["requestid", "code", "message"]
    assert error["requestid"] == response.headers["apim-request-id"]
    assert isinstance(error["code"], int)
    return error  # type: ignore[no-any-return]


def test_every_reply_has_a_request_id_where_clients_look(http: httpx.Client) -> None:
    for response in (http.get("/healthz"), http.get("/nowhere"), ask(http, PLAIN, plain_body())):
        assert uuid.UUID(response.headers["apim-request-id"])
        assert response.headers["x-request-id"] == response.headers["apim-request-id"]
        assert response.headers["x-content-type-options"] == "nosniff"


def test_a_clients_own_request_id_comes_back_unless_it_is_odd(http: httpx.Client) -> None:
    assert (
        http.get("/healthz", headers={"x-ms-client-request-id": "abc-1"}).headers["x-ms-client-request-id"] == "abc-1"
    )
    assert "x-ms-client-request-id" not in http.get("/healthz", headers={"x-ms-client-request-id": "a" * 300}).headers


def test_an_unknown_path_is_not_found_in_the_envelope(http: httpx.Client) -> None:
    response = http.get("/openai/deployments/foveal/audio/speech")
    assert response.status_code == 404
    assert azure(response)["code"] == "404"


def test_a_wrong_method_is_refused_in_the_envelope(http: httpx.Client) -> None:
    response = http.get(PLAIN, params={"api-version": "2024-10-21"})
    assert response.status_code == 405
    assert azure(response)["code"] == "405"


@pytest.mark.parametrize("request_body", [plain_body(), body()])
def test_an_unknown_deployment_is_not_found_in_azures_envelope(http: httpx.Client, request_body: object) -> None:
    response = ask(http, PLAIN.replace("foveal", "gpt-4o"), request_body)
    assert response.status_code == 404
    assert azure(response)["code"] == "DeploymentNotFound"
    assert "foveal" in str(azure(response)["message"])


def test_in_v1_a_missing_model_and_an_unknown_model_are_told_apart(http: httpx.Client) -> None:
    assert ask(http, "/openai/v1/chat/completions", plain_body(), None).status_code == 400
    unknown = ask(http, "/openai/v1/chat/completions", plain_body(model="x"), None)
    assert unknown.status_code == 404
    assert azure(unknown)["code"] == "DeploymentNotFound"


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 100_000, b"[]", b"null"])
def test_a_body_that_is_no_request_is_refused(http: httpx.Client, data: bytes) -> None:
    response = http.post(PLAIN, params={"api-version": "2024-10-21"}, content=data)
    assert response.status_code == 400
    assert azure(response)["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"temperature": 3}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [{"type": "acv_document_id"}]}]}, "messages.0.content.0"),
    ],
)
def test_a_wrong_value_names_its_field(http: httpx.Client, more: dict[str, object], param: str) -> None:
    response = ask(http, PLAIN, plain_body() | more)
    assert response.status_code == 400
    assert azure(response)["param"] == param


@pytest.mark.parametrize(
    ("parameters", "pointer"),
    [
        ({"strictness": 6}, "#/data_sources/0/azure_search/parameters/strictness"),
        ({"topNDocuments": 0}, "#/data_sources/0/azure_search/parameters/topNDocuments"),
        ({"query_type": "guess"}, "#/data_sources/0/azure_search/parameters/query_type"),
        ({"include_contexts": ["x"]}, "#/data_sources/0/azure_search/parameters/include_contexts/0"),
        ({"index_name": None}, "#/data_sources/0/azure_search/parameters/index_name"),
    ],
)
def test_a_wrong_parameter_of_a_source_is_a_validation_error_with_a_pointer(
    http: httpx.Client, parameters: dict[str, object], pointer: str
) -> None:
    response = ask(http, PLAIN, body(**parameters))
    assert response.status_code == 400
    error = grounded(response)
    assert error["code"] == 400
    assert str(error["message"]).startswith(f"Validation error at {pointer}: ")


def test_several_faults_are_told_one_a_line(http: httpx.Client) -> None:
    message = str(grounded(ask(http, PLAIN, body(strictness=9, top_n_documents=0)))["message"])
    assert len(message.splitlines()) == 2
    assert all(line.startswith("Validation error at #/") for line in message.splitlines())


def test_an_unknown_source_type_lists_the_known_ones(http: httpx.Client) -> None:
    response = ask(http, PLAIN, plain_body(data_sources=[{"type": "my_search", "parameters": {}}]))
    assert response.status_code == 400
    assert "'azure_search'" in str(grounded(response)["message"])


@pytest.mark.parametrize("path", [PLAIN, EXTENSIONS])
@pytest.mark.parametrize("stream", [True, False])
def test_an_unknown_index_is_a_400_of_on_your_data_that_names_its_neighbours(
    http: httpx.Client, path: str, *, stream: bool
) -> None:
    response = ask(http, path, body(index="photo") | {"stream": stream})
    assert response.status_code == 400
    error = grounded(response)
    assert error["code"] == 400
    assert str(error["message"]).startswith("Invalid AzureCognitiveSearch configuration detected")
    assert "photos" in str(error["message"])


def test_a_filter_that_does_not_parse_is_a_400_of_on_your_data(http: httpx.Client) -> None:
    response = ask(http, PLAIN, body(filter="titel eq 'x'"))
    assert response.status_code == 400
    assert "title" in str(grounded(response)["message"])


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("error", "status", "retry"),
    [
        (ModelUnavailableError("No chat model.", remedy="Set chat.base_url."), 503, "false"),
        (ModelOverloadedError("Busy.", retry_after_s=2.5), 429, None),
        (BudgetError("Spent."), 429, "false"),
        (StoreBusyError("Locked."), 503, None),
        (ModelTimeoutError("Late."), 504, None),
    ],
)
def test_a_failure_before_the_first_word_has_its_own_status_streamed_or_not(
    http: httpx.Client, engine: FakeEngine, error: FovealError, status: int, retry: str | None, *, stream: bool
) -> None:
    engine.failure = error
    plain = ask(http, PLAIN, plain_body(stream=stream))
    assert plain.status_code == status
    assert azure(plain)["innererror"] == {"code": error.code, "remedy": error.remedy}
    assert azure(plain)["code"] == ("429" if status == 429 else error.code)
    data = ask(http, PLAIN, body() | {"stream": stream})
    assert data.status_code == status
    assert grounded(data)["code"] == status
    for response in (plain, data):
        assert response.headers.get("x-should-retry") == retry
        assert ("retry-after" in response.headers) == (status in {429, 503})


def test_the_wait_a_model_server_asked_for_is_handed_on(http: httpx.Client, engine: FakeEngine) -> None:
    engine.failure = ModelOverloadedError("Busy.", retry_after_s=2.5)
    headers = ask(http, PLAIN, plain_body()).headers
    assert (headers["retry-after"], headers["retry-after-ms"]) == ("3", "2500")


@pytest.mark.parametrize("request_body", [plain_body(stream=True), body() | {"stream": True}])
def test_a_failure_in_mid_stream_is_an_event_with_an_error_and_then_the_end(
    http: httpx.Client, engine: FakeEngine, request_body: object
) -> None:
    engine.failure_after = ModelTimeoutError("The model stopped talking.")
    response = ask(http, PLAIN, request_body)
    *before, last = events(response)
    assert before
    assert "The model stopped talking." in last["error"]["message"]
    assert "[DONE]" not in response.text


def test_a_crash_tells_the_caller_nothing_but_the_request_id(http: httpx.Client, engine: FakeEngine) -> None:
    engine.failure = RuntimeError("password=hunter2")
    response = ask(http, PLAIN, plain_body())
    assert response.status_code == 500
    assert azure(response)["code"] == "500"
    assert "hunter2" not in response.text
    assert not re.search(r"Traceback|RuntimeError|\.py", response.text)
    assert uuid.UUID(response.headers["apim-request-id"])
