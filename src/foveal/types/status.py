"""Status: what a person or an operator is told of indexes, deployments and the parts of an installation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A name that requests are sent to.

    Attributes:
        model: What writes the answers, or what embeds.
        sees: Whether it takes images.
        context_tokens: Tokens it can read and write together.
        created: Unix time in seconds; 0 when nobody knows.
        kind: What it is asked for.
        tools: Whether it takes tools and functions.
        json_mode: Whether it takes a `response_format`.
        passes_image_urls: Whether the addresses of images go on to the server behind it; else they are fetched here.
    """

    name: str
    model: str
    sees: bool
    context_tokens: int
    created: int = 0
    kind: Literal["chat", "embedding"] = "chat"
    tools: bool = False
    json_mode: bool = False
    passes_image_urls: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexStatus:
    """One index and how well it can be searched.

    Attributes:
        documents: Files that are searchable.
        failed: Files that could not be used.
        images: Chunks that are images.
        described: Of these, how many have a person's or a vision model's words.
        adapter_described: Images with words that the adapter was learnt from; 0 while images are found by labels only.
        adapter_candidates: Images among which each was sought when it was tried out on described images that it had
            not seen.
        adapter_recall_at_1: Of these, the fraction that their own words found first; None while too few are described.
        adapter_recall_at_10: Likewise among the first ten.
        live: Whether it is another service's: `documents` is what that says, 0 while it cannot be reached.
        problem: Why it cannot be searched, with what to do about it; nothing in it is counted then.
    """

    name: str
    generation: int
    documents: int
    chunks: int
    images: int
    described: int
    text_model: str
    image_model: str
    failed: int = 0
    adapter_candidates: int = 0
    adapter_recall_at_1: float | None = None
    adapter_recall_at_10: float | None = None
    adapter_described: int = 0
    live: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One part of an installation, for `foveal doctor` and `/v1/health`.

    Attributes:
        detail: What is on, or why it is not.
        remedy: What to do about it; empty when nothing is to be done.
    """

    name: str
    state: Literal["on", "off", "failed"]
    detail: str
    remedy: str = ""
