"""Other text vectors for an index: built beside it while it is searched, then switched to at once.

The same chunks are written with the vectors of another model into a table of their own. Readers keep the old one until
one transaction names the other with its model, adapter and calibration. What was live before is kept, so that it can be
switched back to; it is built anew where the index has changed since. A run that is killed has left vectors in the model
cache and a table that nobody reads: the next one begins anew, and pays nothing twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import islice
from pathlib import PurePosixPath

from foveal.errors import ConflictError
from foveal.pipeline import adapt, calibrate
from foveal.pipeline.adapt import AdapterKeeper
from foveal.pipeline.calibrate import CalibrationKeeper
from foveal.pipeline.editions import EDITIONS, Edition, editions, place
from foveal.pipeline.job_run import JobRun, Observer
from foveal.pipeline.understand import TextUnderstanding
from foveal.pipeline.words import words_to_embed
from foveal.ports.ingestions import IngestionLog
from foveal.ports.stores import Catalog, ChunkStore, IndexRecord
from foveal.types.chunks import Chunk, ChunkChange, Generation, IndexSchema
from foveal.types.ingestions import Ingestion, IngestionCounts, IngestionState, JobOrder

BATCH = 256
_KEPT = (adapt.ATTACHMENT, adapt.TAUGHT, calibrate.ATTACHMENT)


class Reembedder:
    """Makes the vectors of indexes anew with one model.

    Args:
        text_model: Its name, as `IndexRecord.text_model`.
        texts: The model behind its cache.
        adapters: Of this model, as all that follow.
    """

    def __init__(
        self,
        text_model: str,
        *,
        catalog: Catalog,
        store: ChunkStore,
        log: IngestionLog,
        texts: TextUnderstanding,
        adapters: AdapterKeeper,
        calibrations: CalibrationKeeper,
    ) -> None:
        self._text_model = text_model
        self._catalog = catalog
        self._store = store
        self._log = log
        self._texts = texts
        self._adapters = adapters
        self._calibrations = calibrations

    def run(self, order: JobOrder, observe: Observer = lambda _: None, *, job: Ingestion | None = None) -> Ingestion:
        """Do it; the job as it ended. Cancelled, or failed, the index is as it was.

        Raises:
            ConflictError: The index has the vectors of this model, or something else writes to it.
            IndexNotFoundError: No such index.
            ModelError: The model stopped answering.
        """
        self._refuse_same(self._catalog.index(order.index))
        with JobRun(self._log, job or self._log.start(order), observe) as run:
            record = self._catalog.index(order.index)
            self._refuse_same(record)
            kept = next((e for e in editions(self._catalog, order.index) if e.text_model == self._text_model), None)
            if kept is not None and kept.beside == record.generation:
                attachments = {name: self._attached(record.name, place(kept.text_model, name)) for name in _KEPT}
                self._switch(record, Generation(kept.generation), {n: a for n, a in attachments.items() if a})
                run.end(IngestionState.SUCCEEDED, f"Switched back to the vectors of {_called(self._text_model)}.")
            else:
                self._build(run, record)
        return run.job

    def _build(self, run: JobRun, record: IndexRecord) -> None:
        snapshot = self._store.snapshot(record.name, record.generation)
        total = snapshot.count()
        run.stage("embed", todo=total)
        schema = IndexSchema(text_dim=self._texts.embedder.dim, image_dim=record.schema.image_dim)
        beside = self._store.create_beside(record.name, schema)
        try:
            scanned = snapshot.scan(vectors=True)
            while chunks := list(islice(scanned, BATCH)):
                beside = self._store.apply(record.name, beside, ChunkChange(put=tuple(self._embedded(chunks))))
                done = run.progress.done + len(chunks)
                run.advance(len(chunks), counts=IngestionCounts(found=total, changed=done))
                if run.look():
                    self._store.discard(record.name, beside)
                    run.end(IngestionState.CANCELLED, "The index is as it was.")
                    return
            run.enter("finish")
            refitted = self._adapters.refit(record.name, beside)
            beside = refitted.generation if refitted else beside
            attachments = dict(refitted.attachments) if refitted else {}
            attachments |= self._calibrations.measured(record.name, beside)
            beside = self._store.optimize(record.name, beside)
            run.look()
        except BaseException:
            self._store.discard(record.name, beside)
            raise
        self._switch(record, beside, attachments)

    def _embedded(self, chunks: Sequence[Chunk]) -> Iterator[Chunk]:
        having = [chunk for chunk in chunks if chunk.text_vector is not None]
        vectors = dict(
            zip((c.chunk_id for c in having), self._texts.embed([embedded_words(c) for c in having]), strict=True)
        )
        for chunk in chunks:
            yield replace(chunk, text_vector=vectors.get(chunk.chunk_id), seen_vector=None)

    def _switch(self, record: IndexRecord, generation: Generation, attachments: Mapping[str, bytes]) -> None:
        """One transaction; then what can be switched back to no more is dropped."""
        former = editions(self._catalog, record.name)
        out = Edition(
            text_model=record.text_model,
            text_dim=record.schema.text_dim,
            generation=record.generation,
            beside=generation,
        )
        kept = (*(e for e in former if e.text_model not in (record.text_model, self._text_model)), out)
        laid_by = {place(record.text_model, name): self._attached(record.name, name) for name in _KEPT}
        self._catalog.switch(
            record.name,
            IndexSchema(text_dim=self._texts.embedder.dim, image_dim=record.schema.image_dim),
            generation,
            text_model=self._text_model,
            attachments={
                **{name: data for name, data in laid_by.items() if data is not None},
                **attachments,
                EDITIONS: json.dumps([asdict(one) for one in kept]).encode(),
            },
        )
        for gone in former:
            if gone.text_model in (record.text_model, self._text_model) and gone.generation != generation:
                self._store.discard(record.name, Generation(gone.generation))

    def _attached(self, index: str, name: str) -> bytes | None:
        return self._catalog.attachment(index, name)

    def _refuse_same(self, record: IndexRecord) -> None:
        same = record.text_model == self._text_model and record.schema.text_dim == self._texts.embedder.dim
        if same:
            raise ConflictError(
                f"The index {record.name} has the vectors of {_called(self._text_model)} already.",
                remedy="Name another deployment for embeddings.",
            )


def embedded_words(chunk: Chunk) -> str:
    """What of a chunk was embedded (`foveal.pipeline.prepare`), from the chunk alone."""
    if chunk.is_picture:
        return words_to_embed(chunk.description, chunk.caption, chunk.ocr_text)
    if chunk.kind.has_timeline:
        return chunk.description or chunk.content
    text = chunk.content.removeprefix(f"{chunk.description}\n") if chunk.description else chunk.content
    head, _, rest = text.partition("\n")
    title, *heading = head.split(" › ")
    named = [] if title == PurePosixPath(chunk.filepath).name else [title]
    return "\n".join([*named, *heading, rest])


def _called(text_model: str) -> str:
    return text_model or "the home's own model"
