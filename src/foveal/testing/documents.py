"""Small documents made from words and pictures, for tests: PDF (ISO 32000-1), Word and PowerPoint (ECMA-376)."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from foveal.testing.pictures import png
from foveal.types.vectors import Pixels

PAGE_WIDTH, PAGE_HEIGHT = 612, 792
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_A = "http://schemas.openxmlformats.org/drawingml/2006/main"
_P = "http://schemas.openxmlformats.org/presentationml/2006/main"
_X = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_WP = "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A line on a page of a PDF; places are points from the page's lower left corner."""

    text: str
    x: float = 72
    y: float
    size: float = 11
    bold: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pasted:
    """A picture on a page of a PDF."""

    pixels: Pixels
    x: float
    y: float
    width: float
    height: float


def pdf_of(
    pages: Sequence[Sequence[Words | Pasted]], *, title: str = "", rotate: int = 0, size: tuple[int, int] | None = None
) -> bytes:
    """A PDF with these lines and pictures on its pages."""
    width, height = size or (PAGE_WIDTH, PAGE_HEIGHT)
    objects: list[bytes] = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold >>",
        b"<< /Title (%s) >>" % title.encode("latin-1"),
    ]
    kids: list[int] = []
    for page in pages:
        content = b""
        names: list[bytes] = []
        for item in page:
            if isinstance(item, Words):
                text = item.text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)").encode("cp1252")
                font = 2 if item.bold else 1
                content += b"BT /F%d %g Tf %g %g Td (%s) Tj ET\n" % (font, item.size, item.x, item.y, text)
            else:
                objects.append(_image_object(item.pixels))
                names.append(b"/I%d %d 0 R" % (len(objects), len(objects)))
                place = (item.width, item.height, item.x, item.y, len(objects))
                content += b"q %g 0 0 %g %g %g cm /I%d Do Q\n" % place
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Rotate %d /Contents %d 0 R"
            b" /Resources << /Font << /F1 3 0 R /F2 4 0 R >> /XObject << %s >> >> >>"
            % (width, height, rotate, len(objects), b" ".join(names))
        )
        kids.append(len(objects))
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(kids), b" ".join(b"%d 0 R" % k for k in kids))
    return _pdf_file(objects)


def _image_object(pixels: Pixels) -> bytes:
    height, width = pixels.shape[:2]
    data = np.ascontiguousarray(pixels).tobytes()
    head = b"<< /Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceRGB /BitsPerComponent 8"
    return head % (width, height) + b" /Length %d >>\nstream\n%s\nendstream" % (len(data), data)


def _pdf_file(objects: Sequence[bytes]) -> bytes:
    out = b"%PDF-1.7\n"
    places: list[int] = []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    return (
        out
        + b"xref\n0 %d\n0000000000 65535 f \n%s" % (count, table)
        + b"trailer\n<< /Size %d /Root 1 0 R /Info 5 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, len(out))
    )


