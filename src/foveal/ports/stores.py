"""Chunks and their vectors, the catalog, bytes, keys. See `foveal.ports` for the rules."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from foveal.types.assets import AssetId, DocumentId
from foveal.types.chunks import Chunk, ChunkChange, ChunkId, Generation, IndexSchema
from foveal.types.filters import Filter
from foveal.types.ingestions import (
    DocumentRecord,
)
from foveal.types.keys import KeyGrant, KeyId, KeyRecord
from foveal.types.search import ScoredChunk
from foveal.types.vectors import FloatArray

ColumnValue = str | int | float | datetime | list[str] | None
"""One field's value of one chunk; moments are aware, collections are lists."""


class ChunkSnapshot(Protocol):
    """One generation of one index, unchanging, for reading.

    `where` is applied inside the engine before any cut: a limit of k gives k matching chunks if there are so many.
    Ties are broken by chunk id.
    """

    def keyword(self, text: str, *, where: Filter | None, limit: int) -> list[ScoredChunk]:
        """BM25 over `content`, any term may match, best first. Text is plain words: it has no syntax."""

    def nearest(self, field: str, vector: FloatArray, *, where: Filter | None, limit: int) -> list[ScoredChunk]:
        """Largest dot product first. `field` is `text_vector`, `image_vector`, `seen_vector` or `region_vectors`, of
        which a chunk's best counts; chunks without that vector are not found.

        Args:
            vector: float32 [dim].
        """

    def fetch(self, chunk_ids: Sequence[ChunkId], *, where: Filter | None = None, vectors: bool = True) -> list[Chunk]:
        """The chunks with these ids that pass `where`, in the order of the ids; unknown ids are left out.

        Args:
            vectors: Whether to read vectors too; without, they are None.
        """

    def region_vectors(self, chunk_ids: Collection[ChunkId]) -> Mapping[ChunkId, FloatArray]:
        """float32 [regions, image dim] of each of these chunks that has regions, in the order of its `regions`."""

    def scan(self, *, where: Filter | None = None, vectors: bool = False, limit: int | None = None) -> Iterator[Chunk]:
        """Every chunk that passes, ordered by chunk id, with flat memory.

        Args:
            vectors: Whether to read vectors too; without, they are None.
        """

    def columns(self, names: Sequence[str], *, where: Filter | None = None) -> dict[str, list[ColumnValue]]:
        """Values of some fields, of every chunk that passes, ordered by chunk id: one list a name, all of one length.

        Args:
            names: Of `CHUNK_FIELDS`, but `latitude` and `longitude` instead of `location`.
        """

    def count(self, where: Filter | None = None) -> int:
        """Chunks that pass."""


class ChunkStore(Protocol):
    """Chunks and vectors of all indexes. One writer an index at a time (the catalog's lease sees to it), any number
    of readers in any number of processes.
    """

    def create(self, index: str, schema: IndexSchema) -> Generation:
        """An empty index; its first generation.

        Raises:
            ConflictError: It exists.
        """

    def create_beside(self, index: str, schema: IndexSchema) -> Generation:
        """Another, empty state of an index that exists, for vectors of other lengths; nothing that is there changes.

        Raises:
            IndexNotFoundError: No such index.
        """

    def discard(self, index: str, generation: Generation) -> None:
        """Remove a state that `create` or `create_beside` began, with all its generations; silently does nothing when
        there is none. Other states of the index stay.
        """

    def apply(self, index: str, base: Generation, change: ChunkChange) -> Generation:
        """Write `change` on top of `base`; the new generation, larger than every earlier one. Whatever was written
        after `base` (by a writer that died) is discarded first. Readers of other generations see nothing.

        Raises:
            StoreError: Nothing was written.
        """

    def optimize(self, index: str, base: Generation) -> Generation:
        """Build or extend search indexes and compact; the same chunks in a new generation. Generations older than
        an hour may be dropped.
        """

    def snapshot(self, index: str, generation: Generation) -> ChunkSnapshot:
        """Open one generation.

        Raises:
            IndexNotFoundError: No such index.
            StoreCorruptError: That generation is gone.
        """

    def drop(self, index: str) -> None:
        """Remove an index; silently does nothing when there is none."""


