"""Vectors of several models of one index: which are live, which are laid by, and what is kept with each."""

from __future__ import annotations

import json
from dataclasses import dataclass

from foveal.ports.stores import Catalog

EDITIONS = "editions"
"""The attachment with those that are laid by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """Vectors of one model that are not live.

    Attributes:
        text_model: As `IndexRecord.text_model`.
        generation: What holds them.
        beside: The generation that was live right after they no longer were: as long as it is, they are of all chunks.
    """

    text_model: str
    text_dim: int
    generation: int
    beside: int


def editions(catalog: Catalog, index: str) -> tuple[Edition, ...]:
    """What can be switched back to.

    Raises:
        IndexNotFoundError: No such index.
    """
    kept = catalog.attachment(index, EDITIONS)
    return tuple(Edition(**one) for one in json.loads(kept)) if kept else ()


def place(text_model: str, attachment: str) -> str:
    """Where an attachment is while the vectors it is for are laid by."""
    return f"edition/{text_model}/{attachment}"


def attachment_of(catalog: Catalog, index: str, name: str, text_model: str) -> bytes | None:
    """The blob for the vectors of a model, live or laid by; a switch in this very moment changes nothing.

    Raises:
        IndexNotFoundError: No such index.
    """
    live = catalog.attachment(index, name)
    if catalog.index(index).text_model == text_model:  # it was live when it was read
        return live
    return catalog.attachment(index, place(text_model, name))
