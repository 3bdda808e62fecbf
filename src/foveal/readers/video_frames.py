"""Frames of a video: when each is shown, its upright pixels, and those at given times."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import numpy as np

from foveal.errors import UnreadableAssetError
from foveal.readers.child_process import Message
from foveal.readers.streams import Opened
from foveal.types.vectors import Pixels

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

Item = tuple[Message, bytes | memoryview]
"""What goes to the parent: a message and its bytes."""


def time_of(frame: VideoFrame, video: VideoStream, number: int) -> float:
    """Seconds on the container's clock; by its number where a frame has no time."""
    if frame.pts is not None:
        return float(frame.time)
    return number / float(video.average_rate or video.guessed_rate or 25)


def reduced(frame: VideoFrame, video: VideoStream, long_side_px: int, pixel_format: str) -> Pixels:
    """uint8 [h, w, 3], with square pixels, its long side at most `long_side_px`."""
    ratio = float(video.sample_aspect_ratio or 1)
    wide = frame.width * ratio if 0.1 < ratio < 10 else frame.width
    scale = min(1.0, long_side_px / max(wide, frame.height))
    width, height = max(2, round(wide * scale)), max(2, round(frame.height * scale))
    return cast("Pixels", frame.reformat(width=width, height=height, format=pixel_format).to_ndarray())


def upright(pixels: Pixels, frame: VideoFrame) -> Pixels:
    """Turned as the file says (`frame.rotation`: degrees counter-clockwise)."""
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels


def picture_item(pixels: Pixels, video: VideoStream, *, start_s: float, end_s: float, at_s: float) -> Item:
    """A picture as a message; its size is that of the video, turned as the picture is."""
    height, width = pixels.shape[:2]
    size = (video.codec_context.width, video.codec_context.height)
    if (size[0] > size[1]) != (width > height):
        size = size[::-1]
    message: Message = {
        "kind": "frame",
        "shape": list(pixels.shape),
        "width_px": max(size[0], width),
        "height_px": max(size[1], height),
        "start_ms": round(start_s * 1000),
        "end_ms": round(end_s * 1000),
        "frame_ms": round(at_s * 1000),
    }
    return message, np.ascontiguousarray(pixels).reshape(-1).data


def frames_at(opened: Opened, times_ms: list[int], long_side_px: int) -> Iterator[Item]:
    """The frame that is on the screen at each of these times, in order of the times."""
    if opened.video is None:
        raise UnreadableAssetError("It has no pictures.")
    for place, at_ms in enumerate(sorted(times_ms)):
        frame = _frame_at(opened, opened.video, at_ms)
        if frame is None:
            raise UnreadableAssetError(f"There is no frame at {at_ms / 1000:.3f} s.")
        at_s = time_of(frame, opened.video, 0) - opened.start_s
        pixels = upright(reduced(frame, opened.video, long_side_px, "rgb24"), frame)
        message, raw = picture_item(pixels, opened.video, start_s=at_s, end_s=at_s, at_s=at_s)
        yield {**message, "asked_ms": at_ms, "last": place == len(times_ms) - 1}, raw


def _frame_at(opened: Opened, video: VideoStream, at_ms: int) -> VideoFrame | None:
    import av

    with contextlib.suppress(av.FFmpegError, OSError):  # a file without an index is read from where it stands
        opened.container.seek(round((at_ms / 1000 + opened.start_s) * 1e6), backward=True)
    found = None
    try:
        for packet in opened.container.demux(video):
            with contextlib.suppress(av.FFmpegError):
                for frame in packet.decode():
                    if found is not None and round((time_of(frame, video, 0) - opened.start_s) * 1000) > at_ms:
                        return found
                    found = frame
    except (av.FFmpegError, EOFError, OSError):
        return found
    return found
