"""Pass-through: what Foveal adds to a chat completion, against calling the same server directly, in one run.

The server is as quick as one can be (it answers from memory), so that what is measured is what is added. Calls of the
ways are made in turn, so that whatever else the machine does meets all of them. LiteLLM's proxy stands beside it where
it can be installed into an environment of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

CALLS = 300
STREAMS = 100
WORDS = 60
LIMIT_MS = {"p50": 5.0, "p95": 15.0}
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Say something about the harbour at night."}]}
UPSTREAM = """
import asyncio, json, sys
import uvicorn
WORDS = 60
def chunk(delta, reason=None):
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(head).encode() + b"\\n\\n"
EVENTS = [chunk({"role": "assistant", "content": ""}), *[chunk({"content": "word "})] * WORDS, chunk({}, "stop")]
message = {"role": "assistant", "content": "word " * WORDS}
WHOLE = json.dumps({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
    "usage": {"prompt_tokens": 9, "completion_tokens": WORDS, "total_tokens": WORDS + 9}}).encode()
async def app(scope, receive, send):
    body = b""
    while True:
        got = await receive()
        body += got.get("body", b"")
        if not got.get("more_body"):
            break
    asked = json.loads(body)
    kind = b"text/event-stream" if asked.get("stream") else b"application/json"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    if not asked.get("stream"):
        await send({"type": "http.response.body", "body": WHOLE})
        return
    for event in EVENTS:
        await send({"type": "http.response.body", "body": event, "more_body": True})
        await asyncio.sleep(float(asked.get("user") or 0))
    await send({"type": "http.response.body", "body": b"data: [DONE]\\n\\n"})
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="critical", lifespan="off")
"""


def main(arguments: list[str]) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        upstream = stack.enter_context(_started([sys.executable, "-c", UPSTREAM], "/"))
        ways = {"directly": f"{upstream}/v1", "Foveal": stack.enter_context(_foveal(folder, upstream))}
        if proxy := stack.enter_context(_litellm(folder, upstream)):
            ways["LiteLLM"] = proxy
        asyncio.run(_measure(ways))


async def _measure(ways: dict[str, str]) -> None:
    headers = {"authorization": "Bearer sk-benchmark"}
    async with httpx.AsyncClient(timeout=60, trust_env=False, headers=headers) as http:
        for name, call in (("not streamed", _whole), ("first streamed token", _first_token)):
            times: dict[str, list[float]] = {way: [] for way in ways}
            for number in range(CALLS + 20):
                for way, url in ways.items():
                    took = await call(http, url)
                    if number >= 20:  # the first ones open connections and import modules
                        times[way].append(took)
            _print(name, times)
    for way, url in ways.items():
        await _together(way, url, headers)


def _print(name: str, times: dict[str, list[float]]) -> None:
    base = _quantiles(times["directly"])
    print(f"{name}: directly p50 {base['p50']:.2f} ms, p95 {base['p95']:.2f} ms")
    for way in list(times)[1:]:
        found = _quantiles(times[way])
        added = {q: found[q] - base[q] for q in found}
        limit = "" if way != "Foveal" else f"   limits +{LIMIT_MS['p50']:g} and +{LIMIT_MS['p95']:g}"
        print(f"  {way:<10} adds p50 {added['p50']:6.2f} ms, p95 {added['p95']:6.2f} ms{limit}")


def _quantiles(times: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(times, n=20)
    return {"p50": 1000 * statistics.median(times), "p95": 1000 * cuts[18]}


async def _whole(http: httpx.AsyncClient, url: str) -> float:
    started = time.perf_counter()
    reply = await http.post(f"{url}/chat/completions", json=BODY)
    took = time.perf_counter() - started
    assert reply.status_code == 200, reply.text
    assert reply.json()["choices"][0]["message"]["content"]
    return took


async def _first_token(http: httpx.AsyncClient, url: str) -> float:
    started, first = time.perf_counter(), 0.0
    async with http.stream("POST", f"{url}/chat/completions", json={**BODY, "stream": True}) as reply:
        async for chunk in _chunks(reply):
            if not first and any(choice["delta"].get("content") for choice in chunk["choices"]):
                first = time.perf_counter() - started
    assert first
    return first


async def _together(way: str, url: str, headers: dict[str, str]) -> None:
    """So many streams at once, each with a word every 20 ms."""
    limits = httpx.Limits(max_connections=STREAMS)

    async def one(http: httpx.AsyncClient) -> int:
        async with http.stream("POST", f"{url}/chat/completions", json={**BODY, "stream": True, "user": ".02"}) as got:
            choices = [chunk["choices"][0] async for chunk in _chunks(got) if chunk["choices"]]
        return sum(bool(choice["delta"].get("content")) for choice in choices)

    async with httpx.AsyncClient(timeout=120, trust_env=False, headers=headers, limits=limits) as http:
        started = time.perf_counter()
        heard = await asyncio.gather(*(one(http) for _ in range(STREAMS)), return_exceptions=True)
        took = time.perf_counter() - started
    failed = sum(1 for words in heard if words != WORDS)
    print(f"{STREAMS} streams at once, {way}: {took:.2f} s, {failed} failed")


async def _chunks(reply: httpx.Response) -> AsyncIterator[dict[str, list[dict[str, dict[str, str]]]]]:
    assert reply.status_code == 200, await reply.aread()
    async for line in reply.aiter_lines():
        if line.startswith("data: ") and line != "data: [DONE]":
            yield json.loads(line.removeprefix("data: "))


@contextmanager
def _foveal(folder: Path, upstream: str) -> Iterator[str]:
    server = {"base_url": f"{upstream}/v1", "model": "m", "concurrency": 128}
    environ = {
        **os.environ,
        "FOVEAL_DEPLOYMENTS": json.dumps({"gpt-4o": server}),
        "FOVEAL_HOME": str(folder / "home"),
    }
    command = [sys.executable, "-m", "foveal", "serve", "--port"]
    with _started(command, "/healthz", environ=environ) as url:
        yield f"{url}/v1"


@contextmanager
def _litellm(folder: Path, upstream: str) -> Iterator[str]:
    """Its proxy, or a word why not."""
    try:
        python = _installed(folder / "litellm")
    except (OSError, subprocess.SubprocessError) as error:
        print(f"LiteLLM's proxy is left out: it cannot be installed here ({type(error).__name__}).")
        yield ""
        return
    config = folder / "litellm.yaml"
    parameters = {"model": "openai/m", "api_base": f"{upstream}/v1", "api_key": "none"}
    config.write_text(json.dumps({"model_list": [{"model_name": "gpt-4o", "litellm_params": parameters}]}))
    command = [str(python.parent / "litellm"), "--config", str(config), "--host", "127.0.0.1", "--port"]
    environ = {**os.environ, "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true"}
    with _started(command, "/health/liveliness", environ=environ, seconds=120) as url:
        yield f"{url}/v1"


def _installed(place: Path) -> Path:
    """The interpreter of an environment with LiteLLM's proxy."""
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    python = place / "bin" / "python"
    for command in ([uv, "venv", str(place)], [uv, "pip", "install", "--python", str(python), "litellm[proxy]"]):
        subprocess.run(command, check=True, capture_output=True, timeout=300)
    return python


@contextmanager
def _started(
    command: list[str], probe: str, *, environ: dict[str, str] | None = None, seconds: float = 60
) -> Iterator[str]:
    """A server started with `command` and a free port, once it answers `probe`; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen([*command, str(port)], env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(f"{url}{probe}", process, seconds)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(url: str, process: subprocess.Popen[bytes], seconds: float) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        try:
            httpx.get(url, timeout=2, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"{process.args!r} did not answer {url}")


if __name__ == "__main__":
    main(sys.argv[1:])
