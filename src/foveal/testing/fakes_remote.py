"""Stand-ins for models that usually sit behind a server: deterministic functions of what they are given.

They really read: `FakeChatModel` finds the fenced documents in the prompt and quotes the best sentence of them, so a
prompt that loses a document, a fence that breaks, or a rule that is missing changes its answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

import numpy as np

from foveal.errors import AssetFilteredError
from foveal.types.chat import ChatRequest, Document, Finished, FinishReason, Message, Sampling, TextDelta
from foveal.types.content import Caption, Usage
from foveal.types.search import Passage, Reranked
from foveal.types.vectors import Pixels

_FENCED = re.compile(r"<<<([0-9a-f]{16}) (doc|passage)(\d+)>>>\n(.*?)\n<<<\1 end \2\3>>>", re.DOTALL)
_EARLIER = re.compile(r"<<<([0-9a-f]{16}) earlier turns>>>\n(.*?)\n<<<\1 end earlier turns>>>", re.DOTALL)
_HEADING = re.compile(r"^(?:<<[0-9a-f]{16} [^\n]*>>|file: [^\n]*|title: [^\n]*)$", re.MULTILINE)
_QUESTION = re.compile(r"(?:Last question|Question): (.*)\Z", re.DOTALL)
_REFUSAL = re.compile(r"reply with exactly this sentence[^:]*: ([^\n]+)")
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")
_WORD = re.compile(r"\w+")
_PIECE = re.compile(r"\S+\s*|\s+")
_BACKWARD = frozenset({"it", "its", "that", "this", "they", "them", "there", "he", "she"})
# fmt: off
_COMMON = frozenset({
    "a", "an", "and", "are", "as", "at", "be", "by", "do", "does", "did", "for", "from", "how", "i",
    "in", "is", "it", "of", "on", "or", "that", "the", "this", "to", "was", "were", "what", "when",
    "where", "which", "who", "why", "with", "you", "your",
})
# fmt: on
_COLOURS = ("red", "green", "blue")


class FakeChatModel:
    """A language model without language: it quotes.

    What the system prompt asks for decides, in this order: search queries (a JSON array of the question, with the last
    turn's words when the question points back), scores (shared words, as JSON), an answer from documents (the
    sentence that shares most words with the question, cited; the refusal sentence of the prompt when none shares
    one), and otherwise an echo of the question and of the sizes of its images. A token is a word.

    Attributes:
        calls: The messages of every call, in order.
    """

    def __init__(self, *, sees: bool = True, context_tokens: int = 16_384, identity: str = "fake-chat-model/1") -> None:
        self._sees = sees
        self._context_tokens = context_tokens
        self._identity = identity
        self.calls: list[tuple[Message, ...]] = []

    @property
    def identity(self) -> str:
        """As given."""
        return self._identity

    @property
    def sees(self) -> bool:
        """As given."""
        return self._sees

    @property
    def context_tokens(self) -> int:
        """As given."""
        return self._context_tokens

    async def stream(self, messages: Sequence[Message], sampling: Sampling) -> AsyncIterator[TextDelta | Finished]:
        """The reply, a word a delta."""
        self.calls.append(tuple(messages))
        pieces, reason = _limited(reply_to(messages), sampling)
        for piece in pieces:
            yield TextDelta(text=piece)
        read = sum(len(_WORD.findall(message.text)) for message in messages)
        yield Finished(
            reason=reason,
            usage=Usage(prompt_tokens=read, completion_tokens=len(pieces)),
            answered=True,
            model=self._identity,
        )


def reply_to(messages: Sequence[Message]) -> str:
    """What `FakeChatModel` says, whole."""
    system = "\n".join(message.text for message in messages if message.role == "system")
    said = "\n\n".join(message.text for message in messages if message.role == "user")
    asked = _EARLIER.sub("", _FENCED.sub("", said))
    question = match[1].strip() if (match := _QUESTION.search(asked)) else asked.strip()
    if "search queries" in system:
        return json.dumps([_standing_alone(question, said)], ensure_ascii=False)
    fenced = [(int(number), text) for _, _, number, text in _FENCED.findall(said)]
    if '"scores"' in system:
        return json.dumps({"scores": [round(4 * overlap(question, text), 3) for _, text in fenced]})
    if fenced or _REFUSAL.search(system):
        return _quote(question, fenced) or _refusal(system)
    sizes = ", ".join(f"{i.pixels.shape[1]}x{i.pixels.shape[0]}" for message in messages for i in message.images)
    return f"You said: {question}" + (f" I see images of {sizes} pixels." if sizes else "")


def overlap(question: str, text: str) -> float:
    """Share of the question's words (but the commonest) that `text` has, 0..1."""
    asked, said = _words(question), _words(text)
    return len(asked & said) / len(asked) if asked else 0.0


def _words(text: str) -> frozenset[str]:
    return frozenset(word for word in map(str.casefold, _WORD.findall(text)) if word not in _COMMON)


def _standing_alone(question: str, said: str) -> str:
    earlier = _EARLIER.search(said)
    if earlier is None or not _BACKWARD & {word.casefold() for word in _WORD.findall(question)}:
        return question
    turns = [line.removeprefix("user: ") for line in earlier[2].splitlines() if line.startswith("user: ")]
    return f"{question} {turns[-1]}" if turns else question


