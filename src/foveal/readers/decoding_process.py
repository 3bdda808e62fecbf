"""A process that decodes: it can be killed, its memory is limited, and when a decoder crashes nothing else does.

Both ends of a pipe. A message is two big-endian 32-bit lengths, that many bytes of JSON, that many raw bytes. The
parent sends a job (the file); the child answers with one message an image, then `done` (unless the image was the
`last`) or `error`. Before it decodes a large image the child asks and waits, so that large ones of several threads
take turns.
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
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import IO, TypedDict, cast

import numpy as np

from foveal.errors import AssetError, AssetLimitError, UnreadableAssetError
from foveal.readers.decoding import DecodedImage, decode_images
from foveal.readers.exif import ExifFacts
from foveal.readers.limits import Limits

_LENGTHS = struct.Struct(">II")
_LARGE_PIXELS = 16_000_000
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]
_START = "import sys; sys.path.insert(0, sys.argv[1]); from foveal.readers.decoding_process import main; main()"
_START_SECONDS = 30.0
"""Granted for the process to start; the file's own time begins after."""


class _Message(TypedDict, total=False):
    limits: dict[str, float]
    media_type: str
    image: dict[str, object]
    last: bool
    shape: list[int]
    large: bool
    done: bool
    ready: bool
    error: str
    message: str
    remedy: str


