"""Document-level access on a real home: a filter on groups, and no document of others anywhere in a reply."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from foveal.asgi import create_app
from foveal.models.cards import Card
from foveal.runtime import Foveal
from foveal.settings import load
from foveal.testing.serving import served

from .wire import EXTENSIONS, PLAIN, answered, ask, events

INDEX = "kites"
MEMBERS: dict[str, tuple[str, ...]] = {
    "red": ("a",),
    "blue": ("b",),
    "green": ("ab",),
    "white": ("a", "c"),
    "black": ("b", "c d"),
    "grey": ("group_id1", "group_id2"),
    "pink": (),
}
"""Groups of each document, which is about kites of one colour."""
GROUPS = ["a", "b", "ab", "c", "d", "group_id1", "nobody"]
QUESTION = "What colour does the manager's kite have?"


def text_of(colour: str) -> str:
    return f"The kite of the manager has the colour {colour}. It flies well in strong wind over the {colour} hill."


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, pulled: Callable[[str], Card], models_dir: Path) -> Iterator[Foveal]:
    pulled("multilingual-e5-small")
    pulled("efficientnet-lite2")
    root = tmp_path_factory.mktemp("groups")
    off = {"understanding.objects": False, "understanding.ocr": False, "understanding.safety": False}
    flags = {"home": root / "home", "models": models_dir, "offline": True, "index": INDEX, **off}
    with Foveal(load(flags, environ={})) as foveal:
        for colour, groups in MEMBERS.items():
            folder = root / colour
            folder.mkdir()
            (folder / f"{colour}.txt").write_text(text_of(colour))
            foveal.ingest([folder], groups=groups)
        yield foveal


@pytest.fixture(scope="module")
def http(home: Foveal) -> Iterator[httpx.Client]:
    with served(create_app(home)) as url, httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        yield client


def request_for(groups: tuple[str, ...], *, stream: bool) -> dict[str, Any]:
    parameters = {
        "index_name": INDEX,
        "filter": f"group_ids/any(g:search.in(g, '{', '.join(groups)}'))",
        "strictness": 1,
        "top_n_documents": 20,
        "include_contexts": ["citations", "intent", "all_retrieved_documents"],
    }
    source = {"type": "azure_search", "parameters": parameters}
    return {"messages": [{"role": "user", "content": QUESTION}], "data_sources": [source], "stream": stream}


def colours_in(text: str) -> set[str]:
    return {colour for colour in MEMBERS if colour in text}


def addresses(value: object) -> Iterator[str]:
    """Every `url` in a reply, the ones in JSON strings too."""
    if isinstance(value, dict):
        if isinstance(value.get("url"), str):
            yield value["url"]
        value = list(value.values())
    if isinstance(value, str) and value.startswith("{"):
        value = [json.loads(value)]
    for item in value if isinstance(value, list) else ():
        yield from addresses(item)


WAYS = [
    (PLAIN, "2024-02-15-preview"),
    (PLAIN, "2024-10-21"),
    (PLAIN, "2025-03-01-preview"),
    (EXTENSIONS, "2023-06-01-preview"),
    (EXTENSIONS, "2023-12-01-preview"),
]


@pytest.mark.parametrize(("path", "version"), WAYS)
@pytest.mark.parametrize("stream", [False, True])
def test_no_document_of_other_groups_is_anywhere_in_a_reply(
    http: httpx.Client, path: str, version: str, *, stream: bool
) -> None:
    for groups in [(g,) for g in GROUPS] + list(itertools.combinations(GROUPS, 2)):
        response = ask(http, path, request_for(groups, stream=stream), version)
        reply = events(response) if stream else [answered(response)]
        allowed = {colour for colour, members in MEMBERS.items() if set(members) & set(groups)}
        assert colours_in(response.text) <= allowed, groups
        found = set(addresses(reply))
        assert len(found) == len(allowed), groups
        for address in found:
            assert colours_in(http.get(address).text) <= allowed


def test_groups_that_hold_the_only_documents_leave_the_answer_to_them(http: httpx.Client) -> None:
    for groups, colour in ((("ab",), "green"), (("d", "group_id1"), "grey"), (("b",), "blue")):
        reply = answered(ask(http, PLAIN, request_for(groups, stream=False)))
        assert colour in reply["choices"][0]["message"]["content"]


@pytest.mark.parametrize("version", ["2023-08-01-preview", "2023-12-01-preview"])
def test_the_sample_of_document_level_access(http: httpx.Client, version: str) -> None:
    """The seed's request; the page lost the variable of its filter's `any`, which other pages have."""
    request = {
        "messages": [{"role": "user", "content": "who is my manager?"}],
        "dataSources": [
            {
                "type": "AzureCognitiveSearch",
                "parameters": {
                    "endpoint": str(http.base_url),
                    "key": "a key",
                    "indexName": INDEX,
                    "filter": "group_ids/any(g:search.in(g, 'group_id1, group_id2'))",
                },
            }
        ],
    }
    reply = answered(ask(http, EXTENSIONS, request, version))
    content = json.loads(reply["choices"][0]["message"]["context"]["messages"][0]["content"])
    assert [citation["filepath"] for citation in content["citations"]] == ["grey.txt"]
