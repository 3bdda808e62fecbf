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
    """The very same thing, as far as looks tell."""
    SAME_PLACE = "same_place"
    SAME_DAY = "same_day"
    SAME_KIND = "same_kind"
    """Things of one kind, of which none looks like the very same one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """One way in which two images relate.

    Attributes:
        score: 0.5 where the relation just holds, 1 where it could not be closer; comparable within one kind. For
            `SAME_KIND` the detector's confidence in the less certain of the two things, 0..1.
        reason: One sentence for the person, in English.
        boxes: What to point at in the collection's image.
        shown_boxes: What of the shown image that is, of the same objects box by box; empty: all of it.
        image: Which of the question's images is meant, from 0.
        mirrored: Of a near-duplicate: whether it is turned left to right.
        share: Of a near-duplicate: the part of the collection's image that it shows, None for all of it.
        labels: Of the same objects or kinds: what they are, surest first.
        distance_m: Of the same place: metres between the two.
    """

    kind: RelationKind
    score: float
    reason: str
    boxes: tuple[Box, ...] = ()
    shown_boxes: tuple[Box, ...] = ()
    image: int = 0
    mirrored: bool = False
    share: float | None = None
    labels: tuple[str, ...] = ()
    distance_m: float | None = None
