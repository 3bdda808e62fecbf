"""The running product: the only package that knows every implementation.

`Foveal` is one open home. The command line, the HTTP API and Python programs all go through it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from foveal.errors import ModelError
from foveal.pipeline.chat import collect
from foveal.pipeline.enhancing import enhanced, seen_in
from foveal.pipeline.job_run import Observer
from foveal.pipeline.rewording import Rewording
from foveal.runtime.jobs import ingest_order, request_of
from foveal.runtime.models import Models
from foveal.runtime.parts import Parts
from foveal.runtime.showing import Showing
from foveal.types.chat import Answer, ChatEvent, ChatRequest, GroundingOptions, ImageInput
from foveal.types.filters import Filter
from foveal.types.ingestions import AssetFailure, DocumentRecord, DocumentState, Ingestion, IngestionPlan, JobOrder
from foveal.types.safety import Judgement, Side
from foveal.types.search import Hit, Query, SearchResult
from foveal.types.status import Check, Deployment, IndexStatus

if TYPE_CHECKING:
    from foveal.identity.desk import Desk
    from foveal.models.cards import Card
    from foveal.models.pull import ModelFolder, PullProgress
    from foveal.pipeline.editions import Edition
    from foveal.pipeline.findings import ImageFindings
    from foveal.pipeline.jobs import Jobs
    from foveal.pipeline.open_index import OpenIndex
    from foveal.pipeline.people import People
    from foveal.pipeline.saved_sources import SavedSources
    from foveal.pipeline.search_indexes import SearchIndexes
    from foveal.pipeline.uploads import Uploads
    from foveal.pipeline.vision import Vision
    from foveal.ports.models import Upstream
    from foveal.ports.stores import Catalog, ChunkStore
    from foveal.runtime.sweeping import Swept
    from foveal.settings import Settings
    from foveal.types.live_settings import LiveSettings
    from foveal.types.relations import Relation
    from foveal.types.sources import Credential
    from foveal.types.vectors import FloatArray


class Foveal(Showing):
    """One home, open for reading and writing. Safe to use from several threads; close it when done.

    Args:
        settings: What `foveal.settings.load` gives.
        on_pull: Told of model files being fetched: (card, file, bytes done, bytes total).
    """

    def __init__(self, settings: Settings, *, on_pull: PullProgress | None = None) -> None:
        self.settings = settings
        self.models = Models(settings, on_pull=on_pull)
        self._warming: threading.Thread | None = None
        self.parts = Parts(settings, self.models, picture=self._picture, ensure_index=self._ensure_index)
        if settings.deployments:  # a wrong one is refused at start
            self.parts.deployments.all()

    def __enter__(self) -> Foveal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the database connections."""
        if self._warming is not None:  # a process that ends while a model is being opened is aborted
            self._warming.join()
        self.parts.close()

    def warm(self) -> None:
        """Begin to load the text model in the background, while the store is opened; a failure shows at its use."""

        def load() -> None:
            with suppress(ModelError):
                self.models.queries.embed_queries([""])

        self._warming = threading.Thread(target=load, daemon=True, name="foveal-warm")
        self._warming.start()

    # --- ingest

    def ingest(
        self,
        paths: Sequence[Path],
        *,
        index: str | None = None,
        descriptions: Path | None = None,
        groups: tuple[str, ...] = (),
        observe: Observer = lambda _: None,
    ) -> list[Ingestion]:
        """Bring an index in line with folders or files; one job each, in order.

        Args:
            paths: Folders or single files.
            index: Its name; made when it does not exist.
            descriptions: A JSON or CSV file with a person's words on images.
            groups: Groups that may see what is ingested; empty: everybody.
            observe: Told of progress, from this thread.

        Raises:
            ConflictError: Another process is ingesting into that index, or its vectors are of another length.
            ModelError: A model stopped answering; what was done is kept.
        """
        orders = self._orders(paths, index, descriptions, groups)
        return [self.parts.of(o.index).ingester.run_job(o, partial(request_of, o), observe) for o in orders]

    def plan(
        self,
        paths: Sequence[Path],
        *,
        index: str | None = None,
        descriptions: Path | None = None,
        groups: tuple[str, ...] = (),
    ) -> list[IngestionPlan]:
        """What `ingest` would do and cost; changes nothing."""
        orders = self._orders(paths, index, descriptions, groups)
        return [self.parts.of(order.index).planner.plan(request_of(order)) for order in orders]

    @property
    def jobs(self) -> Jobs:
        """Jobs: queued, run, looked at, cancelled, tried again."""
        return self.parts.jobs

    @property
    def sources(self) -> SavedSources:
        """Saved sources: added, tried out, refreshed, removed."""
        return self.parts.sources

    @property
    def uploads(self) -> Uploads:
        """Files that people send: received, described, deleted."""
        return self.parts.uploads

    @property
    def rewording(self) -> Rewording:
        """Words of people on images that are there."""
        parts = self.parts
        return Rewording(
            look=self.chunk,
            words=parts.written_words,
            sources=parts.sources,
            jobs=parts.jobs,
            uploads=lambda: parts.uploads,
        )

    @property
    def default_index(self) -> str:
        """The index used when none is named."""
        return self.settings.index

    @property
    def people(self) -> People:
        """What is kept of people."""
        return self.parts.people

    def import_azure_search(
        self,
        settings: LiveSettings,
        credential: Credential,
        into: str,
        *,
        saved_source: str = "",
        observe: Observer = lambda _: None,
    ) -> Ingestion:
        """Copy an index of Azure AI Search into an index of that name; asked again after it was killed, it goes on.

        Args:
            settings: Endpoint and name.
            credential: What opens it.
            into: Name of the copy.
            saved_source: The saved live index that this is, where it is one: then any process can go on with it.
            observe: Told of progress.

        Raises:
            ConflictError: There is an index of that name already.
            SourceUnusableError: It cannot be read.
        """
        from foveal.runtime.importing import run_import

        return run_import(self.parts, settings, credential, into, saved_source=saved_source, observe=observe)

    def reembed(self, index: str, deployment: str, *, observe: Observer = lambda _: None) -> Ingestion:
        """Make the text vectors of an index anew with the model of a deployment, beside those that are searched, and
        switch over at once; or switch back, where they are still there.

        Raises:
            IndexNotFoundError: No such index.
            DeploymentNotFoundError: No such deployment.
            OperationError: It is not for embeddings.
            ConflictError: The index has them already, or something writes to it.
        """
        from foveal.runtime.jobs import reembed_order
        from foveal.runtime.text_models import stored_name

        self.catalog.index(index)
        name = stored_name(deployment)
        return self.parts.with_text(name).reembedder.run(reembed_order(index, name), observe)

    def editions(self, index: str) -> tuple[Edition, ...]:
        """Vectors of an index that can be switched back to."""
        from foveal.pipeline.editions import editions

        return editions(self.catalog, index)

    @property
    def desk(self) -> Desk:
        """Where people sign in."""
        return self.parts.desk

    # --- find and answer

    def search(self, index: str, query: Query) -> SearchResult:
        """Search one index."""
        return self.parts.retrieving.search(index, query)

    @property
    def search_indexes(self) -> SearchIndexes:
        """Indexes of callers' own fields: made, changed, filled and removed."""
        return self.parts.retrieving.search_indexes

    def open_index(self, index: str, groups: tuple[str, ...] | None) -> OpenIndex:
        """One index of either kind, as somebody in these groups sees it through the face of Azure AI Search.

        Raises:
            IndexNotFoundError: No index of that name.
        """
        return self.parts.retrieving.open(index, groups)

    def parse_filter(self, text: str | None, index: str | None = None) -> Filter | None:
        """An OData filter in the dialect of Azure AI Search, over the fields of an index; None for none.

        Raises:
            FilterError: It does not parse, or names an unknown field.
        """
        return self.parts.retrieving.parse_filter(text, index)

    def grounding(
        self,
        *,
        top_n_documents: int | None = None,
        strictness: int | None = None,
        in_scope: bool | None = None,
    ) -> GroundingOptions:
        """Grounding options with the settings' defaults."""
        answering = self.settings.answering
        return GroundingOptions(
            top_n_documents=answering.top_n_documents if top_n_documents is None else top_n_documents,
            strictness=answering.strictness if strictness is None else strictness,
            in_scope=answering.in_scope if in_scope is None else in_scope,
        )

    def chat(self, request: ChatRequest) -> AsyncIterator[ChatEvent]:
        """Answer a conversation as a stream of events."""
        about_videos = any(message.videos for message in request.messages)
        answer = self.parts.video_chat.stream if about_videos else self.parts.chat.stream
        return enhanced(request, answer, lambda image: seen_in(self.look(image)))

    async def aask(self, request: ChatRequest) -> Answer:
        """Answer a conversation, collected."""
        return collect([event async for event in self.chat(request)])

    def ask(self, request: ChatRequest) -> Answer:
        """Answer a conversation, collected, from synchronous code."""
        events: list[ChatEvent] = []

        async def gather() -> None:
            # Not returned: `asyncio.run` ends by writing out its task, result and all, twice (130 ms with vectors).
            events.extend([event async for event in self.chat(request)])

        asyncio.run(gather())
        return collect(events)

    def open_image(self, data: bytes) -> ImageInput:
        """Decode an image that came with a request, under the same limits as ingested files.

        Raises:
            ImageError: It is no image Foveal reads, or it is broken.
            TooLargeError: It is over a limit.
        """
        from foveal.readers.sniffing import sniff
        from foveal.runtime.viewing import open_image

        return open_image(data, self.parts.image_reader, sniff)

    def fetch_image(self, url: str) -> ImageInput:
        """Fetch an image that a request gives by address, under the settings `fetch`, and decode it.

        Raises:
            ImageError: The address is not one to fetch from, nothing is there in time, or it is no image.
            TooLargeError: It is over a limit.
        """
        from foveal.runtime.fetching import fetch_image

        on = self.settings.fetch.on and not self.settings.offline
        return fetch_image(url, self.parts.fetcher if on else None, self.open_image)

    @property
    def holds_answers(self) -> bool:
        """Whether answers may be filtered: then no word of one goes out before it was judged."""
        return self.parts.judge.holds_answers

    @property
    def reads_words(self) -> bool:
        """Whether `judge` looks at words; where it does not, it takes no time over them."""
        return self.parts.judge.reads_words

    def judge(self, side: Side, texts: Sequence[str], images: Sequence[ImageInput]) -> Judgement:
        """What the content filters say of a prompt or an answer."""
        return self.parts.judge.judge(side, texts, images)

    def relations(self, image: ImageInput, hits: Sequence[Hit]) -> list[tuple[Relation, ...]]:
        """How an image relates to each hit: near-duplicate, same scene, object, place or day, each with its reason."""
        return self.parts.relating(image, hits)

    def look(self, image: ImageInput) -> ImageFindings:
        """What the local models find in an image: objects, text, tags, safety; no caption is paid for."""
        return self.parts.look(image)

    @property
    def vision(self) -> Vision:
        """What stands behind the face of Azure AI Vision."""
        return self.parts.vision

    # --- know what there is

    def index_names(self) -> list[str]:
        """Names of all indexes, sorted."""
        return self.parts.retrieving.names()

    def mapped_index(self, service: str, index: str) -> str | None:
        """The index that stands in for a service's by the setting `sources`, or as a saved live one; or None."""
        from foveal.runtime.mapping import local_index

        mapped = local_index(self.settings.sources, service, index)
        return mapped or self.parts.live.standing_for(service.lower(), index)

    def live_endpoint(self, host: str) -> str | None:
        """The address of a service whose indexes requests may name, by the setting `live.endpoints`; None where it is
        not listed.
        """
        return self.settings.live.address(host)

    def index_status(self, index: str) -> IndexStatus:
        """What an index holds and how well it can be searched."""
        from foveal.runtime.inventory import documents_status, index_status, live_status

        if self.search_indexes.find(index) is not None:
            return documents_status(self.open_index(index, None))
        if self.parts.live.find(index) is not None:
            return live_status(index, self.parts.live)
        parts = self.parts.of(index)
        return index_status(index, self.catalog, self.store, parts.adapters, parts.models)

    def failures(self, index: str) -> list[AssetFailure]:
        """Files of an index that could not be used."""
        if self.search_indexes.find(index) is not None or self.parts.live.find(index) is not None:
            return []  # a document that failed was told to who sent it
        documents = self.catalog.documents(index)
        return [d.failure for d in documents if d.failure and d.state is DocumentState.FAILED]

    def warned(self, index: str) -> list[DocumentRecord]:
        """Files of an index that were read with a warning: only in part, say."""
        if self.search_indexes.find(index) is not None or self.parts.live.find(index) is not None:
            return []
        return [d for d in self.catalog.documents(index) if d.warnings and d.state is DocumentState.INDEXED]

    def delete_index(self, index: str) -> None:
        """Delete an index with everything derived from its files; the files stay.

        Raises:
            IndexNotFoundError: No such index.
            ConflictError: It is another service's.
        """
        from foveal.runtime.indexes import delete_index

        delete_index(self.parts, index)

    def sweep(self) -> Swept:
        """Delete bytes that no index and no uploaded file has any more: what killed processes left behind."""
        from foveal.runtime.sweeping import sweep

        return sweep(self.parts)

    def deployments(self) -> list[Deployment]:
        """What a client may name as its deployment or model."""
        return self.parts.deployments.all()

    def deployment(self, name: str) -> Deployment:
        """One of them.

        Raises:
            DeploymentNotFoundError: Naming those there are.
        """
        return self.parts.deployments.named(name).shown

    def upstream(self, deployment: str) -> Upstream | None:
        """The model server behind a deployment, None where there is none.

        Raises:
            DeploymentNotFoundError: No such deployment.
        """
        return self.parts.deployments.upstream(deployment)

    def embed(
        self, deployment: str, texts: Sequence[str], *, queries: bool = False, dimensions: int | None = None
    ) -> FloatArray:
        """Vectors of texts: float32 [n, dim], rows L2-normalised.

        Raises:
            DeploymentNotFoundError: No such deployment.
            OperationError: It does not embed.
            InvalidRequestError: Its model does not give vectors of that length.
        """
        from foveal.runtime.embedding import embed

        return embed(self.parts.deployments.embedder(deployment), texts, queries=queries, dimensions=dimensions)

    def checks(self) -> list[Check]:
        """What is on, off or broken, and what to do about it."""
        from foveal.runtime.health import checks

        return checks(self)

    # --- models and samples

    @property
    def model_folder(self) -> ModelFolder:
        """Where model files live."""
        return self.models.folder

    def cards(self, names: Sequence[str] | None = None) -> list[Card]:
        """All model cards, or those named."""
        return self.models.cards(names)

    def sample_photos(self) -> Path:
        """The sample collection, fetched at first use; its folder."""
        from foveal.models.samples import materialise

        folder = self.settings.home / "samples" / "photos"
        materialise(self.model_folder, folder)
        return folder

    # --- where it is kept

    @property
    def catalog(self) -> Catalog:
        """Indexes and documents."""
        return self.parts.catalog

    @property
    def store(self) -> ChunkStore:
        """Chunks and vectors."""
        return self.parts.store

    def _ensure_index(self, name: str) -> None:
        from foveal.runtime.indexes import ensure_index

        ensure_index(self.parts, name)

    def _orders(
        self, paths: Sequence[Path], index: str | None, descriptions: Path | None, groups: tuple[str, ...]
    ) -> list[JobOrder]:
        return [ingest_order(path, index or self.settings.index, descriptions, groups) for path in paths]
