"""Real servers for tests: any ASGI application behind uvicorn in a thread, or `foveal serve` as a process."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """Serve `app` while the block runs; gives `http://127.0.0.1:<port>`."""
    # With the protocol named, asyncio turns Nagle's algorithm off; else every reply waits 40 ms for an acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        threading.Event().wait(0.005)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join(timeout=10)
        listener.close()


@contextmanager
def launched(environ: Mapping[str, str], *arguments: str, start_s: float = 180) -> Iterator[str]:
    """`foveal serve` in a process of its own, on a free port, while the block runs; gives its address.

    Args:
        environ: All of its environment.
        arguments: Further ones of `foveal serve`.
        start_s: How long it may take to say where it serves.

    Raises:
        RuntimeError: It did not start; with what it said.
    """
    command = [sys.executable, "-m", "foveal", "serve", "--port", "0", *arguments]
    with subprocess.Popen(  # noqa: S603 - our own program
        command, env=dict(environ), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            yield _address_of(running, start_s)
        finally:
            running.terminate()


def _address_of(running: subprocess.Popen[str], start_s: float) -> str:
    """What it says at its start; everything after it is read too, lest the pipe fill up."""
    said: list[str] = []
    found = threading.Event()

    def read() -> None:
        for line in running.stderr or ():
            said.append(line)
            if "Serving on" in line:
                found.set()
        found.set()

    threading.Thread(target=read, daemon=True).start()
    found.wait(start_s)
    match = re.search(r"Serving on (https?://\S+)", "".join(said))
    if match is None:
        raise RuntimeError(f"The server did not start: {''.join(said)}")
    return match[1]


class Switch:
    """An application that can be another one for each test: starting a server for each takes longer than most tests."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection with the application of the moment."""
        await self.app(scope, receive, send)
