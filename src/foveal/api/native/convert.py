"""Native bodies → queries; hits → native bodies."""

from __future__ import annotations

from dataclasses import asdict

from foveal.api import bodies
from foveal.api.engine import Engine
from foveal.api.errors import BodyError
from foveal.api.images import check_count, open_given
from foveal.api.links import Links
from foveal.api.native.schemas import (
    AnswerOut,
    BoxOut,
    ChunkDetails,
    ChunkOut,
    DuplicateOut,
    ExtractOut,
    HitOut,
    ImageIn,
    IndexOut,
    LegOut,
    LocatorOut,
    ObjectOut,
    OcrLineOut,
    PointedOut,
    SearchBody,
    SearchReply,
)
from foveal.retrieval.pointing import pointed
from foveal.retrieval.regions import part_of
from foveal.retrieval.sentences import highlights
from foveal.types.assets import MediaKind
from foveal.types.chat import ImageInput
from foveal.types.chunks import Chunk
from foveal.types.locators import Box, Locator
from foveal.types.search import Extract, Hit, Query, SearchResult
from foveal.types.status import IndexStatus


def search(data: bytes, engine: Engine, links: Links, *, groups: tuple[str, ...] | None) -> SearchReply:
    """Do a whole search request. It computes: call it in a worker thread.

    Raises:
        FovealError: Anything is wrong with it.
    """
    body = bodies.check(SearchBody, bodies.parse_json(data))
    index = body.index or _only_index(engine)
    result = engine.search(index, read_query(body, index, engine, groups=groups))
    return reply(result, links, explain=body.explain)


def read_query(body: SearchBody, index: str, engine: Engine, *, groups: tuple[str, ...] | None) -> Query:
    """The query in a body, its filter over the fields of that index.

    Raises:
        InvalidRequestError: Nothing to look for, too many images, or a box outside of its image.
        FilterError: The filter does not parse.
        ImageError: An image cannot be decoded.
    """
    if not body.text.strip() and not body.images:
        raise BodyError([(("text",), "There is nothing to look for: give text, images or both")])
    check_count(len(body.images))
    shown = [_shown(one, engine) for one in body.images]
    return Query(
        text=body.text,
        images=tuple(image.pixels for image, is_part in shown if not is_part),
        regions=tuple(image.pixels for image, is_part in shown if is_part),
        mode=body.mode,
        filter=engine.parse_filter(body.filter, index),
        groups=groups,
        strictness=body.strictness,
        top=body.top,
        skip=body.skip,
        collapse=body.collapse,
    )


def _shown(given: str | ImageIn, engine: Engine) -> tuple[ImageInput, bool]:
    """An image of the query, and whether it is a part of the one that is given."""
    if isinstance(given, str):
        return open_given(given, engine), False
    image, box = open_given(given.image, engine), given.box
    return (part_of(image, (box.x, box.y, box.width, box.height)), True) if box else (image, False)


def _only_index(engine: Engine) -> str:
    names = engine.index_names()
    if len(names) != 1:
        there = f"there are {', '.join(names)}" if names else "there is none yet"
        raise BodyError([(("index",), f"Name the index to search: {there}")])
    return names[0]


def reply(result: SearchResult, links: Links, *, explain: bool) -> SearchReply:
    """A result on the wire."""
    return SearchReply(
        index=result.index,
        generation=result.generation,
        hits=[hit_out(h, result.index, links, explain=explain) for h in result.hits],
        answers=[AnswerOut(chunk_id=a.chunk_id, extract=extract_out(a.extract)) for a in result.answers],
        rejected=[hit_out(h, result.index, links, explain=True) for h in result.rejected] if explain else None,
        elapsed_ms=dict(result.elapsed_ms) if explain else None,
    )


def hit_out(hit: Hit, index: str, links: Links, *, explain: bool) -> HitOut:
    """A hit on the wire."""
    return HitOut(
        **chunk_out(hit.chunk, index, links).model_dump(),
        score=hit.score,
        confidence=hit.confidence,
        rerank_score=hit.rerank_score,
        extract=extract_out(hit.extract) if hit.extract else None,
        matched=box_out(hit.matched) if hit.matched else None,
        duplicates=[_duplicate(d, index, links) for d in hit.duplicates],
        legs=legs_out(hit) if explain else None,
    )


