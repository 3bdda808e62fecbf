"""`foveal search`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foveal.cli.session import NOTHING, open_image, print_json, session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from foveal.runtime import Foveal
    from foveal.types.chat import ImageInput
    from foveal.types.chunks import Chunk
    from foveal.types.locators import Box
    from foveal.types.relations import Relation
    from foveal.types.search import Hit, SearchResult


def search(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="What to look for, in any language; may be empty with --image.")] = "",
    image: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE[#X,Y,W,H]",
            help="Find the like of this image, or of the part of it in a box: fractions of the image, or pixels.",
        ),
    ] = None,
    filter: Annotated[
        str | None, typer.Option(metavar="ODATA", help="For example \"tags/any(t: t eq 'dog')\".")
    ] = None,
    top: Annotated[int, typer.Option(min=1, max=1000, help="Hits wanted.")] = 10,
    mode: Annotated[str, typer.Option(help="keyword, vector, hybrid or semantic.")] = "hybrid",
    strictness: Annotated[int | None, typer.Option(min=1, max=5, help="Drop weak hits: 1 lax, 5 strict.")] = None,
    index: Annotated[str | None, typer.Option(help="Index to search.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say why each hit is here.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Search by words, images and filter together."""
    from foveal.errors import InvalidRequestError
    from foveal.types.search import Mode, Query

    if mode not in set(Mode):
        raise InvalidRequestError(f"There is no mode {mode}.", remedy=f"Take one of {', '.join(Mode)}.")
    here = session(context)
    with here.open() as foveal:
        foveal.warm()
        name = index or here.settings.index
        shown = [_shown(foveal, name) for name in image or ()]
        wanted = Query(
            text=query,
            images=tuple(one.pixels for one, is_part in shown if not is_part),
            regions=tuple(one.pixels for one, is_part in shown if is_part),
            mode=Mode(mode),
            filter=foveal.parse_filter(filter, name),
            strictness=strictness,
            top=top,
        )
        result = foveal.search(name, wanted)
        relations = foveal.relations(shown[0][0], result.hits) if len(shown) == 1 else [()] * len(result.hits)
    if as_json:
        print_json(result_json(result, relations))
    else:
        _print(here.console, result, relations, explain=explain)
    if not result.hits:
        raise typer.Exit(NOTHING)


def _shown(foveal: Foveal, name: str) -> tuple[ImageInput, bool]:
    """An image, and whether it is a part of the one that is named.

    Raises:
        ImageError: It cannot be read, or is no image.
        InvalidRequestError: The box is wrong.
    """
    from foveal.retrieval.regions import numbers_of, part_of, split_box

    file, box = (name, "") if Path(name).is_file() else split_box(name)
    image = open_image(foveal, Path(file))
    return (part_of(image, numbers_of(box)), True) if box else (image, False)


def result_json(result: SearchResult, relations: Sequence[Sequence[Relation]]) -> dict[str, object]:
    """A result as JSON values, without vectors; with how an image of the query relates to each hit."""
    return {
        "index": result.index,
        "generation": result.generation,
        "hits": [
            hit_json(hit) | {"relations": [relation_json(one) for one in related]}
            for hit, related in zip(result.hits, relations, strict=True)
        ],
        "answers": [{"chunk_id": a.chunk_id, "text": a.extract.text, "score": a.extract.score} for a in result.answers],
        "elapsed_ms": dict(result.elapsed_ms),
    }


def relation_json(relation: Relation) -> dict[str, object]:
    """A relation as JSON values."""
    return {
        "kind": relation.kind,
        "score": relation.score,
        "reason": relation.reason,
        "boxes": [_box(box) for box in relation.boxes],
        "shown_boxes": [_box(box) for box in relation.shown_boxes],
    }


