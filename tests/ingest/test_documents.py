"""S3, S12: pages of documents are searchable, pictures in them are understood once and point back."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from foveal.pipeline.prepare import Preparer
from foveal.readers.docx import DocxReader
from foveal.readers.image import ImageReader
from foveal.readers.limits import Limits
from foveal.readers.pdf import PdfReader
from foveal.readers.pptx import PptxReader
from foveal.readers.text import TextReader
from foveal.runtime.viewing import thumbnail_bytes
from foveal.sources.folder import FolderSource
from foveal.testing.documents import Pasted, Slide, Words, docx_of, drawing, paragraph, pdf_of, pptx_of
from foveal.types.assets import MediaKind
from foveal.types.vectors import Pixels

from .conftest import Home

IMAGES = ImageReader(Limits())
PDFS = PdfReader(Limits())


@dataclass
class DocumentHome(Home):
    """A home that reads documents too."""

    def preparer(self) -> Preparer:
        made = super().preparer()
        readers = (IMAGES, TextReader(Limits()), PDFS, DocxReader(Limits(), IMAGES), PptxReader(Limits(), IMAGES))
        made._readers = {media_type: reader for reader in readers for media_type in reader.media_types}
        return made


@pytest.fixture
def documents(home: Home) -> DocumentHome:
    return DocumentHome(root=home.root, photos=home.photos)


def picture(seed: int = 0) -> Pixels:
    low = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), np.uint8)
    return np.asarray(Image.fromarray(low).resize((120, 90), Image.Resampling.BICUBIC))


def page(words: str, *pasted: Pasted) -> list[Words | Pasted]:
    lines = [Words(text=f"{words} and so on over the whole of line {i}.", y=740 - 14 * i) for i in range(6)]
    return [*lines, *pasted]


def test_chunks_know_their_page_title_and_heading_and_never_mix_pages(documents: DocumentHome) -> None:
    pages = [page(f"Page {n} speaks of {word}") for n, word in enumerate(("apples", "pears", "plums"), start=1)]
    pages[0].insert(0, Words(text="On Fruit", y=770, size=24))
    (documents.photos / "fruit.pdf").write_bytes(pdf_of(pages))
    documents.ingest()
    chunks = documents.chunks().values()
    assert {c.title for c in chunks} == {"On Fruit"}
    for number, word in enumerate(("apples", "pears", "plums"), start=1):
        assert {c.locator.page for c in chunks if word in c.content} == {number}


def test_the_same_picture_in_several_documents_is_looked_at_once(documents: DocumentHome) -> None:
    logo = Pasted(pixels=picture(), x=300, y=300, width=120, height=90)
    for n in range(3):
        (documents.photos / f"{n}.pdf").write_bytes(pdf_of([page(f"Document {n}", logo), page("More", logo)]))
    documents.ingest()
    images = [c for c in documents.chunks().values() if c.kind is MediaKind.IMAGE]
    assert [c.locator.page for c in images] == [1, 1, 1]
    assert len({c.picture for c in images}) == 1
    assert documents.encoder.calls == 1


def test_alternative_text_describes_the_picture_and_the_words_on_a_file_do_not(documents: DocumentHome) -> None:
    body = [paragraph("Some words of a report."), drawing("p", "A lighthouse at dusk"), drawing("q")]
    (documents.photos / "a.docx").write_bytes(docx_of(body, pictures={"p": picture(1), "q": picture(2)}))
    (documents.photos / "metadata.json").write_text('[{"image_blob_path": "a.docx", "description": "My report"}]')
    documents.ingest()
    chunks = [c for c in documents.chunks().values() if c.filepath == "a.docx"]
    assert [c.description for c in chunks if c.kind is MediaKind.IMAGE] == ["A lighthouse at dusk", ""]
    assert [c.description for c in chunks if c.kind is MediaKind.TEXT] == ["My report"]


def test_a_picture_in_a_document_is_shown_as_itself_and_a_scanned_page_as_the_page(documents: DocumentHome) -> None:
    pasted = Pasted(pixels=picture(3), x=300, y=300, width=120, height=90)
    scan = Pasted(pixels=picture(4), x=0, y=0, width=612, height=792)
    (documents.photos / "a.pdf").write_bytes(pdf_of([page("Words", pasted), [scan]]))
    (documents.photos / "b.pptx").write_bytes(pptx_of([Slide(title="Head", texts=["words"], picture=picture(5))]))
    documents.ingest()
    source = FolderSource(documents.photos)
    images = [c for c in documents.chunks().values() if c.kind is MediaKind.IMAGE]
    shapes = {}
    for chunk in images:
        reader = PDFS if chunk.filepath == "a.pdf" else PptxReader(Limits(), IMAGES)
        jpeg = thumbnail_bytes(documents.derived, source, reader, chunk, long_side_px=90)
        with Image.open(io.BytesIO(jpeg)) as shown:
            shapes[chunk.filepath, chunk.locator.page] = shown.size
    assert shapes == {("a.pdf", 1): (90, 68), ("a.pdf", 2): (70, 90), ("b.pptx", 1): (90, 68)}


def test_a_scanned_page_can_be_found_by_the_words_read_on_it(documents: DocumentHome) -> None:
    scan = Pasted(pixels=picture(6), x=0, y=0, width=612, height=792)
    (documents.photos / "scan.pdf").write_bytes(pdf_of([[scan]]))
    documents.ingest()
    (chunk,) = documents.chunks().values()
    assert chunk.kind is MediaKind.IMAGE
    assert chunk.locator.page == 1
    assert documents.recognizer.calls == 1


def test_a_broken_document_is_a_line_in_the_report_and_the_rest_goes_on(documents: DocumentHome) -> None:
    (documents.photos / "good.pdf").write_bytes(pdf_of([page("Words")]))
    (documents.photos / "bad.docx").write_bytes(docx_of([paragraph("words")])[:-60])
    job = documents.ingest()
    assert (job.counts.added, job.counts.failed) == (1, 1)
