from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from foveal.readers.limits import Limits
from foveal.readers.sniffing import sniff
from foveal.readers.video import TimelineContent, VideoReader
from foveal.types.assets import Asset, AssetId
from foveal.types.vectors import Pixels, Samples

Read = Callable[..., list[TimelineContent]]


@pytest.fixture(scope="session")
def reader() -> VideoReader:
    return VideoReader(Limits())


def asset_of(data: bytes) -> Asset:
    sniffed = sniff("file", data[:4096], len(data))
    assert sniffed.kind is not None, sniffed
    return Asset(
        asset_id=AssetId("0" * 64),
        path="file",
        media_type=sniffed.media_type,
        kind=sniffed.kind,
        size_bytes=len(data),
    )


@pytest.fixture(scope="session")
def read(reader: VideoReader) -> Read:
    def read_all(data: bytes) -> list[TimelineContent]:
        return list(reader.read(asset_of(data), io.BytesIO(data)))

    return read_all


def slide(
    text: str = "", *, color: tuple[int, int, int] = (250, 250, 250), size: tuple[int, int] = (320, 180)
) -> Pixels:
    """A picture with something on it: letters, and a shape that no other colour has."""
    picture = Image.new("RGB", size, color)
    draw = ImageDraw.Draw(picture)
    seed = sum(color) + len(text)
    for number in range(12):
        x, y = (seed * 37 + number * 53) % size[0], (seed * 91 + number * 29) % size[1]
        draw.rectangle((x, y, x + 14, y + 9), fill=tuple(255 - c for c in color))
    if text:
        draw.text((12, size[1] // 2 - 12), text, fill=(0, 0, 0), font=ImageFont.load_default(24))
    return np.asarray(picture)


def with_language(data: bytes, language: str) -> bytes:
    """The same Matroska file with this language in the tag of its sound."""
    import av

    buffer = io.BytesIO()
    with av.open(io.BytesIO(data)) as given, av.open(buffer, "w", format="matroska") as out:
        streams = {stream.index: out.add_stream_from_template(stream) for stream in given.streams}
        for stream in given.streams:
            streams[stream.index].metadata["language"] = (
                language if stream.type == "audio" else stream.language or "und"
            )
        for packet in given.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream_index]
                out.mux(packet)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def ted(test_data: Path) -> Path:
    return test_data / "video" / "ted" / "test.mp4"


@pytest.fixture(scope="session")
def spoken_wav(test_data: Path) -> Samples:
    """Two seconds: "this is the content of the document"."""
    import wave

    with wave.open(str(test_data / "video" / "speech_wav" / "this is the content of the document.wav")) as file:
        rate, data = file.getframerate(), np.frombuffer(file.readframes(file.getnframes()), "<i2")
        channels = file.getnchannels()
    mono = data.reshape(-1, channels).mean(axis=1)
    at = np.arange(0, len(mono), rate / 16_000)
    return np.interp(at, np.arange(len(mono)), mono).astype(np.int16)
