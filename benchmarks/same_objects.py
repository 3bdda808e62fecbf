"""Is an object of a shown picture known for the very same one? Printed by `python -m benchmarks.relations`.

Objects that the detector is sure of, one a photo, are shown again: in their photo, changed; cut out; and pasted with
some of what is round them into another photo of the collection. `seen` is what the detector finds again there, at the
right place. Of these, `cosine` is the median between what is shown and the vector in the index, then come the shares
from three cosines on. A chat is asked how the picture relates to the collection: `cited`, the object's photo is among
the five documents; `named`, it is said to show the same object, with the right boxes in both pictures; `wrong`, other
photos that are said to show it (but for the one that it was pasted into).

False alarms: every pair of two objects of one class in different photos, and every photo shown as if the collection
did not have it, against the ten nearest of all others.
"""

from __future__ import annotations

import io
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance, ImageOps

from foveal.retrieval.alignment import overlap
from foveal.retrieval.regions import region_square
from foveal.retrieval.relations import SAME_OBJECT_COSINE
from foveal.runtime import Foveal
from foveal.types.chat import ChatRequest, DataSource, ImageInput, Message
from foveal.types.chunks import Chunk
from foveal.types.locators import Box
from foveal.types.relations import Relation, RelationKind
from foveal.types.search import Query
from foveal.types.vectors import FloatArray

COSINES = (0.80, SAME_OBJECT_COSINE, 0.90)
CONTEXT = 0.15
"""What is pasted round an object, of its longer side."""
SIDE_PX = 500
"""Longer side of a photo that something is pasted into."""
WHOLE = Box(x=0, y=0, width=1, height=1)


@dataclass(frozen=True)
class Known:
    """An object of the collection with a vector of its own: name, place and float32 [dim]."""

    chunk: Chunk
    label: str
    box: Box
    vector: FloatArray


@dataclass(frozen=True)
class Shown:
    """A picture that shows an object again, where, and in which photo of the collection (empty: in none of its own)."""

    picture: Image.Image
    box: Box
    inside: str = ""


Way = Callable[["Setting", Image.Image, Box], Shown]


@dataclass(frozen=True)
class Setting:
    """What ways of showing an object draw from."""

    photos: Path
    files: Sequence[str]
    chance: random.Random


def jpeg(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=75)
    return out.getvalue()


def in_pixels(box: Box, picture: Image.Image) -> tuple[float, float, float, float]:
    left, top = box.x * picture.width, box.y * picture.height
    return left, top, left + box.width * picture.width, top + box.height * picture.height


def as_box(sides: Sequence[float], picture: Image.Image) -> Box:
    left, right = (min(max(side / picture.width, 0.0), 1.0) for side in sides[::2])
    top, bottom = (min(max(side / picture.height, 0.0), 1.0) for side in sides[1::2])
    return Box(x=left, y=top, width=right - left, height=bottom - top)


def mirrored(_: Setting, picture: Image.Image, box: Box) -> Shown:
    return Shown(ImageOps.mirror(picture), Box(x=max(0.0, 1 - box.x - box.width), y=box.y, **_size(box)))


def cropped(setting: Setting, picture: Image.Image, box: Box) -> Shown:
    """To 60 % of the area, or as much as the object needs."""
    left, top, right, bottom = in_pixels(box, picture)
    width = min(picture.width, max(int(0.775 * picture.width), int(right - left) + 1))
    height = min(picture.height, max(int(0.775 * picture.height), int(bottom - top) + 1))
    x = _between(setting.chance, right - width, min(left, picture.width - width))
    y = _between(setting.chance, bottom - height, min(top, picture.height - height))
    part = picture.crop((x, y, x + width, y + height))
    return Shown(part, as_box((left - x, top - y, right - x, bottom - y), part))


def cut_out(_: Setting, picture: Image.Image, box: Box) -> Shown:
    left, top, right, bottom = in_pixels(box, picture)
    return Shown(picture.crop((int(left), int(top), int(right) + 1, int(bottom) + 1)), WHOLE)


