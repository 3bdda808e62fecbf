"""A real provider of OpenID Connect (npm oidc-provider), fetched from npm once and started by the tests."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx
from tests.npm import npm_package

VERSION = "9.13.3"
API = "api://foveal"
"""What its access tokens are made out to."""


@dataclass(frozen=True)
class Provider:
    issuer: str


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running(people: Mapping[str, Mapping[str, object]], redirects: list[str]) -> Iterator[Provider]:
    """The provider, knowing these people by the claims they have."""
    folder, port = npm_package("oidc-provider", VERSION), free_port()
    program = folder / f"provider-{port}.mjs"  # beside node_modules, or it does not find them
    shutil.copy(Path(__file__).with_name("provider.mjs"), program)
    given = {"PORT": str(port), "PEOPLE": json.dumps(people), "API": API, "REDIRECTS": json.dumps(redirects)}
    process = subprocess.Popen(
        ["node", program], env={**os.environ, **given}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if line.strip() == "ready":
                break
        else:
            raise RuntimeError(f"The provider ended: {said[-800:]}")
        yield Provider(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.communicate()
        program.unlink()


def travel(url: str, person: str, stop: str) -> dict[str, str]:
    """What a browser comes back with from `url` to `stop`, after `person` signed in there and agreed."""
    with httpx.Client(follow_redirects=False, timeout=20, trust_env=False) as browser:
        reply = browser.get(url)
        for _ in range(12):
            if reply.is_redirect:
                url = urljoin(str(reply.url), reply.headers["location"])
                if url.startswith(stop):
                    return dict(parse_qsl(urlsplit(url).query))
                reply = browser.get(url)
                continue
            action = re.search(r'<form[^>]*action="([^"]+)"', reply.text)
            assert action, reply.text
            prompt = re.search(r'name="prompt" value="(\w+)"', reply.text)
            data = {"prompt": prompt[1] if prompt else "", "login": person, "password": "any"}
            reply = browser.post(urljoin(str(reply.url), action[1]), data=data)
    raise AssertionError("The provider does not send the browser back.")
