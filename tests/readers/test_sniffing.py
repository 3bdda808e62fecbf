from __future__ import annotations

import io
import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from foveal.readers.sniffing import DOCX, HTML, IMAGE_TYPES, PDF, PPTX, XLSX, sniff
from foveal.testing.documents import Slide, docx_of, paragraph, pptx_of, xlsx_of, zip_of
from foveal.types.assets import MediaKind, Sniffed


def sniffed(data: bytes, path: str = "file") -> Sniffed:
    return sniff(path, data[:4096], len(data))


@pytest.mark.parametrize(
    ("format", "media_type"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("GIF", "image/gif"),
        ("BMP", "image/bmp"),
        ("TIFF", "image/tiff"),
        ("WEBP", "image/webp"),
        ("AVIF", "image/avif"),
        ("JPEG2000", "image/jp2"),
        ("ICO", "image/vnd.microsoft.icon"),
        ("PPM", "image/x-portable-anymap"),
        ("DDS", "image/vnd-ms.dds"),
    ],
)
def test_an_image_is_told_from_its_bytes_whatever_its_name(format: str, media_type: str) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, format)
    for name in ("picture.txt", "picture", "picture.pdf"):
        assert sniffed(buffer.getvalue(), name) == Sniffed(media_type=media_type, kind=MediaKind.IMAGE)
    assert media_type in IMAGE_TYPES


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(50), "image/heic"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf" + bytes(50), "image/avif"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + bytes(50), "image/heic"),
        (b"\xff\x4f\xff\x51\x00\x29" + bytes(50), "image/j2c"),
        (b"II+\0\x08\0\0\0" + bytes(20), "image/tiff"),
    ],
)
def test_containers_are_told_apart_by_their_brands(head: bytes, media_type: str) -> None:
    assert sniffed(head).media_type == media_type


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", "video/mp4"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "video/quicktime"),
        (b"\0\0\0\x08wide\0\0\0\x10mdat", "video/quicktime"),
        (b"\0\0\0\x18ftyp3gp5\0\0\0\0isom3gp5", "video/3gpp"),
        (b"\0\0\0\x18ftyp3g2a\0\0\0\0isom3g2a", "video/3gpp2"),
        (b"\0\0\0\x18ftypmjp2\0\0\0\0mjp2mjsi", "video/mj2"),
        (b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42", "audio/mp4"),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm", "video/webm"),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x88matroska", "video/x-matroska"),
        (b"RIFF\x10\0\0\0AVI LIST", "video/x-msvideo"),
        (b"FLV\x01\x05\0\0\0\x09", "video/x-flv"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9", "video/x-ms-asf"),
        (b"\x47\x40\0\x10".ljust(188, b"\xff") * 6, "video/mp2t"),
        (b"\0\0\x01\xba\x44", "video/mpeg"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "audio/wav"),
        (b"RF64\xff\xff\xff\xffWAVEds64", "audio/wav"),
        (b"FORM\0\0\0\x10AIFFCOMM", "audio/aiff"),
        (b"fLaC\0\0\0\x22", "audio/flac"),
        (b"OggS\0\x02" + bytes(22) + b"\x01\x13OpusHead", "audio/ogg"),
        (b"OggS\0\x02" + bytes(22) + b"\x01\x2a\x80theora", "video/ogg"),
        (b"ID3\x04\0\0\0\0\x10\0", "audio/mpeg"),
        (b"\xff\xfb\x90\x64" + bytes(100), "audio/mpeg"),
        (b"\xff\xf1\x50\x80" + bytes(100), "audio/aac"),
        (b"#!AMR\n\x3c", "audio/amr"),
    ],
)
def test_video_and_sound_are_told_from_their_bytes(head: bytes, media_type: str) -> None:
    kind = MediaKind.AUDIO if media_type.startswith("audio/") else MediaKind.VIDEO
    assert sniffed(head, "picture.jpg") == Sniffed(media_type=media_type, kind=kind)


@pytest.mark.parametrize("head", [b"\xff\xfeh\0i\0", b"RIFF and WAVE are words", b"Gee, " * 300, b"FORM a line"])
def test_text_that_begins_like_sound_is_text(head: bytes) -> None:
    assert sniffed(head).kind is MediaKind.TEXT


