"""The reader of videos and the remote speech model through their contract suites, and the latter's own ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pytest

from foveal.errors import ModelUnavailableError
from foveal.models.openai_client import Endpoint
from foveal.models.openai_speech import OpenAITranscriber
from foveal.readers.limits import Limits
from foveal.readers.video import VideoReader
from foveal.testing.contracts.reader import ReaderContract
from foveal.testing.contracts.transcriber import TranscriberContract
from foveal.testing.fakes_speech import FakeTranscriber
from foveal.testing.openai_server import Faults, OpenAIServer
from foveal.testing.videos import Scene, silence, tone, video_of
from foveal.types.speech import TimedText, Transcript
from foveal.types.vectors import Samples

from .conftest import slide

PICTURES = {
    "video/mp4": ("mp4", "mpeg4"),
    "video/quicktime": ("mov", "mpeg4"),
    "video/3gpp": ("3gp", "mpeg4"),
    "video/3gpp2": ("3g2", "mpeg4"),
    "video/mj2": ("mov", "jpeg2000"),
    "video/x-matroska": ("matroska", "libx264"),
    "video/webm": ("webm", "libvpx"),
    "video/x-msvideo": ("avi", "mpeg4"),
    "video/x-flv": ("flv", "libx264"),
    "video/x-ms-asf": ("asf", "msmpeg4v3"),
    "video/mpeg": ("mpeg", "mpeg2video"),
    "video/mp2t": ("mpegts", "mpeg2video"),
    "video/ogg": ("ogg", "libvpx"),
}
SOUNDS = {
    "audio/mp4": ("ipod", "aac"),
    "audio/ogg": ("ogg", "libopus"),
    "audio/wav": ("wav", "pcm_s16le"),
    "audio/mpeg": ("mp3", "mp3"),
    "audio/flac": ("flac", "flac"),
    "audio/aac": ("adts", "aac"),
    "audio/aiff": ("aiff", "pcm_s16be"),
}
AMR = b"#!AMR\n" + (b"\x3c" + bytes(31)) * 50
"""A second of silence at 12.2 kbit/s: frames of 32 bytes (RFC 4867, section 5)."""


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    scene = [Scene(pixels=slide(color=(200, 30, 30)), seconds=0.4)]
    pictures = {
        media_type: video_of(scene, format=format, codec=codec, rate=25)
        for media_type, (format, codec) in PICTURES.items()
    }
    sounds = {
        media_type: video_of([], format=format, sound=tone(0.5), sound_codec=codec)
        for media_type, (format, codec) in SOUNDS.items()
    }
    return pictures | sounds | {"audio/amr": AMR}


class TestVideoReader(ReaderContract):
    @pytest.fixture
    def reader(self, reader: VideoReader) -> VideoReader:
        return reader

    @pytest.fixture
    def tight_reader(self) -> VideoReader:
        return VideoReader(Limits(max_video_bytes=10))

    @pytest.fixture
    def samples(self, files: dict[str, bytes]) -> Mapping[str, bytes]:
        return files

    @pytest.fixture
    def hopeless(self) -> Mapping[str, bytes]:
        return {"video/mp4": b"\0\0\0\x18ftypisom" + bytes(100), "audio/wav": b"RIFF\0\0\0\0WAVE", "video/webm": b"no"}


@pytest.fixture(scope="module")
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer(api_key="secret") as running:
        yield running


@pytest.fixture
def endpoint(server: OpenAIServer) -> Endpoint:
    server.faults = Faults()
    server.transcriber = FakeTranscriber()
    return Endpoint(base_url=server.base_url, model="whisper-1", api_key="secret", timeout_s=10, max_retries=1)


class TestOpenAITranscriber(TranscriberContract):
    @pytest.fixture
    def transcriber(self, endpoint: Endpoint) -> OpenAITranscriber:
        return OpenAITranscriber(endpoint)

    @pytest.fixture
    def speech(self) -> Samples:
        return np.concatenate([tone(1, hertz=400), silence(1), tone(0.5, hertz=900)])

    @pytest.fixture
    def spoken(self) -> str:
        return "four four"


def test_words_are_written_as_in_the_text_with_their_times(endpoint: Endpoint, server: OpenAIServer) -> None:
    heard = OpenAITranscriber(endpoint).transcribe(np.concatenate([tone(1, hertz=100), silence(1)]))
    assert heard.words == (
        TimedText(text="one", start_ms=0, end_ms=500),
        TimedText(text=" one.", start_ms=500, end_ms=1000),
    )
    body = server.calls[-1].body
    assert (body["model"], body["response_format"]) == ("whisper-1", "verbose_json")
    assert "language" not in body


def test_silence_is_not_sent(endpoint: Endpoint, server: OpenAIServer) -> None:
    before = len(server.calls)
    assert OpenAITranscriber(endpoint).transcribe(silence(3)) == Transcript()
    assert len(server.calls) == before


def test_a_language_that_is_given_is_sent(endpoint: Endpoint, server: OpenAIServer) -> None:
    OpenAITranscriber(endpoint, language="de").transcribe(tone(1))
    assert server.calls[-1].body["language"] == "de"


def test_an_azure_deployment_is_asked_at_its_own_path(server: OpenAIServer, endpoint: Endpoint) -> None:
    azure = Endpoint(
        base_url=server.address,
        model="my-whisper",
        api_key="secret",
        azure=True,
        api_version="2024-10-21",
        max_retries=0,
    )
    assert OpenAITranscriber(azure).transcribe(tone(1, hertz=300)).text == "three three."
    call = server.calls[-1]
    assert call.path == "/openai/deployments/my-whisper/audio/transcriptions"
    assert call.headers["api-key"] == "secret"


def test_a_server_that_is_overloaded_is_asked_again_and_a_broken_one_is_an_error(
    server: OpenAIServer, endpoint: Endpoint
) -> None:
    server.faults = Faults(overloaded=1, retry_after_s=0)
    assert OpenAITranscriber(endpoint).transcribe(tone(1, hertz=200)).text == "two two."
    server.faults = Faults(broken=5)
    with pytest.raises(ModelUnavailableError):
        OpenAITranscriber(endpoint).transcribe(tone(1))
