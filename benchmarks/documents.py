"""Documents: which library finds the most words, on the right pages, in the least time and memory.

Every reader of Foveal and every library beside it reads `docs` of the test data, each in a process of its own: share of
`must_contain` found anywhere, share of `extracted` found on their page or slide, strings of `must_not_contain` found,
seconds for all files (best of three), and peak memory. White space is not compared: PDF writers put blanks into words.
Libraries that are not installed are left out.
"""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.data import test_data

Pages = list[tuple[int | None, str]]
Read = Callable[[Path], Pages]
REPEATS = 3
CANDIDATES = {
    "pdf": ("foveal", "pypdfium2", "pypdf", "pdfplumber"),
    "docx": ("foveal", "docx", "markitdown"),
    "pptx": ("foveal", "pptx", "markitdown"),
    "html": ("foveal", "selectolax", "bs4", "trafilatura", "markitdown"),
}


def main(arguments: list[str]) -> None:
    if arguments:
        _child(*arguments)
        return
    print(f"{'type':<6}{'reader':<14}{'words':>7}{'pages':>7}{'unwanted':>10}{'seconds':>9}{'MiB':>7}{'failed':>8}")
    for suffix, names in CANDIDATES.items():
        for name in names:
            if name != "foveal" and find_spec(name) is None:
                print(f"{suffix:<6}{name:<14}  not installed")
                continue
            command = [sys.executable, "-m", "benchmarks.documents", suffix, name]
            print(subprocess.run(command, capture_output=True, text=True, check=True).stdout, end="", flush=True)


def _child(suffix: str, name: str) -> None:
    import time

    lines = (test_data() / "docs" / "expected.jsonl").read_text(encoding="utf-8").splitlines()
    entries = [entry for entry in map(json.loads, lines) if entry["file"].endswith(f".{suffix}")]
    files = [test_data() / entry["file"] for entry in entries]
    read = READERS[suffix, name]()
    failed = 0
    seconds: list[float] = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        found: list[Pages] = []
        failed = 0
        for file in files:
            try:
                found.append(read(file))
            except Exception:  # noqa: BLE001 - whatever a library raises, it has failed on that file
                found.append([])
                failed += 1
        seconds.append(time.perf_counter() - began)
    words = [_has(pages, text) for e, pages in zip(entries, found, strict=True) for text in e.get("must_contain", ())]
    placed = [_placed(pages, x) for e, pages in zip(entries, found, strict=True) for x in e.get("extracted", ())]
    unwanted = sum(
        _has(pages, text) for e, pages in zip(entries, found, strict=True) for text in e.get("must_not_contain", ())
    )
    print(
        f"{suffix:<6}{name:<14}{_share(words):>7}{_share(placed):>7}{unwanted:>10}{min(seconds):>9.2f}"
        f"{_peak_mib():>7.0f}{failed:>8}"
    )


def _squeezed(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split()).replace("-", "")


def _has(pages: Pages, text: str) -> bool:
    return _squeezed(text) in _squeezed(" ".join(body for _, body in pages))


def _placed(pages: Pages, expected: dict[str, object]) -> bool:
    number = expected.get("page") or expected.get("slide")
    return _has([(n, body) for n, body in pages if number is None or n == number], str(expected["text"]))


def _share(found: list[bool]) -> str:
    return f"{100 * sum(found) / len(found):.0f} %" if found else "-"


def _peak_mib() -> float:
    import resource

    usage = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage) / (2**20 if sys.platform == "darwin" else 2**10)


