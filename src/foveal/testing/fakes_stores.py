"""Stores in memory: exact, deterministic, gone with the process. For tests and for trying things out.

They keep the promises of their ports, except that they live in one process.
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from math import log
from threading import RLock
from types import MappingProxyType

import numpy as np

from foveal.errors import ConflictError, IndexNotFoundError, NotFoundError, StoreCorruptError, StoreError
from foveal.ports.stores import ColumnValue
from foveal.stores.words import words
from foveal.testing.filter_oracle import matches
from foveal.types.assets import AssetId, DocumentId
from foveal.types.chunks import Chunk, ChunkChange, ChunkId, Generation, IndexSchema
from foveal.types.filters import Filter
from foveal.types.ingestions import (
    AssetFailure,
    DocumentRecord,
    Ingestion,
    IngestionCounts,
    IngestionId,
    IngestionState,
    JobOrder,
    JobProgress,
)
from foveal.types.search import ScoredChunk
from foveal.types.vectors import FloatArray

_K1, _B = 1.2, 0.75
"""BM25's usual constants (Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework")."""
_SPACELESS_RUN = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]{3,}")


class InMemoryChunkStore:
    """`foveal.ports.ChunkStore` over dictionaries; every search looks at every chunk."""

    def __init__(self) -> None:
        self._schemas: dict[Generation, IndexSchema] = {}
        self._states: dict[str, dict[Generation, dict[ChunkId, Chunk]]] = {}
        self._generations = itertools.count(1)
        self._lock = RLock()

    def create(self, index: str, schema: IndexSchema) -> Generation:
        """An empty index; its first generation."""
        with self._lock:
            if index in self._states:
                raise ConflictError(f"The index {index!r} exists already.")
            generation = Generation(next(self._generations))
            self._schemas[generation], self._states[index] = schema, {generation: {}}
            return generation

    def create_beside(self, index: str, schema: IndexSchema) -> Generation:
        """Another, empty state."""
        with self._lock:
            if index not in self._states:
                raise IndexNotFoundError(f"There is no index {index!r}.")
            generation = Generation(next(self._generations))
            self._schemas[generation], self._states[index][generation] = schema, {}
            return generation

    def discard(self, index: str, generation: Generation) -> None:
        """Remove every generation of the same schema object."""
        with self._lock:
            schema = self._schemas.get(generation)
            for one in [g for g in self._states.get(index, {}) if self._schemas[g] is schema]:
                del self._states[index][one]

    def apply(self, index: str, base: Generation, change: ChunkChange) -> Generation:
        """Write on top of `base`."""
        with self._lock:
            chunks = dict(self._state(index, base))
            gone = set(change.delete)
            chunks = {i: c for i, c in chunks.items() if c.document_id not in gone}
            for chunk in change.put:
                self._check(base, chunk)
                chunks[chunk.chunk_id] = chunk
            if change.seen is not None:
                for chunk_id, vector in zip(change.seen.chunk_ids, change.seen.vectors, strict=True):
                    if chunk_id in chunks:
                        chunks[chunk_id] = replace(chunks[chunk_id], seen_vector=vector)
            return self._keep(index, base, chunks)

    def optimize(self, index: str, base: Generation) -> Generation:
        """The same chunks in a new generation."""
        with self._lock:
            return self._keep(index, base, self._state(index, base))

    def snapshot(self, index: str, generation: Generation) -> InMemoryChunkSnapshot:
        """Open one generation."""
        with self._lock:
            return InMemoryChunkSnapshot(self._state(index, generation))

    def drop(self, index: str) -> None:
        """Remove an index."""
        with self._lock:
            self._states.pop(index, None)

    def _state(self, index: str, generation: Generation) -> dict[ChunkId, Chunk]:
        if index not in self._states:
            raise IndexNotFoundError(f"There is no index {index!r}.")
        if generation not in self._states[index]:
            raise StoreCorruptError(f"Generation {generation} of the index {index!r} is gone.")
        return self._states[index][generation]

    def _keep(self, index: str, base: Generation, chunks: dict[ChunkId, Chunk]) -> Generation:
        generation = Generation(next(self._generations))
        self._schemas[generation] = self._schemas[base]
        self._states[index][generation] = chunks
        return generation

    def _check(self, base: Generation, chunk: Chunk) -> None:
        schema = self._schemas[base]
        for name, dim in (("text_vector", schema.text_dim), ("image_vector", schema.image_dim)):
            vector = getattr(chunk, name)
            if vector is not None and vector.shape != (dim,):
                raise StoreError(f"A {name} of shape {vector.shape} does not fit an index made for length {dim}.")


