"""The process that decodes videos and recordings with FFmpeg (`foveal.readers.child_process`), in one pass.

Key frames and stretches of sound go out as they are found, so that memory stays flat however long a file is. Shots are
told by PySceneDetect on small copies of a few frames a second. Times are those of the container's clock, not counts of
frames, and begin at 0 where the first stream does.

FFmpeg reads through this process's own file object and by the one demuxer that the file's bytes call for: a playlist
that names other files or addresses gets nowhere.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from foveal.errors import UnreadableAssetError
from foveal.readers.child_process import Ask, Message, serve
from foveal.readers.key_frames import KeyFrame, KeyFrames, Look, differs_much
from foveal.readers.sound import Stretch, Stretches
from foveal.readers.streams import Opened, opened_container
from foveal.readers.subtitle_streams import language_code, subtitle_lines, subtitle_stream
from foveal.readers.video_frames import Item, frames_at, picture_item, reduced, time_of, upright
from foveal.retrieval.moments import clock
from foveal.types.speech import TimedText
from foveal.types.vectors import SAMPLE_RATE, Pixels, Samples

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.resampler import AudioResampler
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from foveal.readers.key_frames import Gray

LOOKS_PER_S = 12
"""Frames a second in which cuts are looked for: they are told to within a twelfth of a second."""
LOOK_EVERY_S = 0.5
SMALL_LONG_SIDE_PX = 320
BEAT_S = 5.0
"""Seconds of the timeline after which the process tells that it is alive."""
MOST_ERRORS = 5_000
FIRM = frozenset({"mov", "matroska", "avi", "asf", "flv"})
"""Demuxers whose duration is written in the file; others guess it from the bit rate."""
MISSING_S, MISSING_SHARE = 0.9, 0.03
HOLE_S, MOST_HOLES = 1.0, 100
"""Shorter stretches without frames are the container's inaccuracy."""


def main() -> None:
    """The child's end."""
    import cv2
    import scenedetect.detectors  # noqa: F401 - to be loaded before the clock starts
    from av import logging

    logging.set_level(logging.PANIC)
    cv2.setNumThreads(1)
    serve(_items)


def _items(job: Message, data: bytes, ask: Ask) -> Iterator[Item]:
    del data, ask
    with opened_container(job) as opened:
        if "frames_ms" in job:
            yield from frames_at(opened, cast("list[int]", job["frames_ms"]), cast("int", job["long_side_px"]))
        else:
            yield from _subtitles(opened, job)
            yield from _Reading(opened, job).items()


def _subtitles(opened: Opened, job: Message) -> Iterator[Item]:
    """The lines of the container's subtitles, if there are any, before everything else."""
    stream = subtitle_stream(opened)
    if stream is None:
        return
    lines: list[TimedText] = []
    with opened_container(job) as again:
        for line in subtitle_lines(again, stream.index):
            if line is None:
                yield {"kind": "beat"}, b""
            else:
                lines.append(line)
    if lines:
        written = [[line.text, line.start_ms, line.end_ms] for line in lines]
        yield {"kind": "subtitles", "language": language_code(stream.language), "lines": written}, b""


@dataclass(slots=True)
class _Seen:
    """A frame in which a cut is looked for; `look` where it may become a key frame too."""

    at_s: float
    look: Look | None


@dataclass(slots=True)
class _Pictures:
    """Frames to key frames."""

    video: VideoStream
    start_s: float
    long_side_px: int
    static_s: float
    frames: int = 0
    last_s: float = -1.0
    _keys: KeyFrames = field(init=False)
    _detector: _Cuts = field(init=False)
    _pending: deque[_Seen] = field(default_factory=deque)
    _last_look: Look | None = None

    def __post_init__(self) -> None:
        self._keys = KeyFrames(self.static_s)
        self._detector = _Cuts()

    def see(self, frame: VideoFrame) -> Iterator[KeyFrame]:
        """One more frame, in order of time; those that come back in time are passed over."""
        self.frames += 1
        at_s = time_of(frame, self.video, self.frames - 1) - self.start_s
        if self.last_s >= 0 and at_s < self.last_s + 1 / LOOKS_PER_S - 1e-3:
            return
        self.last_s = max(at_s, 0.0)
        small = reduced(frame, self.video, SMALL_LONG_SIDE_PX, "bgr24")
        self._pending.append(_Seen(self.last_s, self._look(frame, small)))
        self._detector.see(self.last_s, small)
        while len(self._pending) > self._detector.behind:
            yield from self._settle()

    def end(self) -> Iterator[KeyFrame]:
        """There are no more."""
        while self._pending:
            yield from self._settle()
        yield from self._keys.end(self.last_s)

    def item(self, key: KeyFrame) -> Item:
        """A key frame as a message."""
        return picture_item(key.look.pixels, self.video, start_s=key.start_s, end_s=key.end_s, at_s=key.look.at_s)

    def _settle(self) -> Iterator[KeyFrame]:
        """The oldest frame, of which it is known by now whether it begins a shot."""
        seen = self._pending.popleft()
        if self._detector.is_cut(seen.at_s):
            yield from self._keys.cut(seen.at_s)
        if seen.look is not None:
            yield from self._keys.see(seen.look)

    def _look(self, frame: VideoFrame, small: Pixels) -> Look | None:
        import cv2

        gray = cast("Gray", cv2.cvtColor(small, cv2.COLOR_BGR2GRAY))
        last = self._last_look
        due = last is None or self.last_s - last.at_s >= LOOK_EVERY_S
        if not due and last is not None and not differs_much(gray, last.small):
            return None
        pixels = upright(reduced(frame, self.video, self.long_side_px, "rgb24"), frame)
        self._last_look = Look(at_s=self.last_s, small=gray, pixels=pixels)
        return self._last_look


