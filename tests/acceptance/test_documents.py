"""Show 2 of the documents: a folder of them is ingested, and a question cites the page that answers it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .conftest import Program

FILES = (
    "pdf/PerksPlus.pdf",
    "pdf/Benefit_Options.pdf",
    "pdf/non_text_searchable.pdf",
    "docx/test.docx",
    "pptx/test.pptx",
    "html/test_blog.html",
    "other/test.xlsx",
)


@pytest.fixture
def docs(foveal: Program, tmp_path: Path, test_data: Path) -> Program:
    folder = tmp_path / "docs"
    folder.mkdir()
    for name in FILES:
        shutil.copy(test_data / "docs" / name, folder)
    foveal("ingest", folder)
    return foveal


def test_a_question_is_answered_with_the_page_of_the_document_and_a_scan_is_found_by_what_is_on_it(
    docs: Program,
) -> None:
    answer = docs("ask", "How much money can employees expense for fitness with PerksPlus?", "--json").json
    (first, *_) = [c for c in answer["citations"] if c["cited"]]  # type: ignore[attr-defined]
    assert "1000" in str(answer["answer"])
    assert (first["filepath"], first["page"]) == ("PerksPlus.pdf", 3)

    scan = docs("search", "example of a non-text-searchable PDF", "--json").json["hits"][0]  # type: ignore[index]
    assert scan["filepath"] == "non_text_searchable.pdf"

    slide = docs("search", "1b92870d-e3b5-4e65-8153-919f4ff45592", "--json").json["hits"][0]  # type: ignore[index]
    assert (slide["filepath"], slide["page"]) == ("test.pptx", 3)