def chunk_out(chunk: Chunk, index: str, links: Links) -> ChunkOut:
    """A chunk on the wire, with the addresses of its bytes."""
    return ChunkOut(
        chunk_id=chunk.chunk_id,
        document_id=chunk.document_id,
        asset_id=chunk.asset_id,
        kind=chunk.kind,
        media_type=chunk.media_type,
        source=chunk.source,
        title=chunk.title,
        filepath=chunk.filepath,
        content=chunk.shown_text,
        description=chunk.description,
        caption=chunk.caption,
        composed=chunk.composed,
        ocr_text=chunk.ocr_text,
        tags=list(chunk.tags),
        objects=[ObjectOut(label=o.label, score=o.score, box=box_out(o.box)) for o in chunk.objects],
        colors=list(chunk.colors),
        facts=list(chunk.facts),
        language=chunk.language,
        taken_at=chunk.taken_at,
        modified_at=chunk.modified_at,
        latitude=chunk.latitude,
        longitude=chunk.longitude,
        camera=chunk.camera,
        width_px=chunk.width_px,
        height_px=chunk.height_px,
        size_bytes=chunk.size_bytes,
        locator=_locator(chunk.locator),
        url=chunk.url,
        bytes_url=links.bytes(index, chunk),
        thumbnail_url=_thumbnail(chunk, index, links),
    )


def details_out(chunk: Chunk, index: str, links: Links, *, question: str = "") -> ChunkDetails:
    """Everything known of a chunk on the wire, and what of it a question is about."""
    return ChunkDetails(
        **chunk_out(chunk, index, links).model_dump(),
        ocr_lines=[OcrLineOut(text=o.text, score=o.score, polygon=list(o.polygon)) for o in chunk.ocr_lines],
        group_ids=list(chunk.group_ids),
        hate=chunk.hate,
        self_harm=chunk.self_harm,
        sexual=chunk.sexual,
        violence=chunk.violence,
        pointed=_pointed(chunk, question) if question else None,
    )


def _pointed(chunk: Chunk, question: str) -> PointedOut:
    found = pointed(question, chunk.objects, chunk.ocr_lines)
    spans = highlights(chunk.shown_text, question) if chunk.kind is not MediaKind.IMAGE else ()
    return PointedOut(objects=list(found.objects), lines=list(found.lines), spans=list(spans))


def index_out(status: IndexStatus) -> IndexOut:
    """An index on the wire."""
    return IndexOut(**asdict(status))


def _duplicate(chunk: Chunk, index: str, links: Links) -> DuplicateOut:
    return DuplicateOut(
        chunk_id=chunk.chunk_id,
        filepath=chunk.filepath,
        bytes_url=links.bytes(index, chunk),
        thumbnail_url=_thumbnail(chunk, index, links),
    )


def _thumbnail(chunk: Chunk, index: str, links: Links) -> str | None:
    return links.thumbnail(index, chunk) if chunk.has_picture else None


def legs_out(hit: Hit) -> list[LegOut]:
    """What each leg says of a hit, on the wire."""
    return [
        LegOut(leg=s.leg, rank=s.rank, score=s.score, confidence=s.confidence, contribution=s.contribution)
        for s in hit.legs
    ]


def extract_out(extract: Extract) -> ExtractOut:
    """A stretch on the wire."""
    return ExtractOut(text=extract.text, score=extract.score, highlights=list(extract.highlights))


def box_out(box: Box) -> BoxOut:
    """A box on the wire."""
    return BoxOut(x=box.x, y=box.y, width=box.width, height=box.height)


def _locator(locator: Locator) -> LocatorOut:
    return LocatorOut(
        page=locator.page,
        box=box_out(locator.box) if locator.box else None,
        start_char=locator.start_char,
        end_char=locator.end_char,
        start_ms=locator.start_ms,
        end_ms=locator.end_ms,
        frame_ms=locator.frame_ms,
    )
