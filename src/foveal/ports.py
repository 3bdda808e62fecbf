"""Every pluggable thing, one Protocol each. A docstring here is the specification that its contract suite tests.

Colour: models that compute here, readers, sources and stores are *sync* and are called from worker threads;
chat models and answerers are *async*. Unless a docstring says otherwise an implementation is safe to call from
several threads at once, returns one result per input in the order of the inputs, and accepts empty input.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import BinaryIO, Protocol, runtime_checkable

from foveal.types.assets import Asset, AssetId, DocumentId, Sniffed, SourceItem
from foveal.types.chat import ChatRequest, Document, Finished, Message, Sampling, TextDelta
from foveal.types.chunks import Chunk, ChunkChange, ChunkId, Generation, IndexSchema
from foveal.types.content import (
    Caption,
    Content,
    Detections,
    ImageEncoding,
    OcrLine,
    SafetyScores,
)
from foveal.types.documents import (
    DocumentChange,
    Json,
    RowNumbers,
    ScoredRows,
    SearchIndexRecord,
    StoredDocument,
    TextMatch,
)
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
from foveal.types.keys import KeyGrant, KeyId, KeyRecord
from foveal.types.live import LiveDescription, LiveHits, LiveQuery
from foveal.types.live_settings import LiveSettings
from foveal.types.search import Passage, Reranked, ScoredChunk
from foveal.types.sources import Credential, SavedSource, Schedule, SourceRun, SourceSettings, SourceState
from foveal.types.speech import Transcript
from foveal.types.upstream import JsonObject, UpstreamReply, UpstreamStart
from foveal.types.vectors import FloatArray, Pixels, Samples

# --- where content comes from -----------------------------------------------------------------------------


class Source(Protocol):
    """Where files come from."""

    @property
    def name(self) -> str:
        """Stable identity, part of every document id: an absolute path, a container's URL."""

    def items(self) -> Iterator[SourceItem]:
        """Every file, sorted by path (code-point order), each path once.

        Raises:
            InvalidRequestError: The source itself cannot be listed. One unlistable folder is skipped.
        """

    def open(self, item: SourceItem) -> BinaryIO:
        """The bytes of one item, seekable; the caller closes.

        Raises:
            UnreadableAssetError: It vanished or may not be read (stage `fetch`).
        """


class Sniffer(Protocol):
    """Tells what a file is from its bytes; the name only tells text, markdown and web pages apart."""

    def __call__(self, path: str, head: bytes, size_bytes: int, tail: bytes = b"") -> Sniffed:
        """Judge a file by its path, its first 4,096 bytes, its length and, of an archive, its end; never raises.

        Args:
            path: Where it is.
            head: Its beginning.
            size_bytes: Its length.
            tail: Up to 64 KiB of its end where the head is that of a ZIP archive: its table of contents.
        """


class Fetcher(Protocol):
    """Brings images by addresses that callers send.

    A message names an address by host and path: its query may hold a signature.
    """

    def fetch_url(self, url: str) -> bytes:
        """The bytes behind an address, which begin like an image.

        Raises:
            ImageError: No address of a place that is fetched from, nothing there in time, or no image.
            TooLargeError: It is over the limit on bytes.
        """


class Reader(Protocol):
    """Bytes to content, under limits."""

    @property
    def media_types(self) -> frozenset[str]:
        """Sniffed media types it reads."""

    def read(self, asset: Asset, file: BinaryIO) -> Iterator[Content]:
        """Yield the asset's content in order, lazily, with flat memory; at least one item or an error.

        What can be saved of a damaged file is yielded with a warning.

        Raises:
            UnreadableAssetError: Nothing can be saved of it.
            AssetLimitError: Decoding would pass a limit; raised before memory is taken.
        """


# --- models -----------------------------------------------------------------------------------------------


class Model(Protocol):
    """Common to every model role."""

    @property
    def identity(self) -> str:
        """Name and version, such that equal identities give equal results; part of every cache key."""


class TextEmbedder(Model, Protocol):
    """Words to vectors. Questions and passages are embedded differently by most models: say which."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    def embed_passages(self, texts: Sequence[str]) -> FloatArray:
        """float32 [n, dim], rows L2-normalised. A text over the model's window is cut, never refused."""

    def embed_queries(self, texts: Sequence[str]) -> FloatArray:
        """float32 [n, dim], rows L2-normalised."""