class DecodingProcesses:
    """Decodes in processes of their own, one a thread that decodes at the moment; idle ones are kept.

    They end with this object, and with this process however it ends.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._idle: list[_Process] = []
        self._large = threading.Lock()
        weakref.finalize(self, _end_all, self._idle)

    def decode(self, data: bytes, media_type: str) -> Iterator[DecodedImage]:
        """As `foveal.readers.decoding.decode_images`, and within the time limit.

        Raises:
            UnreadableAssetError: Nothing can be saved of it, or the decoder crashed.
            AssetLimitError: Too many pixels, too much memory or too much time.
        """
        process = self._take()
        try:
            yield from process.decode(data, media_type, self._large)
        finally:
            if process.ready:
                self._idle.append(process)
            else:
                process.end()

    def _take(self) -> _Process:
        try:
            return self._idle.pop()
        except IndexError:
            return _Process(self._limits)


def _end_all(processes: list[_Process]) -> None:
    while processes:
        processes.pop().end()


class _Process:
    """The parent's end."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._child = subprocess.Popen(  # noqa: S603 - our own interpreter and our own module
            [sys.executable, "-c", _START, str(_PACKAGE_ROOT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"},
            start_new_session=True,  # Ctrl-C is for the parent, which ends its children in order
        )
        self._seconds_left = 0.0
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

    def decode(self, data: bytes, media_type: str, large: threading.Lock) -> Iterator[DecodedImage]:
        if not self._started:
            self._seconds_left = _START_SECONDS
            self._receive()  # `ready`
            self._started = True
        self._seconds_left = self._limits.max_seconds
        self._send({"limits": asdict(self._limits), "media_type": media_type}, data)
        self._busy = True
        turn = False
        try:
            while True:
                message, raw = self._receive()
                if message.get("large"):
                    turn = turn or large.acquire()
                    self._send({"large": True})
                    continue
                if turn:
                    large.release()
                    turn = False
                if "image" not in message:
                    self._busy = False
                    break
                self._busy = not message["last"]
                yield _image_from(message, raw)
                if message["last"]:
                    return
        finally:
            if turn:
                large.release()
        if "error" in message:
            kind = AssetLimitError if message["error"] == AssetLimitError.code else UnreadableAssetError
            raise kind(message["message"], remedy=message["remedy"])

    def _send(self, message: _Message, raw: bytes = b"") -> None:
        with self._watched("writing to"):
            _write(cast("IO[bytes]", self._child.stdin), message, raw)

    def _receive(self) -> tuple[_Message, bytes]:
        with self._watched("decoding"):
            return _read(cast("IO[bytes]", self._child.stdout))

    @contextlib.contextmanager
    def _watched(self, doing: str) -> Iterator[None]:
        """Kill the child when the file's time is up; only time spent waiting for it counts."""
        import time

        began = time.monotonic()
        timer = threading.Timer(self._seconds_left, self._kill)
        timer.start()
        try:
            yield
        except (OSError, EOFError):
            raise self._failure() from None
        finally:
            timer.cancel()
            self._seconds_left = max(0.01, self._seconds_left - (time.monotonic() - began))

    def _kill(self) -> None:
        self._out_of_time = True
        self._child.kill()

    def _failure(self) -> AssetError:
        status = self._child.wait()
        if self._out_of_time:
            return AssetLimitError(
                f"Decoding took longer than {self._limits.max_seconds:g} seconds.",
                remedy="Save the image anew, or raise limits.seconds.",
            )
        return UnreadableAssetError(f"The image makes its decoder crash (exit status {status}).")


def _image_from(message: _Message, raw: bytes) -> DecodedImage:
    facts = message["image"]
    exif = cast("dict[str, object]", facts.pop("exif"))
    taken_at = exif.pop("taken_at")
    return DecodedImage(
        pixels=np.frombuffer(raw, np.uint8).reshape(message["shape"]),
        exif=ExifFacts(taken_at=datetime.fromisoformat(str(taken_at)) if taken_at else None, **exif),  # type: ignore[arg-type]
        warnings=tuple(cast("list[str]", facts.pop("warnings"))),
        **facts,  # type: ignore[arg-type]
    )


def _message_of(image: DecodedImage, *, last: bool) -> _Message:
    exif = asdict(image.exif)
    exif["taken_at"] = image.exif.taken_at.isoformat() if image.exif.taken_at else None
    return {
        "image": {
            "width_px": image.width_px,
            "height_px": image.height_px,
            "page": image.page,
            "frame_count": image.frame_count,
            "warnings": list(image.warnings),
            "exif": exif,
        },
        "last": last,
        "shape": list(image.pixels.shape),
    }


def _write(pipe: IO[bytes], message: _Message, raw: bytes | memoryview = b"") -> None:
    head = json.dumps(message).encode()
    pipe.write(_LENGTHS.pack(len(head), len(raw)) + head)
    pipe.write(raw)
    pipe.flush()


def _read(pipe: IO[bytes]) -> tuple[_Message, bytes]:
    head, raw = _LENGTHS.unpack(_exactly(pipe, _LENGTHS.size))
    return json.loads(_exactly(pipe, head)), _exactly(pipe, raw)


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    data = pipe.read(size)
    if len(data) < size:
        raise EOFError
    return data


def main() -> None:
    """The child's end: decode what comes in until the pipe closes."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # a decoder that prints must not write into the messages
    _load_decoders()
    _write(sink, {"ready": True})
    limited = False
    while True:
        try:
            job, data = _read(source)
        except EOFError:
            return
        limits = Limits(**job["limits"])  # type: ignore[arg-type]
        if not limited:
            _limit_memory(limits.max_memory_bytes)
            limited = True
        _limit_time(limits.max_seconds)
        last = job["media_type"] != "image/tiff"  # the only type of which several images are read
        try:
            for image in decode_images(data, job["media_type"], limits, lambda n: _ask(n, source, sink)):
                _write(sink, _message_of(image, last=last), image.pixels.reshape(-1).data)
            if not last:
                _write(sink, {"done": True})
        except AssetError as error:
            _write(sink, {"error": error.code, "message": error.message, "remedy": error.remedy})


def _load_decoders() -> None:
    """Before the clock starts and memory is limited."""
    import pi_heif  # noqa: F401 - to be loaded, not used
    import PIL.Image
    import PIL.ImageCms

    PIL.Image.init()
    PIL.Image.MAX_IMAGE_PIXELS = None  # ours is checked by `decode_images`


def _ask(pixels: int, source: IO[bytes], sink: IO[bytes]) -> None:
    if pixels > _LARGE_PIXELS:
        _write(sink, {"large": True})
        _read(source)


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
