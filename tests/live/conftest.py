from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from foveal.__main__ import main
from foveal.asgi import create_app
from foveal.models.cards import Card
from foveal.runtime import Foveal
from foveal.settings import load
from foveal.testing.contracts.live_index import DIM, DOCUMENTS
from foveal.testing.fakes_engine import FakeEngine
from foveal.testing.serving import served
from foveal.types.live_settings import LiveSettings
from foveal.types.sources import Credential, CredentialKind, Secret, SourceDraft, SourceKind

KEY = "key-of-the-search-service"
OPENER = Credential(kind=CredentialKind.ACCOUNT_KEY, secret=Secret(KEY))


def wire(name: str, dimensions: int) -> dict[str, Any]:
    """A definition as the portal makes them."""
    return {
        "name": name,
        "fields": [
            {"name": "id", "type": "Edm.String", "key": True},
            {"name": "content", "type": "Edm.String"},
            {"name": "title", "type": "Edm.String"},
            {"name": "url", "type": "Edm.String", "searchable": False},
            {"name": "file", "type": "Edm.String", "searchable": False},
            {"name": "groups", "type": "Collection(Edm.String)", "searchable": False},
            {
                "name": "vector",
                "type": "Collection(Edm.Single)",
                "dimensions": dimensions,
                "vectorSearchProfile": "p",
                "searchable": True,
            },
        ],
        "vectorSearch": {
            "profiles": [{"name": "p", "algorithm": "a"}],
            "algorithms": [{"name": "a", "kind": "hnsw", "hnswParameters": {"metric": "cosine"}}],
        },
        "semantic": {
            "configurations": [
                {
                    "name": "default",
                    "prioritizedFields": {
                        "titleField": {"fieldName": "title"},
                        "prioritizedContentFields": [{"fieldName": "content"}],
                    },
                }
            ]
        },
    }


@dataclass(frozen=True)
class Service:
    """A search service: Foveal's own face of Azure AI Search, behind a key, on a socket.

    Attributes:
        searches: Bodies of the searches it was sent, in order.
    """

    url: str
    engine: FakeEngine
    searches: list[dict[str, Any]]

    def make(self, definition: dict[str, Any], documents: Sequence[dict[str, Any]]) -> None:
        with httpx.Client(base_url=self.url, headers={"api-key": KEY}, trust_env=False, timeout=30) as http:
            version = {"api-version": "2025-09-01"}
            assert http.post("/indexes", json=definition, params=version).status_code == 201
            for start in range(0, len(documents), 1000):
                batch = {"value": documents[start : start + 1000]}
                sent = http.post(f"/indexes/{definition['name']}/docs/index", json=batch, params=version)
                assert sent.status_code == 200, sent.text


def search_service() -> tuple[ASGIApp, FakeEngine, list[dict[str, Any]]]:
    """An application that is one, what is in it, and the searches it will have been sent."""
    engine, searches = FakeEngine({}), []
    app = create_app(engine, api_keys=[KEY])

    async def recording(scope: Scope, receive: Receive, send: Send) -> None:
        async def seen() -> Message:
            message = await receive()
            if "search.post.search" in scope["path"] and message.get("body"):
                searches.append(json.loads(message["body"]))
            return message

        await app(scope, seen, send)

    return recording, engine, searches


@pytest.fixture
def service(serve: Callable[[ASGIApp], str]) -> Service:
    app, engine, searches = search_service()
    return Service(url=serve(app), engine=engine, searches=searches)


@pytest.fixture(scope="session")
def kept_handbook() -> Iterator[Service]:
    app, engine, searches = search_service()
    with served(app) as url:
        service = Service(url=url, engine=engine, searches=searches)
        service.make(wire("handbook", DIM), DOCUMENTS)  # type: ignore[arg-type]
        yield service


@pytest.fixture
def handbook(kept_handbook: Service) -> Service:
    """A service with the documents of the contract."""
    kept_handbook.searches.clear()
    return kept_handbook


TEXTS = {
    "dental": "The dental plan pays for a crown after one year of service.",
    "vision": "The vision plan pays for new glasses every second year.",
    "parking": "Parking in the garage is free for everybody before nine in the morning.",
    "salaries": "The members of the dental board are paid in gold.",
}


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory, pulled: Callable[[str], Card], models_dir: Path) -> Iterator[Foveal]:
    """A home with the real text model; what a test saves in it has a name of its own."""
    pulled("multilingual-e5-small")
    flags = {"home": str(tmp_path_factory.mktemp("live")), "models": str(models_dir), "offline": True}
    with Foveal(load(flags, environ={})) as foveal:
        yield foveal


@pytest.fixture(scope="session")
def written(home: Foveal) -> list[dict[str, Any]]:
    """Documents with vectors of the real model."""
    vectors = home.models.queries.embed_passages(list(TEXTS.values()))
    return [
        {
            "id": key,
            "content": text,
            "title": key.title(),
            "url": f"https://example.org/{key}",
            "file": f"{key}.md",
            "groups": ["board"] if key == "salaries" else [],
            "vector": vector.tolist(),
        }
        for (key, text), vector in zip(TEXTS.items(), vectors, strict=True)
    ]


@pytest.fixture(scope="session")
def saved_benefits(home: Foveal, written: list[dict[str, Any]]) -> Iterator[Service]:
    app, engine, searches = search_service()
    with served(app) as url:
        service = Service(url=url, engine=engine, searches=searches)
        service.make(wire("benefits", home.models.queries.dim), written)
        draft = SourceDraft(
            name="plans",
            kind=SourceKind.AZURE_SEARCH,
            index="plans",
            live=LiveSettings(endpoint=service.url, index="benefits"),
        )
        home.sources.add(home.sources.settle(draft, OPENER), OPENER)
        yield service


@pytest.fixture
def benefits(saved_benefits: Service) -> Service:
    """A service with the index `benefits`, which is saved in the home as the live index `plans`."""
    saved_benefits.searches.clear()
    return saved_benefits


@dataclass(frozen=True)
class Ended:
    status: int
    out: str
    err: str


@pytest.fixture
def foveal(
    tmp_path: Path, models_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ended]:
    """The command line in this process, with a home of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Ended:
        flags = ["--offline", "--home", tmp_path / "home", "--set", f"models={models_dir}"]
        monkeypatch.setattr(sys, "argv", [str(a) for a in ["foveal", *flags, *arguments]])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return Ended(status=int(end.value.code or 0), out=out, err=err)

    return run