class ImageEncoder(Model, Protocol):
    """Images to vectors, and to label probabilities where the encoder is a classifier."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    @property
    def labels(self) -> tuple[str, ...]:
        """English label of each probability; empty when the encoder knows no labels."""

    def encode(self, images: Sequence[Pixels]) -> list[ImageEncoding]:
        """One encoding an image; equal pixels give equal vectors whatever the batch (to 1e-4)."""


@runtime_checkable
class JointEmbedder(ImageEncoder, Protocol):
    """An image encoder whose vectors can be compared with text (CLIP, SigLIP)."""

    def embed_queries(self, texts: Sequence[str]) -> FloatArray:
        """float32 [n, dim], rows L2-normalised, in the space of `encode`."""


class ObjectDetector(Model, Protocol):
    """Objects with boxes."""

    @property
    def classes(self) -> tuple[str, ...]:
        """English class names, in the order of `Detections.class_scores` rows."""

    def detect(self, images: Sequence[Pixels]) -> list[Detections]:
        """Objects above the model's threshold after non-maximum suppression, best first."""


class TextRecognizer(Model, Protocol):
    """Text seen in images."""

    def recognize(self, image: Pixels) -> tuple[OcrLine, ...]:
        """Lines in reading order; empty when there is no text."""


class SafetyScorer(Model, Protocol):
    """Sensitive content."""

    def score_images(self, images: Sequence[Pixels]) -> list[SafetyScores]:
        """Scores of each image; a category it cannot judge is None."""

    def score_texts(self, texts: Sequence[str]) -> list[SafetyScores]:
        """Scores of each text; a category it cannot judge is None."""


class Captioner(Model, Protocol):
    """A vision model that describes an image. Each call may cost money: exactly one is made an image."""

    def caption(self, image: Pixels, facts: str) -> Caption:
        """Describe one image in 200 words or more, with tags.

        Args:
            facts: What is known already (date, place, text seen), fenced as data in the prompt.

        Raises:
            AssetFilteredError: The server's content filter refused this image.
            ModelError: Any other failure, after retries.
        """


class Transcriber(Model, Protocol):
    """Speech to text. A call may cost money: exactly one is made a stretch of sound, and none for silence."""

    def transcribe(self, samples: Samples) -> Transcript:
        """What is said in a stretch of sound, with times from its beginning; no words where nobody speaks.

        Args:
            samples: int16 [n], at most ten minutes.

        Raises:
            ModelError: After retries.
        """


class Reranker(Model, Protocol):
    """Second look at candidates."""

    def rerank(self, query: str, passages: Sequence[Passage]) -> list[Reranked]:
        """One judgement a passage, in the order of the passages (not of the scores)."""


class ChatModel(Model, Protocol):
    """A language model."""

    @property
    def sees(self) -> bool:
        """Whether it takes images."""

    @property
    def context_tokens(self) -> int:
        """Size of its window, prompt and answer together."""

    def stream(self, messages: Sequence[Message], sampling: Sampling) -> AsyncIterator[TextDelta | Finished]:
        """Answer: any number of `TextDelta`, then exactly one `Finished`.

        Raises:
            ContentFilteredError: The server's content filter refused the prompt.
            ModelError: After retries; possibly in mid-stream.
        """


class Upstream(Model, Protocol):
    """A model server that is sent chat completion requests of the OpenAI wire as they came, and whose replies go out
    as they come. Only `model` is set by it. Safe to use from several event loops at once.
    """

    async def complete(self, body: JsonObject) -> UpstreamReply:
        """The reply in one piece, every field of it kept.

        Raises:
            UpstreamRequestError: The server says that the request is wrong.
            ContentFilteredError: Its content filter refuses it.
            ModelError: Any other failure.
        """

    def stream(self, body: JsonObject) -> AsyncIterator[UpstreamStart | bytes]:
        """The reply as events: one `UpstreamStart`, then the JSON of each event, as it came, without `[DONE]`.
        Leaving the iteration early ends the call.

        Raises:
            UpstreamRequestError: As above, before the start.
            ContentFilteredError: Likewise.
            ModelError: Any other failure; in mid-stream also where the server breaks off or sends an error event.
        """


class Answerer(Protocol):
    """Turns a question and retrieved documents into an answer with `[docN]` marks."""

    @property
    def name(self) -> str:
        """What `Finished.model` says."""

    @property
    def sees(self) -> bool:
        """Whether documents should carry their images."""

    @property
    def context_tokens(self) -> int:
        """Tokens it can read and write together."""

    async def intents(self, request: ChatRequest) -> tuple[str, ...]:
        """Search queries for the last question, in the light of the history; at least one unless it has no words."""

    def answer(self, request: ChatRequest, documents: Sequence[Document]) -> AsyncIterator[TextDelta | Finished]:
        """Answer from the documents: any number of `TextDelta`, then exactly one `Finished`.

        With `in_scope` and no document that answers, the text is the refusal and `answered` is False. Only numbers
        of given documents are cited.
        """