def pasted(setting: Setting, picture: Image.Image, box: Box) -> Shown:
    """Into another photo, at about half of its side."""
    left, top, right, bottom = in_pixels(box, picture)
    margin = CONTEXT * max(right - left, bottom - top)
    x, y = int(max(0, left - margin)), int(max(0, top - margin))
    part = picture.crop((x, y, int(min(picture.width, right + margin)), int(min(picture.height, bottom + margin))))
    other = setting.chance.choice(setting.files)
    with Image.open(setting.photos / other) as opened:
        whole = opened.convert("RGB")
    whole = whole.resize([round(side * SIDE_PX / max(whole.size)) for side in whole.size])
    scale = setting.chance.uniform(0.4, 0.7) * min(whole.size) / max(part.size)
    part = part.resize([max(1, int(side * scale)) for side in part.size])
    across, down = (setting.chance.randint(0, whole.size[axis] - part.size[axis]) for axis in (0, 1))
    whole.paste(part, (across, down))
    inner = (left - x, top - y, right - x, bottom - y)
    sides = [corner + scale * side for corner, side in zip((across, down) * 2, inner, strict=True)]
    return Shown(whole, as_box(sides, whole), other)


def disguised(setting: Setting, picture: Image.Image, box: Box) -> Shown:
    """Mirrored and darker, then pasted."""
    turned = mirrored(setting, picture, box)
    return pasted(setting, ImageEnhance.Brightness(turned.picture).enhance(0.75), turned.box)


