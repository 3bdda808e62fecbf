"""The product's own fetching and embedding behind the engine: settings, a model server, and pictures on the web."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from foveal.errors import ImageError, InvalidRequestError, OperationError, TooLargeError
from foveal.runtime import Foveal
from foveal.settings import load
from foveal.testing.openai_server import OpenAIServer
from foveal.testing.pictures import jpeg

PICTURE = jpeg(np.zeros((8, 8, 3), dtype=np.uint8))


@pytest.fixture
def opened(tmp_path: Path, models_dir: Path) -> Iterator[Callable[..., Foveal]]:
    """Opens a home with these settings."""
    homes: list[Foveal] = []

    def make(**settings: object) -> Foveal:
        flags: dict[str, object] = {"home": tmp_path, "models": models_dir}
        homes.append(Foveal(load({**flags, **{k.replace("__", "."): v for k, v in settings.items()}}, environ={})))
        return homes[-1]

    yield make
    for home in homes:
        home.close()


@pytest.fixture
def web(serve: Callable[[ASGIApp], str]) -> str:
    pages = {"/picture.jpg": PICTURE, "/broken.jpg": PICTURE[:200], "/page.html": b"<!doctype html>"}

    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        await Response(pages[scope["path"]])(scope, receive, send)

    return serve(page)


def test_an_image_is_fetched_from_a_host_that_the_operator_lists(opened: Callable[..., Foveal], web: str) -> None:
    image = opened(fetch__allow="127.0.0.1").fetch_image(f"{web}/picture.jpg")
    assert (image.data, image.media_type, image.pixels.shape) == (PICTURE, "image/jpeg", (8, 8, 3))


@pytest.mark.parametrize(
    ("settings", "path", "says"),
    [
        ({}, "/picture.jpg", "not on the public internet"),
        ({"fetch__allow": "127.0.0.1", "offline": True}, "/picture.jpg", "fetches none"),
        ({"fetch__allow": "127.0.0.1", "fetch__on": False}, "/picture.jpg", "fetches none"),
        ({"fetch__allow": "127.0.0.1"}, "/page.html", "no image"),
        ({"fetch__allow": "127.0.0.1"}, "/broken.jpg", "The image at 127.0.0.1"),
    ],
)
def test_a_refusal_names_the_address_without_its_query(
    opened: Callable[..., Foveal], web: str, settings: dict[str, object], path: str, says: str
) -> None:
    with pytest.raises(ImageError) as caught:
        opened(**settings).fetch_image(f"{web}{path}?sig=hidden")
    assert says in str(caught.value)
    assert path in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_the_limit_on_bytes_is_a_setting(opened: Callable[..., Foveal], web: str) -> None:
    with pytest.raises(TooLargeError, match="larger than 99 bytes"):
        opened(fetch__allow="127.0.0.1", fetch__max_bytes=99).fetch_image(f"{web}/picture.jpg")


def test_a_deployment_of_the_table_embeds_on_its_server(opened: Callable[..., Foveal]) -> None:
    with OpenAIServer() as server:
        ada = {"base_url": server.base_url, "kind": "embedding", "model": "text-embedding-3-small", "dim": 64}
        home = opened(deployments={"text-embedding-3-small": ada})
        rows = home.embed("text-embedding-3-small", ["hello", "world"])
        np.testing.assert_allclose(rows, server.embedder.embed_passages(["hello", "world"]), atol=1e-5)
        assert home.embed("text-embedding-3-small", ["hello"], dimensions=16).shape == (1, 16)
        assert [call.body["model"] for call in server.calls] == ["text-embedding-3-small"] * 2


def test_the_local_model_has_one_length_and_chats_do_not_embed(opened: Callable[..., Foveal]) -> None:
    home = opened(deployments={"text-embedding-ada-002": {"kind": "embedding"}})
    with pytest.raises(InvalidRequestError, match="dimensions") as caught:
        home.embed("text-embedding-ada-002", ["hello"], dimensions=1536)
    assert "384" in caught.value.remedy
    with pytest.raises(OperationError, match="embeddings operation"):
        home.embed("foveal", ["hello"])