ColumnValue = str | int | float | datetime | list[str] | None
"""One field's value of one chunk; moments are aware, collections are lists."""


# --- stores -----------------------------------------------------------------------------------------------


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


class IngestionLog(Protocol):
    """Jobs. A lease with a heartbeat makes sure that one job at a time writes to an index."""

    def enqueue(self, order: JobOrder) -> Ingestion:
        """Have whichever process runs queued jobs do this; an equal order that still waits is given back instead."""

    def start(self, order: JobOrder) -> Ingestion:
        """Take the index's lease and open a running job; earlier jobs whose process is gone become `interrupted`.

        Raises:
            ConflictError: Another live process is ingesting into that index; names it.
        """

    def claim(self, only: IngestionId | None = None) -> Ingestion | None:
        """Take the oldest job that is queued, or whose process is gone, or the one named, if its index is free; with
        its lease. It is running then. None when there is none.
        """

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
        """Record what is given, and renew the lease; a final state releases it.

        Raises:
            ConflictError: Another process took the lease over because this one looked dead. Nothing was recorded.
        """

    def add_failures(self, ingestion_id: IngestionId, failures: Sequence[AssetFailure]) -> None:
        """Keep what could not be used, with the job."""

    def failures(self, ingestion_id: IngestionId, *, after: int = 0, limit: int = 1000) -> list[AssetFailure]:
        """What could not be used, oldest first, without the first `after`."""

    def get(self, ingestion_id: IngestionId) -> Ingestion:
        """One job.

        Raises:
            NotFoundError: There is none.
        """

    def cancel(self, ingestion_id: IngestionId) -> None:
        """Ask a job to stop; its writer sees it at the next `cancelled`. One that is queued, or whose process is gone,
        is cancelled at once; one that ended stays as it is.

        Raises:
            NotFoundError: There is none.
        """

    def cancelled(self, ingestion_id: IngestionId) -> bool:
        """Whether somebody asked it to stop."""

    def recent(self, index: str | None = None, *, limit: int = 20) -> list[Ingestion]:
        """Newest first; a running job whose process is gone is shown as interrupted."""


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


class SourceRegistry(Protocol):
    """Saved sources, what opens them, and who runs them. What opens them is kept encrypted, and given out only by
    `credential`. One process runs a source at a time: `begin` and `claim` take its lease, which is free again when
    that process is gone. Every process that shares the store sees what another did at its next call.
    """

    def add(
        self, settings: SourceSettings, credential: Credential | None, *, next_run_at: datetime | None = None
    ) -> SavedSource:
        """Keep a new source.

        Raises:
            ConflictError: There is one of that name, or one of the same place for the same index.
        """

    def all(self) -> list[SavedSource]:
        """Every one, by name."""

    def get(self, name: str) -> SavedSource:
        """One.

        Raises:
            NotFoundError: There is none of that name.
        """

    def credential(self, name: str) -> Credential | None:
        """What opens it, None where nothing does.

        Raises:
            NotFoundError: There is none of that name.
            StoreCorruptError: The key that what is kept was encrypted with is not there any more.
        """

    def set_credential(self, name: str, credential: Credential | None) -> None:
        """Keep another credential in the place of the present one.

        Raises:
            NotFoundError: There is none of that name.
        """

    def set_live(self, name: str, live: LiveSettings) -> None:
        """Keep other settings of a live index.

        Raises:
            NotFoundError: There is none of that name.
        """

    def set_schedule(self, name: str, schedule: Schedule, *, next_run_at: datetime | None) -> None:
        """Keep another schedule, and when the source is due next.

        Raises:
            NotFoundError: There is none of that name.
        """

    def remove(self, name: str) -> None:
        """Forget a source with its credential.

        Raises:
            NotFoundError: There is none of that name.
        """

    def begin(self, name: str) -> SourceRun:
        """Take the right to run one source now. Until `end` it stays due, so that a run whose process dies is made up.

        Raises:
            NotFoundError: There is none of that name.
            ConflictError: It is running, in whatever process.
        """

    def claim(self) -> SourceRun | None:
        """Likewise the source that is longest due and not running; None when there is none."""

    def renew(self, run_id: str) -> None:
        """Say that a run lives; to be called every minute or so.

        Raises:
            ConflictError: Another process took it over because this one looked dead, or the source was removed.
        """

    def end(self, run_id: str, state: SourceState, *, message: str = "", next_run_at: datetime | None = None) -> None:
        """Record how a run went and give the right back; of a run that was taken over nothing is recorded.

        When the source was said to be due after the run began, by `set_schedule`, that stays.
        """