def zip_of(members: Mapping[str, bytes | str]) -> bytes:
    """A ZIP archive with these members, in this order."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def package_of(main: str, parts: Mapping[str, bytes | str], *, title: str = "") -> bytes:
    """An Office package whose main part has that name."""
    core = (
        '<coreProperties xmlns="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"'
        f' xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{escape(title)}</dc:title></coreProperties>'
    )
    return zip_of(
        {
            "[Content_Types].xml": "<Types/>",
            "_rels/.rels": links({"a": ("officeDocument", main), "b": ("core-properties", "docProps/core.xml")}),
            "docProps/core.xml": core,
            **parts,
        }
    )


def links(targets: Mapping[str, tuple[str, str]]) -> str:
    """A part that links by id to targets, each with the last word of its kind."""
    found = "".join(
        f"<Relationship Id={quoteattr(i)} Type={quoteattr(f'{_R}/{kind}')} Target={quoteattr(target)}/>"
        for i, (kind, target) in targets.items()
    )
    return (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{found}</Relationships>'
    )


def paragraph(text: str, *, style: str = "", page_break: bool = False) -> str:
    """A paragraph of a Word document, after a place where Word broke the page."""
    properties = f"<w:pPr><w:pStyle w:val={quoteattr(style)}/></w:pPr>" if style else ""
    broken = "<w:r><w:lastRenderedPageBreak/></w:r>" if page_break else ""
    return f'<w:p>{properties}{broken}<w:r><w:t xml:space="preserve">{escape(text)}</w:t></w:r></w:p>'


def drawing(link: str, words: str = "") -> str:
    """A paragraph with a picture in it."""
    return (
        f"<w:p><w:r><w:drawing><wp:inline><wp:docPr id='1' name='x' descr={quoteattr(words)}/>"
        f"<a:graphic><a:graphicData><a:blip r:embed={quoteattr(link)}/></a:graphicData></a:graphic>"
        "</wp:inline></w:drawing></w:r></w:p>"
    )


def docx_of(
    body: Sequence[str],
    *,
    title: str = "",
    pictures: Mapping[str, Pixels] | None = None,
    parts: Mapping[str, bytes | str] | None = None,
    linked: Mapping[str, tuple[str, str]] | None = None,
) -> bytes:
    """A Word document.

    Args:
        body: XML of its paragraphs and tables.
        title: Among its properties.
        pictures: By the id that `drawing` names.
        parts: Further parts.
        linked: Further links of its main part.
    """
    pictures = pictures or {}
    styles = "".join(
        f"<w:style w:type='paragraph' w:styleId='H{level}'><w:name w:val='heading {level}'/></w:style>"
        for level in range(1, 4)
    )
    return package_of(
        "word/document.xml",
        {
            "word/document.xml": (
                f'<w:document xmlns:w="{_W}" xmlns:a="{_A}" xmlns:r="{_R}" xmlns:wp="{_WP}">'
                f"<w:body>{''.join(body)}</w:body></w:document>"
            ),
            "word/styles.xml": (
                f'<w:styles xmlns:w="{_W}"><w:style w:styleId="T"><w:name w:val="Title"/></w:style>'
                f"<w:style w:styleId='Mine'><w:basedOn w:val='H1'/></w:style>{styles}</w:styles>"
            ),
            "word/_rels/document.xml.rels": links(
                {
                    "styles": ("styles", "styles.xml"),
                    **{i: ("image", f"media/{i}.png") for i in pictures},
                    **(linked or {}),
                }
            ),
            **{f"word/media/{i}.png": png(pixels) for i, pixels in pictures.items()},
            **(parts or {}),
        },
        title=title,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Slide:
    """A slide.

    Attributes:
        picture: A picture in the right lower quarter.
        words: Its alternative text.
    """

    title: str = ""
    texts: Sequence[str] = ()
    notes: str = ""
    picture: Pixels | None = None
    words: str = ""


def pptx_of(slides: Sequence[Slide], *, title: str = "") -> bytes:
    """A presentation, 1,000 units wide and high."""
    parts: dict[str, bytes | str] = {}
    for number, slide in enumerate(slides, start=1):
        targets: dict[str, tuple[str, str]] = {}
        shapes = _shape(slide.title, "title") if slide.title else ""
        shapes += "".join(_shape(text, "body") for text in slide.texts) + _shape("99", "sldNum")
        if slide.picture is not None:
            parts[f"ppt/media/{number}.png"] = png(slide.picture)
            targets["p"] = ("image", f"../media/{number}.png")
            shapes += (
                f"<p:pic><p:nvPicPr><p:cNvPr id='1' name='x' descr={quoteattr(slide.words)}/></p:nvPicPr>"
                "<p:blipFill><a:blip r:embed='p'/></p:blipFill><p:spPr><a:xfrm><a:off x='500' y='500'/>"
                "<a:ext cx='500' cy='250'/></a:xfrm></p:spPr></p:pic>"
            )
        if slide.notes:
            parts[f"ppt/notesSlides/{number}.xml"] = _slide("notes", _shape(slide.notes, "body"))
            targets["n"] = ("notesSlide", f"../notesSlides/{number}.xml")
        parts[f"ppt/slides/slide{number}.xml"] = _slide("sld", shapes)
        parts[f"ppt/slides/_rels/slide{number}.xml.rels"] = links(targets)
    shown = [(n, f"slides/slide{n}.xml") for n in range(1, len(slides) + 1)]
    entries = "".join(f"<p:sldId id='{255 + n}' r:id='s{n}'/>" for n, _ in shown)
    main = (
        f'<p:presentation xmlns:p="{_P}" xmlns:r="{_R}"><p:sldIdLst>{entries}</p:sldIdLst>'
        "<p:sldSz cx='1000' cy='1000'/></p:presentation>"
    )
    relations = links({f"s{n}": ("slide", target) for n, target in shown})
    return package_of(
        "ppt/presentation.xml",
        {"ppt/presentation.xml": main, "ppt/_rels/presentation.xml.rels": relations, **parts},
        title=title,
    )


def _slide(kind: str, shapes: str) -> str:
    namespaces = f'xmlns:p="{_P}" xmlns:a="{_A}" xmlns:r="{_R}"'
    return f"<p:{kind} {namespaces}><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:{kind}>"


def _shape(text: str, kind: str) -> str:
    lines = "".join(f"<a:p><a:r><a:t>{escape(line)}</a:t></a:r></a:p>" for line in text.split("\n"))
    return f"<p:sp><p:nvSpPr><p:nvPr><p:ph type='{kind}'/></p:nvPr></p:nvSpPr><p:txBody>{lines}</p:txBody></p:sp>"


def xlsx_of(sheets: Mapping[str, Sequence[Sequence[str]]]) -> bytes:
    """A workbook with these rows on its sheets."""
    strings = list(dict.fromkeys(cell for rows in sheets.values() for row in rows for cell in row))
    parts: dict[str, bytes | str] = {
        "xl/sharedStrings.xml": f'<sst xmlns="{_X}">{"".join(f"<si><t>{escape(s)}</t></si>" for s in strings)}</sst>'
    }
    targets = {"strings": ("sharedStrings", "sharedStrings.xml")}
    entries = ""
    for number, (name, rows) in enumerate(sheets.items(), start=1):
        body = "".join(f"<row>{_cells(row, strings)}</row>" for row in rows)
        parts[f"xl/sheet{number}.xml"] = f'<worksheet xmlns="{_X}"><sheetData>{body}</sheetData></worksheet>'
        targets[f"s{number}"] = ("worksheet", f"sheet{number}.xml")
        entries += f"<sheet name={quoteattr(name)} sheetId='{number}' r:id='s{number}'/>"
    main = f'<workbook xmlns="{_X}" xmlns:r="{_R}"><sheets>{entries}</sheets></workbook>'
    return package_of(
        "xl/workbook.xml", {"xl/workbook.xml": main, "xl/_rels/workbook.xml.rels": links(targets), **parts}
    )


def _cells(row: Sequence[str], strings: Sequence[str]) -> str:
    return "".join(f"<c t='s'><v>{strings.index(cell)}</v></c>" for cell in row)
