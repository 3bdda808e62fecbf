"""Every pluggable thing, one Protocol each. A docstring here is the specification that its contract suite tests.

Colour: models that compute here, readers, sources and stores are *sync* and are called from worker threads;
chat models and answerers are *async*. Unless a docstring says otherwise an implementation is safe to call from
several threads at once, returns one result per input in the order of the inputs, and accepts empty input.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
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
from foveal.types.filters import Filter
from foveal.types.ingestions import (
    DocumentRecord,
    Ingestion,
    IngestionCounts,
    IngestionId,
    IngestionState,
)
from foveal.types.search import Passage, Reranked, ScoredChunk
from foveal.types.vectors import FloatArray, Pixels

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
    """Tells what a file is from its first bytes; the name only tells markdown from plain text."""

    def __call__(self, path: str, head: bytes, size_bytes: int) -> Sniffed:
        """Judge a file by its path, its first 4,096 bytes and its length; never raises."""


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
            ModelError: After retries; possibly in mid-stream.
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


# --- stores -----------------------------------------------------------------------------------------------


class ChunkSnapshot(Protocol):
    """One generation of one index, unchanging, for reading.

    `where` is applied inside the engine before any cut: a limit of k gives k matching chunks if there are so many.
    Ties are broken by chunk id.
    """

    def keyword(self, text: str, *, where: Filter | None, limit: int) -> list[ScoredChunk]:
        """BM25 over `content`, any term may match, best first. Text is plain words: it has no syntax."""

    def nearest(self, field: str, vector: FloatArray, *, where: Filter | None, limit: int) -> list[ScoredChunk]:
        """Largest dot product first. `field` is `text_vector`, `image_vector` or `seen_vector`; chunks without
        that vector are not found.

        Args:
            vector: float32 [dim].
        """

    def fetch(self, chunk_ids: Sequence[ChunkId], *, where: Filter | None = None) -> list[Chunk]:
        """The chunks with these ids that pass `where`, in the order of the ids; unknown ids are left out."""

    def scan(self, *, where: Filter | None = None, vectors: bool = False, limit: int | None = None) -> Iterator[Chunk]:
        """Every chunk that passes, ordered by chunk id, with flat memory.

        Args:
            vectors: Whether to read vectors too; without, they are None.
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
    ) -> None:
        """In one transaction: the documents and the generation readers open from now on."""

    def attachment(self, index: str, name: str) -> bytes | None:
        """A blob kept with the index (the fitted adapter), None when there is none."""

    def put_attachment(self, index: str, name: str, data: bytes) -> None:
        """Keep a blob with the index; visible with the next `commit`'s generation or before it."""


class IngestionLog(Protocol):
    """Jobs. A lease with a heartbeat makes sure that one process writes to an index."""

    def start(self, index: str, source: str) -> Ingestion:
        """Take the index's write lease and open a job; earlier jobs whose process is gone become `interrupted`.

        Raises:
            ConflictError: Another live process is ingesting into that index; names it.
        """

    def update(
        self,
        ingestion_id: IngestionId,
        counts: IngestionCounts,
        *,
        state: IngestionState = IngestionState.RUNNING,
        message: str = "",
    ) -> None:
        """Record progress and renew the lease; a final state releases it."""

    def cancel(self, ingestion_id: IngestionId) -> None:
        """Ask a job to stop; its writer sees it at the next `cancelled`."""

    def cancelled(self, ingestion_id: IngestionId) -> bool:
        """Whether somebody asked it to stop."""

    def recent(self, index: str | None = None, *, limit: int = 20) -> list[Ingestion]:
        """Newest first."""


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