# --- indexes of a caller's own fields ---------------------------------------------------------------------


class SearchIndexCatalog(Protocol):
    """Definitions of the indexes that callers made with fields of their own."""

    def all(self) -> Sequence[SearchIndexRecord]:
        """Every one, by name."""

    def get(self, name: str) -> SearchIndexRecord | None:
        """One, None when there is none."""

    def put(self, record: SearchIndexRecord, *, replaces: SearchIndexRecord | None = None) -> None:
        """Keep a definition: a new one, or in the place of `replaces`, as long as that is still what is kept.

        Raises:
            ConflictError: There is one of that name already.
            PreconditionError: `replaces` was changed or removed meanwhile.
        """

    def remove(self, record: SearchIndexRecord) -> None:
        """Forget a definition.

        Raises:
            PreconditionError: It was changed or removed meanwhile.
        """


class DocumentSnapshot(Protocol):
    """The documents of one index as they were when it was opened. Row numbers mean nothing in another snapshot.

    `where` restricts by the fields of the index; it is applied before anything is cut off.
    """

    def rows(self, where: Filter | None = None) -> RowNumbers:
        """Every document that passes, ascending: in the order in which they were written, as far as it is kept."""

    def count(self, where: Filter | None = None) -> int:
        """Documents that pass."""

    def matching(self, match: TextMatch, field: str, *, where: Filter | None = None) -> ScoredRows:
        """Every document with these words in a searchable field, rows ascending.

        Scores are BM25 (`k1` 1.2, `b` .75) where words are looked for, and 1 for prefixes and patterns, and in fields
        whose analyzer is `keyword`, where only the value as a whole is a word.
        """

    def nearest(
        self, field: str, vector: FloatArray, *, where: Filter | None = None, limit: int, exhaustive: bool = False
    ) -> ScoredRows:
        """The most similar vectors first, documents without one left out: scores are the cosine, the dot product, or
        the Euclidean distance with a minus, by the field's metric.

        Args:
            vector: float32 [dimensions].
            exhaustive: Every vector is compared.
        """

    def read(self, rows: RowNumbers, *, vectors: Collection[str] = ()) -> list[StoredDocument]:
        """Documents in the order of the rows, with these of their vectors."""

    def values(self, field: str, rows: RowNumbers) -> list[Json]:
        """One field's value of each row, in order; None for null."""

    def find(self, keys: Collection[str], *, vectors: Collection[str] = ()) -> dict[str, StoredDocument]:
        """Documents by key; unknown keys are left out."""


class DocumentStore(Protocol):
    """Documents of all indexes of callers' own fields. Any number of threads and processes read and write."""

    def create(self, record: SearchIndexRecord) -> None:
        """Make room for an index; nothing is left of a former one with that name and birth."""

    def extend(self, record: SearchIndexRecord) -> None:
        """Add the fields that its definition has and the index does not; documents have null there."""

    def change(
        self,
        record: SearchIndexRecord,
        keys: Collection[str],
        decide: Callable[[Mapping[str, StoredDocument]], DocumentChange],
    ) -> None:
        """Write one change, durable on return, while nobody else writes to the index.

        Args:
            keys: Documents that `decide` wants to see, with their vectors.
            decide: Given those there are, says what to write; each key at most once.

        Raises:
            IndexNotFoundError: No such index.
        """

    def snapshot(self, record: SearchIndexRecord) -> DocumentSnapshot:
        """What the index holds now.

        Raises:
            IndexNotFoundError: No such index.
        """

    def drop(self, record: SearchIndexRecord) -> None:
        """Remove an index; silently does nothing when there is none."""


# --- indexes of other services ----------------------------------------------------------------------------


class LiveIndex(Protocol):
    """An index of another service, searched where it is: nothing of it is kept here.

    Errors say what the service says, without a key. A filter and groups restrict inside the service's search, before
    anything is cut off.
    """

    def describe(self) -> LiveDescription:
        """Its fields; at least one.

        Raises:
            SourceUnusableError: It cannot be reached, the key is refused, there is no such index.
            LiveIndexBusyError: The service is over its limit, or fails.
        """

    def search(self, query: LiveQuery) -> LiveHits:
        """The best documents, at most `query.top`.

        A document without groups is for everybody. Texts and vectors that the service cannot search by are an error,
        not passed over.

        Raises:
            FilterError: The kind of index takes no filter.
            SourceUnusableError: As `describe`; also where the service refuses the query (reason `refused`).
            LiveIndexBusyError: As `describe`.
        """

    def close(self) -> None:
        """Close its connections; it is not used any more."""