class _Cuts:
    """PySceneDetect's adaptive detector, asked by time."""

    def __init__(self) -> None:
        from scenedetect.detectors import AdaptiveDetector

        self._detector = AdaptiveDetector(min_scene_len=0.5)
        self._cuts: set[int] = set()
        self.behind = self._detector.event_buffer_length + 1

    def see(self, at_s: float, small: Pixels) -> None:
        from fractions import Fraction

        from scenedetect.common import FrameTimecode, Timecode

        place = Timecode(pts=round(at_s * 1000), time_base=Fraction(1, 1000))
        found = self._detector.process_frame(FrameTimecode(place, float(LOOKS_PER_S)), small)
        self._cuts.update(cut.pts for cut in found)

    def is_cut(self, at_s: float) -> bool:
        place = round(at_s * 1000)
        if place not in self._cuts:
            return False
        self._cuts = {cut for cut in self._cuts if cut > place}
        return True


@dataclass(slots=True)
class _Holes:
    """Stretches of the timeline without frames of one kind."""

    found: list[tuple[float, float]] = field(default_factory=list)
    _to_s: float = -1.0

    def see(self, start_s: float, end_s: float) -> None:
        """A frame, in order of time."""
        if self._to_s >= 0 and start_s - self._to_s > HOLE_S and len(self.found) < MOST_HOLES:
            self.found.append((self._to_s, start_s))
        self._to_s = max(self._to_s, end_s)


