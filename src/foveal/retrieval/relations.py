"""Relations: how an image that somebody shows relates to one in the collection, and why.

Thresholds are calibrated as in `foveal.retrieval.duplicates`, with EfficientNet-Lite2 vectors: of 582,660 pairs of
distinct photos 1 in 1,000 has a cosine over 0.64 and 1 in 10,000 over 0.71; two crops of one photo that share 57 % of
their width have a median of 0.82 and 3 of 4 are over 0.76.

The same object (`python -m benchmarks relations`): of 897,886 pairs of two objects of one class in different photos 38
have a cosine over 0.75 and 2 over 0.80; both look to be one animal in two photos of a series. Objects of changed
pictures, brightened, say, or pasted into others, come nearer to strangers: up to 0.82, in 1 to 2 of 100 pictures. Of
true ones that the detector finds again, 3 of 4 have 0.83 or more. What vectors do not tell apart lies just below:
people in uniforms of one kind, two red balls, what is small and blurred. The same thing from another side, too, lies
below it: a speaker in frames of several cameras has a median of 0.47 with himself, and 1 of 8 pairs is over 0.83.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import asin, cos, radians, sin, sqrt

from foveal.retrieval.duplicates import alike, hash_distance, part_of_text, same_text
from foveal.retrieval.regions import SAME_PART
from foveal.retrieval.registration import MIN_CORRELATION, Registration
from foveal.types.chunks import Chunk
from foveal.types.content import DetectedObject
from foveal.types.locators import Box
from foveal.types.relations import Relation, RelationKind
from foveal.types.vectors import FloatArray

SAME_SCENE_COSINE = 0.75
SAME_OBJECT_COSINE = 0.83
MEASURED_ENCODER = "efficientnet-lite2"
"""What identities of encoders begin with whose vectors tell things apart at that cosine; others were not measured."""
SAME_PLACE_KM = 1.0

_CERTAIN_SCENE_COSINE = 0.95
_CERTAIN_OBJECT_COSINE = 0.95
WHOLE = Box(x=0.0, y=0.0, width=1.0, height=1.0)
_WHOLE = 0.95
"""Share of a picture from which a part of it is called the picture."""
_EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the Earth (International Union of Geodesy and Geophysics)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Things:
    """Objects that were cut out of a picture, and what each looks like.

    Attributes:
        vectors: float32 [objects, dim], rows L2-normalised, made as `Chunk.region_vectors` are.
    """

    objects: tuple[DetectedObject, ...]
    vectors: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageEvidence:
    """What is known of the image that is shown; absent parts are None or empty and relate to nothing.

    Attributes:
        perceptual_hash: As `Chunk.perceptual_hash`.
        mirrored_hash: The hash of the image turned left to right.
        things: Those of `objects` that were looked at by themselves; None: none was, and none is called the same.
        mirrored_ocr_text: What is read in the image turned left to right; needed only where `registration` says that
            it is mirrored.
    """

    perceptual_hash: int | None = None
    mirrored_hash: int | None = None
    objects: tuple[DetectedObject, ...] = ()
    things: Things | None = None
    ocr_text: str = ""
    mirrored_ocr_text: str = ""
    latitude: float | None = None
    longitude: float | None = None
    taken_at: datetime | None = None


def relate(
    query: ImageEvidence, hit: Chunk, cosine: float | None = None, registration: Registration | None = None
) -> tuple[Relation, ...]:
    """Every relation that holds, in the order of `RelationKind`; empty when there is none.

    A near-duplicate is not also called the same scene, or a picture of things of the same kind.

    Args:
        query: The image that is shown.
        hit: An image of the collection.
        cosine: Of their image vectors; None when one of them has none.
        registration: How the shown image lies in the other; None when it does not, or was not tried.
    """
    copy = _part_of(query, hit, registration) or _near_duplicate(query, hit, cosine)
    picture, same = copy or _same_scene(cosine), _same_objects(query, hit)
    alike = None if copy else _same_kinds(query, hit, told=same.labels if same else ())
    found = (picture, same, _same_place(query, hit), _same_day(query, hit), alike)
    return tuple(relation for relation in found if relation is not None)


def distance_km(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Great-circle distance of two points in WGS 84 degrees.

    Source: the haversine formula (R. W. Sinnott, "Virtues of the Haversine", Sky and Telescope 68, 1984).
    """
    up = radians(other_latitude - latitude)
    across = radians(other_longitude - longitude)
    chord = sin(up / 2) ** 2 + cos(radians(latitude)) * cos(radians(other_latitude)) * sin(across / 2) ** 2
    return 2 * _EARTH_RADIUS_KM * asin(sqrt(min(1.0, chord)))