class InMemoryChunkSnapshot:
    """`foveal.ports.ChunkSnapshot` of one dictionary."""

    def __init__(self, chunks: Mapping[ChunkId, Chunk]) -> None:
        self._chunks = [chunks[i] for i in sorted(chunks)]

    def keyword(self, text: str, *, where: Filter | None, limit: int) -> list[ScoredChunk]:
        """Plain BM25, without stemming; scripts without blanks are searched by pairs of characters."""
        wanted = set(_terms(text))
        counts = [Counter(_terms(chunk.content)) for chunk in self._chunks]
        lengths = [sum(count.values()) for count in counts]
        mean = sum(lengths) / len(lengths) if any(lengths) else 1.0
        weights = {term: _rarity(len(counts), sum(term in count for count in counts)) for term in wanted}
        scored = [
            ScoredChunk(
                chunk_id=chunk.chunk_id,
                score=sum(
                    weights[t] * count[t] * (_K1 + 1) / (count[t] + _K1 * (1 - _B + _B * length / mean))
                    for t in sorted(wanted)
                ),
            )
            for chunk, count, length in zip(self._chunks, counts, lengths, strict=True)
            if wanted & count.keys() and matches(where, chunk)
        ]
        return _first(scored, limit)

    def nearest(self, field: str, vector: FloatArray, *, where: Filter | None, limit: int) -> list[ScoredChunk]:
        """Every vector is compared."""
        scored = [
            ScoredChunk(chunk_id=chunk.chunk_id, score=float(np.dot(own, vector).max()))
            for chunk in self._chunks
            if (own := getattr(chunk, field)) is not None and matches(where, chunk)
        ]
        return _first(scored, limit)

    def fetch(self, chunk_ids: Sequence[ChunkId], *, where: Filter | None = None, vectors: bool = True) -> list[Chunk]:
        """In the order of the ids."""
        found = {
            c.chunk_id: replace(c, region_vectors=None) if vectors else _bare(c)
            for c in self._chunks
            if matches(where, c)
        }
        return [found[i] for i in chunk_ids if i in found]

    def region_vectors(self, chunk_ids: Collection[ChunkId]) -> Mapping[ChunkId, FloatArray]:
        """As they were put."""
        wanted = set(chunk_ids)
        return {
            c.chunk_id: c.region_vectors for c in self._chunks if c.chunk_id in wanted and c.region_vectors is not None
        }

    def scan(self, *, where: Filter | None = None, vectors: bool = False, limit: int | None = None) -> Iterator[Chunk]:
        """Ordered by chunk id."""
        passing = (chunk for chunk in self._chunks if matches(where, chunk))
        for chunk in itertools.islice(passing, limit):
            yield replace(chunk, region_vectors=None) if vectors else _bare(chunk)

    def columns(self, names: Sequence[str], *, where: Filter | None = None) -> dict[str, list[ColumnValue]]:
        """Chunk by chunk."""
        passing = [chunk for chunk in self._chunks if matches(where, chunk)]
        return {name: [_column(chunk, name) for chunk in passing] for name in names}

    def count(self, where: Filter | None = None) -> int:
        """Chunks that pass."""
        return sum(matches(where, chunk) for chunk in self._chunks)


def _column(chunk: Chunk, name: str) -> ColumnValue:
    if name == "id":
        return chunk.chunk_id
    if name == "page":
        return chunk.locator.page
    if name == "objects":
        return [thing.label for thing in chunk.objects]
    value: ColumnValue | tuple[str, ...] = getattr(chunk, name)
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return list(value) if isinstance(value, tuple) else value


def _terms(text: str) -> list[str]:
    found: list[str] = []
    for word in words(text):
        spaceless = _SPACELESS_RUN.fullmatch(word)
        found += [a + b for a, b in itertools.pairwise(word)] if spaceless else [word]
    return found


def _rarity(documents: int, containing: int) -> float:
    return log(1 + (documents - containing + 0.5) / (containing + 0.5))


def _first(scored: Iterable[ScoredChunk], limit: int) -> list[ScoredChunk]:
    return sorted(scored, key=lambda hit: (-hit.score, hit.chunk_id))[:limit]


@dataclass(frozen=True, slots=True, kw_only=True)
class InMemoryIndexRecord:
    """`foveal.ports.IndexRecord`."""

    name: str
    schema: IndexSchema
    generation: Generation
    text_model: str = ""


@dataclass(slots=True)
class _Shelf:
    record: InMemoryIndexRecord
    documents: dict[DocumentId, DocumentRecord] = field(default_factory=dict)
    attachments: dict[str, bytes] = field(default_factory=dict)


