"""A stand-in for the whole runtime behind the HTTP interface: a few documents in memory, answers by shared words."""

from __future__ import annotations

import asyncio
import hashlib
import re
import threading
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from foveal.errors import (
    DeploymentNotFoundError,
    FilterError,
    FovealError,
    ImageError,
    InvalidRequestError,
    OperationError,
)
from foveal.identity.desk import Desk
from foveal.pipeline.chunk_documents import ChunkDocuments, chunk_definition
from foveal.pipeline.document_finder import DocumentFinder
from foveal.pipeline.job_run import Observer
from foveal.pipeline.jobs import Jobs
from foveal.pipeline.open_index import OpenIndex
from foveal.pipeline.people import People
from foveal.pipeline.rewording import Rewording
from foveal.pipeline.saved_sources import SavedSources
from foveal.pipeline.search_indexes import SearchIndexes
from foveal.pipeline.uploads import Uploads
from foveal.ports.models import Upstream
from foveal.retrieval.filtering import optional_filter
from foveal.runtime.inventory import documents_status
from foveal.testing.fakes_documents import InMemoryDocumentStore, InMemorySearchIndexCatalog
from foveal.testing.fakes_eyes import fake_vision
from foveal.testing.fakes_identity import InMemoryAccounts, InMemoryMistakes, InMemorySignIns
from foveal.testing.fakes_people import InMemoryConversations, InMemoryWrittenWords, in_memory_people
from foveal.testing.fakes_remote import FakeReranker
from foveal.testing.fakes_showing import FakeShowing
from foveal.testing.fakes_sources import InMemorySourceRegistry, counting_sources
from foveal.testing.fakes_stores import InMemoryChunkSnapshot, InMemoryIngestionLog
from foveal.testing.fakes_text import FakeTextEmbedder
from foveal.testing.fakes_uploads import InMemoryUploadStore, fake_uploads
from foveal.types.assets import AssetId, DocumentId, MediaKind
from foveal.types.chat import (
    ChatEvent,
    ChatRequest,
    Citation,
    Finished,
    Grounded,
    GroundedSpan,
    GroundingOptions,
    ImageInput,
    Retrieved,
    TextDelta,
)
from foveal.types.chunks import Chunk, ChunkId, Generation, IndexSchema
from foveal.types.content import Severity, Usage
from foveal.types.filters import Comparison, Filter
from foveal.types.ingestions import Ingestion, JobKind
from foveal.types.safety import CATEGORIES, Category, Judgement, Side
from foveal.types.search import Extract, Hit, Leg, LegScore, Query, SearchResult
from foveal.types.status import Check, Deployment, IndexStatus
from foveal.types.vectors import FloatArray

FAKE_DIM = 32
"""Length of the vectors of its text model."""
IMAGE_MAGIC = b"FAKE"
"""What `FakeEngine` takes for an image: these bytes and anything after them."""


