"""Sniffing: what a file is, told from its first bytes, and of a ZIP archive from its table of contents at the end.

The name only tells markdown from plain text, and refuses a web page that was saved under the name of an image.

Signatures are those of the formats' specifications, as collected in the WHATWG MIME Sniffing Standard (section 6) and
Gary Kessler's file signature table. Types that are known but not read are named, so that the report can say "this is
a PDF" and not "unknown file".
"""

from __future__ import annotations

import re

from foveal.readers.encodings import guess_encoding
from foveal.types.assets import MediaKind, Sniffed

IMAGE_TYPES = frozenset(
    {
        "image/jpeg",
        "image/png",
        "image/gif",
        "image/bmp",
        "image/tiff",
        "image/webp",
        "image/heic",
        "image/avif",
        "image/jp2",
        "image/j2c",
        "image/vnd.microsoft.icon",
        "image/x-portable-anymap",
        "image/vnd-ms.dds",
    }
)
"""Image types that are read. The first eight are what Foveal promises; the rest come with the same decoder."""

TEXT_TYPES = frozenset({"text/plain", "text/markdown"})
PDF = "application/pdf"
HTML = "text/html"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DOCUMENT_TYPES = frozenset({PDF, HTML, DOCX, PPTX, XLSX})
"""Documents with pages, slides, sheets or marks, whose words and pictures are read."""
DEMUXERS = {
    "video/mp4": "mov",
    "video/quicktime": "mov",
    "video/3gpp": "mov",
    "video/3gpp2": "mov",
    "video/mj2": "mov",
    "audio/mp4": "mov",
    "video/x-matroska": "matroska",
    "video/webm": "matroska",
    "video/x-msvideo": "avi",
    "video/x-flv": "flv",
    "video/x-ms-asf": "asf",
    "video/mpeg": "mpeg",
    "video/mp2t": "mpegts",
    "video/ogg": "ogg",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "audio/flac": "flac",
    "audio/aac": "aac",
    "audio/aiff": "aiff",
    "audio/amr": "amr",
}
"""Types of video and sound that are read, and FFmpeg's name of the demuxer for each."""
_MARKDOWN_SUFFIXES = (".md", ".markdown")
_HTML_SUFFIXES = (".html", ".htm", ".xhtml")
_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".heic", ".avif")
_PDF_WITHIN_BYTES = 1024
"""Readers of PDF take files whose header comes so late (ISO 32000-1, implementation note 13 of Adobe's edition)."""

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"CR\x02\0", "image/x-canon-cr2"),  # before TIFF, in whose clothes it comes
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (0, b"II+\0", "image/tiff"),
    (0, b"MM\0+", "image/tiff"),
    (8, b"WEBP", "image/webp"),
    (8, b"AVI ", "video/x-msvideo"),
    (8, b"WAVE", "audio/wav"),
    (8, b"AIFF", "audio/aiff"),
    (8, b"AIFC", "audio/aiff"),
    (0, b"FLV\x01", "video/x-flv"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video/x-ms-asf"),
    (0, b"\0\0\x01\xba", "video/mpeg"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", "image/jp2"),
    (0, b"\xff\x4f\xff\x51", "image/j2c"),
    (0, b"\0\0\x01\0", "image/vnd.microsoft.icon"),
    (0, b"DDS ", "image/vnd-ms.dds"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"8BPS", "image/vnd.adobe.photoshop"),
    (0, b"\xff\x0a", "image/jxl"),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
    (0, b"FUJIFILMCCD-RAW", "image/x-fuji-raf"),
    (0, b"IIRO", "image/x-olympus-orf"),
    (0, b"IIU\0", "image/x-panasonic-rw2"),
    (0, b"\x01\xda", "image/x-sgi"),
    (4, b"\x11\xaf", "video/x-fli"),
    (4, b"\x12\xaf", "video/x-fli"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"PK\x05\x06", "application/zip"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"\x1a\x45\xdf\xa3", "video/x-matroska"),
    (0, b"OggS", "audio/ogg"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"SQLite format 3\0", "application/vnd.sqlite3"),
    (0, b"\x7fELF", "application/x-executable"),
    (0, b"%!PS", "application/postscript"),
    (0, b"{\\rtf", "application/rtf"),
)

_NAMES = {
    "application/pdf": "a PDF",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "a Word document",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "a PowerPoint presentation",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "an Excel workbook",
    "application/zip": "a ZIP archive",
    "application/x-ole-storage": "an old Office or FlashPix file",
    "application/json": "JSON",
    "application/xml": "XML",
    "text/html": "HTML",
    "image/svg+xml": "an SVG drawing",
    "image/vnd.adobe.photoshop": "a Photoshop file",
    "image/jxl": "a JPEG XL image",
    "image/x-sgi": "an SGI image",
    "image/x-pcx": "a PCX image",
    "video/x-fli": "an FLI animation",
}
_OFFICE_PARTS = {b"word/": DOCX, b"ppt/": PPTX, b"xl/": XLSX}
_MEMBERS = re.compile(rb"PK(?:\x03\x04.{26}|\x01\x02.{42})(\[Content_Types\]\.xml|word/|ppt/|xl/)", re.DOTALL)
"""Members of local headers and of the table of contents that say what it is (APPNOTE.TXT 4.3.7 and 4.3.12)."""
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_BMP_HEADER_SIZES = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
_FORM_TYPES = {
    "image/webp": (b"RIFF",),
    "video/x-msvideo": (b"RIFF",),
    "audio/wav": (b"RIFF", b"RF64"),
    "audio/aiff": (b"FORM",),
}
"""How files begin whose type comes after a length (IFF; RF64: EBU Tech 3306)."""
_ISO_BRANDS = {
    b"qt  ": "video/quicktime",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"mjp2": "video/mj2",
    b"mj2s": "video/mj2",
}
_QUICKTIME_ATOMS = frozenset({b"moov", b"mdat", b"wide", b"pnot"})
"""What a QuickTime file may begin with that is older than the file type box."""
_MPEG_SOUND = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb][\x10-\xeb]")
"""A frame of MPEG audio, layer III, with a bit rate (ISO/IEC 11172-3, 2.4.1.3; 2.5 as everybody has it)."""
_ADTS = (b"\xff\xf1", b"\xff\xf9")
_TS_PACKET_BYTES = 188
# Comments are matched in atomic groups: a file made of them must not cost exponential backtracking.
_PNM = re.compile(rb"P[1-6]\s++(?>#[^\n]*\n\s*)*+\d++\s++(?>#[^\n]*\n\s*)*+\d++\s")
_HTML = re.compile(
    r"\s*+(?><\?xml.*?\?>\s*+)?(?><!--.*?-->\s*+)*+<(?:!doctype\s+html|html|head|body|script|iframe|table|div|title)\b",
    re.IGNORECASE | re.DOTALL,
)
_SVG = re.compile(
    r"\s*+(?>(?><\?xml.*?\?>|<!--.*?-->|<!doctype\s+svg[^>]*>)\s*+)*+<svg\b",
    re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile(
    r"</?(?:p|div|span|h[1-6]|a|ul|ol|li|b|i|br|img|section|article|main|meta|link|style)\b", re.IGNORECASE
)
_XML = re.compile(r"\s*<\?xml\s")
_JSON = re.compile(r'\s*(?:\{\s*(?:"|\}\s*$)|\[\s*(?:[\[{"]|-?\d[\d.eE+-]*\s*,|\]\s*$))')


def sniff(path: str, head: bytes, size_bytes: int, tail: bytes = b"") -> Sniffed:
    """Judge a file by its first 4,096 bytes and, of an archive, its last 64 KiB; see `foveal.ports.Sniffer`."""
    if size_bytes == 0 or not head:
        return Sniffed(media_type="", kind=None, reason="The file is empty.")
    media_type = _binary_type(head, tail) or _text_type(path, head, complete=len(head) >= size_bytes)
    if media_type in IMAGE_TYPES:
        return Sniffed(media_type=media_type, kind=MediaKind.IMAGE)
    if media_type == HTML and path.lower().endswith(_IMAGE_SUFFIXES):
        return Sniffed(
            media_type=media_type,
            kind=None,
            reason="This is HTML under the name of an image: a message that was saved in its place, most likely.",
        )
    if media_type in DEMUXERS:
        kind = MediaKind.AUDIO if media_type.startswith("audio/") else MediaKind.VIDEO
        return Sniffed(media_type=media_type, kind=kind)
    if media_type in TEXT_TYPES | DOCUMENT_TYPES:
        return Sniffed(media_type=media_type, kind=MediaKind.TEXT)
    return Sniffed(media_type=media_type, kind=None, reason=_reason(media_type))


def _reason(media_type: str) -> str:
    if not media_type:
        return "Its bytes are neither text nor of any type that Foveal knows."
    return f"This is {_NAMES.get(media_type, media_type)}, which this version does not read."


def _binary_type(head: bytes, tail: bytes) -> str:
    for offset, magic, media_type in _SIGNATURES:
        if head.startswith(magic, offset) and head.startswith(_FORM_TYPES.get(media_type, b"")):
            return _refined(media_type, head, tail)
    if head[4:8] == b"ftyp":
        return _iso_media_type(head)
    if (played := _headless_type(head)) is not None:
        return played
    if head.startswith(b"BM") and _is_bmp(head):
        return "image/bmp"
    if _PNM.match(head):
        return "image/x-portable-anymap"
    if head[0] == 0x0A and len(head) > 3 and head[1] <= 5 and head[2] == 1 and head[3] in {1, 2, 4, 8}:
        return "image/x-pcx"
    if head.startswith(b"MZ") and b"\0" in head:
        return "application/x-executable"
    if b"%PDF-" in head[:_PDF_WITHIN_BYTES]:
        return PDF
    return ""


def _refined(media_type: str, head: bytes, tail: bytes) -> str:
    """What a container holds, where its signature is that of several types."""
    if media_type == "application/zip":
        return _office_type(head, tail)
    if media_type == "video/x-matroska" and b"webm" in head[:64]:
        return "video/webm"
    if media_type == "audio/ogg" and any(mark in head for mark in (b"\x80theora", b"fishead")):
        return "video/ogg"
    return media_type


def _headless_type(head: bytes) -> str | None:
    """Formats that are told by what their packets look like."""
    if head[4:8] in _QUICKTIME_ATOMS:
        return "video/quicktime"
    if head[0] == 0x47 and len(head) > 4 * _TS_PACKET_BYTES and set(head[::_TS_PACKET_BYTES][:5]) == {0x47}:
        return "video/mp2t"
    if head.startswith(_ADTS) and len(head) > 7:
        return "audio/aac"
    return "audio/mpeg" if _MPEG_SOUND.match(head) else None


def _is_bmp(head: bytes) -> bool:
    """`BM` begins words too; the two reserved fields or the header size must look right."""
    return int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES or head[6:10] == b"\0\0\0\0"


def _office_type(head: bytes, tail: bytes) -> str:
    """An Office file is a ZIP archive with a list of content types and a folder of that name (ECMA-376 part 2)."""
    names = dict.fromkeys(_MEMBERS.findall(head) + _MEMBERS.findall(tail))
    if b"[Content_Types].xml" not in names:
        return "application/zip"
    return next((_OFFICE_PARTS[name] for name in names if name in _OFFICE_PARTS), "application/zip")


def _iso_media_type(head: bytes) -> str:
    """By the brands of the file type box (ISO/IEC 14496-12 4.3; HEIF: 23008-12; AVIF 1.1, section 9)."""
    length = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12], *(head[i : i + 4] for i in range(16, length - 3, 4))]
    if any(brand in {b"avif", b"avis"} for brand in brands):
        return "image/avif"
    if brands[0] == b"crx ":
        return "image/x-canon-cr3"
    if any(brand in _HEIF_BRANDS for brand in brands):
        return "image/heic"
    if brands[0][:3] in {b"3gp", b"3g2"}:
        return "video/3gpp2" if brands[0][2:3] == b"2" else "video/3gpp"
    return _ISO_BRANDS.get(brands[0], "video/mp4")


def _text_type(path: str, head: bytes, *, complete: bool) -> str:
    encoding = guess_encoding(head, complete=complete)
    if encoding is None:
        return ""
    text = head.decode(encoding, "replace").lstrip("\ufeff")
    if path.lower().endswith(_MARKDOWN_SUFFIXES):
        return "text/markdown"
    for pattern, media_type in ((_SVG, "image/svg+xml"), (_HTML, HTML), (_XML, "application/xml")):
        if pattern.match(text):
            return media_type
    if path.lower().endswith(_HTML_SUFFIXES) and _TAG.search(text):
        return HTML  # a page without `html` and `body`
    return "application/json" if _JSON.match(text) else "text/plain"
