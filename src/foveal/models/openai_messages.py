"""Foveal's messages in the shape of the OpenAI chat wire."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from foveal.models.limits import estimate_tokens
from foveal.retrieval.tokens import image_tokens
from foveal.types.chat import ImageInput, Message, Role, Sampling
from foveal.types.content import Usage

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionContentPartParam, ChatCompletionMessageParam

_ANSWER_TOKENS = 1500
"""Tokens reserved for an answer without a limit of its own: On Your Data's maximum (seed 004)."""


def to_wire(messages: Sequence[Message]) -> list[ChatCompletionMessageParam]:
    """Messages as the wire wants them.

    Neighbours of one role become one message whose parts keep their order: many servers' chat templates insist that
    user and assistant alternate, and a document's image then stands right after its text.
    """
    return [_message(role, list(run)) for role, run in groupby(messages, key=lambda message: message.role)]


def most_usage(messages: Sequence[Message], sampling: Sampling) -> Usage:
    """What a call may use at most, nearly: counted tokens, and the answer's limit."""
    words = sum(estimate_tokens(message.text) for message in messages)
    images = sum(
        image_tokens(image.pixels.shape[1], image.pixels.shape[0], image.detail)
        for message in messages
        for image in message.images
    )
    return Usage(prompt_tokens=words + images, completion_tokens=sampling.max_tokens or _ANSWER_TOKENS)


def _message(role: Role, run: list[Message]) -> ChatCompletionMessageParam:
    text = "\n\n".join(message.text for message in run if message.text)
    if role == "assistant":
        return {"role": "assistant", "content": text}
    if role == "system":
        return {"role": "system", "content": text}
    if not any(message.images for message in run):
        return {"role": "user", "content": text}
    return {"role": "user", "content": list(_parts(run))}


def _parts(run: list[Message]) -> Iterable[ChatCompletionContentPartParam]:
    for message in run:
        if message.text:
            yield {"type": "text", "text": message.text}
        for image in message.images:
            yield {"type": "image_url", "image_url": {"url": data_url(image), "detail": image.detail}}


def data_url(image: ImageInput) -> str:
    """The image's bytes as an RFC 2397 URL."""
    return f"data:{image.media_type};base64,{base64.b64encode(image.data).decode('ascii')}"