def _quote(question: str, documents: Sequence[tuple[int, str]]) -> str:
    sentences = [
        (overlap(question, sentence), -number, sentence.strip())
        for number, text in documents
        for sentence in _SENTENCE.findall(_HEADING.sub("", text))
        if sentence.strip()
    ]
    score, number, sentence = max(sentences, default=(0.0, 0, ""), key=lambda candidate: candidate[:2])
    return f"{sentence} [doc{-number}]" if score > 0 else ""


def _refusal(system: str) -> str:
    match = _REFUSAL.search(system)
    return match[1].strip() if match else "The documents do not say."


def _limited(reply: str, sampling: Sampling) -> tuple[list[str], FinishReason]:
    for stop in sampling.stop:
        reply = reply.split(stop, 1)[0]
    pieces = _PIECE.findall(reply)
    if sampling.max_tokens is not None and len(pieces) > sampling.max_tokens:
        return pieces[: sampling.max_tokens], "length"
    return pieces, "stop"


class FakeAnswerer:
    """Quotes the sentence that shares most words with the question, cited; the refusal when none shares one.

    Outside the scope of the data (`in_scope` off) it echoes the question in place of the refusal.

    Attributes:
        calls: The request and the documents of every answer, in order.
    """

    def __init__(self, *, sees: bool = False, context_tokens: int = 16_384, name: str = "fake-answerer/1") -> None:
        self._sees = sees
        self._context_tokens = context_tokens
        self._name = name
        self.calls: list[tuple[ChatRequest, tuple[Document, ...]]] = []

    @property
    def name(self) -> str:
        """As given."""
        return self._name

    @property
    def sees(self) -> bool:
        """As given."""
        return self._sees

    @property
    def context_tokens(self) -> int:
        """As given."""
        return self._context_tokens

    async def intents(self, request: ChatRequest) -> tuple[str, ...]:
        """The last message as it is; none without words."""
        question = request.messages[-1].text.strip()
        return (question,) if question else ()

    async def answer(self, request: ChatRequest, documents: Sequence[Document]) -> AsyncIterator[TextDelta | Finished]:
        """The quote, a word a delta."""
        self.calls.append((request, tuple(documents)))
        question = request.messages[-1].text.strip()
        quote = _quote(question, [(document.number, document.text) for document in documents])
        pieces, reason = _limited(
            quote or (request.grounding.refusal if request.grounding.in_scope else f"You said: {question}"),
            request.sampling,
        )
        for piece in pieces:
            yield TextDelta(text=piece)
        usage = Usage(prompt_tokens=len(_WORD.findall(question)), completion_tokens=len(pieces))
        yield Finished(reason=reason, usage=usage, answered=bool(quote), model=self._name)


class FakeCaptioner:
    """Describes an image by its size and mean colours, in more than 200 words.

    Args:
        refuses: Images that its content filter refuses.
        identity: As in `ports.Model`.

    Attributes:
        calls: Images it was asked to describe, refused ones too.
        facts: What it was told of each.
    """

    def __init__(self, *, refuses: Callable[[Pixels], bool] | None = None, identity: str = "fake-captioner/1") -> None:
        self._refuses = refuses
        self._identity = identity
        self.calls = 0
        self.facts: list[str] = []

    @property
    def identity(self) -> str:
        """As given."""
        return self._identity

    def caption(self, image: Pixels, facts: str) -> Caption:
        """See `ports.Captioner`."""
        self.calls += 1
        self.facts.append(facts)
        if self._refuses is not None and self._refuses(image):
            raise AssetFilteredError("The fake content filter refused this file.", stage="understand")
        text = " ".join(_sentences(image))
        tags = (_main_colour(image), f"{image.shape[1]}x{image.shape[0]}", "picture")
        return Caption(text=text, tags=tags, usage=Usage(prompt_tokens=85, completion_tokens=len(text.split())))


def _sentences(image: Pixels) -> Iterator[str]:
    """What there is to say of 25 cells of the image: 9 words and more each."""
    height, width = image.shape[:2]
    yield f"A picture of {width} by {height} pixels, mostly {_main_colour(image)}."
    for row in range(5):
        for column in range(5):
            cell = image[row * height // 5 : (row + 1) * height // 5 + 1, column * width // 5 :][:, : width // 5 + 1]
            place = f"In row {row + 1} and column {column + 1}"
            yield f"{place} it is {_main_colour(cell)} of brightness {cell.mean():.0f}."


def _main_colour(image: Pixels) -> str:
    return _COLOURS[int(np.argmax(image.reshape(-1, 3).mean(axis=0)))]


class FakeReranker:
    """Scores a passage by the share of the question's words that it has.

    Attributes:
        calls: Times it was asked.
    """

    def __init__(self, *, identity: str = "fake-reranker/1") -> None:
        self._identity = identity
        self.calls = 0

    @property
    def identity(self) -> str:
        """As given."""
        return self._identity

    def rerank(self, query: str, passages: Sequence[Passage]) -> list[Reranked]:
        """See `ports.Reranker`."""
        self.calls += 1
        return [Reranked(chunk_id=passage.chunk_id, score=4 * overlap(query, passage.text)) for passage in passages]
