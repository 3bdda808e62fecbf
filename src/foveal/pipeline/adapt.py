"""Keep the adapter of each index: fit it on the images that have words, place every image with it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from foveal.errors import StoreCorruptError
from foveal.pipeline.editions import attachment_of
from foveal.pipeline.remembered import Remembered
from foveal.pipeline.understand import ImageUnderstanding, TextUnderstanding, image_name
from foveal.ports.models import JointEmbedder
from foveal.ports.stores import Catalog, ChunkStore
from foveal.retrieval.adapter import Adapter, AdapterQuality, FeatureLayout, fit
from foveal.retrieval.text_space import TextSpace
from foveal.types.assets import MediaKind
from foveal.types.chunks import ChunkChange, ChunkId, Feature, Generation, SeenVectors
from foveal.types.filters import Comparison, Or
from foveal.types.vectors import FloatArray

ATTACHMENT = "adapter"
TAUGHT = "adapter-words"
"""Attachment: fingerprints of the images with words that the adapter was fitted on, one after another, sorted."""
FINGERPRINT_BYTES = 8
SAMPLE = 2_000
"""Images that stand for the collection when the adapter is centred on it."""
DESCRIBED_LIMIT = 20_000
BATCH = 500
PICTURES = Or(
    operands=(
        Comparison(field="kind", op="eq", value=MediaKind.IMAGE.value),
        Comparison(field="feature", op="eq", value=Feature.VISION.value),
    )
)
"""Chunks that are found by what they show: images, and frames of videos."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refitted:
    """The generation with new seen vectors, and the adapter they were made with, to be committed together."""

    generation: Generation
    attachments: dict[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    """What the fit needs of one image chunk."""

    chunk_id: ChunkId
    name: str
    words: str


class AdapterKeeper:
    """Adapters by index: the stored one for reading, a new one when enough has changed.

    With a joint image-text model there is nothing to adapt: no adapter is fitted, and `current` is None.

    Args:
        images: Gives the image models; called only to fit.
        space: Gives the text model's fixed points; called only to fit.
        text_model: What `IndexRecord.text_model` is of its indexes.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        store: ChunkStore,
        images: Callable[[], ImageUnderstanding],
        texts: TextUnderstanding,
        space: Callable[[], TextSpace],
        text_model: str = "",
    ) -> None:
        self._text_model = text_model
        self._catalog = catalog
        self._store = store
        self._image_models = images
        self._texts = texts
        self._space = space
        self._remembered = Remembered(lambda index, _: self._stored(index))

    def current(self, index: str, generation: Generation) -> Adapter | None:
        """The adapter that the index's present seen vectors were made with; None when there is none yet."""
        return self._remembered(index, generation)

    def placing(self, index: str) -> Adapter | None:
        """As `current`, but None too when it was fitted to features of other image models (a detector switched on)."""
        adapter = self.current(index, self._catalog.index(index).generation)
        return adapter if adapter and self._fits(adapter) else None

    def quality(self, index: str) -> AdapterQuality | None:
        """How well it does on described images held out of the fit; None while too few are described."""
        adapter = self.current(index, self._catalog.index(index).generation)
        return adapter.quality if adapter else None

    def refit_if_due(self, index: str, base: Generation) -> Refitted | None:
        """Fit again when the images, or those with words, have changed enough, and place every image anew.

        Returns:
            What the caller commits; None when nothing was due.
        """
        images = list(self._placed(index, base))
        described = [image for image in images if image.words]
        present = self.placing(index)
        taught = _fingerprints(described)
        reworded = self._reworded(index, taught)
        if not images:
            return None
        if present and not present.due(described=len(described), images=len(images), reworded=reworded):
            return None
        return self._refitted(index, base, images, described)

    def refit(self, index: str, base: Generation) -> Refitted | None:
        """Fit anew, and place every image; None where there are no images, or nothing to fit to."""
        images = list(self._placed(index, base))
        return self._refitted(index, base, images, [i for i in images if i.words]) if images else None

    def _refitted(
        self, index: str, base: Generation, images: Sequence[_Placed], described: Sequence[_Placed]
    ) -> Refitted | None:
        adapter = None if isinstance(self._images.encoder, JointEmbedder) else self._fit(images, described)
        if adapter is None:
            return None
        generation = base
        for seen in self._seen(adapter, images):
            generation = self._store.apply(index, generation, ChunkChange(seen=seen))
        attachments = {ATTACHMENT: adapter.to_bytes(), TAUGHT: b"".join(sorted(_fingerprints(described)))}
        return Refitted(generation=generation, attachments=attachments)

    def _reworded(self, index: str, taught: frozenset[bytes]) -> int:
        """How many of these were no part of the last fit; 0 for an index of before that was kept."""
        known = attachment_of(self._catalog, index, TAUGHT, self._text_model)
        if known is None:
            return 0
        then = {known[i : i + FINGERPRINT_BYTES] for i in range(0, len(known), FINGERPRINT_BYTES)}
        return len(taught - then)

    @property
    def _images(self) -> ImageUnderstanding:
        return self._image_models()

    def _fits(self, adapter: Adapter) -> bool:
        encoder, detector = self._images.encoder, self._images.detector
        known = (adapter.layout.vector, adapter.layout.labels, adapter.layout.classes)
        return known == (encoder.dim, len(encoder.labels), len(detector.classes) if detector else 0)

    def _placed(self, index: str, generation: Generation) -> Iterator[_Placed]:
        for chunk in self._store.snapshot(index, generation).scan(where=PICTURES):
            yield _Placed(
                chunk_id=chunk.chunk_id,
                name=image_name(chunk.asset_id, chunk.locator.page, chunk.picture),
                words=chunk.description or chunk.caption,
            )

    def _fit(self, images: Sequence[_Placed], described: Sequence[_Placed]) -> Adapter | None:
        collection = _stacked(self._features(_spread(images, SAMPLE)))
        if not len(collection):
            return None
        taught = _spread(described, DESCRIBED_LIMIT)
        features = self._features(taught)
        targets = self._texts.embed([t.words for t, f in zip(taught, features, strict=True) if f is not None])
        encoder, detector = self._images.encoder, self._images.detector
        layout = FeatureLayout.of(
            size=collection.shape[1],
            vector=encoder.dim,
            labels=len(encoder.labels),
            classes=len(detector.classes) if detector else 0,
        )
        return fit(
            _stacked(features, width=layout.size),
            targets,
            collection=collection,
            space=self._space(),
            layout=layout,
            images=len(images),
        )

    def _seen(self, adapter: Adapter, images: Sequence[_Placed]) -> Iterator[SeenVectors]:
        todo = iter(images)
        while batch := list(islice(todo, BATCH)):
            found = [(i.chunk_id, f) for i, f in zip(batch, self._features(batch), strict=True) if f is not None]
            if found:
                ids: tuple[ChunkId, ...] = tuple(chunk_id for chunk_id, _ in found)
                yield SeenVectors(chunk_ids=ids, vectors=adapter.project(np.stack([f for _, f in found])))

    def _features(self, images: Sequence[_Placed]) -> list[FloatArray | None]:
        return self._images.features([i.name for i in images])

    def _stored(self, index: str) -> Adapter | None:
        data = attachment_of(self._catalog, index, ATTACHMENT, self._text_model)
        if data is None:
            return None
        try:
            adapter = Adapter.from_bytes(data)
        except StoreCorruptError:  # of an earlier version of Foveal: the next ingest fits a new one
            return None
        return adapter if adapter.space.identity == self._texts.embedder.identity else None


def _fingerprints(described: Sequence[_Placed]) -> frozenset[bytes]:
    told = (f"{image.name}\0{image.words}".encode("utf-8", "surrogatepass") for image in described)
    return frozenset(hashlib.blake2b(one, digest_size=FINGERPRINT_BYTES).digest() for one in told)


def _spread(images: Sequence[_Placed], most: int) -> list[_Placed]:
    """At most so many, evenly taken."""
    if len(images) <= most:
        return list(images)
    return [images[i] for i in np.linspace(0, len(images) - 1, most).astype(int)]


def _stacked(features: Sequence[FloatArray | None], *, width: int = 0) -> FloatArray:
    known = [f for f in features if f is not None]
    return np.stack(known) if known else np.zeros((0, width), np.float32)
