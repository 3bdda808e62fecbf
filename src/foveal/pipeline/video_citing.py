"""What an answer about videos rests on, as citations that open at their second."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

from foveal.pipeline.video_timelines import VideoTimeline, start_of
from foveal.retrieval.spreading import spread_times
from foveal.retrieval.strictness import passes
from foveal.types.chat import ChatRequest, Citation, Retrieved
from foveal.types.chunks import Chunk
from foveal.types.search import Hit


def rests_on(request: ChatRequest, timelines: Sequence[VideoTimeline], hits: Sequence[Hit]) -> Retrieved:
    """The moments at times that the question names, then those it is about, best first; of an answer about the whole,
    moments over all of it, each video's in order of time. At most `top_n_documents`, but one of each video.

    Args:
        hits: Moments of all videos that the question may be about, best first; those count that pass the strictness.
    """
    most = max(request.grounding.top_n_documents, len(timelines))
    videos = {timeline.video.document_id: timeline.video for timeline in timelines}
    named = [chunk for timeline in timelines for chunk in timeline.at]
    sure = [hit.chunk for hit in hits if passes(hit.confidence, request.grounding.strictness)]
    asked = list({chunk.chunk_id: chunk for chunk in (*named, *sure)}.values())
    chunks = asked[:most] or list(_over_all(timelines, most // len(timelines)))
    cited = tuple(
        Citation(number=number, index=videos[chunk.document_id].index, chunk=chunk, text=chunk.shown_text)
        for number, chunk in zip(count(1), chunks, strict=False)
    )
    question = request.messages[-1].text.strip()
    return Retrieved(intents=(question,) if question else (), citations=cited, results=())


def _over_all(timelines: Sequence[VideoTimeline], most: int) -> Iterator[Chunk]:
    for timeline in timelines:
        first: dict[int, Chunk] = {}
        for chunk in timeline.moments:
            first.setdefault(start_of(chunk), chunk)
        yield from (first[at] for at in spread_times(list(first), [], most))
