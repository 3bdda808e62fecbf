"""Content filters on the wire: a prompt is judged before anything answers it, an answer before it is shown.

While the engine can filter answers, one is judged sentence by sentence, together with the words before, and no word
goes out earlier. When a sentence is filtered the answer ends before it, with `finish_reason` `content_filter` and
status 200, and the model is stopped. An engine that cannot filter answers is asked once, at their end.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field

from foveal.api.azure_openai.filter_results import UNFILTERED, FilterResults
from foveal.api.crowd import Threads
from foveal.api.engine import Engine
from foveal.api.sse import closed_after
from foveal.errors import ContentFilteredError
from foveal.types.chat import ChatEvent, ChatRequest, Finished, ImageInput, TextDelta
from foveal.types.content import Severity, Usage
from foveal.types.safety import CATEGORIES, Category, Judgement, Side

_STEP_ENDS = re.compile(r"[.!?…]['\")\]]*\s|[。！？]|\n")
_STEP_CHARACTERS = 400
"""Words without the end of a sentence are judged when there are so many of them."""
_CONTEXT_CHARACTERS = 1000
"""What was said before is judged with a sentence, so far back: harm may lie in two sentences together."""
NOTHING_FOUND = Judgement(severities=dict.fromkeys(CATEGORIES, Severity.SAFE))
"""Of an answer without words."""
_ORDER = (Severity.SAFE, Severity.LOW, Severity.MEDIUM, Severity.HIGH)


@dataclass(slots=True, kw_only=True)
class Verdicts:
    """What a reply says about filters: of the prompt, and of the piece of the answer that is written next."""

    prompt: FilterResults = field(default_factory=FilterResults)
    answer: FilterResults = field(default_factory=FilterResults)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentFilters:
    """Judges prompts and answers."""

    engine: Engine
    threads: Threads

    async def prompt(self, request: ChatRequest, verdicts: Verdicts) -> None:
        """Judge the words of all user messages and every image, and keep what was found in `verdicts.prompt`.

        Raises:
            ContentFilteredError: It may not pass.
        """
        asked = [message for message in request.messages if message.role == "user"]
        texts = [message.text for message in asked]
        images = [image for message in asked for image in message.images]
        judgement = await self._judge("prompt", texts, images)
        results = FilterResults.of(judgement)
        if judgement.filtered:
            found = ", ".join(f"{c} ({judgement.severities[c]})" for c in CATEGORIES if c in judgement.filtered)
            raise ContentFilteredError(
                f"The content filter stopped the prompt: {found}.",
                remedy="Ask in other words; the operator sets the thresholds in `safety`.",
                results=results.categories(),
            )
        verdicts.prompt = results

    async def guarded(self, events: AsyncIterator[ChatEvent], verdicts: Verdicts) -> AsyncGenerator[ChatEvent, None]:
        """The events of an answer as they may go out; `verdicts.answer` always belongs to the event just given."""
        step = self._held if self.engine.holds_answers else self._unheld
        async with closed_after(events) as given:
            async for event in step(given, verdicts):
                yield event

    async def _held(self, events: AsyncIterator[ChatEvent], verdicts: Verdicts) -> AsyncGenerator[ChatEvent, None]:
        guard = Guard(self)
        async for event in events:
            words = await guard.take(event.text) if isinstance(event, TextDelta) else await guard.rest()
            verdicts.answer = FilterResults.of(guard.latest)
            if guard.stopped():
                yield Finished(reason="content_filter", usage=Usage(), answered=False, model="")
                return
            if words:
                yield TextDelta(text=words)
            if isinstance(event, Finished):
                verdicts.answer = FilterResults.of(guard.whole)
            if not isinstance(event, TextDelta):
                yield event

    async def _unheld(self, events: AsyncIterator[ChatEvent], verdicts: Verdicts) -> AsyncGenerator[ChatEvent, None]:
        said: list[str] = []
        verdicts.answer = UNFILTERED
        async for event in events:
            if isinstance(event, TextDelta):
                said.append(event.text)
            elif isinstance(event, Finished):
                verdicts.answer = FilterResults.of(await self.answer("".join(said)))
            yield event

    async def answer(self, text: str) -> Judgement:
        """Judge an answer, or a stretch of one."""
        return await self._judge("answer", [text], [])

    async def _judge(self, side: Side, texts: Sequence[str], images: Sequence[ImageInput]) -> Judgement:
        if images or self.engine.reads_words:
            return await self.threads.run(self.engine.judge, side, texts, images)
        return self.engine.judge(side, texts, images)  # a thread would take longer than this does


class Guard:
    """Judges one answer as it grows, and gives out what may be shown of it.

    Attributes:
        latest: What is known of the words given out last, or of those that stopped the answer.
        whole: What is known of the answer so far.
    """

    def __init__(self, filters: ContentFilters) -> None:
        self._filters = filters
        self._said = ""
        self._waiting = ""
        self.latest = NOTHING_FOUND
        self.whole = NOTHING_FOUND

    def stopped(self) -> bool:
        """Whether the answer ends here."""
        return bool(self.whole.filtered)

    async def take(self, text: str) -> str:
        """Take more of the answer; the whole sentences that may be shown now."""
        step, self._waiting = _cut(self._waiting + text)
        return await self._passed(step)

    async def rest(self) -> str:
        """What waits, when nothing more comes for now."""
        step, self._waiting = self._waiting, ""
        return await self._passed(step)

    async def _passed(self, step: str) -> str:
        if not step or self.stopped():
            return ""
        self.latest = await self._filters.answer(self._said[-_CONTEXT_CHARACTERS:] + step)
        self.whole = _worse(self.whole, self.latest)
        self._said += step
        return "" if self.stopped() else step


def sentences(text: str) -> Iterator[str]:
    """The text, a sentence a piece."""
    start = 0
    for match in _STEP_ENDS.finditer(text):
        yield text[start : match.end()]
        start = match.end()
    yield text[start:]


def _cut(text: str) -> tuple[str, str]:
    """The whole sentences at the beginning, and the rest."""
    end = max((match.end() for match in _STEP_ENDS.finditer(text)), default=0)
    return (text, "") if not end and len(text) > _STEP_CHARACTERS else (text[:end], text[end:])


def _worse(one: Judgement, other: Judgement) -> Judgement:
    """What is known of two pieces together."""
    severities: dict[Category, Severity] = {}
    for category in CATEGORIES:
        found = [each.severities[category] for each in (one, other) if category in each.severities]
        highest = max(found, key=_ORDER.index, default=Severity.SAFE)
        if len(found) == 2 or highest is not Severity.SAFE:
            severities[category] = highest
    cause = (one.cause or other.cause) if len(severities) < len(CATEGORIES) else ""
    return Judgement(severities=severities, filtered=one.filtered | other.filtered, cause=cause)