def hit_json(hit: Hit) -> dict[str, object]:
    """A hit as JSON values, without vectors."""
    chunk = hit.chunk
    return {
        "chunk_id": chunk.chunk_id,
        "filepath": chunk.filepath,
        "page": chunk.locator.page,
        "start_ms": chunk.locator.start_ms,
        "end_ms": chunk.locator.end_ms,
        "feature": chunk.feature,
        "source": chunk.source,
        "title": chunk.title,
        "kind": chunk.kind,
        "score": hit.score,
        "confidence": hit.confidence,
        "rerank_score": hit.rerank_score,
        "description": chunk.description,
        "caption": chunk.caption,
        "composed": chunk.composed,
        "text": chunk.ocr_text if chunk.is_picture else chunk.shown_text,
        "extract": hit.extract.text if hit.extract else None,
        "matched": _box(hit.matched),
        "duplicates": [d.filepath for d in hit.duplicates],
        "legs": [
            {
                "leg": leg.leg,
                "rank": leg.rank,
                "score": leg.score,
                "confidence": leg.confidence,
                "contribution": leg.contribution,
            }
            for leg in hit.legs
        ],
    }


def _box(box: Box | None) -> dict[str, float] | None:
    return None if box is None else {"x": box.x, "y": box.y, "width": box.width, "height": box.height}


def _print(console: Console, result: SearchResult, relations: Sequence[Sequence[Relation]], *, explain: bool) -> None:
    from foveal.retrieval.moments import place_in_words

    if not result.hits:
        console.print("Nothing matches.", markup=False)
        for hit in result.rejected[:3]:
            console.print(f"  nearest: {place_in_words(hit.chunk)} ({hit.confidence:.0%})", markup=False)
    for answer in result.answers[:1]:
        console.print(f"“{answer.extract.text}”\n", markup=False)
    for number, (hit, related) in enumerate(zip(result.hits, relations, strict=True), 1):
        console.print(f"{number:>3}. {place_in_words(hit.chunk)}  {hit.confidence:.0%}", markup=False)
        console.print(f"     {words_of(hit)}", markup=False)
        if hit.matched:
            box = hit.matched
            console.print(f"     in it at {box.x:.3f},{box.y:.3f},{box.width:.3f},{box.height:.3f}", markup=False)
        for relation in related:
            console.print(f"     {relation.reason}", markup=False)
        if hit.duplicates:
            console.print(f"     near-duplicates: {', '.join(map(place_in_words, hit.duplicates))}", markup=False)
        if explain:
            _explain(console, hit)
    if explain:
        times = ", ".join(f"{stage} {ms:.0f}" for stage, ms in result.elapsed_ms)
        console.print(f"generation {result.generation}; ms: {times}", markup=False)


def words_of(hit: Hit, limit: int = 160) -> str:
    """What to say of a hit in one line, and whose words they are."""
    chunk = hit.chunk
    if hit.extract and not chunk.is_picture:
        text, whose = hit.extract.text, "from the text"
    elif chunk.description:
        text, whose = chunk.description, "described by a person"
    elif chunk.caption:
        text, whose = chunk.caption, "caption by a model"
    elif chunk.composed:
        text, whose = chunk.composed, "composed by Foveal"
    else:
        text, whose = _said_or_written(chunk)
    line = " ".join(text.split())
    return f"{line[:limit]}{'…' if len(line) > limit else ''} [{whose}]"


def _said_or_written(chunk: Chunk) -> tuple[str, str]:
    """A text; of what is said, from the sentence on that speaks for the question."""
    if not chunk.sentences:
        return chunk.shown_text, "on the screen" if chunk.ocr_text else "text"
    start_ms = chunk.locator.start_ms or 0
    return " ".join(s.text for s in chunk.sentences if s.start_ms >= start_ms), "said"


def _explain(console: Console, hit: Hit) -> None:
    for leg in hit.legs:
        console.print(
            f"       {leg.leg.value:<8} rank {leg.rank:>3}  score {leg.score:.3f}  confidence {leg.confidence:.0%}"
            f"  adds {leg.contribution:.4f}",
            markup=False,
        )
    if hit.rerank_score is not None:
        console.print(f"       re-ranked {hit.rerank_score:.2f} of 4", markup=False)
