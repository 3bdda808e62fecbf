"""Relations between an image that somebody shows and one of the collection."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from foveal.types.locators import Box


class RelationKind(StrEnum):
    """How two images relate, strongest first."""

    NEAR_DUPLICATE = "near_duplicate"
    SAME_SCENE = "same_scene"
    SAME_OBJECT = "same_object"
    """The same kind of thing; that it is the very same thing cannot be told."""
    SAME_PLACE = "same_place"
    SAME_DAY = "same_day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """One way in which two images relate.

    Attributes:
        score: 0.5 where the relation just holds, 1 where it could not be closer; comparable within one kind. For
            `SAME_OBJECT` the detector's confidence in the less certain of the two things, 0..1.
        reason: One sentence for the person, in English.
        boxes: What to point at in the collection's image.
        mirrored: Of a near-duplicate: whether it is turned left to right.
        share: Of a near-duplicate: the part of the collection's image that it shows, None for all of it.
        labels: Of the same objects: what they are, surest first.
        distance_m: Of the same place: metres between the two.
    """

    kind: RelationKind
    score: float
    reason: str
    boxes: tuple[Box, ...] = ()
    mirrored: bool = False
    share: float | None = None
    labels: tuple[str, ...] = ()
    distance_m: float | None = None
