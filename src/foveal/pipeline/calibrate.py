"""Keep each index's calibration: what is ordinary in it, so that scores can be told from noise."""

from __future__ import annotations

import threading

import numpy as np

from foveal.errors import StoreCorruptError
from foveal.pipeline.understand import TextUnderstanding
from foveal.ports import Catalog, ChunkStore
from foveal.retrieval.background import SUBJECTS
from foveal.retrieval.strictness import Calibration, calibrate
from foveal.types.chunks import Generation

ATTACHMENT = "calibration"
SAMPLE = 4_000
"""Chunks looked at. Chunk ids are hashes, so the first so many are a fair sample."""


class CalibrationKeeper:
    """Calibrations by index: measured at the end of an ingestion, read by every search."""

    def __init__(self, *, catalog: Catalog, store: ChunkStore, texts: TextUnderstanding) -> None:
        self._catalog = catalog
        self._store = store
        self._texts = texts
        self._known: dict[str, tuple[Generation, Calibration]] = {}
        self._lock = threading.Lock()

    def current(self, index: str) -> Calibration:
        """The calibration of the index's present generation; measured now when an ingestion has not finished yet."""
        generation = self._catalog.index(index).generation
        with self._lock:
            if index not in self._known or self._known[index][0] != generation:
                self._known[index] = (generation, self._stored(index) or self._measured(index, generation))
            return self._known[index][1]

    def refresh(self, index: str, generation: Generation) -> None:
        """Measure and keep; to be called before `generation` is committed."""
        measured = self._measured(index, generation)
        self._catalog.put_attachment(index, ATTACHMENT, measured.to_bytes())

    def _measured(self, index: str, generation: Generation) -> Calibration:
        record = self._catalog.index(index)
        chunks = list(self._store.snapshot(index, generation).scan(vectors=True, limit=SAMPLE))
        texts = [(c.text_vector, c.language) for c in chunks if c.text_vector is not None]
        images = [c.image_vector for c in chunks if c.image_vector is not None]
        schema = record.schema
        return calibrate(
            np.stack([v for v, _ in texts]) if texts else np.zeros((0, schema.text_dim), np.float32),
            [language for _, language in texts],
            np.stack(images) if images else np.zeros((0, schema.image_dim), np.float32),
            background=self._texts.embed(SUBJECTS),
        )

    def _stored(self, index: str) -> Calibration | None:
        data = self._catalog.attachment(index, ATTACHMENT)
        if data is None:
            return None
        try:
            return Calibration.from_bytes(data)
        except StoreCorruptError:  # of an earlier version of Foveal: measured again
            return None
