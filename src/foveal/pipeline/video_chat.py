"""Chat about videos: what an index knows of them, the moments that the question is about, and an answer with times.

A chat model gets the words of the whole timeline, cut to its window, and frames: some chosen by the question and read
again in full resolution, the others spread over time. Without one the answer is quoted, or tells what goes on from
beginning to end.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from foveal.errors import NotFoundError
from foveal.pipeline.describing import DescribingChat
from foveal.pipeline.describing_phrases import wording
from foveal.pipeline.time_links import TimeLinks
from foveal.pipeline.video_citing import rests_on
from foveal.pipeline.video_extracting import (
    asks_for_screen,
    documents_of,
    on_screen,
    pointed_at,
    timed,
    times_in,
    wants_summary,
)
from foveal.pipeline.video_prompting import FrameBudget, ReadFrames, VideoPrompter
from foveal.pipeline.video_summary import summary, told_at, wants_one_sentence
from foveal.pipeline.video_things import is_about_words, things_told
from foveal.pipeline.video_timelines import VideoTimeline
from foveal.ports.models import Answerer, ChatModel
from foveal.retrieval.tokens import TokenCounter
from foveal.types.chat import ChatEvent, ChatRequest, Finished, FinishReason, Message, TextDelta, VideoInput
from foveal.types.chunks import Chunk
from foveal.types.content import Usage
from foveal.types.filters import Comparison
from foveal.types.search import Hit, Query, SearchResult
from foveal.types.vectors import FloatArray

MOST_ASKED = 12
"""Moments of a video that a question is taken to be about."""
NAME = "foveal-extractive"
_PIECE = re.compile(r"\S+\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoChat:
    """Answers conversations that name videos.

    Attributes:
        moments: Moments of a video in order of time, as somebody in these groups sees them.
        search: Searches an index.
        models: What answers a chat, by the name of a deployment; likewise `answerers` from documents.
        embed: Vectors of sentences, float32 [n, dim].
        frames: How many frames a model is shown.
        read: Brings frames.
        may_show: Whether a moment's frame may be shown to a model.
    """

    moments: Callable[[VideoInput, tuple[str, ...] | None], Sequence[Chunk]]
    search: Callable[[str, Query], SearchResult]
    models: Callable[[str], ChatModel]
    answerers: Callable[[str], Answerer]
    tokens: TokenCounter
    embed: Callable[[Sequence[str]], FloatArray]
    detect_language: Callable[[str], str]
    frames: FrameBudget
    read: ReadFrames
    may_show: Callable[[Chunk], bool]

    async def stream(self, request: ChatRequest) -> AsyncIterator[ChatEvent]:
        """Answer the last message: one `Retrieved` with the moments it rests on, any number of `TextDelta`, one
        `Finished`.

        Raises:
            NotFoundError: A video is not there, or not for these groups.
            DeploymentNotFoundError: There is no such deployment.
            ModelError: The model failed.
        """
        model = await asyncio.to_thread(self.models, request.deployment)
        timelines, hits = await asyncio.to_thread(self._look, request)
        yield rests_on(request, timelines, hits)
        if isinstance(model, DescribingChat):
            async for event in self._extracted(request, timelines, hits, model):
                yield event
            return
        prompter = VideoPrompter(
            tokens=self.tokens,
            context_tokens=model.context_tokens,
            sees=model.sees,
            frames=self.frames,
            read=self.read,
            may_show=self.may_show,
        )
        messages = await asyncio.to_thread(prompter.messages, request, timelines)
        links = TimeLinks(timelines)
        async for event in model.stream(messages, request.sampling):
            words = links.feed(event.text) if isinstance(event, TextDelta) else links.rest()
            if words:
                yield TextDelta(text=words)
            if isinstance(event, Finished):
                yield event

    def _look(self, request: ChatRequest) -> tuple[list[VideoTimeline], list[Hit]]:
        """Every video of the conversation, and the moments of each that the question is about."""
        videos = list(dict.fromkeys(video for message in request.messages for video in message.videos))
        question, groups = request.messages[-1].text.strip(), request.grounding.groups
        timelines: list[VideoTimeline] = []
        found: list[Hit] = []
        for number, video in enumerate(videos, 1):
            moments = tuple(self.moments(video, groups))
            if not moments:
                raise NotFoundError(f"There is nothing of the video {video.title!r} in the index {video.index!r}.")
            timeline = VideoTimeline(number=number, video=video, moments=moments)
            hits = self._asked(video, question, groups) if question and not wants_summary(question) else ()
            timelines.append(pointed_at(timeline, hits, times_in(question)))
            found.extend(hits)
        found.sort(key=lambda hit: -hit.confidence)
        return timelines, found

    def _asked(self, video: VideoInput, question: str, groups: tuple[str, ...] | None) -> tuple[Hit, ...]:
        where = Comparison(field="document_id", op="eq", value=video.document_id)
        query = Query(text=question, filter=where, groups=groups, top=MOST_ASKED, collapse=False)
        return self.search(video.index, query).hits

    async def _extracted(
        self, request: ChatRequest, timelines: Sequence[VideoTimeline], hits: Sequence[Hit], describer: DescribingChat
    ) -> AsyncIterator[ChatEvent]:
        seen = await self._described(request, describer)
        question = request.messages[-1].text
        said = self._shown(question, timelines, describer)
        if not said and hits:
            said = await self._quoted(request, timelines, hits)
        if not said and not is_about_words(question) and (things := describer.timed(question)):
            said = things_told(timelines, things, self._language(question))
        if not said and asks_for_screen(question):
            said = on_screen(timelines, self._language(question))
        if not said:
            said = await asyncio.to_thread(self._summary, request, timelines)
            if question.strip() and not wants_summary(question) and not request.messages[-1].images:
                said = f"{wording(self._language(question)).unanswered}\n{said}"
        text, reason = self._within("\n".join(filter(None, (seen, said))), request)
        links = TimeLinks(timelines)
        for piece in _pieces(text, links):
            yield TextDelta(text=piece)
        read = "\n".join(chunk.shown_text for timeline in timelines for chunk in timeline.moments)
        usage = Usage(prompt_tokens=self.tokens.count(read), completion_tokens=self.tokens.count(text))
        yield Finished(reason=reason, usage=usage, answered=True, model=NAME)

    def _shown(self, question: str, timelines: Sequence[VideoTimeline], describer: DescribingChat) -> str:
        """What is there at the times that a question names, or of the things; empty where it names none."""
        if times := times_in(question):
            return told_at(timelines, times, self._language(question))
        things = [] if is_about_words(question) else describer.named(question)
        return things_told(timelines, things, self._language(question)) if things else ""

    def _language(self, question: str) -> str:
        return self.detect_language(question) if question.strip() else "en"

    async def _described(self, request: ChatRequest, describer: DescribingChat) -> str:
        """What is in images that came along."""
        question = request.messages[-1]
        if not question.images:
            return ""
        asked = [Message(role="user", text=question.text, images=question.images)]
        events = describer.stream(asked, request.sampling)
        return "".join([event.text async for event in events if isinstance(event, TextDelta)])

    async def _quoted(self, request: ChatRequest, timelines: Sequence[VideoTimeline], hits: Sequence[Hit]) -> str:
        """Quotes that answer, with their times; empty where nothing does."""
        answerer = await asyncio.to_thread(self.answerers, request.deployment)
        documents = documents_of(timelines, hits)
        turns = tuple(replace(m, images=(), videos=()) for m in request.messages if m.text.strip())
        sampling = replace(request.sampling, max_tokens=None)
        text: list[str] = []
        async for event in answerer.answer(replace(request, messages=turns, sampling=sampling), documents):
            if isinstance(event, TextDelta):
                text.append(event.text)
            elif not event.answered:
                return ""
        return timed("".join(text), documents, timelines)

    def _summary(self, request: ChatRequest, timelines: Sequence[VideoTimeline]) -> str:
        question = request.messages[-1].text
        return summary(
            timelines,
            self._language(question),
            self.embed,
            tokens=self.tokens,
            most_tokens=request.sampling.max_tokens,
            brief=wants_one_sentence(question),
        )

    def _within(self, text: str, request: ChatRequest) -> tuple[str, FinishReason]:
        ends = [text.find(stop) for stop in request.sampling.stop if stop and stop in text]
        text, most = text[: min(ends)] if ends else text, request.sampling.max_tokens
        if most is None or self.tokens.count(text) <= most:
            return text, "stop"
        return self.tokens.cut(text, most), "length"


def _pieces(text: str, links: TimeLinks) -> Iterator[str]:
    for piece in _PIECE.findall(text):
        if ready := links.feed(piece):
            yield ready
    if rest := links.rest():
        yield rest
