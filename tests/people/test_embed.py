"""A chat in the pages of another site: who may show it, and what its visitors may."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from starlette.types import ASGIApp

from foveal.api.native.embed import Embedding
from foveal.asgi import create_app
from foveal.errors import SettingsError
from foveal.testing.fakes_engine import FakeEngine
from foveal.web.brand import Brand, ink_on, read_logo

from .conftest import DOGS, SECRET

Serve = Callable[[ASGIApp], str]
SITE = "https://intranet.example"
ASK = {
    "model": "foveal",
    "messages": [{"role": "user", "content": "What merger does the board plan?"}],
    "data_sources": [{"type": "azure_search", "parameters": {"index_name": "papers"}}],
}


@pytest.fixture
def visited(engine: FakeEngine, serve: Serve) -> str:
    return serve(create_app(engine, api_keys=["owner"], embedding=Embedding(origins=(SITE,), indexes=("photos",))))


def passed(url: str) -> dict[str, str]:
    token = httpx.get(f"{url}/v1/embed/pass", trust_env=False).raise_for_status().json()["token"]
    return {"authorization": f"Bearer {token}"}


def test_only_sites_that_are_named_may_show_it(visited: str, engine: FakeEngine, serve: Serve) -> None:
    page = httpx.get(f"{visited}/embed", trust_env=False)
    policy = page.headers["content-security-policy"]
    assert f"frame-ancestors {SITE}" in policy
    assert "'none'" not in policy.split("frame-ancestors ")[1].split(";")[0]
    assert "x-frame-options" not in page.headers
    assert "frame-ancestors 'none'" in httpx.get(f"{visited}/", trust_env=False).headers["content-security-policy"]
    script = httpx.get(f"{visited}/embed.js", trust_env=False)
    assert script.headers["cross-origin-resource-policy"] == "cross-origin"
    url = serve(create_app(engine, api_keys=["owner"]))
    for path in ("/embed", "/embed.js", "/v1/embed/pass"):
        assert httpx.get(url + path, trust_env=False).status_code == 404


def test_a_visitor_asks_and_looks_and_does_nothing_else(visited: str) -> None:
    with httpx.Client(base_url=visited, headers=passed(visited), trust_env=False) as http:
        photos = {**ASK, "data_sources": [{"type": "azure_search", "parameters": {"index_name": "photos"}}]}
        photos["messages"] = [{"role": "user", "content": "dogs on the beach"}]
        assert "Two dogs" in http.post("/v1/chat", json=photos).text
        assert http.get(f"/v1/indexes/photos/chunks/{DOGS.chunk_id}/thumbnail").status_code == 200
        for method, path in (
            ("GET", "/v1/indexes"),
            ("GET", "/v1/conversations"),
            ("POST", "/v1/conversations"),
            ("PUT", "/v1/feedback"),
            ("POST", "/v1/search"),
            ("GET", "/v1/sources"),
            ("POST", "/openai/deployments/foveal/chat/completions?api-version=2024-10-21"),
        ):
            assert http.request(method, path, json={}).status_code == 401, path


def test_visitors_see_what_their_groups_may(engine: FakeEngine, visited: str, serve: Serve) -> None:
    with httpx.Client(base_url=visited, headers=passed(visited), trust_env=False) as http:
        assert "Lisbon" not in http.post("/v1/chat", json=ASK).text
        assert http.get(f"/v1/indexes/papers/chunks/{SECRET.chunk_id}").status_code == 404
    old = passed(visited)
    for_board = Embedding(origins=(SITE,), groups=("board",))
    url = serve(create_app(engine, api_keys=["owner"], embedding=for_board))
    with httpx.Client(base_url=url, headers=passed(url), trust_env=False) as http:
        assert "Lisbon" in http.post("/v1/chat", json=ASK).text
    assert httpx.post(f"{url}/v1/chat", json=ASK, headers=old, trust_env=False).status_code == 401


def test_a_picture_is_shown_with_the_pass_in_its_address(visited: str) -> None:
    token = passed(visited)["authorization"].removeprefix("Bearer ")
    picture = f"{visited}/v1/indexes/photos/chunks/{DOGS.chunk_id}/thumbnail"
    assert httpx.get(picture, params={"pass": token}, trust_env=False).status_code == 200
    assert httpx.get(picture, params={"pass": token[:-2]}, trust_env=False).status_code == 401
    assert httpx.get(f"{visited}/v1/indexes", params={"pass": token}, trust_env=False).status_code == 401


def test_the_pages_are_called_and_coloured_as_is_set(engine: FakeEngine, serve: Serve, tmp_path: Path) -> None:
    logo = tmp_path / "logo.svg"
    logo.write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")
    brand = Brand(
        title="Harbour <b>desk</b>",
        colour="#ffcc00",
        welcome="Ahoy",
        disclaimer="Answers may be wrong.",
        logo=read_logo(str(logo)),
    )
    url = serve(create_app(engine, brand=brand))
    page = httpx.get(url, trust_env=False).text
    assert "Harbour &lt;b&gt;desk&lt;/b&gt;" in page
    assert 'data-welcome="Ahoy"' in page
    assert "Answers may be wrong." in page
    css = httpx.get(f"{url}/brand.css", trust_env=False).text
    assert "--accent: light-dark(#ffcc00, #ffcc00)" in css
    assert "--accent-ink: light-dark(#000000, #000000)" in css  # white on yellow cannot be read
    shown = httpx.get(f"{url}/brand-logo", trust_env=False)
    assert shown.headers["content-type"] == "image/svg+xml"
    assert "sandbox" in shown.headers["content-security-policy"]
    assert ink_on("#0b6b5b") == "#ffffff"


@pytest.mark.parametrize("name", ["none.svg", "logo.exe"])
def test_a_logo_that_will_not_do_is_refused_at_the_start(tmp_path: Path, name: str) -> None:
    (tmp_path / "logo.exe").write_bytes(b"MZ")
    with pytest.raises(SettingsError):
        read_logo(str(tmp_path / name))
