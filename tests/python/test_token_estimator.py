"""P3: the token estimator of seed 004, offline."""

from __future__ import annotations

import pytest

import foveal

GPT2_COUNTS = {
    "Hello, world!": 4,
    "How do I use Azure machine learning?": 8,
    "  spaces   and\n\nnewlines\t": 10,
    "สวัสดีครับ ภาษาไทย": 35,
    "日本語のテキスト": 10,
    "🙂🙂 emoji 👩‍👩‍👧": 15,
    "don't we'll they've 12345": 8,
    "<|endoftext|>": 7,
    "x" * 1000: 125,
    "": 0,
}
"""Counted with another implementation of the same encoding, npm js-tiktoken 1.0 ("gpt2")."""


@pytest.mark.parametrize("text", GPT2_COUNTS, ids=lambda text: text[:12])
def test_tokens_are_those_of_the_seed_s_encoding(text: str) -> None:
    assert foveal.TokenEstimator().estimate_tokens(text) == GPT2_COUNTS[text]
    assert foveal.TokenEstimator.estimate_tokens(text) == GPT2_COUNTS[text]


def test_newer_vocabularies_count_less_where_they_know_the_script() -> None:
    thai = "สวัสดีครับ ภาษาไทย"
    counts = [foveal.TokenEstimator.estimate_tokens(thai, v) for v in ("o200k_base", "cl100k_base", "gpt2")]
    assert counts == sorted(set(counts))


def test_a_lone_surrogate_is_counted_not_refused() -> None:
    assert foveal.TokenEstimator.estimate_tokens("caf\ud8e9") > 0


@pytest.mark.parametrize(
    ("size", "detail", "model", "tokens"),
    [
        ((2048, 4096), "high", "gpt-4o", 1105),  # the documentation's examples
        ((2048, 4096), "low", "gpt-4o", 85),
        ((1024, 1024), "high", "gpt-4-vision-preview", 765),
        ((1024, 1024), "high", "gpt-4o-mini", 2833 + 4 * 5667),
        ((1024, 1024), "low", "gpt-4o-mini", 2833),
        ((100, 100), "auto", "gpt-4o", 255),  # never enlarged
    ],
)
def test_images_cost_what_the_documentation_says(size: tuple[int, int], detail: str, model: str, tokens: int) -> None:
    assert foveal.TokenEstimator.estimate_image(*size, detail, model=model) == tokens  # type: ignore[arg-type]


COOKBOOK = [
    {
        "role": "system",
        "content": "You are a helpful, pattern-following assistant that translates "
        "corporate jargon into plain English.",
    },
    {
        "role": "system",
        "name": "example_user",
        "content": "New synergies will help drive top-line growth.",
    },
    {
        "role": "system",
        "name": "example_assistant",
        "content": "Things working well together will increase revenue.",
    },
    {
        "role": "system",
        "name": "example_user",
        "content": "Let's circle back when we have more bandwidth to touch base on "
        "opportunities for increased leverage.",
    },
    {
        "role": "system",
        "name": "example_assistant",
        "content": "Let's talk later when we're less busy about how to do better.",
    },
    {
        "role": "user",
        "content": "This late pivot means we don't have time to boil the ocean for the client deliverable.",
    },
]
"""Of OpenAI's cookbook, which prints what the service counted for it."""


@pytest.mark.parametrize(("model", "tokens"), [("gpt-4", 129), ("gpt-4-0613", 129), ("gpt-4o", 124)])
def test_messages_cost_what_the_service_counted(model: str, tokens: int) -> None:
    assert foveal.TokenEstimator.estimate_messages(COOKBOOK, model=model) == tokens


def test_text_parts_count_like_text_and_images_not_at_all() -> None:
    parts = [{"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]
    plain = foveal.TokenEstimator.estimate_messages([{"role": "user", "content": "Hi"}])
    assert foveal.TokenEstimator.estimate_messages([{"role": "user", "content": parts}]) == plain