def _near_duplicate(query: ImageEvidence, hit: Chunk, cosine: float | None) -> Relation | None:
    if hit.perceptual_hash is None or not same_text(query.ocr_text, hit.ocr_text):
        return None
    ways = ((query.perceptual_hash, False), (query.mirrored_hash, True))
    distances = [(hash_distance(own, hit.perceptual_hash), mirrored) for own, mirrored in ways if own is not None]
    distance, mirrored = min(distances, default=(64, False))
    if not alike(distance, cosine):
        return None
    picture = "The same picture, mirrored" if mirrored else "The same picture"
    reason = f"{picture}: their fingerprints differ in {distance} of 64 bits."
    return Relation(
        kind=RelationKind.NEAR_DUPLICATE, score=1 - distance / 32, reason=reason, boxes=(WHOLE,), mirrored=mirrored
    )


def _part_of(query: ImageEvidence, hit: Chunk, registration: Registration | None) -> Relation | None:
    """A copy that was cropped or turned, or whose fingerprint says nothing."""
    if registration is None or not registration.is_copy:
        return None
    if not part_of_text(query.mirrored_ocr_text if registration.mirrored else query.ocr_text, hit.ocr_text):
        return None
    box = registration.box
    share = box.width * box.height
    what = "The same picture" if share > _WHOLE else f"A part of the same picture ({share:.0%} of it)"
    mirrored = ", mirrored" if registration.mirrored else ""
    agree = f"{registration.agreeing} details lie in the same places"
    return Relation(
        kind=RelationKind.NEAR_DUPLICATE,
        score=0.5 + 0.5 * (registration.correlation - MIN_CORRELATION) / (1 - MIN_CORRELATION),
        reason=f"{what}{mirrored}: {agree}, and the pixels agree (correlation {registration.correlation:.2f}).",
        boxes=(WHOLE,) if share > _WHOLE else (box,),
        mirrored=registration.mirrored,
        share=None if share > _WHOLE else share,
    )


def _same_scene(cosine: float | None) -> Relation | None:
    if cosine is None or cosine < SAME_SCENE_COSINE:
        return None
    return Relation(
        kind=RelationKind.SAME_SCENE,
        score=_from_half(cosine, SAME_SCENE_COSINE, _CERTAIN_SCENE_COSINE),
        reason=f"They look like the same scene (similarity {cosine:.2f}).",
    )


def _from_half(cosine: float, least: float, certain: float) -> float:
    """0.5 at the least cosine, 1 from the certain one on."""
    return min(1.0, 0.5 + 0.5 * (cosine - least) / (certain - least))


def _same_objects(query: ImageEvidence, hit: Chunk) -> Relation | None:
    """Things of both pictures whose vectors say that they are one and the same, each told once, the likest first."""
    named = {place: one for place, box in enumerate(hit.regions) for one in hit.objects if one.box == box}
    if query.things is None or hit.region_vectors is None or not named:
        return None
    theirs = tuple(named.values())
    cosines = query.things.vectors @ hit.region_vectors[list(named)].T
    pairs: list[tuple[float, DetectedObject, DetectedObject]] = []
    while (cosine := float(cosines.max())) >= SAME_OBJECT_COSINE:
        row, column = divmod(int(cosines.argmax()), len(theirs))
        pairs.append((cosine, query.things.objects[row], theirs[column]))
        cosines[row], cosines[:, column] = -1.0, -1.0
    if not pairs:
        return None
    surer = (max(one, other, key=lambda thing: thing.score) for _, one, other in pairs)
    labels = tuple(dict.fromkeys(thing.label for thing in surer))
    return Relation(
        kind=RelationKind.SAME_OBJECT,
        score=_from_half(pairs[0][0], SAME_OBJECT_COSINE, _CERTAIN_OBJECT_COSINE),
        reason=f"The same {_listed(labels)}, as far as looks tell (similarity {pairs[0][0]:.2f}).",
        boxes=tuple(there.box for _, _, there in pairs),
        shown_boxes=tuple(here.box for _, here, _ in pairs),
        labels=labels,
    )