class IndexRecord(Protocol):
    """An index as the catalog knows it."""

    @property
    def name(self) -> str:
        """What the caller calls it."""

    @property
    def schema(self) -> IndexSchema:
        """Lengths of its vectors."""

    @property
    def generation(self) -> Generation:
        """What readers open."""

    @property
    def text_model(self) -> str:
        """Deployment whose model made its text vectors; empty: the home's own."""


class Catalog(Protocol):
    """Indexes and their documents. `commit` is the only thing that makes chunks visible."""

    def indexes(self) -> Sequence[IndexRecord]:
        """All, by name."""

    def index(self, name: str) -> IndexRecord:
        """One.

        Raises:
            IndexNotFoundError: Naming the nearest existing names.
        """

    def create_index(self, name: str, schema: IndexSchema, generation: Generation) -> IndexRecord:
        """Register an index.

        Raises:
            ConflictError: It exists.
        """

    def delete_index(self, name: str) -> None:
        """Forget an index and its documents.

        Raises:
            IndexNotFoundError: No such index.
        """

    def documents(self, index: str, source: str | None = None) -> Iterator[DocumentRecord]:
        """Documents of an index, ordered by source and path."""

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
        """In one transaction: the documents, the generation readers open from now on, and blobs kept with the index
        by name (the fitted adapter), each in place of what had that name.

        Raises:
            IndexNotFoundError: No such index.
            ConflictError: Readers do not open `base` any more: another process has committed. Nothing was changed.
        """

    def find(self, index: str, document_ids: Collection[DocumentId]) -> list[DocumentRecord]:
        """Those of these documents that there are, in any order.

        Raises:
            IndexNotFoundError: No such index.
        """

    def switch(
        self,
        index: str,
        schema: IndexSchema,
        generation: Generation,
        *,
        text_model: str,
        attachments: Mapping[str, bytes] = MappingProxyType({}),
    ) -> None:
        """In one transaction: a generation with vectors of another model, which readers open from now on, and blobs as
        of `commit`; the documents stay.

        Raises:
            IndexNotFoundError: No such index.
        """

    def attachment(self, index: str, name: str) -> bytes | None:
        """A blob kept with the index, None when there is none."""


class ModelCache(Protocol):
    """Results of model calls, so that none is paid twice. Keys are content hash + model identity + prompt version."""

    def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """The values that are there."""

    def put_many(self, values: Mapping[str, bytes]) -> None:
        """Keep values, durable on return. Several processes may put at once; the last wins."""


class ByteStore(Protocol):
    """Derived bytes (thumbnails) by asset."""

    def get(self, asset_id: AssetId, name: str) -> bytes | None:
        """The bytes, None when there are none."""

    def put(self, asset_id: AssetId, name: str, data: bytes) -> None:
        """Keep bytes; readers see all of them or none."""

    def delete(self, asset_ids: Collection[AssetId]) -> None:
        """Remove everything derived from these assets."""

    def assets(self) -> Iterator[AssetId]:
        """Every asset that something is kept of, in any order."""


class ApiKeys(Protocol):
    """Keys that open the HTTP interface. Only hashes are kept: a key itself is seen once, when it is made.

    Every process that shares the store sees what another did at its next call.
    """

    def create(self, grant: KeyGrant) -> tuple[KeyRecord, str]:
        """Make a key of 256 random bits; its record and the key itself.

        Raises:
            ConflictError: A key of that name opens.
        """

    def find(self, key: str) -> KeyRecord | None:
        """The record of a key, of a revoked or expired one too; None for what is no key of this store.

        How long it takes tells nothing about how much of a wrong key was right.
        """

    def records(self) -> list[KeyRecord]:
        """All that were ever made, oldest first."""

    def revoke(self, name: str) -> None:
        """Have the keys of that name open nothing from now on; those revoked before stay as they are.

        Raises:
            NotFoundError: There was never a key of that name.
        """

    def note_use(self, key_id: KeyId, at: datetime) -> None:
        """Keep when a key was last used; an earlier time than the kept one, or an unknown key, changes nothing."""
