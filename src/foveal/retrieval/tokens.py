"""Tokens: what a language model's window is measured in, counted offline.

The vocabularies are OpenAI's `o200k_base` (GPT-4o and later) and `cl100k_base` (GPT-4, GPT-3.5); for other model
families the count is an estimate. Text that looks like a control token (`<|endoftext|>`) is counted as plain text,
which is what it is in a document.
"""

from __future__ import annotations

import importlib.util
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.machinery import PathFinder
from math import ceil
from typing import Literal, Protocol, cast

Vocabulary = Literal["o200k_base", "cl100k_base"]
Detail = Literal["auto", "low", "high"]

_TEXT_TOKENS: dict[Vocabulary, int] = {"cl100k_base": 100_256, "o200k_base": 199_998}
"""Ids of text; what comes after them are control tokens (tiktoken's `openai_public.py`)."""
_LONGEST_WHOLE_WORD = 24
"""Longer runs without a blank are cut inside: scripts that write no blanks between words come as one run."""


class TokenCounter:
    """Counts and cuts text in tokens; ten million tokens a second, safe in any number of threads.

    The vocabulary is loaded at the first use (50 ms, once a process).
    """

    def __init__(self, vocabulary: Vocabulary = "o200k_base") -> None:
        self._vocabulary = vocabulary

    def count(self, text: str) -> int:
        """Tokens of `text`."""
        return _tokenizer(self._vocabulary).count(_encodable(text))

    def decode(self, ids: Sequence[int]) -> str:
        """The text that these tokens stand for; ids that begin or end inside a character give U+FFFD there.

        Raises:
            ValueError: An id that no text has; control tokens are such.
        """
        size = _TEXT_TOKENS[self._vocabulary]
        wrong = next((i for i in ids if not 0 <= i < size), None)
        if wrong is not None:
            raise ValueError(f"{self._vocabulary} has no token {wrong} of text")
        tokenizer = _tokenizer(self._vocabulary)
        whole = _decoded(tokenizer, ids)
        return "".join(_decoded_in_pieces(tokenizer, ids)) if whole is None else whole

    def cut(self, text: str, max_tokens: int) -> str:
        """The longest beginning of whole words that has at most `max_tokens` tokens, without blanks at its end.

        Text that fits comes back as it is. Scripts without blanks between words, and words that alone are too long,
        are cut between characters, never between a letter and its marks.
        """
        tokenizer = _tokenizer(self._vocabulary)
        whole = _encodable(text)
        if max_tokens <= 0:
            return ""
        if tokenizer.count_till_limit(whole, max_tokens) is not None:
            return text
        end, left = 0, max_tokens
        for word in tokenizer.pretokenize(whole):
            needed = tokenizer.count_till_limit(word, left)
            if needed is None:
                if end == 0 or len(word) > _LONGEST_WHOLE_WORD:
                    end += _fitting_characters(tokenizer, word, left)
                break
            end, left = end + len(word), left - needed
        return text[:end].rstrip()


def image_tokens(width_px: int, height_px: int, detail: Detail = "auto", *, base: int = 85, tile: int = 170) -> int:
    """Tokens an image costs an OpenAI vision model.

    Source: Azure OpenAI's documentation of image tokens: low detail costs `base`; at high detail the image is
    reduced (never enlarged) to fit 2048 x 2048, then to a short side of at most 768 px, and costs `base` and `tile`
    for each begun square of 512 px. Its example: 2048 x 4096 costs 1105. `gpt-4o-mini` has base 2833 and tile 5667.
    How `auto` picks is unpublished: it is counted as high, so that a budget is kept.

    Args:
        width_px: Width of the image as sent.
        height_px: Its height.
        detail: As in the request's content part.
        base: Tokens of any image.
        tile: Tokens of one square.
    """
    if detail == "low":
        return base
    long_px, short_px = max(width_px, height_px, 1), max(min(width_px, height_px), 1)
    # Both reductions in one, as a fraction of integers, so that an exact multiple of 512 stays one.
    up, down = min(((1, 1), (2048, long_px), (768, short_px)), key=lambda scale: scale[0] / scale[1])
    tiles = ceil(long_px * up / (down * 512)) * ceil(short_px * up / (down * 512))
    return base + tile * tiles


class _Tokenizer(Protocol):
    """What is used of `bpe_openai._bindings.PyTokenizer`."""

    def count(self, text: str) -> int: ...
    def count_till_limit(self, text: str, token_limit: int) -> int | None: ...
    def pretokenize(self, text: str) -> list[str]: ...
    def decode(self, tokens: Sequence[int]) -> str: ...


@cache
def _tokenizer(vocabulary: Vocabulary) -> _Tokenizer:
    """The compiled tokenizer, loaded past its package.

    `import bpe_openai` (0.1.4) parses three vocabularies in Python first: 0.8 s and a DeprecationWarning, for a
    wrapper that refuses a million characters. The extension alone takes 50 ms and has its vocabularies compiled in.
    """
    package = importlib.util.find_spec("bpe_openai")
    folders = list(package.submodule_search_locations or ()) if package else []
    spec = PathFinder.find_spec("_bindings", folders)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError("bpe_openai._bindings", name="bpe_openai._bindings")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return cast(_Tokenizer, module.tokenizer_for_encoding(vocabulary))


def _decoded(tokenizer: _Tokenizer, ids: Sequence[int]) -> str | None:
    try:
        return tokenizer.decode(list(ids))
    except ValueError:  # not UTF-8
        return None


def _decoded_in_pieces(tokenizer: _Tokenizer, ids: Sequence[int]) -> Iterator[str]:
    """The shortest runs of tokens that are whole characters, and U+FFFD for each token that begins none."""
    at = 0
    while at < len(ids):
        runs = ((end, _decoded(tokenizer, ids[at:end])) for end in range(at + 1, min(at + 8, len(ids)) + 1))
        end, text = next(((end, text) for end, text in runs if text is not None), (at + 1, "\ufffd"))
        yield text
        at = end


def _encodable(text: str) -> str:
    """The text with lone surrogates (which JSON can carry) replaced, character by character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text


def _fitting_characters(tokenizer: _Tokenizer, word: str, max_tokens: int) -> int:
    """Characters of the longest beginning of `word` that fits (by bisection) and splits no letter from its marks."""
    fits, over = 0, len(word)
    while over - fits > 1:
        middle = (fits + over) // 2
        if tokenizer.count_till_limit(word[:middle], max_tokens) is None:
            over = middle
        else:
            fits = middle
    while fits and (unicodedata.category(word[fits])[0] == "M" or "\u200d" in word[fits - 1 : fits + 1]):
        fits -= 1
    return fits