def fake_chunk(name: str, text: str, **fields: object) -> Chunk:
    """A chunk of a file called `name`; further fields as in `Chunk`."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    chunk = Chunk(
        chunk_id=ChunkId(f"{digest[:32]}-0"),
        document_id=DocumentId(digest[:32]),
        asset_id=AssetId(hashlib.sha256(text.encode()).hexdigest()),
        kind=MediaKind.TEXT,
        media_type="text/plain",
        source="/data",
        title=name.rpartition(".")[0],
        filepath=name,
        content=text,
    )
    return replace(chunk, **fields)  # type: ignore[arg-type]


class FakeEngine(FakeShowing):
    """Has everything `foveal.api.engine.Engine` asks for.

    A search finds chunks that share a word with the question, best first; of filters it applies one `field eq value`;
    it honours groups, `top` and `skip`, and takes less than a third of the question's words for a weak hit. A chat
    quotes the first document word by word with `[doc1]`, or refuses. What it shows of documents is in `FakeShowing`.

    Attributes:
        written_words: What people wrote on files of sources that are not theirs.
        conversations: What is behind the history.
        mapped: Local indexes by service and index.
        live_hosts: Hosts of services that requests may name.
        web: Bytes by address.
        embedder: What embeds.
        requests: Every chat request, in order.
        queries: Every `(index, query)`, in order.
        failure: Raised by `chat` before its first event, when set.
        failure_after: Raised by `chat` after its first word, when set.
        pause_s: Seconds `chat` waits before each word.
        turns: A word of `chat` waits until it can take one; None: no word waits.
        closed: How many chats ended before their last event.
        upstreams: What stands behind further deployments, by name.
        holds_answers: Whether answers may be filtered.
        reads_words: Constant: its filter is quick, but stands for one that is not.
        filters_fail: Whether the content filters cannot run.
        judged: Every `(side, text)` judged, in order.
        vision: Behind the face of Azure AI Vision, by the fake models.
        say: What a plain chat answers, in place of an echo; empty: the echo.
        rests_on: What a chat without sources rests on, as one about videos does; None: nothing.
    """

    def __init__(self, indexes: dict[str, list[Chunk]] | None = None) -> None:
        super().__init__(indexes or {})
        self._search_indexes = SearchIndexes(
            InMemorySearchIndexCatalog(), InMemoryDocumentStore(), taken=lambda: list(self.indexes)
        )
        self.log = InMemoryIngestionLog()
        store = InMemoryUploadStore()
        self._sources = counting_sources(InMemorySourceRegistry(), self.log, store)
        self._uploads = fake_uploads(store, self._sources)
        self.written_words = InMemoryWrittenWords()
        self.conversations = InMemoryConversations()
        self._desk = Desk(InMemoryAccounts(), InMemorySignIns(), InMemoryMistakes())
        self._people = in_memory_people(self.conversations, self._found, names=lambda: list(self.indexes))
        self.mapped: dict[tuple[str, str], str] = {}
        self.live_hosts: set[str] = set()
        self.embedder = FakeTextEmbedder()
        self.web: dict[str, bytes] = {}
        self.requests: list[ChatRequest] = []
        self.queries: list[tuple[str, Query]] = []
        self.failure: Exception | None = None
        self.failure_after: FovealError | None = None
        self.pause_s = 0.0
        self.turns: threading.Semaphore | None = None
        self.closed = 0
        self.upstreams: dict[str, Upstream] = {}
        self.holds_answers = False
        self.reads_words = True
        self.filters_fail = False
        self.judged: list[tuple[Side, str]] = []
        self.vision = fake_vision()
        self.say = ""
        self.rests_on: Retrieved | None = None

    def index_names(self) -> list[str]:
        """As given and as made, sorted."""
        return sorted([*self.indexes, *(record.definition.name for record in self._search_indexes.all())])

    def mapped_index(self, service: str, index: str) -> str | None:
        """From `mapped`."""
        return self.mapped.get((service, index))

    def live_endpoint(self, host: str) -> str | None:
        """From `live_hosts`."""
        return f"https://{host}" if host in self.live_hosts else None

    def index_status(self, index: str) -> IndexStatus:
        """Counts of what was given."""
        if self._search_indexes.find(index) is not None:
            return documents_status(self.open_index(index, None))
        chunks = self._chunks(index)
        return IndexStatus(
            name=index,
            generation=1,
            documents=len({c.document_id for c in chunks}),
            chunks=len(chunks),
            images=sum(c.kind is MediaKind.IMAGE for c in chunks),
            described=sum(bool(c.description) for c in chunks),
            text_model="fake",
            image_model="fake",
        )

    def deployments(self) -> list[Deployment]:
        """One called `foveal`, those of `upstreams`, and `foveal-embedding`."""
        own = Deployment(name="foveal", model="fake-model", sees=True, context_tokens=8192, created=1_700_000_000)
        embedding = Deployment(name="foveal-embedding", model="fake-embedding", sees=False, context_tokens=512)
        others = (replace(own, name=name, tools=True, json_mode=True) for name in self.upstreams)
        return [own, *others, replace(embedding, kind="embedding", created=own.created)]

    def deployment(self, name: str) -> Deployment:
        """Those listed.

        Raises:
            DeploymentNotFoundError: Any other.
        """
        known = {deployment.name: deployment for deployment in self.deployments()}
        if name not in known:
            raise DeploymentNotFoundError(f"There is no deployment {name}.", remedy=f"Use one of: {', '.join(known)}.")
        return known[name]

    def upstream(self, deployment: str) -> Upstream | None:
        """From `upstreams`.

        Raises:
            DeploymentNotFoundError: No such deployment.
        """
        return self.upstreams.get(self.deployment(deployment).name)

    def embed(
        self, deployment: str, texts: Sequence[str], *, queries: bool = False, dimensions: int | None = None
    ) -> FloatArray:
        """By the fake embedder; questions are embedded otherwise than passages.

        Raises:
            OperationError: The deployment is for chats.
            InvalidRequestError: Any length but the embedder's.
        """
        if self.deployment(deployment).kind != "embedding":
            raise OperationError("The embeddings operation does not work with the specified model, fake-model.")
        if dimensions not in {None, self.embedder.dim}:
            raise InvalidRequestError("This model does not support specifying dimensions.")
        return self.embedder.embed_queries([f"question {t}" for t in texts] if queries else texts)

    def checks(self) -> list[Check]:
        """One that is on and one that is off."""
        return [
            Check(name="catalog", state="on", detail="In memory."),
            Check(name="chat model", state="off", detail="None.", remedy="Set chat.base_url."),
        ]

    @property
    def search_indexes(self) -> SearchIndexes:
        """In memory."""
        return self._search_indexes

    @property
    def sources(self) -> SavedSources:
        """In memory; their ingestions count files and keep nothing."""
        return self._sources

    @property
    def jobs(self) -> Jobs:
        """In memory; refreshes can be run."""

        def refresh(job: Ingestion, observe: Observer) -> Ingestion:
            return self._sources.refresh(job.saved_source, observe, job=job)

        return Jobs(self.log, {JobKind.REFRESH: refresh})

    @property
    def uploads(self) -> Uploads:
        """In memory."""
        return self._uploads

    @property
    def rewording(self) -> Rewording:
        """In memory."""
        return Rewording(
            look=self.chunk,
            words=self.written_words,
            sources=self._sources,
            jobs=self.jobs,
            uploads=lambda: self._uploads,
        )

    @property
    def default_index(self) -> str:
        """One that is nowhere yet."""
        return "default"

    @property
    def people(self) -> People:
        """In memory."""
        return self._people

    @property
    def desk(self) -> Desk:
        """In memory, without a provider unless one is put there."""
        return self._desk

    def _found(self, index: str, chunk_ids: Collection[ChunkId]) -> Mapping[ChunkId, Chunk] | None:
        if index not in self.indexes:
            return None
        return {chunk.chunk_id: chunk for chunk in self.indexes[index] if chunk.chunk_id in chunk_ids}

    def open_index(self, index: str, groups: tuple[str, ...] | None) -> OpenIndex:
        """Of chunks, or of documents in memory, embedded (in `FAKE_DIM` numbers) and re-ranked by fakes.

        Raises:
            IndexNotFoundError: Neither has it.
        """
        finder = DocumentFinder(
            embedder=lambda dim: FakeTextEmbedder(dim=dim) if dim == FAKE_DIM else None, reranker=FakeReranker
        )
        record = self._search_indexes.find(index)
        if record is not None:
            definition, documents = self._search_indexes.snapshot(index)
            return OpenIndex(definition=definition, etag=record.etag, snapshot=documents, finder=finder, writable=True)
        definition = chunk_definition(index, IndexSchema(text_dim=FAKE_DIM, image_dim=FAKE_DIM))
        snapshot = InMemoryChunkSnapshot({chunk.chunk_id: chunk for chunk in self._chunks(index)})
        chunks = ChunkDocuments(definition, snapshot, lambda query: self.search(index, query), groups)
        return OpenIndex(
            definition=definition,
            etag='"1"',
            snapshot=chunks,
            finder=finder,
            writable=False,
            words=chunks.find_words,
        )

    def parse_filter(self, text: str | None, index: str | None = None) -> Filter | None:
        """With the real parser."""
        record = self._search_indexes.find(index) if index else None
        return optional_filter(text, record.definition.filter_fields) if record else optional_filter(text)

    def grounding(
        self,
        *,
        top_n_documents: int | None = None,
        strictness: int | None = None,
        in_scope: bool | None = None,
    ) -> GroundingOptions:
        """Defaults of the contract."""
        return GroundingOptions(
            top_n_documents=5 if top_n_documents is None else top_n_documents,
            strictness=3 if strictness is None else strictness,
            in_scope=True if in_scope is None else in_scope,
        )

    def open_image(self, data: bytes) -> ImageInput:
        """Bytes that begin with `IMAGE_MAGIC`.

        Raises:
            ImageError: They do not.
        """
        if not data.startswith(IMAGE_MAGIC):
            raise ImageError("The image's bytes are of no image type that is read.")
        pixels = np.full((16, 16, 3), len(data) % 256, dtype=np.uint8)
        return ImageInput(data=data, media_type="image/fake", pixels=pixels)

    def fetch_image(self, url: str) -> ImageInput:
        """From `web`.

        Raises:
            ImageError: Nothing is there.
        """
        if url not in self.web:
            name = url.partition("?")[0].partition("://")[2]
            raise ImageError(
                f"There is nothing at {name}.", remedy="Send the image itself as a data URL.", reason="address"
            )
        return self.open_image(self.web[url])

    def judge(self, side: Side, texts: Sequence[str], images: Sequence[ImageInput]) -> Judgement:
        """High, and filtered, for a category named ("hate", "self-harm"…) by the words or an image's bytes."""
        words = [text.casefold() for text in texts]
        self.judged += [(side, text) for text in texts]
        if self.filters_fail:
            return Judgement(cause="the filter could not run")
        words += [image.data.decode("latin-1").casefold() for image in images]
        found: set[Category] = {c for c in CATEGORIES if any(c.replace("_", "-") in text for text in words)}
        levels = {c: Severity.HIGH if c in found else Severity.SAFE for c in CATEGORIES}
        return Judgement(severities=levels, filtered=frozenset(found))

    def search(self, index: str, query: Query) -> SearchResult:
        """By shared words."""
        self.queries.append((index, query))
        wanted = _words(query.text)
        hits = []
        for chunk in self._visible(index, query.groups):
            shared = len(wanted & _words(chunk.content)) / max(1, len(wanted))
            if _passes(chunk, query.filter) and (shared or query.images):
                hits.append(_hit(chunk, shared))
        hits.sort(key=lambda hit: (-hit.score, hit.chunk.chunk_id))
        weak = [h for h in hits if query.strictness and h.score < 1 / 3]
        strong = [h for h in hits if h not in weak]
        return SearchResult(
            index=index,
            generation=Generation(1),
            hits=tuple(strong[query.skip : query.skip + query.top]),
            rejected=tuple(weak[: query.top]),
            elapsed_ms=(("search", 1.0),),
        )

    async def chat(self, request: ChatRequest) -> AsyncIterator[ChatEvent]:
        """Quote what was found, word by word; grounded, every image shows its first word all over."""
        self.requests.append(request)
        if self.failure is not None:
            raise self.failure
        finished = False
        try:
            text = self.say or f"You said: {request.messages[-1].text}"
            if request.sources:
                retrieved = self._retrieve(request)
                yield retrieved
                text = f"{retrieved.citations[0].text} [doc1]" if retrieved.citations else request.grounding.refusal
            elif self.rests_on is not None:
                yield self.rests_on
            for number, word in enumerate(re.findall(r"\S+\s*", text)):
                await self._turn()
                if number and self.failure_after is not None:
                    raise self.failure_after
                yield TextDelta(text=word)
            usage = Usage(prompt_tokens=7, completion_tokens=len(text.split()))
            finished = True
            if request.enhancements.grounding:
                yield Grounded(spans=_first_word(text, len(request.messages[-1].images)))
            yield Finished(reason="stop", usage=usage, answered=text != request.grounding.refusal, model="fake-model")
        finally:
            self.closed += not finished

    async def _turn(self) -> None:
        await asyncio.sleep(self.pause_s)
        while self.turns is not None and not self.turns.acquire(blocking=False):  # noqa: ASYNC110 - tests let it go
            await asyncio.sleep(0.005)

    def _retrieve(self, request: ChatRequest) -> Retrieved:
        question, options = request.messages[-1], request.grounding
        results = tuple(
            self.search(
                source.index,
                Query(
                    text=question.text,
                    images=tuple(image.pixels for image in question.images),
                    mode=source.mode,
                    filter=source.filter,
                    groups=options.groups,
                    strictness=options.strictness,
                    top=2 * options.top_n_documents,
                ),
            )
            for source in request.sources
        )
        hits = [(r.index, hit) for r in results for hit in r.hits][: options.top_n_documents]
        return Retrieved(
            intents=(question.text,) if question.text else (),
            citations=_citations(hits),
            results=results,
        )


def _citations(hits: Sequence[tuple[str, Hit]]) -> tuple[Citation, ...]:
    return tuple(
        Citation(number=number, index=index, chunk=hit.chunk, text=hit.chunk.content, extract=hit.extract)
        for number, (index, hit) in enumerate(hits, 1)
    )


def _hit(chunk: Chunk, score: float) -> Hit:
    leg = LegScore(leg=Leg.KEYWORD, rank=1, score=score, confidence=score, contribution=score)
    extract = Extract(text=chunk.content, score=score, highlights=((0, 1),))
    return Hit(chunk=chunk, score=score, confidence=score, legs=(leg,), rerank_score=4 * score, extract=extract)


def _passes(chunk: Chunk, where: Filter | None) -> bool:
    if where is None:
        return True
    if isinstance(where, Comparison) and where.op == "eq":
        return bool(getattr(chunk, where.field) == where.value)
    raise FilterError(f"The fake engine applies no such filter: {where}.")


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.lower()))


def _first_word(text: str, images: int) -> tuple[GroundedSpan, ...]:
    word, whole = text.partition(" ")[0], ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    return tuple(
        GroundedSpan(text=word.lower(), offset=0, length=len(word), image=number, polygon=whole)
        for number in range(images)
    )
