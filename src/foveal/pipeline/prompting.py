"""Prompts as files, and documents as fenced data."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources

from foveal.retrieval.fencing import Fence, one_line
from foveal.retrieval.grounding import CAPTION_LABEL, COMPOSED_LABEL, DESCRIPTION_LABEL, OCR_LABEL
from foveal.types.chat import Document
from foveal.types.chunks import Chunk

_VERSION_DIGITS = 12
_BLANK = re.compile(r"\{(\w+)\}")

PERSONS_WORDS = "the person's own description"
CAPTION_WORDS = "generated: caption by a vision model"
COMPOSED_WORDS = "generated: detected by Foveal"
SEEN_WORDS = "text seen in the image"
FILE_WORDS = "text of the file"
RELATION_WORDS = "worked out by Foveal: how the picture that came with the question relates to this one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One file of `pipeline/prompts`.

    Attributes:
        version: First 12 hexadecimal digits of the SHA-256 of `text`: changes when a word does.
    """

    text: str
    version: str

    def filled(self, **values: str) -> str:
        """The text with `{name}` replaced by its value, for the names given; other braces stay as they are.

        Values are not searched for names again.
        """
        return _BLANK.sub(lambda blank: values.get(blank[1], blank[0]), self.text).strip()


@cache
def prompt(name: str) -> Prompt:
    """The prompt `prompts/<name>.md`, without blanks at its ends."""
    text = resources.files("foveal.pipeline").joinpath("prompts", f"{name}.md").read_text("utf-8").strip()
    return Prompt(text=text, version=hashlib.sha256(text.encode()).hexdigest()[:_VERSION_DIGITS])


def fence_document(document: Document, fence: Fence) -> str:
    """One document as fenced data: its name, then each of its texts under a line that says whose words they are."""
    chunk = document.hit.chunk
    lines = [f"file: {one_line(fence.inside(chunk.filepath))}"]
    if chunk.title:
        lines.append(f"title: {one_line(fence.inside(chunk.title))}")
    for label, words in _whose_words(document):
        lines += [fence.heading(label), fence.inside(words)]
    if document.relations:
        lines.append(fence.heading(RELATION_WORDS))
        lines += [f"{one.kind} (score {one.score:.2f}): {fence.inside(one.reason)}" for one in document.relations]
    inner = "\n".join(lines)
    label = f"doc{document.number}"
    return f"<<<{fence.boundary} {label}>>>\n{inner}\n<<<{fence.boundary} end {label}>>>"


def fence_documents(documents: Iterable[Document], fence: Fence) -> str:
    """All documents, fenced, in their order."""
    return "\n\n".join(fence_document(document, fence) for document in documents)


def _whose_words(document: Document) -> list[tuple[str, str]]:
    """The document's text taken apart again into `(whose, words)`.

    `grounding.document_text` joins an image's texts under plain labels and then cuts at the token budget. Text seen
    in an image can hold such a label too, so the parts are told by the chunk's own fields, not by looking for labels.
    """
    chunk, rest = document.hit.chunk, document.text
    if not chunk.is_picture:
        return [(FILE_WORDS, rest)]
    found: list[tuple[str, str]] = []
    for label, whose, words in _parts(chunk):
        whole = f"{label}: {words}"
        if not words or not rest:
            continue
        if rest.startswith(whole):
            found.append((whose, words))
            rest = rest[len(whole) :].removeprefix("\n")
        elif whole.startswith(rest):
            found.append((whose, rest.removeprefix(f"{label}: ")))
            rest = ""
    return [*found, (COMPOSED_WORDS, rest)] if rest.strip() else found


def _parts(chunk: Chunk) -> tuple[tuple[str, str, str], ...]:
    return (
        (DESCRIPTION_LABEL, PERSONS_WORDS, chunk.description.strip()),
        (CAPTION_LABEL, CAPTION_WORDS, chunk.caption.strip()),
        (COMPOSED_LABEL, COMPOSED_WORDS, chunk.composed.strip()),
        (OCR_LABEL, SEEN_WORDS, chunk.ocr_text.strip()),
    )
