"""Reader of videos and recordings."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from foveal.errors import AssetError, AssetLimitError
from foveal.readers.child_process import ChildProcesses, Message, Program
from foveal.readers.limits import MIB, Limits
from foveal.readers.sniffing import DEMUXERS
from foveal.types.assets import Asset
from foveal.types.content import ImageContent, SoundContent, SubtitleContent
from foveal.types.locators import Locator
from foveal.types.speech import TimedText
from foveal.types.vectors import Pixels

TimelineContent = ImageContent | SoundContent | SubtitleContent


class VideoReader:
    """Reads key frames and the sound of videos, and recordings; see `foveal.ports.Reader`.

    FFmpeg decodes in processes of its own that obey the limits on memory and time and take a crash with them. Frames
    and sound come in the order in which they lie in the file, so memory stays flat however long it is.

    Args:
        limits: Of decoding.
        static_seconds: A shot in which nothing changes gives a key frame every so many seconds.
        sound: Whether sound is decoded.
    """

    def __init__(self, limits: Limits, *, static_seconds: float = 30.0, sound: bool = True) -> None:
        self._limits = limits
        self._static_seconds = static_seconds
        self._sound = sound
        self._processes = ChildProcesses(
            Program(
                module="foveal.readers.video_process",
                thing="video",
                max_seconds=limits.max_video_seconds,
                stall_seconds=limits.max_stall_seconds,
                max_memory_bytes=limits.max_video_memory_bytes,
                slow_remedy="Cut it into several files, or raise video.seconds.",
            )
        )

    @property
    def media_types(self) -> frozenset[str]:
        """Containers of video (MP4, QuickTime, Matroska, WebM, AVI, FLV, ASF, 3GP, MJ2, MPEG, Ogg) and of sound."""
        return frozenset(DEMUXERS)

    def read(self, asset: Asset, file: BinaryIO) -> Iterator[TimelineContent]:
        """Yield the subtitles inside it if there are any, then key frames and stretches of sound, each kind in order of
        time.

        Raises:
            UnreadableAssetError: Nothing of it can be decoded.
            AssetLimitError: It is over a limit.
        """
        self._check_length(asset)
        held: TimelineContent | None = None
        with _path_of(file) as path:
            job = self._job(asset, path) | {"static_s": self._static_seconds, "sound": self._sound}
            try:
                for item, raw in self._processes.run(job, b""):
                    if item["kind"] == "beat":
                        continue
                    if item["kind"] == "end":
                        held = held and replace(held, warnings=tuple(cast("list[str]", item["warnings"])))
                        continue
                    if held is not None:
                        yield held
                    held = _content(item, raw)
            except AssetError as error:
                if held is None:
                    raise
                held = replace(held, warnings=(f"It is read in part only. {error.message}",))
        if held is not None:
            yield held

    def frames_at(
        self, asset: Asset, file: BinaryIO, times_ms: Sequence[int], *, long_side_px: int | None = None
    ) -> Iterator[ImageContent]:
        """The frame on the screen at each of these times, in order of the times.

        Args:
            asset: The video.
            file: Its bytes.
            times_ms: Milliseconds on the timeline.
            long_side_px: To which frames are reduced; as in `read` when None.

        Raises:
            UnreadableAssetError: There is no frame.
            AssetLimitError: It is over a limit.
        """
        if not times_ms:
            return
        with _path_of(file) as path:
            job = self._job(asset, path) | {"frames_ms": list(times_ms)}
            if long_side_px is not None:
                job["long_side_px"] = long_side_px
            for item, raw in self._processes.run(job, b""):
                yield _frame(item, raw)

    def _check_length(self, asset: Asset) -> None:
        if asset.size_bytes > self._limits.max_video_bytes:
            raise AssetLimitError(
                f"The file has {asset.size_bytes // MIB} MiB; the limit is {self._limits.max_video_bytes // MIB}.",
                remedy="Cut it into several files.",
            )

    def _job(self, asset: Asset, path: Path) -> Message:
        return {
            "path": str(path),
            "demuxer": DEMUXERS[asset.media_type],
            "max_pixels": self._limits.max_pixels,
            "long_side_px": self._limits.decode_long_side_px,
        }


def _content(item: Message, raw: bytes) -> TimelineContent:
    if item["kind"] == "frame":
        return _frame(item, raw)
    if item["kind"] == "subtitles":
        rows = cast("list[tuple[str, int, int]]", item["lines"])
        lines = {(start, text): TimedText(text=text, start_ms=start, end_ms=end) for text, start, end in rows}
        ordered = tuple(sorted(lines.values(), key=lambda line: (line.start_ms, line.end_ms)))
        return SubtitleContent(lines=ordered, language=str(item["language"]))
    locator = Locator(start_ms=cast("int", item["start_ms"]), end_ms=cast("int", item["end_ms"]))
    return SoundContent(samples=np.frombuffer(raw, "<i2").astype(np.int16, copy=False), locator=locator)


def _frame(item: Message, raw: bytes) -> ImageContent:
    from foveal.readers.exif import ExifFacts
    from foveal.readers.image_facts import image_facts

    pixels = np.frombuffer(raw, np.uint8).reshape(cast("list[int]", item["shape"]))
    return ImageContent(
        pixels=pixels,
        facts=image_facts(
            pixels,
            width_px=cast("int", item["width_px"]),
            height_px=cast("int", item["height_px"]),
            exif=ExifFacts(),
            frame_count=1,
        ),
        locator=Locator(
            start_ms=cast("int", item["start_ms"]),
            end_ms=cast("int", item["end_ms"]),
            frame_ms=cast("int", item["frame_ms"]),
        ),
        picture=_identity(pixels),
    )


def _identity(pixels: Pixels) -> str:
    """Equal frames are equal whatever file they are in: models look at them once."""
    return hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest()


@contextmanager
def _path_of(file: BinaryIO) -> Iterator[Path]:
    """Where the other process finds a file: its own place, or for the time being a copy, made with flat memory."""
    name = getattr(file, "name", None)
    if isinstance(name, str) and _is_at(file, name):
        yield Path(name)
        return
    with tempfile.NamedTemporaryFile(prefix="foveal-", suffix=".video") as copy:
        file.seek(0)
        shutil.copyfileobj(file, copy, 2**20)
        copy.flush()
        yield Path(copy.name)


def _is_at(file: BinaryIO, name: str) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(name))
    except (OSError, ValueError):
        return False