def _foveal(suffix: str) -> Read:
    """The words alone, as the libraries give them: pictures are not decoded."""
    from foveal.ports.sources import Reader
    from foveal.readers.docx import DocxReader
    from foveal.readers.html import HtmlReader
    from foveal.readers.image import ImageReader
    from foveal.readers.limits import Limits
    from foveal.readers.pdf import PdfReader
    from foveal.readers.pptx import PptxReader
    from foveal.types.assets import Asset, AssetId, MediaKind
    from foveal.types.content import TextContent

    limits = Limits(max_pictures=0)
    made: dict[str, Callable[[], Reader]] = {
        "pdf": lambda: PdfReader(limits),
        "html": lambda: HtmlReader(limits),
        "docx": lambda: DocxReader(limits, ImageReader(limits)),
        "pptx": lambda: PptxReader(limits, ImageReader(limits)),
    }
    reader = made[suffix]()

    def read(path: Path) -> Pages:
        asset = Asset(
            asset_id=AssetId(""),
            path=path.name,
            media_type=next(iter(reader.media_types)),
            kind=MediaKind.TEXT,
            size_bytes=path.stat().st_size,
        )
        with path.open("rb") as file:
            contents = [c for c in reader.read(asset, file) if isinstance(c, TextContent)]
        return [(c.locator.page, "\n".join([*c.heading, c.text])) for c in contents]

    return read


def _pypdfium2() -> Read:
    import pypdfium2

    def read(path: Path) -> Pages:
        with pypdfium2.PdfDocument(path) as document:
            return [(n, page.get_textpage().get_text_range()) for n, page in enumerate(document, start=1)]

    return read


def _pypdf() -> Read:
    from pypdf import PdfReader

    return lambda path: [(n, page.extract_text()) for n, page in enumerate(PdfReader(path).pages, start=1)]


def _pdfplumber() -> Read:
    import pdfplumber

    def read(path: Path) -> Pages:
        with pdfplumber.open(path) as document:
            return [(n, page.extract_text()) for n, page in enumerate(document.pages, start=1)]

    return read


def _docx() -> Read:
    from docx import Document

    def read(path: Path) -> Pages:
        document = Document(str(path))
        cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
        return [(None, "\n".join([*(p.text for p in document.paragraphs), *cells]))]

    return read


def _pptx() -> Read:
    from pptx import Presentation

    def texts(shapes: Any) -> Iterator[str]:
        for shape in shapes:
            if shape.has_text_frame:
                yield shape.text_frame.text
            elif getattr(shape, "has_table", False):
                yield " ".join(cell.text for row in shape.table.rows for cell in row.cells)
            elif hasattr(shape, "shapes"):
                yield from texts(shape.shapes)

    return lambda path: [
        (n, "\n".join(texts(slide.shapes))) for n, slide in enumerate(Presentation(str(path)).slides, start=1)
    ]


def _selectolax() -> Read:
    from selectolax.lexbor import LexborHTMLParser

    def read(path: Path) -> Pages:
        tree = LexborHTMLParser(path.read_bytes())
        tree.strip_tags(["script", "style", "nav", "noscript"])
        return [(None, tree.body.text(separator=" "))]

    return read


def _bs4() -> Read:
    from bs4 import BeautifulSoup

    def read(path: Path) -> Pages:
        soup = BeautifulSoup(path.read_bytes(), "html.parser")
        for element in soup(["script", "style", "nav", "noscript"]):
            element.decompose()
        return [(None, soup.get_text(" "))]

    return read


def _trafilatura() -> Read:
    import trafilatura

    return lambda path: [(None, trafilatura.extract(path.read_bytes()) or "")]


def _markitdown() -> Read:
    from markitdown import MarkItDown

    converter = MarkItDown()
    return lambda path: [(None, converter.convert(str(path)).text_content)]


READERS: dict[tuple[str, str], Callable[[], Read]] = {
    **{(suffix, "foveal"): partial(_foveal, suffix) for suffix in CANDIDATES},
    **{(suffix, "markitdown"): _markitdown for suffix in CANDIDATES},
    ("pdf", "pypdfium2"): _pypdfium2,
    ("pdf", "pypdf"): _pypdf,
    ("pdf", "pdfplumber"): _pdfplumber,
    ("docx", "docx"): _docx,
    ("pptx", "pptx"): _pptx,
    ("html", "selectolax"): _selectolax,
    ("html", "bs4"): _bs4,
    ("html", "trafilatura"): _trafilatura,
}

if __name__ == "__main__":
    main(sys.argv[1:])
