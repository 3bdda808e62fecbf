"""Two keys of different groups on one index: neither ever meets a trace of what is the other's."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest
from starlette.types import ASGIApp

from foveal.asgi import create_app
from foveal.models.cards import Card
from foveal.runtime import Foveal
from foveal.settings import load
from foveal.types.keys import KeyGrant
from foveal.types.search import Query

INDEX = "club"
GROUPS = ("alpha", "beta")
QUESTION = "Which code word opens the boat house?"


def picture(seed: int) -> bytes:
    """Nearly the same picture whatever the seed: near-duplicates of one another."""
    y, x = np.mgrid[0:120, 0:160]
    pixels = np.stack([x, y, 255 - x], axis=-1).astype(np.uint8)
    pixels[40:80, 60:110] = (200, 30, 30 + seed)
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()


@dataclass(frozen=True)
class Member:
    """What belongs to one group, and the key of one of its members."""

    key: str
    traces: frozenset[str]
    chunk_ids: frozenset[str]
    paths: frozenset[str]


@pytest.fixture(scope="module")
def product(
    tmp_path_factory: pytest.TempPathFactory, pulled: Callable[[str], Card], models_dir: Path
) -> Iterator[Foveal]:
    for name in ("multilingual-e5-small", "efficientnet-lite2"):
        pulled(name)
    root = tmp_path_factory.mktemp("leaks")
    flags = {"home": root / "home", "models": models_dir, "offline": True, "index": INDEX}
    off = {"understanding.objects": False, "understanding.ocr": False, "understanding.safety": False}
    with Foveal(load({**flags, **off}, environ={})) as foveal:
        for number, group in enumerate(GROUPS):
            folder = root / f"of-{group}"
            folder.mkdir()
            words = f"The code word that opens the boat house is {group}-heron. The boat house is open all day."
            (folder / f"{group}-rules.txt").write_text(words)
            (folder / f"{group}-pier.png").write_bytes(picture(number))
            foveal.ingest([folder], groups=(group,))
        yield foveal


@pytest.fixture(scope="module")
def members(product: Foveal) -> dict[str, Member]:
    found = {}
    for group in GROUPS:
        _, key = product.parts.api_keys.create(KeyGrant(name=group, groups=(group,)))
        hits = product.search(INDEX, Query(text="boat house pier", groups=(group,), collapse=False, top=50)).hits
        chunks = [hit.chunk for hit in hits]
        ids = frozenset(str(c.chunk_id) for c in chunks)
        paths = frozenset(c.filepath for c in chunks)
        assert paths == {f"{group}-rules.txt", f"{group}-pier.png"}
        traces = ids | paths | {f"{group}-heron", f"of-{group}"} | {str(c.asset_id) for c in chunks}
        found[group] = Member(key=key, traces=traces, chunk_ids=ids, paths=paths)
    return found


@pytest.fixture
def http(product: Foveal, members: dict[str, Member], serve: Callable[[ASGIApp], str]) -> Iterator[httpx.Client]:
    app = create_app(product, keys=product.parts.api_keys, link_secret=product.parts.link_secret, open_links=True)
    with httpx.Client(base_url=serve(app), trust_env=False, timeout=60) as client:
        yield client


def requests(group: str) -> Iterator[tuple[str, dict[str, object]]]:
    """Every way to ask, in the words and with the picture of a group."""
    image = base64.b64encode(picture(GROUPS.index(group))).decode()
    for mode in ("keyword", "vector", "hybrid", "semantic"):
        yield "/v1/search", {"text": QUESTION, "mode": mode, "explain": True, "strictness": 5}
        yield "/v1/search", {"images": [image], "mode": mode, "explain": True, "collapse": False}
        yield "/v1/search", {"text": f"{group}-heron", "mode": mode, "filter": f"group_ids/any(g: g eq '{group}')"}
    url = {"url": f"data:image/png;base64,{image}"}
    content = [{"type": "text", "text": QUESTION}, {"type": "image_url", "image_url": url}]
    for asked in (QUESTION, content):
        for strictness in (1, 5):
            everything = ["citations", "intent", "all_retrieved_documents"]
            parameters = {"index_name": INDEX, "strictness": strictness, "include_contexts": everything}
            source = {"type": "azure_search", "parameters": parameters}
            chat = {"messages": [{"role": "user", "content": asked}], "data_sources": [source]}
            for stream in (False, True):
                yield "/openai/deployments/foveal/chat/completions", {**chat, "stream": stream}
                yield "/openai/deployments/foveal/extensions/chat/completions", {**chat, "stream": stream}


def links(text: str) -> set[str]:
    """Addresses of bytes anywhere in a reply, in JSON inside JSON too."""
    plain = text.replace('\\"', '"')
    return {part for part in plain.split('"') if part.startswith("http://") and "/chunks/" in part}


def test_keys_of_different_groups_never_meet_a_trace_of_each_other(
    http: httpx.Client, members: dict[str, Member]
) -> None:
    for group, other in (GROUPS, GROUPS[::-1]):
        own, foreign = members[group], members[other]
        headers = {"api-key": own.key}
        asked, seen, addresses = 0, "", set()
        for words in GROUPS:  # asked for in the other's words as well
            for path, body in requests(words):
                for version in ("2023-08-01-preview", "2025-03-01-preview"):
                    reply = http.post(path, params={"api-version": version}, json=body, headers=headers)
                    assert reply.status_code == 200, reply.text
                    # The question is repeated in a reply, so only its own group's word may stand there.
                    traces = foreign.traces - ({f"{other}-heron"} if words == other else set())
                    found = [trace for trace in traces if trace in reply.text]
                    assert not found, (path, body, found)
                    asked += 1
                    seen += reply.text
                    addresses |= links(reply.text)
        assert asked > 50
        assert all(path in seen for path in own.paths)
        assert any("/thumbnail" in a for a in addresses)
        assert any("/bytes" in a for a in addresses)
        for address in addresses:
            assert http.get(address, headers=headers).status_code == 200
            assert http.get(address, headers={"api-key": foreign.key}).status_code == 404
            assert http.get(address).status_code == (200 if "signature=" in address else 401)
            widened = address.replace(*next(zip(own.chunk_ids, foreign.chunk_ids, strict=True)))
            assert http.get(widened, headers=headers).status_code in (200, 403)  # 200: it named the other chunk
        for chunk_id in foreign.chunk_ids:
            for kind in ("", "/bytes", "/thumbnail", "/thumbnail?size=64"):
                path = f"/v1/indexes/{INDEX}/chunks/{chunk_id}{kind}"
                refused = http.get(path, headers=headers)
                assert refused.status_code == 404
                assert not [trace for trace in foreign.traces - {chunk_id} if trace in refused.text]
                assert http.head(path, headers=headers).status_code == 404
                assert http.get(path, headers={**headers, "range": "bytes=0-1"}).status_code == 404
                assert http.get(path, headers={**headers, "if-none-match": "*"}).status_code == 404


def test_a_key_without_groups_sees_both(http: httpx.Client, product: Foveal, members: dict[str, Member]) -> None:
    _, key = product.parts.api_keys.create(KeyGrant(name="all"))
    reply = http.post("/v1/search", json={"text": QUESTION, "collapse": False}, headers={"api-key": key})
    assert {path for m in members.values() for path in m.paths} <= set(json_paths(reply))


def json_paths(reply: httpx.Response) -> list[str]:
    return [hit["filepath"] for hit in json.loads(reply.text)["hits"]]