WAYS: dict[str, Way] = {
    "mirrored": mirrored,
    "halved": lambda _, p, b: Shown(p.resize((p.width // 2, p.height // 2)), b),
    "brighter by 40 %": lambda _, p, b: Shown(ImageEnhance.Brightness(p).enhance(1.4), b),
    "cropped to 60 %": cropped,
    "cut out": cut_out,
    "pasted": pasted,
    "mirrored, darker, pasted": disguised,
}


def known_objects(foveal: Foveal, index: str) -> list[Known]:
    snapshot = foveal.store.snapshot(index, foveal.catalog.index(index).generation)
    chunks = [chunk for chunk in snapshot.scan() if chunk.regions]
    vectors = snapshot.region_vectors([chunk.chunk_id for chunk in chunks])
    return [
        Known(chunk, thing.label, box, vector)
        for chunk in chunks
        for box, vector in zip(chunk.regions, vectors[chunk.chunk_id], strict=True)
        for thing in chunk.objects
        if thing.box == box
    ]


def same_objects(foveal: Foveal, photos: Path, index: str, count: int) -> None:
    known = known_objects(foveal, index)
    chance = random.Random(2)
    one_each = list({one.chunk.filepath: one for one in chance.sample(known, len(known))}.values())
    setting = Setting(photos, sorted({one.chunk.filepath for one in known}), chance)
    heads = "".join(f"{f'≥ {cosine:.2f}':>8}" for cosine in COSINES)
    print(f"\n{len(known)} objects with a vector of their own; {count} of them shown again\n")
    print(f"{'the object':<28}{'seen':>6}{'cosine':>8}{heads}{'cited':>8}{'named':>7}{'wrong':>11}{'ms a chat':>11}")
    for name, way in WAYS.items():
        print(f"{name:<28}{row(foveal, index, setting, one_each[:count], way)}", flush=True)
    pairs(known)
    strangers(foveal, photos, index, [one.chunk for one in one_each[count : 3 * count]])


def row(foveal: Foveal, index: str, setting: Setting, objects: Sequence[Known], way: Way) -> str:
    cosines, cited, named, others, spent = [], [], [], [], []
    for one in objects:
        with Image.open(setting.photos / one.chunk.filepath) as opened:
            shown = way(setting, opened.convert("RGB"), one.box)
        image = foveal.open_image(jpeg(shown.picture))
        cosine = likeness(foveal, image, shown.box, one)
        if cosine is None:
            continue
        cosines.append(cosine)
        started = time.perf_counter()
        told = relations_of(foveal, index, image)
        spent.append(time.perf_counter() - started)
        cited.append(one.chunk.filepath in told)
        named.append(any(says_so(relation, one.box, shown.box) for relation in told.get(one.chunk.filepath, ())))
        mine = {one.chunk.filepath, shown.inside}
        others += [any(map(is_same, told[file])) for file in told if file not in mine]
    seen = np.array(cosines)
    shares = "".join(f"{np.mean(seen >= cosine):>8.0%}" for cosine in COSINES)
    wrong = f"{sum(others)} of {len(others)}"
    right = f"{np.mean(cited):>8.0%}{np.mean(named):>7.0%}{wrong:>11}{1000 * float(np.median(spent)):>11.0f}"
    return f"{len(seen) / len(objects):>6.0%}{np.median(seen):>8.2f}{shares}{right}"


def likeness(foveal: Foveal, image: ImageInput, box: Box, known: Known) -> float | None:
    """Cosine of what the detector finds there with the object in the index; None where it finds nothing."""
    detections = foveal.look(image).detections
    found = [one for one in detections.objects if overlap(one.box, box) >= 0.5] if detections else []
    if not found:
        return None
    best = max(found, key=lambda one: overlap(one.box, box))
    return float(foveal.models.image.encode([region_square(image.pixels, best.box)])[0].vector @ known.vector)


def relations_of(foveal: Foveal, index: str, image: ImageInput) -> dict[str, tuple[Relation, ...]]:
    """By file, what an answer may rest on."""
    message = Message(role="user", text="How does this relate to my photos?", images=(image,))
    answer = foveal.ask(
        ChatRequest(messages=(message,), sources=(DataSource(index=index),), grounding=foveal.grounding())
    )
    return {citation.chunk.filepath: citation.relations for citation in answer.retrieved.citations}


def is_same(relation: Relation) -> bool:
    return relation.kind is RelationKind.SAME_OBJECT


def says_so(relation: Relation, box: Box, shown_box: Box) -> bool:
    boxes = zip(relation.boxes, relation.shown_boxes, strict=True) if is_same(relation) else ()
    return any(overlap(there, box) >= 0.5 and overlap(here, shown_box) >= 0.5 for there, here in boxes)


def pairs(known: Sequence[Known]) -> None:
    """Two objects of one class in different photos."""
    found = [_between_photos([one for one in known if one.label == label]) for label in {one.label for one in known}]
    cosines = np.concatenate(found)
    rates = ", ".join(f"{np.sum(cosines >= c)} from {c:.2f} on" for c in COSINES)
    print(f"\n{len(cosines):,} pairs of one class in different photos: {rates}; the highest {cosines.max():.2f}")


def strangers(foveal: Foveal, photos: Path, index: str, shown: Sequence[Chunk]) -> None:
    """Each photo shown as it is, its original left out: as if the collection did not have it."""
    of_class, same, alarmed = 0, 0, 0
    for chunk in shown:
        image = foveal.open_image((photos / chunk.filepath).read_bytes())
        things = foveal.parts.relating.things(image)
        found = foveal.search(index, Query(regions=things, top=11)).hits if things else ()
        others = [hit for hit in found if hit.chunk.filepath != chunk.filepath][:10]
        kinds = [{relation.kind for relation in relations} for relations in foveal.relations(image, others)]
        called = sum(RelationKind.SAME_OBJECT in of for of in kinds)
        of_class += sum(bool(of & {RelationKind.SAME_OBJECT, RelationKind.SAME_KIND}) for of in kinds)
        same, alarmed = same + called, alarmed + bool(called)
    print(f"{len(shown)} photos shown as if they were new, ten nearest others by their objects: {of_class} show things")
    print(f"of the same class, {same} are said to show the same object, for {alarmed} of the photos shown")


def _between_photos(objects: Sequence[Known]) -> npt.NDArray[np.float32]:
    vectors = np.stack([one.vector for one in objects])
    files = np.array([one.chunk.filepath for one in objects])
    apart = np.triu(files[:, None] != files[None, :], 1)
    return np.asarray((vectors @ vectors.T)[apart], np.float32)


def _between(chance: random.Random, low: float, high: float) -> int:
    least = max(0, int(np.ceil(low)))
    return chance.randint(least, max(least, int(high)))


def _size(box: Box) -> dict[str, float]:
    return {"width": box.width, "height": box.height}