class InMemoryCatalog:
    """`foveal.ports.Catalog` over dictionaries."""

    def __init__(self) -> None:
        self._shelves: dict[str, _Shelf] = {}
        self._lock = RLock()

    def indexes(self) -> list[InMemoryIndexRecord]:
        """All, by name."""
        with self._lock:
            return [self._shelves[name].record for name in sorted(self._shelves)]

    def index(self, name: str) -> InMemoryIndexRecord:
        """One."""
        return self._shelf(name).record

    def create_index(self, name: str, schema: IndexSchema, generation: Generation) -> InMemoryIndexRecord:
        """Register an index."""
        with self._lock:
            if name in self._shelves:
                raise ConflictError(f"The index {name!r} exists already.")
            self._shelves[name] = _Shelf(InMemoryIndexRecord(name=name, schema=schema, generation=generation))
            return self._shelves[name].record

    def delete_index(self, name: str) -> None:
        """Forget an index and its documents."""
        with self._lock:
            self._shelf(name)
            del self._shelves[name]

    def documents(self, index: str, source: str | None = None) -> Iterator[DocumentRecord]:
        """Ordered by source and path, as they were when the iteration began."""
        found = [d for d in self._shelf(index).documents.values() if source is None or d.source == source]
        yield from sorted(found, key=lambda d: (d.source, d.item.path))

    def commit(
        self,
        index: str,
        generation: Generation,
        *,
        put: Iterable[DocumentRecord] = (),
        delete: Collection[DocumentId] = (),
        attachments: Mapping[str, bytes] = MappingProxyType({}),
        base: Generation | None = None,
    ) -> None:
        """All or nothing."""
        with self._lock:
            shelf = self._shelf(index)
            if base is not None and shelf.record.generation != base:
                raise ConflictError(f"Another process has committed to the index {index!r} meanwhile.")
            gone = set(delete)
            kept = {i: d for i, d in shelf.documents.items() if i not in gone}
            kept.update((document.document_id, document) for document in put)
            shelf.documents, shelf.record = kept, replace(shelf.record, generation=generation)
            shelf.attachments.update(attachments)

    def find(self, index: str, document_ids: Collection[DocumentId]) -> list[DocumentRecord]:
        """Those there are."""
        kept = self._shelf(index).documents
        return [kept[i] for i in document_ids if i in kept]

    def switch(
        self,
        index: str,
        schema: IndexSchema,
        generation: Generation,
        *,
        text_model: str,
        attachments: Mapping[str, bytes] = MappingProxyType({}),
    ) -> None:
        """All or nothing."""
        with self._lock:
            shelf = self._shelf(index)
            shelf.record = replace(shelf.record, schema=schema, generation=generation, text_model=text_model)
            shelf.attachments.update(attachments)

    def attachment(self, index: str, name: str) -> bytes | None:
        """A blob kept with the index."""
        return self._shelf(index).attachments.get(name)

    def _shelf(self, name: str) -> _Shelf:
        try:
            return self._shelves[name]
        except KeyError:
            near = difflib.get_close_matches(name, sorted(self._shelves), n=3, cutoff=0.5)
            raise IndexNotFoundError(
                f"There is no index {name!r}.", remedy=f"Nearest: {', '.join(near)}." if near else ""
            ) from None


