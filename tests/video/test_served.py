"""Videos over HTTP and through the runtime: any part of the file, links with a second, pictures of moments."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import httpx
import pytest
from PIL import Image
from starlette.types import ASGIApp

from foveal.asgi import create_app
from foveal.errors import NotFoundError
from foveal.pipeline.places import document_id
from foveal.readers.video import VideoReader
from foveal.runtime.originals import Originals
from foveal.runtime.video import Frames
from foveal.sources.folder import FolderSource
from foveal.sources.spooled import spooled
from foveal.stores.byte_files import FileByteStore
from foveal.stores.kept_files import KeptFiles
from foveal.testing.fakes_engine import FakeEngine, fake_chunk
from foveal.testing.videos import Scene, video_of
from foveal.types.assets import AssetId, MediaKind, SourceItem
from foveal.types.chunks import Chunk, Feature
from foveal.types.locators import Locator

from .conftest import slide

FILE = bytes(range(256)) * 4096


@pytest.fixture
def engine() -> FakeEngine:
    moment = fake_chunk(
        "talk.mp4",
        "Luck is defined as success or failure.",
        kind=MediaKind.VIDEO,
        media_type="video/mp4",
        feature=Feature.SPEECH,
        locator=Locator(start_ms=35_160, end_ms=39_000, frame_ms=34_000),
    )
    fake = FakeEngine({"talks": [moment, replace(moment, chunk_id="secret-0", group_ids=("board",))]})  # type: ignore[arg-type]
    fake.files = {"talk.mp4": FILE}
    return fake


@pytest.fixture
def http(engine: FakeEngine, serve: Callable[[ASGIApp], str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=serve(create_app(engine)), timeout=20, trust_env=False) as client:
        yield client


def path_of(engine: FakeEngine) -> str:
    return f"/v1/indexes/talks/chunks/{engine.indexes['talks'][0].chunk_id}/bytes"


def test_a_browser_can_seek_in_a_video(http: httpx.Client, engine: FakeEngine) -> None:
    path = path_of(engine)
    whole = http.get(path)
    assert (whole.status_code, whole.content, whole.headers["accept-ranges"]) == (200, FILE, "bytes")
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["content-disposition"].startswith("inline")
    assert "media-src 'self'" in whole.headers["content-security-policy"]

    some = http.get(path, headers={"range": "bytes=300000-700000"})
    assert (some.status_code, some.content) == (206, FILE[300_000:700_001])
    assert some.headers["content-range"] == f"bytes 300000-700000/{len(FILE)}"
    assert some.headers["content-length"] == "400001"

    rest = http.get(path, headers={"range": "bytes=1048000-"})
    assert (rest.status_code, rest.content) == (206, FILE[1_048_000:])
    assert http.get(path, headers={"range": "bytes=-10"}).content == FILE[-10:]
    assert http.get(path, headers={"range": f"bytes={len(FILE)}-"}).status_code == 416
    assert http.get(path, headers={"if-none-match": whole.headers["etag"]}).status_code == 304


def test_a_link_to_a_moment_opens_at_its_second(http: httpx.Client) -> None:
    reply = http.post("/v1/search", json={"text": "luck defined", "index": "talks"})
    (hit, *_) = reply.json()["hits"]
    assert hit["bytes_url"].endswith("#t=35")
    assert hit["thumbnail_url"]
    assert hit["locator"]["start_ms"] == 35_160


@pytest.fixture
def talk(tmp_path: Path) -> Chunk:
    """A moment of a file with a red and then a blue picture, at its second one."""
    from foveal.pipeline.prepare import hash_file

    scenes = [Scene(pixels=slide(color=color), seconds=2) for color in ((200, 30, 30), (30, 40, 200))]
    (tmp_path / "talk.mp4").write_bytes(video_of(scenes))
    with (tmp_path / "talk.mp4").open("rb") as file:
        asset_id: AssetId = hash_file(file)
    return fake_chunk(
        "talk.mp4",
        "blue",
        kind=MediaKind.VIDEO,
        media_type="video/mp4",
        feature=Feature.VISION,
        asset_id=asset_id,
        source=str(tmp_path),
        document_id=document_id(str(tmp_path), "talk.mp4"),
        locator=Locator(start_ms=2000, end_ms=4000, frame_ms=2500),
    )


def test_the_thumbnail_of_a_moment_is_its_frame_and_is_made_once(
    tmp_path: Path, talk: Chunk, reader: VideoReader
) -> None:
    originals, source = Originals(), FolderSource(tmp_path)
    frames = Frames(reader, FileByteStore(tmp_path / "derived"), lambda chunk: originals.open(source, chunk))
    jpeg = frames.thumbnail(talk, long_side_px=160)
    with Image.open(io.BytesIO(jpeg)) as picture:
        assert picture.size == (160, 90)
        red, _, blue = picture.resize((1, 1)).getpixel((0, 0))  # type: ignore[misc]
        assert blue > red
    (tmp_path / "talk.mp4").unlink()
    assert frames.thumbnail(talk, long_side_px=160) == jpeg
    with pytest.raises(NotFoundError):
        frames.thumbnail(talk, long_side_px=100)


def test_frames_at_any_times_come_in_order(tmp_path: Path, talk: Chunk, reader: VideoReader) -> None:
    originals, source = Originals(), FolderSource(tmp_path)
    frames = Frames(reader, FileByteStore(tmp_path / "derived"), lambda chunk: originals.open(source, chunk))
    first, second = frames.at(talk, [3000, 500], long_side_px=64)
    assert first.pixels[..., 0].mean() > first.pixels[..., 2].mean()
    assert second.pixels[..., 2].mean() > second.pixels[..., 0].mean()


class Remote:
    """The files of a folder as they come over a network: no file of a file system."""

    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        self._folder = folder
        self.fetched = 0

    def items(self) -> Iterator[SourceItem]:
        return iter(FolderSource(self._folder).items())

    def open(self, item: SourceItem) -> BinaryIO:
        self.fetched += 1
        return spooled(iter([b"", (self._folder / item.path).read_bytes()]))


def test_a_remote_video_is_fetched_once_however_many_parts_are_asked_for_at_once(tmp_path: Path, talk: Chunk) -> None:
    remote, kept = Remote(tmp_path), KeptFiles(tmp_path / "kept", 2**30)
    originals, whole = Originals(kept), (tmp_path / "talk.mp4").read_bytes()

    def part(start: int) -> bytes:
        with originals.open(remote, talk) as file:
            file.seek(start)
            return file.read(100)

    with ThreadPoolExecutor(8) as threads:
        got = list(threads.map(part, range(0, 1600, 100)))
    assert got == [whole[start : start + 100] for start in range(0, 1600, 100)]
    assert remote.fetched == 1
    FileByteStore(tmp_path / "derived", kept.delete).delete([talk.asset_id])
    assert part(0) == whole[:100]
    assert remote.fetched == 2


def test_a_remote_video_without_room_for_a_copy_is_shown_all_the_same(tmp_path: Path, talk: Chunk) -> None:
    remote, originals = Remote(tmp_path), Originals(KeptFiles(tmp_path / "kept", 0))
    for _ in range(2):
        with originals.open(remote, talk) as file:
            assert file.read() == (tmp_path / "talk.mp4").read_bytes()
    assert remote.fetched == 2


def test_a_remote_file_whose_bytes_changed_is_not_kept(tmp_path: Path, talk: Chunk) -> None:
    (tmp_path / "talk.mp4").write_bytes(b"something else")
    kept = KeptFiles(tmp_path / "kept", 2**30)
    with pytest.raises(NotFoundError, match="changed"):
        Originals(kept).open(Remote(tmp_path), talk)
    assert list(kept.assets()) == []


def test_an_original_that_has_changed_is_not_given_out_even_after_it_was_proven(tmp_path: Path, talk: Chunk) -> None:
    originals, source = Originals(), FolderSource(tmp_path)
    for _ in range(2):
        originals.open(source, talk).close()
    (tmp_path / "talk.mp4").write_bytes(b"something else")
    with pytest.raises(NotFoundError, match="changed"):
        originals.open(source, talk)
    (tmp_path / "talk.mp4").unlink()
    with pytest.raises(NotFoundError, match="no longer there"):
        originals.open(source, talk)
