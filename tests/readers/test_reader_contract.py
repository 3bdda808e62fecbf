from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from foveal.ports import Reader
from foveal.readers.image import ImageReader
from foveal.readers.limits import Limits
from foveal.readers.text import TextReader
from foveal.testing.contracts.reader import ReaderContract, read_all
from foveal.testing.fakes_content import FakeReader, ppm_of
from foveal.types.content import ImageContent

FORMATS = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/gif": "GIF",
    "image/bmp": "BMP",
    "image/tiff": "TIFF",
    "image/webp": "WEBP",
    "image/avif": "AVIF",
    "image/jp2": "JPEG2000",
    "image/vnd.microsoft.icon": "ICO",
    "image/x-portable-anymap": "PPM",
    "image/vnd-ms.dds": "DDS",
}


def encoded(format: str, **options: object) -> bytes:
    ramp = np.linspace(0, 255, 64 * 48 * 3).astype(np.uint8).reshape(48, 64, 3)
    buffer = io.BytesIO()
    Image.fromarray(ramp).save(buffer, format, **options)
    return buffer.getvalue()


def heic() -> bytes:
    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (64, 48), "teal")).save(buffer, quality=60)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def image_reader() -> ImageReader:
    return ImageReader(Limits())


class TestImageReader(ReaderContract):
    @pytest.fixture
    def reader(self, image_reader: ImageReader) -> Reader:
        return image_reader

    @pytest.fixture
    def tight_reader(self) -> Reader:
        return ImageReader(Limits(max_pixels=100))

    @pytest.fixture
    def samples(self) -> Mapping[str, bytes]:
        made = {media_type: encoded(name) for media_type, name in FORMATS.items()}
        return {**made, "image/heic": heic(), "image/j2c": encoded("JPEG2000", no_jp2=True)}

    @pytest.fixture
    def hopeless(self) -> Mapping[str, bytes]:
        made = {media_type: encoded(name)[:14] + bytes(200) for media_type, name in FORMATS.items()}
        return {**made, "image/heic": heic()[:200]}


class TestTextReader(ReaderContract):
    @pytest.fixture
    def reader(self) -> Reader:
        return TextReader(Limits())

    @pytest.fixture
    def tight_reader(self) -> Reader:
        return TextReader(Limits(max_text_bytes=5))

    @pytest.fixture
    def samples(self) -> Mapping[str, bytes]:
        return {"text/plain": b"Some words.", "text/markdown": b"# Head\n\nSome words.\n\n## Second\n\nMore."}

    @pytest.fixture
    def hopeless(self) -> Mapping[str, bytes]:
        return {"text/plain": b"\x00\x01\x02\x80\xff\x00" * 50, "text/markdown": b" \n\t\r\n "}


class TestFakeReader(ReaderContract):
    @pytest.fixture
    def reader(self) -> Reader:
        return FakeReader()

    @pytest.fixture
    def tight_reader(self) -> Reader:
        return FakeReader(max_bytes=5)

    @pytest.fixture
    def samples(self) -> Mapping[str, bytes]:
        ramp = np.arange(6 * 4 * 3, dtype=np.uint8).reshape(4, 6, 3)
        return {"text/plain": b"Some words.\n\nMore of them.", "image/x-portable-anymap": ppm_of(ramp)}

    @pytest.fixture
    def hopeless(self) -> Mapping[str, bytes]:
        return {"text/plain": b"\x80\xff\x00" * 50, "image/x-portable-anymap": b"P6 0 0 255\n"}


def test_the_fake_reader_sees_the_pixels_that_the_real_one_sees() -> None:
    ramp = np.arange(6 * 4 * 3, dtype=np.uint8).reshape(4, 6, 3)
    media_type = "image/x-portable-anymap"
    for reader in (FakeReader(), ImageReader(Limits())):
        (found,) = read_all(reader, ppm_of(ramp), media_type)
        assert isinstance(found, ImageContent)
        np.testing.assert_array_equal(found.pixels, ramp)


def test_the_fake_reader_saves_what_can_be_saved_with_a_warning() -> None:
    (cut,) = read_all(FakeReader(), ppm_of(np.zeros((4, 6, 3), np.uint8))[:-9], "image/x-portable-anymap")
    first, second = read_all(FakeReader(), b"good\xff words\n\nmore", "text/plain")
    assert cut.warnings
    assert first.warnings
    assert (first.locator.start_char, second.locator.start_char) == (0, 13)
