"""Small videos and recordings made on the spot, in any container and codec that FFmpeg writes."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from foveal.types.speech import TimedText
from foveal.types.vectors import SAMPLE_RATE, Pixels, Samples

if TYPE_CHECKING:
    from av.container import OutputContainer


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One picture that stays for so many seconds."""

    pixels: Pixels
    seconds: float


_ASS_HEADER = b"""[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,16

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""
NO_OPTIONS: Mapping[str, str] = MappingProxyType({})


def video_of(
    scenes: Sequence[Scene],
    *,
    format: str = "mp4",
    codec: str = "mpeg4",
    sound: Samples | None = None,
    sound_codec: str = "aac",
    rate: int = 10,
    times_s: Sequence[float] | None = None,
    options: Mapping[str, str] = NO_OPTIONS,
) -> bytes:
    """A video of scenes one after the other.

    Args:
        scenes: Of one size, even in both directions; none: sound alone.
        format: FFmpeg's name of the container.
        codec: Of the pictures.
        sound: int16, 16,000 a second, from the beginning.
        sound_codec: Of the sound.
        rate: Frames a second.
        times_s: Time of every frame, for a frame rate that varies; by `rate` when None.
        options: Of the container (`movflags`, `encryption_scheme`).
    """
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format=format, options=dict(options)) as container:
        pictures = _picture_stream(container, codec, rate, scenes, varies=times_s is not None) if scenes else None
        heard = cast("Any", container.add_stream(sound_codec, rate=SAMPLE_RATE)) if sound is not None else None
        if heard is not None:
            heard.layout, heard.bit_rate = "mono", 64_000
        if pictures is not None:
            _write_pictures(container, pictures, scenes, rate, times_s)
        if heard is not None and sound is not None:
            _write_sound(container, heard, sound)
    return buffer.getvalue()


def with_subtitles(
    video: bytes,
    lines: Sequence[TimedText],
    *,
    format: str = "mp4",
    codec: str = "mov_text",
    language: str = "eng",
    forced: bool = False,
) -> bytes:
    """A video with one more stream that has these lines, in a container of its own.

    Args:
        format: FFmpeg's name of the container.
        codec: `mov_text`, `subrip`, `webvtt` or `ass`.
        language: ISO 639-2 code in the stream's tag.
        forced: Whether the stream is said to be only for what is foreign in the sound.
    """
    import av
    from av.stream import Disposition

    buffer = io.BytesIO()
    with av.open(io.BytesIO(video), "r") as given, av.open(buffer, "w", format=format) as container:
        streams = {stream.index: container.add_stream_from_template(stream) for stream in given.streams}
        written = cast("Any", container.add_stream(codec))
        written.metadata["language"] = language
        written.codec_context.subtitle_header = _ASS_HEADER
        if forced:
            written.disposition = Disposition.forced
        for packet in given.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream_index]
                container.mux(packet)
        for number, line in enumerate(lines):
            container.mux(_subtitle_packet(written, codec, number, line))
    return buffer.getvalue()


def _subtitle_packet(stream: Any, codec: str, number: int, line: TimedText) -> Any:
    import av

    data = line.text.encode()
    if codec == "mov_text":
        data = len(data).to_bytes(2, "big") + data
    elif codec == "ass":
        data = f"{number},0,Default,,0,0,0,,".encode() + data
    packet = cast("Any", av.Packet(data))
    packet.stream, packet.time_base = stream, Fraction(1, 1000)
    packet.pts = packet.dts = line.start_ms
    packet.duration = line.end_ms - line.start_ms
    return packet


def tone(seconds: float, *, hertz: float = 440.0, peak: int = 8000) -> Samples:
    """A steady tone."""
    at = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (peak * np.sin(2 * np.pi * hertz * at)).astype(np.int16)


def silence(seconds: float) -> Samples:
    """Nothing."""
    return np.zeros(int(seconds * SAMPLE_RATE), np.int16)


def _picture_stream(container: OutputContainer, codec: str, rate: int, scenes: Sequence[Scene], *, varies: bool) -> Any:
    stream = cast("Any", container.add_stream(codec, rate=rate))
    stream.height, stream.width = scenes[0].pixels.shape[:2]
    stream.pix_fmt = stream.codec.video_formats[0].name if codec == "jpeg2000" else "yuv420p"
    if varies:
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
    return stream


def _write_pictures(
    container: OutputContainer, stream: Any, scenes: Sequence[Scene], rate: int, times_s: Sequence[float] | None
) -> None:
    import av

    shown = [scene.pixels for scene in scenes for _ in range(round(scene.seconds * rate))]
    times = times_s or [number / rate for number in range(len(shown))]
    for pixels, at_s in zip(shown, times, strict=False):
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
        frame.pts, frame.time_base = round(at_s * 1000), Fraction(1, 1000)
        container.mux(stream.encode(frame.reformat(format=stream.pix_fmt)))
    container.mux(stream.encode(None))


def _write_sound(container: OutputContainer, stream: Any, sound: Samples) -> None:
    import av

    for start in range(0, len(sound), SAMPLE_RATE):
        frame = av.AudioFrame.from_ndarray(sound[None, start : start + SAMPLE_RATE], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, start, Fraction(1, SAMPLE_RATE)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
