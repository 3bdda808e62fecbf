"""`TokenEstimator`: what a request costs in tokens, told offline.

`data/gpt2_merges.txt.xz` is GPT-2's `vocab.bpe` (OpenAI, MIT licence), compressed and otherwise as published, SHA-256
of the text 1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5 (the sum that tiktoken checks).
"""

from __future__ import annotations

import lzma
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

from foveal.retrieval.tokens import Detail, TokenCounter, Vocabulary, image_tokens

if TYPE_CHECKING:
    from tokenizers import Tokenizer

EstimatorVocabulary = Literal["gpt2", "o200k_base", "cl100k_base"]

_PER_MESSAGE, _PER_NAME, _PER_REPLY = 3, 1, 3
"""Of the chat format, besides its words: OpenAI's cookbook, "How to count tokens with tiktoken" (GPT-3.5 0613 on)."""
_OF_CL100K = ("gpt-4-", "gpt-35", "gpt-3.5")
_MINI_BASE, _MINI_TILE = 2833, 5667
"""Azure OpenAI's documentation of image tokens, for GPT-4o mini."""


class TokenEstimator:
    """Counts as Azure OpenAI's documentation of On Your Data does it, and as the chat models do.

    Both forms of the documentation's example work: `TokenEstimator.estimate_tokens(text)` and
    `TokenEstimator().estimate_tokens(text)`.
    """

    @staticmethod
    def estimate_tokens(text: str, vocabulary: EstimatorVocabulary = "gpt2") -> int:
        """Tokens of `text`; like the documentation's example by GPT-2's vocabulary, which overestimates newer models.

        Text that looks like a control token (`<|endoftext|>`) is counted as the text it is.
        """
        if vocabulary == "gpt2":
            return len(_gpt2().encode(text.encode(errors="replace").decode(), add_special_tokens=False))
        return TokenCounter(vocabulary).count(text)

    @staticmethod
    def estimate_image(width_px: int, height_px: int, detail: Detail = "auto", *, model: str = "gpt-4o") -> int:
        """Tokens of an image (see `foveal.retrieval.tokens.image_tokens` for the formula and its source)."""
        if "4o-mini" in model:
            return image_tokens(width_px, height_px, detail, base=_MINI_BASE, tile=_MINI_TILE)
        return image_tokens(width_px, height_px, detail)

    @staticmethod
    def estimate_messages(messages: Iterable[Mapping[str, object]], *, model: str = "gpt-4o") -> int:
        """Tokens of a chat request's messages, as on the wire, with what begins the reply.

        Images among the content parts count nothing here: only `estimate_image` knows their size.
        """
        counter = TokenCounter(_vocabulary(model))
        total = _PER_REPLY
        for message in messages:
            total += _PER_MESSAGE + (_PER_NAME if message.get("name") else 0)
            total += sum(counter.count(text) for value in message.values() for text in _texts(value))
        return total


def _vocabulary(model: str) -> Vocabulary:
    return "cl100k_base" if model == "gpt-4" or model.startswith(_OF_CL100K) else "o200k_base"


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in value:
            if isinstance(part, Mapping) and isinstance(text := part.get("text"), str):
                yield text


@cache
def _gpt2() -> Tokenizer:
    """GPT-2's tokenizer (60 ms, once a process).

    The vocabulary follows from the merges: the 256 bytes in the order of `bytes_to_unicode` in OpenAI's encoder.py,
    then each merge's outcome; its order changes ids, never counts.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers

    packed = files("foveal.retrieval").joinpath("data", "gpt2_merges.txt.xz").read_bytes()
    lines = lzma.decompress(packed).decode().splitlines()[1:]  # the first is a comment
    merges = [(left, right) for left, _, right in (line.partition(" ") for line in lines if line)]
    tokens = [*sorted(pre_tokenizers.ByteLevel.alphabet()), *(left + right for left, right in merges)]
    tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return tokenizer
