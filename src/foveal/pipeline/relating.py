"""How an attached image relates to what was retrieved, for answers that say so with reasons."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from foveal.types.chat import Document, ImageInput
from foveal.types.relations import Relation, RelationKind
from foveal.types.search import Hit, SearchResult
from foveal.types.vectors import Pixels

Relate = Callable[[ImageInput, Sequence[Hit]], list[tuple[Relation, ...]]]
"""Relations of a shown image to each hit, strongest first; it computes: call it in a worker thread."""

CutThings = Callable[[ImageInput], Sequence[Pixels]]
"""The objects of a shown image, cut out, surest first."""

_LIKELIEST = 5
"""Hits that are looked at for a copy before those that strictness left out are."""
_FIRST = (RelationKind.NEAR_DUPLICATE, RelationKind.SAME_OBJECT)


def unrelated(_: ImageInput, hits: Sequence[Hit]) -> list[tuple[Relation, ...]]:
    """A `Relate` that finds nothing."""
    return [()] * len(hits)


def with_copies(
    results: Sequence[SearchResult], images: Sequence[ImageInput], relate: Relate
) -> tuple[SearchResult, ...]:
    """The results with near-duplicates of the question's images, that strictness left out, in front of the hits.

    Vectors of a small, turned or cropped copy can be too far off to pass as a hit; that it is a copy is seen when the
    pictures are compared. Looked for only where none of the first hits is one already.
    """
    return tuple(_with_copies(result, images, relate) for result in results)


def _with_copies(result: SearchResult, images: Sequence[ImageInput], relate: Relate) -> SearchResult:
    if not result.rejected or any(_copies(image, result.hits[:_LIKELIEST], relate) for image in images):
        return result
    copies = {hit.chunk.chunk_id: hit for image in images for hit in _copies(image, result.rejected, relate)}
    if not copies:
        return result
    rest = tuple(hit for hit in result.rejected if hit.chunk.chunk_id not in copies)
    return replace(result, hits=(*copies.values(), *result.hits), rejected=rest)


def _copies(image: ImageInput, hits: Sequence[Hit], relate: Relate) -> list[Hit]:
    related = zip(hits, relate(image, hits), strict=True)
    return [hit for hit, found in related if any(one.kind is RelationKind.NEAR_DUPLICATE for one in found)]


def no_things(_: ImageInput) -> Sequence[Pixels]:
    """A `CutThings` that sees none."""
    return ()


def with_same_objects(
    results: Sequence[SearchResult], sought: Sequence[SearchResult], images: Sequence[ImageInput], relate: Relate
) -> tuple[SearchResult, ...]:
    """The results with near-duplicates first, then what shows the very same object as one of the question's images.

    Args:
        results: Of searches for the images.
        sought: Of searches for their objects, in the same order: one that shows the same object in other surroundings
            does not look like the image.
    """
    return tuple(_same_first(*both, images, relate) for both in zip(results, sought, strict=True))


def _same_first(
    result: SearchResult, sought: SearchResult, images: Sequence[ImageInput], relate: Relate
) -> SearchResult:
    found = {hit.chunk.chunk_id for hit in result.hits}
    hits = [*result.hits, *(hit for hit in sought.hits if hit.chunk.chunk_id not in found)]
    related = zip(*(relate(image, hits) for image in images), strict=True) if hits else ()
    ranked = [(hit, _rank(of_each_image)) for hit, of_each_image in zip(hits, related, strict=True)]
    first = [hit for rank in _FIRST for hit, own in ranked if own is rank]
    ids = {hit.chunk.chunk_id for hit in first}
    return replace(
        result,
        hits=(*first, *(hit for hit in result.hits if hit.chunk.chunk_id not in ids)),
        rejected=tuple(hit for hit in result.rejected if hit.chunk.chunk_id not in ids),
    )


def _rank(of_each_image: Sequence[Sequence[Relation]]) -> RelationKind | None:
    """The strongest of the relations for which a hit comes first."""
    kinds = {one.kind for relations in of_each_image for one in relations}
    return next((kind for kind in _FIRST if kind in kinds), None)


def with_relations(images: Sequence[ImageInput], documents: Sequence[Document], relate: Relate) -> tuple[Document, ...]:
    """The documents, each with the relations of the question's images to it, the closest of each kind."""
    hits = [document.hit for document in documents]
    found = [relate(image, hits) for image in images] if hits else []
    return tuple(
        replace(document, relations=_closest([of_image[place] for of_image in found]))
        for place, document in enumerate(documents)
    )


def _closest(of_each_image: Sequence[Sequence[Relation]]) -> tuple[Relation, ...]:
    best: dict[RelationKind, Relation] = {}
    for number, relations in enumerate(of_each_image):
        for relation in relations:
            if relation.kind not in best or relation.score > best[relation.kind].score:
                best[relation.kind] = replace(relation, image=number)
    if _only_told(best):
        del best[RelationKind.SAME_KIND]
    return tuple(best[kind] for kind in RelationKind if kind in best)


def _only_told(best: Mapping[RelationKind, Relation]) -> bool:
    """Whether what is of the same kind is said to be the same by another image of the question."""
    kind, same = best.get(RelationKind.SAME_KIND), best.get(RelationKind.SAME_OBJECT)
    copied = RelationKind.NEAR_DUPLICATE in best
    return kind is not None and (copied or (same is not None and set(kind.labels) <= set(same.labels)))
