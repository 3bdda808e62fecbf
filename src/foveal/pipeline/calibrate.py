"""Keep each index's calibration: what is ordinary in it, so that scores can be told from noise."""

from __future__ import annotations

import numpy as np

from foveal.errors import StoreCorruptError
from foveal.pipeline.editions import attachment_of
from foveal.pipeline.remembered import Remembered
from foveal.pipeline.understand import TextUnderstanding
from foveal.ports.stores import Catalog, ChunkStore
from foveal.retrieval.background import SUBJECTS
from foveal.retrieval.strictness import Calibration, calibrate
from foveal.types.chunks import Generation

ATTACHMENT = "calibration"
SAMPLE = 4_000
"""Chunks looked at. Chunk ids are hashes, so the first so many are a fair sample."""


class CalibrationKeeper:
    """Calibrations by index: measured at the end of an ingestion, read by every search.

    Args:
        text_model: What `IndexRecord.text_model` is of its indexes.
    """

    def __init__(self, *, catalog: Catalog, store: ChunkStore, texts: TextUnderstanding, text_model: str = "") -> None:
        self._text_model = text_model
        self._catalog = catalog
        self._store = store
        self._texts = texts
        self._remembered = Remembered(lambda index, at: self._stored(index) or self._measure(index, at))

    def current(self, index: str, generation: Generation) -> Calibration:
        """The calibration of the index's present generation; measured now when an ingestion has not finished yet."""
        return self._remembered(index, generation)

    def measured(self, index: str, generation: Generation) -> dict[str, bytes]:
        """What to attach when `generation`, or the same chunks in another one, is committed."""
        return {ATTACHMENT: self._measure(index, generation).to_bytes()}

    def _measure(self, index: str, generation: Generation) -> Calibration:
        chunks = list(self._store.snapshot(index, generation).scan(vectors=True, limit=SAMPLE))
        texts = [(c.text_vector, c.language) for c in chunks if c.text_vector is not None]
        images = [c.image_vector for c in chunks if c.image_vector is not None]
        image_dim = self._catalog.index(index).schema.image_dim
        return calibrate(
            np.stack([v for v, _ in texts]) if texts else np.zeros((0, self._texts.embedder.dim), np.float32),
            [language for _, language in texts],
            np.stack(images) if images else np.zeros((0, image_dim), np.float32),
            background=self._texts.embed(SUBJECTS),
        )

    def _stored(self, index: str) -> Calibration | None:
        data = attachment_of(self._catalog, index, ATTACHMENT, self._text_model)
        if data is None:
            return None
        try:
            return Calibration.from_bytes(data)
        except StoreCorruptError:  # of an earlier version of Foveal: measured again
            return None
