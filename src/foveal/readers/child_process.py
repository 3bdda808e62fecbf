"""A process that reads a file of which nothing may be trusted: it can be killed, its memory and time are limited, and
when a decoder crashes nothing else does.

Both ends of a pipe. A message is two big-endian 32-bit lengths, that many bytes of JSON, that many raw bytes. The
parent sends a job (the file); the child answers with one message an item, then `done` (unless the item was said to be
the `last`) or `error`. Before it takes a lot of memory the child may ask and wait (`large`), so that large ones of
several threads take turns.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from foveal.errors import AssetError, AssetLimitError, UnreadableAssetError

_LENGTHS = struct.Struct(">II")
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]
_START = "import sys; sys.path.insert(0, sys.argv[1]); from {module} import main; main()"
_START_SECONDS = 30.0
"""Granted for the process to start; the file's own time begins after."""

Message = dict[str, object]
Ask = Callable[[], None]
Items = Callable[[Message, bytes, Ask], Iterator[tuple[Message, bytes | memoryview]]]
"""Of a job and the file's bytes, what is found in it; calls the function it is given before it takes much memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What runs in the process.

    Attributes:
        module: Name of a module of this package whose `main` calls `serve`.
        thing: What a file is called in messages.
        max_seconds: Longest time for one file.
        stall_seconds: Longest wait for one message, where that is less; 0 sets no such limit.
        max_memory_bytes: What the process may take on top of what it starts with.
        slow_remedy: What the owner of a file can do that takes too long.
    """

    module: str
    thing: str
    max_seconds: float
    max_memory_bytes: int
    slow_remedy: str
    stall_seconds: float = 0.0


class ChildProcesses:
    """Runs jobs in processes of their own, one a thread that has one at the moment; idle ones are kept.

    They end with this object, and with this process however it ends.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._idle: list[_Process] = []
        self._large = threading.Lock()
        weakref.finalize(self, _end_all, self._idle)

    def run(self, job: Message, data: bytes) -> Iterator[tuple[Message, bytes]]:
        """The items of one job, as they come.

        Raises:
            UnreadableAssetError: Nothing can be saved of it, or the decoder crashed.
            AssetLimitError: A limit was passed, or the time limit.
        """
        process = self._take()
        try:
            yield from process.run(job, data, self._large)
        finally:
            if process.ready:
                self._idle.append(process)
            else:
                process.end()

    def _take(self) -> _Process:
        try:
            return self._idle.pop()
        except IndexError:
            return _Process(self._program)


def _end_all(processes: list[_Process]) -> None:
    while processes:
        processes.pop().end()


class _Process:
    """The parent's end."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._child = subprocess.Popen(  # noqa: S603 - our own interpreter and our own module
            [sys.executable, "-c", _START.format(module=program.module), str(_PACKAGE_ROOT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"},
            start_new_session=True,  # Ctrl-C is for the parent, which ends its children in order
        )
        self._seconds_left = 0.0
        self._limit_s = 0.0
        self._out_of_time = False
        self._started = False
        self._busy = False

    @property
    def ready(self) -> bool:
        """Whether it waits for the next job."""
        return not self._busy and not self._out_of_time and self._child.poll() is None

    def end(self) -> None:
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()

    def run(self, job: Message, data: bytes, large: threading.Lock) -> Iterator[tuple[Message, bytes]]:
        if not self._started:
            self._seconds_left = _START_SECONDS
            self._receive()  # `ready`
            self._started = True
        program = self._program
        self._seconds_left = program.max_seconds
        self._busy = True
        self._send({"job": job, "seconds": program.max_seconds, "memory_bytes": program.max_memory_bytes}, data)
        turn = False
        try:
            while True:
                message, raw = self._receive()
                if "large" in message:
                    turn = turn or large.acquire()
                    self._send({"large": True})
                    continue
                if turn:
                    large.release()
                    turn = False
                if "item" not in message:
                    self._busy = False
                    break
                self._busy = not message.get("last")
                yield cast("Message", message["item"]), raw
                if message.get("last"):
                    return
        finally:
            if turn:
                large.release()
        if "error" in message:
            kind = AssetLimitError if message["error"] == AssetLimitError.code else UnreadableAssetError
            raise kind(str(message["message"]), remedy=str(message["remedy"]))

    def _send(self, message: Message, raw: bytes = b"") -> None:
        with self._watched():
            _write(cast("IO[bytes]", self._child.stdin), message, raw)

    def _receive(self) -> tuple[Message, bytes]:
        with self._watched():
            return _read(cast("IO[bytes]", self._child.stdout))

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        """Kill the child when the file's time is up; only time spent waiting for it counts."""
        import time

        began = time.monotonic()
        program = self._program
        stalls = 0 < program.stall_seconds < self._seconds_left
        self._limit_s = program.stall_seconds if stalls else program.max_seconds
        timer = threading.Timer(program.stall_seconds if stalls else max(0.0, self._seconds_left), self._kill)
        timer.start()
        try:
            yield
        except (OSError, EOFError):
            raise self._failure() from None
        finally:
            timer.cancel()
            self._seconds_left -= time.monotonic() - began

    def _kill(self) -> None:
        self._out_of_time = True
        self._child.kill()

    def _failure(self) -> AssetError:
        status = self._child.wait()
        if self._out_of_time:
            return AssetLimitError(
                f"Decoding took longer than {self._limit_s:g} seconds.", remedy=self._program.slow_remedy
            )
        return UnreadableAssetError(f"The {self._program.thing} makes its decoder crash (exit status {status}).")


def _write(pipe: IO[bytes], message: Message, raw: bytes | memoryview = b"") -> None:
    head = json.dumps(message).encode()
    pipe.write(_LENGTHS.pack(len(head), len(raw)) + head)
    pipe.write(raw)
    pipe.flush()


def _read(pipe: IO[bytes]) -> tuple[Message, bytes]:
    head, raw = _LENGTHS.unpack(_exactly(pipe, _LENGTHS.size))
    return json.loads(_exactly(pipe, head)), _exactly(pipe, raw)


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    data = pipe.read(size)
    if len(data) < size:
        raise EOFError
    return data


def serve(items: Items) -> None:
    """The child's end: do jobs until the pipe closes. Whatever takes long to load must be loaded before.

    An item whose message has `last` is the last one of its job.
    """
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # a decoder that prints must not write into the messages
    _write(sink, {"ready": True})
    limited = False

    def ask() -> None:
        _write(sink, {"large": True})
        _read(source)

    while True:
        try:
            order, data = _read(source)
        except EOFError:
            return
        if not limited:
            _limit_memory(cast("int", order["memory_bytes"]))
            limited = True
        _limit_time(cast("float", order["seconds"]))
        last: object = False
        try:
            for item, raw in items(cast("Message", order["job"]), data, ask):
                last = item.pop("last", False)
                _write(sink, {"item": item, "last": last}, raw)
            if not last:
                _write(sink, {"done": True})
        except AssetError as error:
            _write(sink, {"error": error.code, "message": error.message, "remedy": error.remedy})
        del data


def _limit_memory(max_bytes: int) -> None:
    """Address space as it is now plus `max_bytes`, where the system has such a limit."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError):
        return
    most = pages * resource.getpagesize() + max_bytes
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _limit_time(seconds: float) -> None:
    """A limit on processor time ends a child whose parent was killed while it decodes."""
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = int(used.ru_utime + used.ru_stime + seconds) + 5
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))
