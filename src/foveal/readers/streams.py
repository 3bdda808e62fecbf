"""Which streams of a container are played.

FFmpeg reads through this process's own file object and by the one demuxer that the file's bytes call for: a playlist
that names other files or addresses gets nowhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from foveal.errors import AssetLimitError, UnreadableAssetError
from foveal.readers.child_process import Message

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.stream import VideoStream

HUGE_PIXELS = 12_000_000
"""Of frames larger than this (8K), only those that stand by themselves are decoded."""
LARGE_PIXELS = 3_000_000
"""Of frames larger than this, the decoder uses two threads, for the memory's sake."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A container with what is played of it.

    Attributes:
        start_s: Where its clock begins.
    """

    container: InputContainer
    video: VideoStream | None
    audio: AudioStream | None
    start_s: float


@contextlib.contextmanager
def opened_container(job: Message) -> Iterator[Opened]:
    """Open the file of a job, its codecs set to what may be taken.

    Raises:
        UnreadableAssetError: There is no stream that can be decoded.
        AssetLimitError: Its pictures are too large.
    """
    import av

    with Path(str(job["path"])).open("rb") as file:
        try:
            container = av.open(file, "r", format=str(job["demuxer"]), metadata_errors="replace")
        except (av.FFmpegError, ValueError, OSError) as error:
            raise UnreadableAssetError(
                f"It is broken: no stream can be found in it ({_reason(error)}).",
                remedy="Copy it anew, or save it again with the program that made it.",
            ) from None
        with container:
            video, audio = _video(container), _audio(container)
            if video is None and audio is None:
                raise UnreadableAssetError("It has neither pictures nor sound that can be decoded.")
            if video is not None:
                _check_size(video, cast("int", job["max_pixels"]))
            start = container.start_time
            yield Opened(container, video, audio, (start or 0) / 1e6)


def _video(container: InputContainer) -> VideoStream | None:
    """The first stream of moving pictures; a cover is none."""
    from av.stream import Disposition

    covers = Disposition.attached_pic | Disposition.timed_thumbnails
    usable = (s for s in container.streams.video if s.codec_context is not None and not s.disposition & covers)
    return next(usable, None)


def _audio(container: InputContainer) -> AudioStream | None:
    from av.stream import Disposition

    usable = [s for s in container.streams.audio if s.codec_context is not None]
    return next((s for s in usable if s.disposition & Disposition.default), usable[0] if usable else None)


def _check_size(video: VideoStream, most: int) -> None:
    pixels = video.codec_context.width * video.codec_context.height
    if pixels > most:
        raise AssetLimitError(
            f"Its frames have {video.codec_context.width} x {video.codec_context.height} pixels; the limit is "
            f"{most / 1e6:g} million.",
            remedy="Save it smaller, or raise limits.pixels.",
        )
    # A frame of Theora must be there before packets without a byte ask for it again; several at once would come late.
    video.thread_type = "SLICE" if video.codec_context.name == "theora" else "AUTO"
    if pixels > LARGE_PIXELS:
        video.codec_context.thread_count = 2
    if pixels > HUGE_PIXELS:
        video.codec_context.skip_frame = "NONKEY"


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
