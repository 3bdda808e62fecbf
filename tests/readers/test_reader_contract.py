from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from foveal.ports.sources import Reader
from foveal.readers.docx import DocxReader
from foveal.readers.html import HtmlReader
from foveal.readers.image import ImageReader
from foveal.readers.limits import Limits
from foveal.readers.pdf import PdfReader
from foveal.readers.pptx import PptxReader
from foveal.readers.sniffing import DOCX, HTML, PDF, PPTX, XLSX
from foveal.readers.text import TextReader
from foveal.readers.xlsx import XlsxReader
from foveal.testing.contracts.reader import ReaderContract, read_all
from foveal.testing.documents import (
    Pasted,
    Slide,
    Words,
    docx_of,
    drawing,
    paragraph,
    pdf_of,
    pptx_of,
    xlsx_of,
    zip_of,
)
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


def speckled(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)


def heic() -> bytes:
    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (64, 48), "teal")).save(buffer, quality=60)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def image_reader() -> ImageReader:
    return ImageReader(Limits())


@pytest.fixture(scope="session")
def pdf_reader() -> PdfReader:
    return PdfReader(Limits())


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


class TestHtmlReader(ReaderContract):
    @pytest.fixture
    def reader(self) -> Reader:
        return HtmlReader(Limits())

    @pytest.fixture
    def tight_reader(self) -> Reader:
        return HtmlReader(Limits(max_text_bytes=5))

    @pytest.fixture
    def samples(self) -> Mapping[str, bytes]:
        return {HTML: b"<html><title>T</title><body><h1>Head</h1><p>Some words.</p></body></html>"}

    @pytest.fixture
    def hopeless(self) -> Mapping[str, bytes]:
        return {HTML: b"\x00\x01\x02\x80\xff\x00" * 50}


class TestPdfReader(ReaderContract):
    @pytest.fixture
    def reader(self, pdf_reader: PdfReader) -> Reader:
        return pdf_reader

    @pytest.fixture
    def tight_reader(self) -> Reader:
        return PdfReader(Limits(max_document_bytes=5))

    @pytest.fixture
    def samples(self) -> Mapping[str, bytes]:
        picture = Pasted(pixels=speckled(80, 60), x=100, y=100, width=160, height=120)
        return {PDF: pdf_of([[Words(text="Some words.", y=700)], [Words(text="More of them.", y=700), picture]])}

    @pytest.fixture
    def hopeless(self) -> Mapping[str, bytes]:
        return {PDF: b"%PDF-1.7\n" + bytes(200)}


class TestDocxReader(ReaderContract):
    @pytest.fixture
    def reader(self, image_reader: ImageReader) -> Reader:
        return DocxReader(Limits(), image_reader)

    @pytest.fixture
    def tight_reader(self, image_reader: ImageReader) -> Reader:
        return DocxReader(Limits(max_inflated_bytes=50), image_reader)

    @pytest.fixture
    def samples(self) -> Mapping[str, bytes]:
        return {DOCX: docx_of([paragraph("Some words."), drawing("p")], pictures={"p": speckled(80, 60)})}

    @pytest.fixture
    def hopeless(self) -> Mapping[str, bytes]:
        return {DOCX: docx_of([paragraph("Some words.")])[:-80]}


class TestPptxReader(ReaderContract):
    @pytest.fixture
    def reader(self, image_reader: ImageReader) -> Reader:
        return PptxReader(Limits(), image_reader)

    @pytest.fixture
    def tight_reader(self, image_reader: ImageReader) -> Reader:
        return PptxReader(Limits(max_inflated_bytes=50), image_reader)

    @pytest.fixture
    def samples(self) -> Mapping[str, bytes]:
        return {PPTX: pptx_of([Slide(title="Head", texts=["Some words."], picture=speckled(80, 60))])}

    @pytest.fixture
    def hopeless(self) -> Mapping[str, bytes]:
        return {PPTX: pptx_of([Slide(title="Head")])[:-80]}


class TestXlsxReader(ReaderContract):
    @pytest.fixture
    def reader(self) -> Reader:
        return XlsxReader(Limits())

    @pytest.fixture
    def tight_reader(self) -> Reader:
        return XlsxReader(Limits(max_document_bytes=5))

    @pytest.fixture
    def samples(self) -> Mapping[str, bytes]:
        return {XLSX: xlsx_of({"People": [["Name", "Age"], ["Ada", "36"]]})}

    @pytest.fixture
    def hopeless(self) -> Mapping[str, bytes]:
        return {XLSX: zip_of({"[Content_Types].xml": "<Types/>"})}


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