def _same_kinds(query: ImageEvidence, hit: Chunk, told: Sequence[str]) -> Relation | None:
    """Things that both pictures show one of, but for those `told` to be the very same."""
    shown, found = query.objects, hit.objects
    shared = {one.label for one in shown} & {one.label for one in found} - set(told)
    if not shared:
        return None
    certainty = {label: min(_best(shown, label), _best(found, label)) for label in shared}
    order = sorted(shared, key=lambda label: (-certainty[label], label))
    return Relation(
        kind=RelationKind.SAME_KIND,
        score=certainty[order[0]],
        reason=f"Both show {_listed(list(_counted(order, shown, found)))}{_likeness(query, hit, shared)}.",
        boxes=tuple(one.box for one in found if one.label in shared),
        shown_boxes=tuple(one.box for one in shown if one.label in shared),
        labels=tuple(order),
    )


def _likeness(query: ImageEvidence, hit: Chunk, labels: Collection[str]) -> str:
    """How far things of these kinds are from being called the same."""
    from foveal.retrieval.alignment import overlap

    if query.things is not None and hit.region_vectors is not None:
        ours = [place for place, one in enumerate(query.things.objects) if one.label in labels]
        boxes = [one.box for one in hit.objects if one.label in labels]
        theirs = [p for p, region in enumerate(hit.regions) if any(overlap(region, b) > SAME_PART for b in boxes)]
        if ours and theirs:
            nearest = float((query.things.vectors[ours] @ hit.region_vectors[theirs].T).max())
            return f", but nothing that looks like the very same one (similarity {nearest:.2f} at most)"
    return "; whether it is the same one cannot be told"


def _best(objects: Sequence[DetectedObject], label: str) -> float:
    return max(one.score for one in objects if one.label == label)


def _counted(labels: Sequence[str], shown: Sequence[DetectedObject], found: Sequence[DetectedObject]) -> Iterator[str]:
    ours, theirs = Counter(one.label for one in shown), Counter(one.label for one in found)
    for label in labels:
        if ours[label] == theirs[label] == 1:
            yield label
        else:
            yield f"{label} ({ours[label]} and {theirs[label]})"


def _listed(words: Sequence[str]) -> str:
    return " and ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else words[0]


def _same_place(query: ImageEvidence, hit: Chunk) -> Relation | None:
    if query.latitude is None or query.longitude is None or hit.latitude is None or hit.longitude is None:
        return None
    km = distance_km(query.latitude, query.longitude, hit.latitude, hit.longitude)
    if km > SAME_PLACE_KM:
        return None
    return Relation(
        kind=RelationKind.SAME_PLACE,
        score=1 - 0.5 * km / SAME_PLACE_KM,
        reason=f"Taken {km * 1000:.0f} m apart.",
        distance_m=km * 1000,
    )


def _same_day(query: ImageEvidence, hit: Chunk) -> Relation | None:
    """The same calendar day where the shown image was taken."""
    if query.taken_at is None or hit.taken_at is None:
        return None
    if hit.taken_at.astimezone(query.taken_at.tzinfo).date() != query.taken_at.date():
        return None
    apart = abs(hit.taken_at - query.taken_at)
    return Relation(
        kind=RelationKind.SAME_DAY,
        score=1 - 0.5 * (apart / timedelta(days=1)),
        reason=f"Taken on the same day, {_duration(apart)} apart ({query.taken_at.date().isoformat()}).",
    )


def _duration(apart: timedelta) -> str:
    minutes = round(apart.total_seconds() / 60)
    return f"{minutes} min" if minutes < 120 else f"{round(minutes / 60)} h"
