"""The table of versions, row by row on the wire: what each version's clients were written for."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import httpx
import pytest

from foveal.api import versions

from .conftest import DOGS
from .wire import EXTENSIONS, PLAIN, answered, ask, body, events, plain_body


class Row(NamedTuple):
    """What the contract notes (sections 3 and 12) and the client observations say of a version.

    Attributes:
        extensions: Where a grounded answer's context is on the extensions path.
        first: Key of the prompt's filter results in the first event of a plain stream.
        scored: Whether citations have a `rerank_score`.
        missing: How a grounded answer says that the data has none.
    """

    extensions: str
    first: str = "prompt_filter_results"
    scored: bool = False
    missing: str = "not found"


JUNE_2023 = Row("messages", "prompt_annotations", missing="not available")
AUGUST_2023 = Row("context.messages", "prompt_annotations", missing="not available")
LATE_2023 = Row("context.messages", missing="not available")
IN_2024 = Row("context")
SINCE_AUGUST_2024 = Row("context", scored=True)
ROWS = {
    "2023-06-01-preview": JUNE_2023,
    "2023-07-01-preview": JUNE_2023,
    "2023-08-01-preview": AUGUST_2023,
    "2023-09-01-preview": LATE_2023,
    "2023-10-01-preview": LATE_2023,
    "2023-12-01-preview": LATE_2023,
    "2024-02-01": IN_2024,
    "2024-02-15-preview": IN_2024,
    "2024-03-01-preview": IN_2024,
    "2024-04-01-preview": IN_2024,
    "2024-05-01-preview": IN_2024,
    "2024-06-01": IN_2024,
    "2024-07-01-preview": IN_2024,
    "2024-08-01-preview": SINCE_AUGUST_2024,
    "2024-09-01-preview": SINCE_AUGUST_2024,
    "2024-10-01-preview": SINCE_AUGUST_2024,
    "2024-10-21": IN_2024,
    "2024-12-01-preview": SINCE_AUGUST_2024,
    "2025-01-01-preview": SINCE_AUGUST_2024,
    "2025-02-01-preview": SINCE_AUGUST_2024,
    "2025-03-01-preview": SINCE_AUGUST_2024,
    "2025-04-01-preview": SINCE_AUGUST_2024,
}
UNLISTED = {
    "2031-01-01": SINCE_AUGUST_2024,
    "2031-01-01-preview": SINCE_AUGUST_2024,
    "2024-11-01-preview": SINCE_AUGUST_2024,
    "preview": Row("context.messages", scored=True),
    "latest": Row("context.messages", scored=True),
}
"""Versions nobody listed: the newest form that fits the path, in the extensions' own words where no year is told."""
EITHER = [(version, row) for version, row in (ROWS | UNLISTED).items()]


def shape(reply: dict[str, Any]) -> str:
    """Where the citation of the dogs is."""
    (choice,) = reply["choices"]
    if "messages" in choice:
        assert DOGS in choice["messages"][0]["content"]
        return "messages"
    context = choice["message"]["context"]
    if "messages" in context:
        assert json.loads(context["messages"][0]["content"])["citations"][0]["content"] == DOGS
        return "context.messages"
    assert context["citations"][0]["content"] == DOGS
    return "context"


def test_every_version_of_the_table_has_its_row_here() -> None:
    assert list(versions.TABLE) == list(ROWS)


@pytest.mark.parametrize(("version", "row"), EITHER)
def test_on_the_extensions_path_a_version_has_its_own_shape(http: httpx.Client, version: str, row: Row) -> None:
    assert shape(answered(ask(http, EXTENSIONS, body(), version))) == row.extensions


@pytest.mark.parametrize(("version", "row"), EITHER)
def test_on_the_plain_path_every_version_has_the_shape_of_2024(http: httpx.Client, version: str, row: Row) -> None:
    reply = answered(ask(http, PLAIN, body(), version))
    assert shape(reply) == "context"
    citation, *_ = reply["choices"][0]["message"]["context"]["citations"]
    assert ("rerank_score" in citation) == row.scored


@pytest.mark.parametrize(("version", "row"), EITHER)
def test_a_plain_stream_begins_with_the_versions_filter_results(http: httpx.Client, version: str, row: Row) -> None:
    first, *_ = events(ask(http, PLAIN, plain_body(stream=True), version))
    assert first["choices"] == []
    assert {"prompt_filter_results", "prompt_annotations"} & set(first) == {row.first}


@pytest.mark.parametrize(("version", "row"), EITHER)
@pytest.mark.parametrize("path", [PLAIN, EXTENSIONS])
def test_a_grounded_stream_never_begins_without_choices(http: httpx.Client, path: str, version: str, row: Row) -> None:
    first, *_ = events(ask(http, path, body() | {"stream": True}, version))
    assert first["choices"]


@pytest.mark.parametrize(("version", "row"), ROWS.items())
def test_a_version_refuses_in_the_sentence_of_its_time(http: httpx.Client, version: str, row: Row) -> None:
    reply = answered(ask(http, PLAIN, body("zebra"), version))
    assert f"information is {row.missing} in the retrieved data" in reply["choices"][0]["message"]["content"]


@pytest.mark.parametrize("path", ["/openai/v1/chat/completions", "/v1/chat/completions"])
@pytest.mark.parametrize("version", [None, "v1", "preview", "2024-10-21", "nonsense"])
def test_in_v1_the_version_may_be_missing_and_changes_nothing(
    http: httpx.Client, path: str, version: str | None
) -> None:
    reply = answered(ask(http, path, body() | {"model": "foveal"}, version))
    assert shape(reply) == "context"
    assert "rerank_score" in reply["choices"][0]["message"]["context"]["citations"][0]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", PLAIN),
        ("POST", EXTENSIONS),
        ("POST", "/openai/deployments/foveal-embedding/embeddings"),
        ("POST", "/openai/deployments/foveal/completions"),
        ("GET", "/openai/deployments"),
        ("GET", "/openai/deployments/foveal"),
        ("GET", "/openai/models"),
        ("GET", "/openai/models/foveal"),
    ],
)
@pytest.mark.parametrize("query", [{}, {"api-version": ""}, {"api_version": "2024-10-21"}])
def test_outside_v1_a_missing_version_is_a_404_with_the_services_code(
    http: httpx.Client, method: str, path: str, query: dict[str, str]
) -> None:
    response = http.request(method, path, params=query, json={} if method == "POST" else None)
    assert response.status_code == 404
    error = response.json()["error"]
    assert error["code"] == "404"
    assert error["message"].startswith("Resource not found")
    assert "api-version" in error["message"]
