"""Real servers for tests: any ASGI application behind uvicorn in a thread, or `foveal serve` as a process."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

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


def environment(**settings: object) -> dict[str, str]:
    """This process's environment, with these settings of Foveal's and no others: `home=…` is `FOVEAL_HOME`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FOVEAL_")}
    return kept | {f"FOVEAL_{name.upper()}": str(value) for name, value in settings.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Launched:
    """A running `foveal serve`.

    Attributes:
        address: Where it serves.
        process: Its process.
        lines: What it said by now on standard error; all of it once it was left.
    """

    address: str
    process: subprocess.Popen[str]
    lines: Sequence[str]

    @property
    def said(self) -> str:
        """The lines as one text."""
        return "".join(self.lines)


@contextmanager
def launched(environ: Mapping[str, str], *arguments: str, start_s: float = 180) -> Iterator[Launched]:
    """`foveal serve` in a process of its own, on a free port, while the block runs.

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
        said: list[str] = []
        found = threading.Event()
        reader = threading.Thread(target=_listen, args=(running, said, found), daemon=True)
        reader.start()
        try:
            found.wait(start_s)
            match = re.search(r"Serving on (https?://\S+)", "".join(said))
            if match is None:
                raise RuntimeError(f"The server did not start: {''.join(said)}")
            yield Launched(address=match[1], process=running, lines=said)
        finally:
            running.terminate()
            reader.join()


def _listen(running: subprocess.Popen[str], said: list[str], found: threading.Event) -> None:
    """Keep what it says, to its end, lest the pipe fill up; and tell once it said where it serves, or is at its end."""
    for line in running.stderr or ():
        said.append(line)
        if "Serving on" in line:
            found.set()
    found.set()


class Switch:
    """An application that can be another one for each test: starting a server for each takes longer than most tests."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection with the application of the moment."""
        await self.app(scope, receive, send)
