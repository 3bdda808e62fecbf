"""Chat about videos of a home, put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from foveal.errors import NotFoundError
from foveal.pipeline.video_chat import VideoChat
from foveal.pipeline.video_prompting import FrameBudget
from foveal.pipeline.video_timelines import VideoTimeline, start_of
from foveal.retrieval.filtering import both, visible_to
from foveal.types.chat import VideoInput
from foveal.types.chunks import Chunk
from foveal.types.filters import Comparison
from foveal.types.search import Query, SearchResult
from foveal.types.vectors import Pixels

if TYPE_CHECKING:
    from foveal.runtime.parts import Parts


def video_chat_of(parts: Parts) -> VideoChat:
    """Made of the parts of a home; no model is opened before it is needed."""
    from foveal.readers.language import detect_language

    def search(index: str, query: Query) -> SearchResult:
        return parts.retrieving.search(index, query)

    def moments(video: VideoInput, groups: tuple[str, ...] | None) -> list[Chunk]:
        return moments_of(parts, video.index, video.document_id, groups)

    def read(timeline: VideoTimeline, times_ms: Sequence[int], long_side_px: int) -> list[Pixels]:
        try:
            found = parts.frames.at(timeline.moments[0], times_ms, long_side_px=long_side_px)
        except NotFoundError:  # the file is gone: words are left
            return []
        return [image.pixels for image in found]

    settings = parts.settings.video
    return VideoChat(
        moments=moments,
        search=search,
        models=parts.deployments.chat,
        answerers=parts.deployments.answerer,
        tokens=parts.models.tokens,
        embed=parts.texts.embed,
        detect_language=detect_language,
        frames=FrameBudget(most=settings.frames, full=settings.full_frames),
        read=read,
        may_show=lambda chunk: not parts.judge.keeps_from_models(chunk),
    )


def moments_of(parts: Parts, index: str, document_id: str, groups: tuple[str, ...] | None) -> list[Chunk]:
    """Moments of a video in order of time; empty for what is not there, or not for these groups.

    Raises:
        IndexNotFoundError: No such index.
    """
    generation = parts.catalog.index(index).generation
    where = both(Comparison(field="document_id", op="eq", value=document_id), visible_to(groups))
    found = parts.store.snapshot(index, generation).scan(where=where)
    return sorted(found, key=lambda chunk: (start_of(chunk), chunk.ordinal))


def open_video(parts: Parts, index: str, name: str, url: str, groups: tuple[str, ...] | None) -> Chunk:
    """The first moment of a video, named as its index calls it.

    Args:
        index: A video index, or one made by ingestion.
        name: Of a video index, the id that its caller gave the document; of another, its path or its id. Empty: `url`.
        url: Where a document of a video index came from.

    Raises:
        IndexNotFoundError: No such index.
        NotFoundError: No such video, or not for these groups, or nothing of it is there yet.
    """
    videos = parts.vision.videos
    wanted = ""
    if videos.registered(index):
        bare = url.partition("?")[0]
        known = videos.documents(index, groups)
        document = next((d for d in known if d.document_id == name or (not name and bare and d.url == bare)), None)
        wanted = videos.stored_id(index, document) if document else ""
    else:
        records = parts.catalog.documents(index)
        wanted = next((r.document_id for r in records if name in {r.document_id, r.item.path}), "")
    found = moments_of(parts, index, wanted, groups) if wanted and _is_there(parts, index) else []
    if not found or not found[0].kind.has_timeline:
        raise NotFoundError(
            f"There is no video {name or url.partition('?')[0]!r} in the index {index!r}.",
            remedy="Wait until its ingestion is Completed." if wanted else "List the documents of the index.",
        )
    return found[0]


def _is_there(parts: Parts, index: str) -> bool:
    return any(record.name == index for record in parts.catalog.indexes())