class _Reading:
    """One pass over a file."""

    def __init__(self, opened: Opened, job: Message) -> None:
        self._opened = opened
        self._pictures: _Pictures | None = None
        if opened.video is not None:
            size, static_s = cast("int", job["long_side_px"]), cast("float", job["static_s"])
            self._pictures = _Pictures(opened.video, opened.start_s, size, static_s)
        self._stretches = Stretches()
        self._listens = opened.audio is not None and bool(job["sound"])
        self._samples = 0
        self._errors = 0
        self._broken_off = self._encrypted = False
        self._shown: VideoFrame | None = None
        self._beat_s = 0.0
        self._end_s = self._read_s = 0.0
        self._unseen, self._unheard = _Holes(), _Holes()
        self._back_s: float | None = None

    def items(self) -> Iterator[Item]:
        import av

        resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE) if self._listens else None
        for packet in self._packets():
            if self._errors > MOST_ERRORS:
                self._broken_off = True
                break
            for frame in self._decoded(packet):
                if isinstance(frame, av.VideoFrame) and self._pictures is not None:
                    yield from self._see(frame, self._pictures)
                elif isinstance(frame, av.AudioFrame) and resampler is not None:
                    yield from self._hear(frame, resampler)
        if self._pictures is not None:
            if self._skips:
                self._pictures.last_s = max(self._pictures.last_s, self._read_s)
            yield from map(self._pictures.item, self._pictures.end())
        yield from map(_sound_item, self._stretches.end())
        yield self._last()

    def _packets(self) -> Iterator[Packet[Any]]:
        """Packets until the end, or until the container is too broken to go on."""
        import av

        opened = self._opened
        streams = [s for s in (opened.video, opened.audio if self._listens else None) if s is not None]
        try:
            yield from opened.container.demux(*streams)
        except (av.FFmpegError, EOFError, ValueError, OSError):
            self._broken_off = True

    def _decoded(self, packet: Packet[Any]) -> list[object]:
        import av

        if packet.has_sidedata("encryption_info"):
            self._encrypted = True  # its decoder would make noise of it
            return []
        if packet.pts is not None and packet.time_base and packet.stream is self._opened.video:
            self._read_s = max(self._read_s, float(packet.pts * packet.time_base) - self._opened.start_s)
            if not packet.size:
                return self._shown_again(packet.pts)
        try:
            return list(packet.decode())
        except (av.FFmpegError, ValueError, NotImplementedError):
            self._errors += 1
            return []

    def _shown_again(self, pts: int) -> list[object]:
        """The frame before, for a packet without a byte (Theora): decoders would take it for the end."""
        if self._shown is None:
            return []
        self._shown.pts = pts
        return [self._shown]

    def _see(self, frame: VideoFrame, pictures: _Pictures) -> Iterator[Item]:
        import av

        self._shown = frame
        at_s = time_of(frame, pictures.video, pictures.frames) - pictures.start_s
        self._unseen.see(at_s, at_s)
        if at_s < pictures.last_s - HOLE_S and self._back_s is None:
            self._back_s = pictures.last_s
        try:
            yield from map(pictures.item, pictures.see(frame))
        except (av.FFmpegError, ValueError):  # a frame whose size or format changed to what nobody knows
            self._errors += 1
        yield from self._alive(pictures.last_s)

    def _hear(self, frame: AudioFrame, resampler: AudioResampler) -> Iterator[Item]:
        import av

        clock_s = frame.time
        at_s = clock_s - self._opened.start_s if clock_s is not None else self._samples / SAMPLE_RATE
        frame.pts = None  # the resampler would take gaps for an error
        try:
            pieces = [cast("Samples", piece.to_ndarray()).reshape(-1) for piece in resampler.resample(frame)]
        except (av.FFmpegError, ValueError):
            self._errors += 1
            return
        self._unheard.see(at_s, at_s + sum(map(len, pieces)) / SAMPLE_RATE)
        for piece in pieces:
            self._samples += len(piece)
            yield from map(_sound_item, self._stretches.add(at_s, piece))
            at_s += len(piece) / SAMPLE_RATE
        self._end_s = max(self._end_s, at_s)
        yield from self._alive(at_s)

    def _alive(self, at_s: float) -> Iterator[Item]:
        if at_s - self._beat_s >= BEAT_S:
            self._beat_s = at_s
            yield {"kind": "beat"}, b""

    def _last(self) -> Item:
        frames = self._pictures.frames if self._pictures is not None else 0
        if not frames and not self._samples:
            self._refuse()
        warnings = []
        if self._encrypted:
            warnings.append("Part of it is encrypted, and not read.")
        elif self._broken_off:
            warnings.append("It breaks off: what comes after the damage is not read.")
        elif self._errors:
            warnings.append("It is damaged: some of its frames cannot be decoded.")
        elif (missing_s := self._missing_s()) > 0:
            warnings.append(f"Its last {missing_s:.0f} seconds are missing: it was cut off, or its header is wrong.")
        if (hole := self._hole()) is not None and not self._encrypted:
            start, end = (clock(round(1000 * at_s)) for at_s in hole)
            warnings.append(f"There is nothing in it from {start} to {end}: it is damaged there, or was paused.")
        if self._back_s is not None:
            at = clock(round(1000 * self._back_s))
            warnings.append(
                f"Its clock goes back after {at}, as where files are glued: pictures are missing from there."
            )
        if self._opened.video is not None and not frames:
            warnings.append("None of its pictures can be decoded: only its sound is read.")
        if self._listens and not self._samples:
            warnings.append("None of its sound can be decoded: only its pictures are read.")
        return {"kind": "end", "warnings": warnings, "last": True}, b""

    @property
    def _skips(self) -> bool:
        """Whether only frames that stand by themselves are decoded."""
        video = self._opened.video
        return video is not None and str(video.codec_context.skip_frame) == "NONKEY"

    def _hole(self) -> tuple[float, float] | None:
        """The longest stretch with neither pictures nor sound; without sound nobody knows, a still picture has one
        frame.
        """
        if not self._listens:
            return None
        unseen = self._unseen.found if self._pictures is not None and self._pictures.frames else [(0.0, math.inf)]
        both = [(max(a, c), min(b, d)) for a, b in unseen for c, d in self._unheard.found]
        longest = max(both, key=lambda hole: hole[1] - hole[0], default=(0.0, 0.0))
        return longest if longest[1] - longest[0] > HOLE_S else None

    def _missing_s(self) -> float:
        """Seconds that the header promises and that are not there; 0 where it makes no firm promise."""
        opened = self._opened
        if opened.container.format.name.split(",")[0] not in FIRM or not opened.container.duration:
            return 0.0
        unread = opened.audio is not None and not self._listens
        promised = opened.container.duration / 1e6
        if unread and opened.video is not None and opened.video.duration and opened.video.time_base:
            promised = float(opened.video.duration * opened.video.time_base)
        missing = promised - max(self._end_s, self._pictures.last_s if self._pictures is not None else 0.0)
        return missing if missing > max(MISSING_S, MISSING_SHARE * promised) else 0.0

    def _refuse(self) -> None:
        if self._encrypted:
            raise UnreadableAssetError("It is encrypted.", remedy="Save a copy without protection.")
        if self._errors:
            raise UnreadableAssetError("None of it can be decoded: it is damaged.", remedy="Copy it anew.")
        if self._opened.video is None and not self._listens:
            raise UnreadableAssetError("It has sound only, and nobody listens.", remedy="Switch speech.on on.")
        raise UnreadableAssetError("It has no frames and no sound.")


def _sound_item(stretch: Stretch) -> Item:
    message: Message = {
        "kind": "sound",
        "start_ms": round(stretch.start_s * 1000),
        "end_ms": round(stretch.end_s * 1000),
    }
    return message, np.ascontiguousarray(stretch.samples, "<i2").view(np.uint8).data