@pytest.mark.parametrize(
    ("head", "word"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Office"),
        (b"PK\x03\x04" + bytes(26) + b"word/letter.txt", "ZIP"),
        (b"PK\x03\x04" + bytes(30), "ZIP"),
        (b"8BPS\0\x01", "Photoshop"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b'{"a": 1}', "JSON"),
        (b'[{"image_blob_path": "a.jpg"}]', "JSON"),
        (b"\x00\x00\x00\x00\x11\xaf", "FLI"),
    ],
)
def test_what_is_not_read_is_named_in_the_reason(head: bytes, word: str) -> None:
    found = sniffed(head)
    assert found.kind is None
    assert word in found.reason


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"%PDF-1.7\n", PDF),
        (b"a byte or two before\n%PDF-1.4\n\0", PDF),
        (docx_of([paragraph("words")]), DOCX),
        (pptx_of([Slide(title="words")]), PPTX),
        (xlsx_of({"one": [["words"]]}), XLSX),
        (b"\n<!DOCTYPE html><html></html>", HTML),
        (b"<!-- a --><!-- b -->\n<html>", HTML),
        (b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "x" "y">', HTML),
    ],
)
def test_documents_are_told_from_their_bytes_whatever_their_name(data: bytes, media_type: str) -> None:
    for name in ("file", "file.txt", "file.zip"):
        assert sniffed(data, name) == Sniffed(media_type=media_type, kind=MediaKind.TEXT)


def test_an_office_file_is_told_from_the_table_of_contents_when_its_head_is_one_large_picture() -> None:
    picture = os.urandom(9000)
    data = zip_of({"docProps/thumbnail.jpeg": picture, "ppt/presentation.xml": "<p/>", "[Content_Types].xml": "<t/>"})
    assert sniff("file", data[:4096], len(data)).media_type == "application/zip"
    assert sniff("file", data[:4096], len(data), data[-65_536:]).media_type == PPTX


def test_an_archive_with_a_folder_named_word_is_no_word_document() -> None:
    data = zip_of({"word/letter.txt": "Dear all", "word/other.txt": "more"})
    assert sniff("file", data[:4096], len(data), data).media_type == "application/zip"


def test_a_web_page_without_html_and_body_is_told_by_its_name() -> None:
    assert sniffed(b"<p>words</p>", "a.htm").media_type == HTML
    assert sniffed(b"<p>words</p>", "a.txt").media_type == "text/plain"
    assert sniffed(b"only words", "a.html").media_type == "text/plain"


def test_a_web_page_under_the_name_of_an_image_is_refused() -> None:
    found = sniffed(b"<!DOCTYPE html><html><body>404</body></html>", "photo.JPG")
    assert found.kind is None
    assert "HTML" in found.reason


def test_text_is_markdown_by_its_name_only() -> None:
    for name in ("a.md", "A.MD", "b.markdown"):
        assert sniffed(b"# Head\n\nwords", name) == Sniffed(media_type="text/markdown", kind=MediaKind.TEXT)
    for name in ("a.txt", "README", "md"):
        assert sniffed(b"# Head\n\nwords", name) == Sniffed(media_type="text/plain", kind=MediaKind.TEXT)


@pytest.mark.parametrize(
    "words", ["BMW is a car maker from Munich.", "P1 is the first entry, 2 3 4.", "ID [1] see Smith", "{curly}"]
)
def test_words_that_begin_like_a_signature_are_text(words: str) -> None:
    assert sniffed(words.encode()).media_type == "text/plain"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_text_is_text_in_every_common_encoding(encoding: str) -> None:
    data = ("Füße über Nacht – naïve déjà vu. " * 400).encode(encoding)
    assert sniffed(data).media_type == "text/plain"


def test_the_head_may_end_inside_a_character() -> None:
    for shift in range(4):
        assert sniffed(b"x" * shift + "ไทย".encode() * 1000).media_type == "text/plain"


def test_an_empty_file_says_so() -> None:
    assert sniffed(b"").reason == "The file is empty."


def test_random_bytes_are_of_no_type() -> None:
    found = sniffed(b"\x80\x13\x00\xfe" + os.urandom(4000))
    assert found.kind is None
    assert found.reason


def test_a_file_of_comments_costs_no_backtracking() -> None:
    began = time.monotonic()
    for head in (b"<!---->" * 600, b"P1 " + b"#\n" * 2000, b"[" * 4000, b"<?xml?>" * 580, b"<!doctype svg" * 300):
        sniffed(head)
    assert time.monotonic() - began < 1


@given(st.binary(max_size=300), st.text(max_size=20))
def test_sniffing_never_raises(data: bytes, path: str) -> None:
    found = sniffed(data, path)
    assert found.kind is not None or found.reason