class InMemoryIngestionLog:
    """`foveal.ports.IngestionLog` over dictionaries. Its only process is this one, so no job is ever interrupted."""

    def __init__(self) -> None:
        self._jobs: dict[IngestionId, Ingestion] = {}
        self._writers: dict[str, IngestionId] = {}
        self._failures: dict[IngestionId, list[AssetFailure]] = {}
        self._lock = RLock()

    def enqueue(self, order: JobOrder) -> Ingestion:
        """Queue a job; an equal order that waits is given back."""
        with self._lock:
            same = (j for j in self._jobs.values() if j.state is IngestionState.QUEUED and j.order == order)
            return next(same, None) or self._add(order, IngestionState.QUEUED)

    def start(self, order: JobOrder) -> Ingestion:
        """Take the index's lease and open a job."""
        with self._lock:
            if order.index in self._writers:
                raise ConflictError(f"Job {self._writers[order.index]} is writing to the index {order.index!r}.")
            job = self._add(order, IngestionState.RUNNING)
            self._writers[order.index] = job.ingestion_id
            return job

    def claim(self, only: IngestionId | None = None) -> Ingestion | None:
        """Run a queued job whose index is free."""
        with self._lock:
            for job in self._jobs.values():
                wanted = only is None or job.ingestion_id == only
                if wanted and job.state is IngestionState.QUEUED and job.index not in self._writers:
                    self._writers[job.index] = job.ingestion_id
                    now = datetime.now(UTC)
                    return self._keep(replace(job, state=IngestionState.RUNNING, started_at=now, updated_at=now))
            return None

    def update(
        self,
        ingestion_id: IngestionId,
        counts: IngestionCounts | None = None,
        *,
        stage: str | None = None,
        progress: JobProgress | None = None,
        state: IngestionState = IngestionState.RUNNING,
        message: str = "",
    ) -> None:
        """Record progress; a final state releases the lease."""
        with self._lock:
            job, now = self.get(ingestion_id), datetime.now(UTC)
            if self._writers.get(job.index) != ingestion_id:
                raise ConflictError(f"Another process has taken over ingesting into the index {job.index!r}.")
            if stage is not None and stage != job.stage:
                job = replace(job, stage=stage, stage_at=now)
            final = state is not IngestionState.RUNNING
            job = replace(job, counts=counts or job.counts, progress=progress or job.progress, state=state)
            self._keep(replace(job, message=message, updated_at=now, finished_at=now if final else None))
            if final:
                del self._writers[job.index]

    def add_failures(self, ingestion_id: IngestionId, failures: Sequence[AssetFailure]) -> None:
        """Keep what could not be used."""
        with self._lock:
            self.get(ingestion_id)
            self._failures.setdefault(ingestion_id, []).extend(failures)

    def failures(self, ingestion_id: IngestionId, *, after: int = 0, limit: int = 1000) -> list[AssetFailure]:
        """What could not be used, oldest first."""
        with self._lock:
            return self._failures.get(ingestion_id, [])[after : after + limit]

    def get(self, ingestion_id: IngestionId) -> Ingestion:
        """One job."""
        with self._lock:
            if ingestion_id not in self._jobs:
                raise NotFoundError(f"There is no job {ingestion_id!r}.")
            return self._jobs[ingestion_id]

    def cancel(self, ingestion_id: IngestionId) -> None:
        """Ask a job to stop; a queued one is cancelled at once."""
        with self._lock:
            job = self.get(ingestion_id)
            if job.final:
                return
            job = replace(job, cancel_asked=True)
            if job.state is IngestionState.QUEUED:
                job = replace(job, state=IngestionState.CANCELLED, finished_at=datetime.now(UTC))
            self._keep(job)

    def cancelled(self, ingestion_id: IngestionId) -> bool:
        """Whether somebody asked it to stop."""
        return self.get(ingestion_id).cancel_asked

    def recent(self, index: str | None = None, *, limit: int = 20) -> list[Ingestion]:
        """Newest first."""
        with self._lock:
            newest = reversed(self._jobs.values())
            return list(itertools.islice((job for job in newest if index is None or job.index == index), limit))

    def _add(self, order: JobOrder, state: IngestionState) -> Ingestion:
        now = datetime.now(UTC)
        job = Ingestion(
            **{f.name: getattr(order, f.name) for f in fields(JobOrder)},
            ingestion_id=IngestionId(f"ingestion-{len(self._jobs) + 1}"),
            state=state,
            counts=IngestionCounts(),
            started_at=now,
            updated_at=now,
        )
        return self._keep(job)

    def _keep(self, job: Ingestion) -> Ingestion:
        self._jobs[job.ingestion_id] = job
        return job


class InMemoryModelCache:
    """`foveal.ports.ModelCache` over a dictionary."""

    def __init__(self) -> None:
        self._values: dict[str, bytes] = {}

    def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """The values that are there."""
        return {key: self._values[key] for key in keys if key in self._values}

    def put_many(self, values: Mapping[str, bytes]) -> None:
        """Keep values."""
        self._values.update(values)


class InMemoryByteStore:
    """`foveal.ports.ByteStore` over a dictionary."""

    def __init__(self) -> None:
        self._files: dict[AssetId, dict[str, bytes]] = {}

    def get(self, asset_id: AssetId, name: str) -> bytes | None:
        """The bytes."""
        return self._files.get(asset_id, {}).get(name)

    def put(self, asset_id: AssetId, name: str, data: bytes) -> None:
        """Keep bytes."""
        self._files.setdefault(asset_id, {})[name] = data

    def delete(self, asset_ids: Collection[AssetId]) -> None:
        """Remove everything derived from these assets."""
        for asset_id in asset_ids:
            self._files.pop(asset_id, None)

    def assets(self) -> Iterator[AssetId]:
        """Every asset that something is kept of."""
        return iter(list(self._files))


def _bare(chunk: Chunk) -> Chunk:
    return replace(chunk, text_vector=None, image_vector=None, seen_vector=None, region_vectors=None)
