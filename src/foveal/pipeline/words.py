"""Which words of an image are worth a text vector."""

from __future__ import annotations

READABLE_LETTERS = 60
"""Letters and digits from which text seen in an image counts: a page or a receipt, not a shop sign. Shorter text means
little to a text model, so it would be near to every question; keyword search finds it."""


def words_to_embed(description: str, caption: str, ocr_text: str) -> str:
    """A person's words, else a model's, then the text seen where there is enough of it; empty when there is nothing."""
    read = ocr_text if sum(map(str.isalnum, ocr_text)) >= READABLE_LETTERS else ""
    return "\n".join(filter(None, (description or caption, read)))
