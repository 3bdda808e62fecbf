"""Answers written by a chat model from fenced documents."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from foveal.errors import ModelError
from foveal.pipeline.citing import CitationMarks
from foveal.pipeline.prompting import fence_document, prompt
from foveal.ports.models import ChatModel
from foveal.retrieval.fencing import Fence, one_line
from foveal.retrieval.json_replies import json_values
from foveal.retrieval.relation_questions import asks_for_relation
from foveal.types.chat import (
    REFUSAL,
    REFUSAL_OF_2023,
    ChatRequest,
    Document,
    Finished,
    ImageInput,
    Message,
    Sampling,
    TextDelta,
)
from foveal.types.content import Usage

_MOST_INTENTS = 3
_INTENT_CHARACTERS = 400
_INTENT_SAMPLING = Sampling(max_tokens=400, temperature=0.0)
_NOT_A_LETTER = re.compile(r"[\W_]+")


class GeneratedAnswerer:
    """A `ports.Answerer` over a `ports.ChatModel`.

    Args:
        chat: Writes queries and answers.
    """

    def __init__(self, chat: ChatModel) -> None:
        self._chat = chat

    @property
    def name(self) -> str:
        """The chat model's identity."""
        return self._chat.identity

    @property
    def sees(self) -> bool:
        """Whether the chat model does."""
        return self._chat.sees

    @property
    def context_tokens(self) -> int:
        """The chat model's window."""
        return self._chat.context_tokens

    async def intents(self, request: ChatRequest) -> tuple[str, ...]:
        """See `ports.Answerer`. A reply that cannot be read, or a model that fails here, leaves the question itself."""
        question = request.messages[-1].text.strip()
        if not question or (request.messages[-1].images and asks_for_relation(question)):
            return ()
        try:
            reply = await self._reply(self._intent_messages(request), _INTENT_SAMPLING)
        except ModelError:
            # The answer's own call meets the same trouble and reports it; a passing one costs only the rewriting.
            return (question,)
        return _queries(reply) or (question,)

    async def answer(self, request: ChatRequest, documents: Sequence[Document]) -> AsyncIterator[TextDelta | Finished]:
        """See `ports.Answerer`. Limited to the data and without documents, the refusal costs no model call."""
        if request.grounding.in_scope and not documents:
            yield TextDelta(text=request.grounding.refusal)
            yield Finished(reason="stop", usage=Usage(), answered=False, model=self.name)
            return
        marks = CitationMarks({document.number for document in documents})
        said: list[str] = []
        async for event in self._chat.stream(self._answer_messages(request, documents), request.sampling):
            words = marks.feed(event.text) if isinstance(event, TextDelta) else marks.rest()
            said.append(words)
            if words:
                yield TextDelta(text=words)
            if isinstance(event, Finished):
                yield replace(event, answered=event.answered and not is_refusal("".join(said)))

    def _intent_messages(self, request: ChatRequest) -> list[Message]:
        fence = Fence()
        *history, question = (message for message in request.messages if message.role != "system")
        turns = "\n".join(_turn(message) for message in history)
        earlier = fence.around(turns, label="earlier turns") + "\n\n" if turns else ""
        text = f"{earlier}Last question: {question.text}"
        return [
            Message(role="system", text=prompt("intents").filled(boundary=fence.boundary)),
            Message(role="user", text=text, images=question.images if self.sees else ()),
        ]

    def _answer_messages(self, request: ChatRequest, documents: Sequence[Document]) -> list[Message]:
        """The system message, the history, the documents (each with its picture right behind it), the question."""
        fence = Fence()
        *history, question = (self._readable(message) for message in request.messages if message.role != "system")
        given = [
            Message(role="user", text=fence_document(document, fence), images=self._pictures(document))
            for document in documents
        ]
        asked = replace(question, text=f"Question: {question.text}")
        return [Message(role="system", text=_system_text(request, fence)), *history, *given, asked]

    def _readable(self, message: Message) -> Message:
        """An earlier answer without its marks, whose numbers meant other documents; a word for unseen images."""
        if message.role == "assistant":
            marks = CitationMarks(())
            return replace(message, text=marks.feed(message.text) + marks.rest())
        if self.sees or not message.images:
            return message
        note = f"({len(message.images)} image(s) that you cannot see came with this message.)"
        return replace(message, text=f"{message.text}\n{note}".strip(), images=())

    def _pictures(self, document: Document) -> tuple[ImageInput, ...]:
        if document.image is None or not self.sees:
            return ()
        with Image.open(io.BytesIO(document.image)) as picture:
            pixels = np.asarray(picture.convert("RGB"), dtype=np.uint8)
        return (ImageInput(data=document.image, media_type="image/jpeg", pixels=pixels),)

    async def _reply(self, messages: Sequence[Message], sampling: Sampling) -> str:
        events = self._chat.stream(messages, sampling)
        return "".join([event.text async for event in events if isinstance(event, TextDelta)])


def is_refusal(text: str) -> bool:
    """Whether an answer is the refusal: its words, in either of the two wordings clients know, and no citation."""
    words = _NOT_A_LETTER.sub(" ", text.casefold()).strip()
    refusals = (REFUSAL, REFUSAL_OF_2023)
    return not words or any(words == _NOT_A_LETTER.sub(" ", refusal.casefold()).strip() for refusal in refusals)


def _system_text(request: ChatRequest, fence: Fence) -> str:
    options = request.grounding
    scope = prompt("scope_in" if options.in_scope else "scope_out").filled(refusal=options.refusal)
    role = f"\nInstructions of the operator:\n{options.role_information}" if options.role_information.strip() else ""
    return prompt("answer").filled(boundary=fence.boundary, scope=scope, role=role)


def _turn(message: Message) -> str:
    searched = f" (searched as: {one_line('; '.join(message.searched))})" if message.searched else ""
    return f"{message.role}: {one_line(message.text)}{searched}"


def _queries(reply: str) -> tuple[str, ...]:
    """The search queries in a reply, at most three, each once; empty when there are none."""
    for value in json_values(reply):
        listed = next(iter(value.values()), None) if isinstance(value, dict) else value
        if isinstance(listed, list):
            queries = (one_line(item)[:_INTENT_CHARACTERS] for item in listed if isinstance(item, str))
            return tuple(dict.fromkeys(query for query in queries if query))[:_MOST_INTENTS]
    return ()
