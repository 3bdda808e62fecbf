"""Opened sources: is all of a document shown, is the passage found in it, how long does it take?

    python -m benchmarks viewer

Every document of `docs` is read into pieces as an ingestion does it, and every piece is opened. `words`: of the words
of the piece, the share that is on the drawn slide, or in the document as it is read. `placed`: the share of pieces of
which nine tenths of the letters stand in the blocks or rows that are cited, and of slides that are drawn at all. `ms`:
the median of opening a piece for the first time, with its file in memory; of a slide with a process that has started.
Notes of slides and comments in documents are in pieces and not on the page, so not all can be there.
"""

from __future__ import annotations

import io
import re
import statistics
import sys
import time
from collections import defaultdict
from pathlib import Path

from benchmarks.data import test_data
from foveal.errors import AssetError
from foveal.ports.sources import Reader
from foveal.readers.docx import DocxReader
from foveal.readers.html import HtmlReader
from foveal.readers.image import ImageReader
from foveal.readers.limits import Limits
from foveal.readers.pptx import PptxReader
from foveal.readers.slides import Slides
from foveal.readers.sniffing import DOCX, HTML, PPTX, XLSX
from foveal.readers.text import TextReader
from foveal.readers.xlsx import XlsxReader
from foveal.retrieval.chunking import chunk_text
from foveal.runtime.reading import Window, reading
from foveal.testing.contracts.reader import asset_of
from foveal.types.assets import AssetId, DocumentId, MediaKind
from foveal.types.chunks import Chunk, ChunkId
from foveal.types.content import TextContent
from foveal.types.reading import row_text

TYPES = {".pptx": PPTX, ".docx": DOCX, ".xlsx": XLSX, ".html": HTML, ".md": "text/markdown", ".txt": "text/plain"}
TYPES[".csv"] = TYPES[".txt"]
MOST_PIECES = 40
"""Of one document."""
PLACED = 0.9
LIMITS = Limits()


def main(arguments: list[str]) -> None:
    rows: defaultdict[str, list[tuple[float, bool, float]]] = defaultdict(list)
    slides = Slides(LIMITS)
    for path in sorted((test_data() / "docs").rglob("*")):
        if path.suffix in TYPES and "expected" not in str(path):
            rows[path.suffix].extend(_opened(path, slides))
    print(f"{'type':<8}{'pieces':>8}{'words':>8}{'placed':>8}{'ms':>8}")
    for kind, found in rows.items():
        words, placed, times = zip(*found, strict=True)
        shares = f"{statistics.mean(words):>8.3f}{statistics.mean(placed):>8.3f}"
        print(f"{kind:<8}{len(found):>8}{shares}{1000 * statistics.median(times):>8.0f}")


def _opened(path: Path, slides: Slides) -> list[tuple[float, bool, float]]:
    data = path.read_bytes()
    found: list[tuple[float, bool, float]] = []
    for piece in _pieces(path, data)[:MOST_PIECES]:
        began = time.perf_counter()
        shown, cited = _slide(data, piece, slides) if path.suffix == ".pptx" else _read(data, piece)
        took = time.perf_counter() - began
        words, letters = _words(piece.content), _letters(piece.content)
        share = len(words & _words(shown)) / max(len(words), 1)
        found.append((share, len(letters & _letters(cited)) >= PLACED * len(letters), took))
    return found


def _pieces(path: Path, data: bytes) -> list[Chunk]:
    media_type = TYPES[path.suffix]
    images = ImageReader(LIMITS)
    readers: tuple[Reader, ...] = (
        TextReader(LIMITS),
        HtmlReader(LIMITS),
        DocxReader(LIMITS, images),
        PptxReader(LIMITS, images),
        XlsxReader(LIMITS),
    )
    reader = next(one for one in readers if media_type in one.media_types)
    try:
        read = list(reader.read(asset_of(data, media_type, path.name), io.BytesIO(data)))
    except AssetError:
        return []
    texts = [content for content in read if isinstance(content, TextContent)]
    return [
        Chunk(
            chunk_id=ChunkId(f"d-{number}"),
            document_id=DocumentId("d"),
            asset_id=AssetId("a"),
            kind=MediaKind.TEXT,
            media_type=media_type,
            source="",
            title="",
            filepath=path.name,
            content=piece.text,
            locator=piece.locator,
        )
        for number, piece in enumerate(chunk_text(texts, count=lambda text: len(text) // 4))
    ]


def _slide(data: bytes, piece: Chunk, slides: Slides) -> tuple[str, str]:
    drawn = slides.draw(data, piece.locator.page or 1)
    text = " ".join(line.text for line in drawn.lines)
    return text, piece.content  # it is on the slide as a whole


def _read(data: bytes, piece: Chunk) -> tuple[str, str]:
    shown = reading(data, piece, LIMITS, question="", window=Window())
    cited = [
        row_text(row) if row is not None else block.text
        for block in shown.blocks
        for row in (block.rows or (None,))
        if (row.cited if row is not None else block.cited)
    ]
    return " ".join(block.text for block in shown.blocks), " ".join(cited)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w{2,}", text.casefold()))


def _letters(text: str) -> set[str]:
    """Runs of five letters, a measure of what of a text is in another."""
    plain = "".join(re.findall(r"\w", text.casefold()))
    return {plain[at : at + 5] for at in range(max(len(plain) - 4, 1))}


if __name__ == "__main__":
    main(sys.argv[1:])
