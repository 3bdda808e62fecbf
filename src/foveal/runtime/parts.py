"""The parts of a running product, each made at first use from the settings, and kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

from foveal.errors import NotFoundError
from foveal.pipeline.adapt import AdapterKeeper
from foveal.pipeline.calibrate import CalibrationKeeper
from foveal.pipeline.chat import Chat
from foveal.pipeline.ingest import Ingester
from foveal.pipeline.part_vectors import PartVectors
from foveal.pipeline.plan import Planner, PricedModel
from foveal.pipeline.prepare import ChunkingOptions, Preparer
from foveal.pipeline.search import Searcher
from foveal.pipeline.understand import ImageUnderstanding, TextUnderstanding
from foveal.runtime.decoders import Decoders
from foveal.runtime.deployments import Deployments
from foveal.runtime.made_once import made_once
from foveal.runtime.stores import Stores
from foveal.types.assets import MediaKind

if TYPE_CHECKING:
    from foveal.identity.desk import Desk
    from foveal.pipeline.findings import ImageFindings
    from foveal.pipeline.jobs import Jobs
    from foveal.pipeline.people import People
    from foveal.pipeline.reembed import Reembedder
    from foveal.pipeline.saved_sources import SavedSources
    from foveal.pipeline.uploads import Uploads
    from foveal.pipeline.video_chat import VideoChat
    from foveal.pipeline.vision import Vision
    from foveal.ports.models import ChatModel, TextEmbedder
    from foveal.ports.sources import Source
    from foveal.ports.stores import ModelCache
    from foveal.runtime.judging import Judge
    from foveal.runtime.live import LiveIndexes
    from foveal.runtime.models import Models
    from foveal.runtime.originals import Originals
    from foveal.runtime.relating import Relating
    from foveal.runtime.retrieving import Retrieving
    from foveal.runtime.video import Frames
    from foveal.runtime.video_retrieval import VideoRetrieval
    from foveal.settings import Settings
    from foveal.settings.models import ModelServer
    from foveal.types.chat import ImageInput
    from foveal.types.chunks import Chunk
    from foveal.types.vectors import Pixels


class Parts(Stores, Decoders):
    """Everything a home is made of.

    Args:
        settings: The settings.
        models: The models.
        picture: JPEG bytes of an image chunk of an index for a model that sees; None when they cannot be had.
        ensure_index: Makes an index that does not exist.
    """

    def __init__(
        self,
        settings: Settings,
        models: Models,
        *,
        picture: Callable[[str, Chunk], bytes | None],
        ensure_index: Callable[[str], None],
    ) -> None:
        super().__init__(settings)
        self.models = models
        self.picture = picture
        self.ensure_index = ensure_index
        self.text_model = ""
        self._of_text: dict[str, Parts] = {}

    def of(self, index: str) -> Parts:
        """The parts for the text model that an index is made with; these for one that is not there yet.

        Raises:
            DeploymentNotFoundError: Its model is no deployment any more.
        """
        from foveal.runtime.text_models import text_model_of

        return self.with_text(text_model_of(self, index))

    def with_text(self, text_model: str) -> Parts:
        """The parts for a text model, the home's own for none.

        Raises:
            DeploymentNotFoundError: There is no such deployment.
        """
        from foveal.runtime.text_models import parts_for

        if not text_model:
            return self
        with self.lock:
            if text_model not in self._of_text:
                self._of_text[text_model] = parts_for(self, text_model)
            return self._of_text[text_model]

    @made_once
    def reembedder(self) -> Reembedder:
        """Makes the vectors of indexes anew with this text model."""
        from foveal.pipeline.reembed import Reembedder

        return Reembedder(
            self.text_model,
            catalog=self.catalog,
            store=self.store,
            log=self.log,
            texts=self.texts,
            adapters=self.adapters,
            calibrations=self.calibrations,
        )

    def close(self) -> None:
        """Release the database connections."""
        if "live" in self.__dict__:
            self.live.close()
        if "engine" in self.__dict__:
            self.engine.dispose()

    @made_once
    def jobs(self) -> Jobs:
        """Jobs of every kind."""
        from foveal.runtime.jobs import jobs_of

        return jobs_of(self)

    @made_once
    def desk(self) -> Desk:
        """Where people sign in."""
        from foveal.runtime.people import desk

        return desk(self)

    @made_once
    def people(self) -> People:
        """What is kept of people."""
        from foveal.runtime.people import people

        return people(self)

    @made_once
    def sources(self) -> SavedSources:
        """Saved sources."""
        from foveal.runtime.sources import sources_of

        return sources_of(self)

    @made_once
    def uploads(self) -> Uploads:
        """What is done with them."""
        from foveal.runtime.uploading import uploads_of

        return uploads_of(self)

    @made_once
    def preparer(self) -> Preparer:
        """Files to chunks."""
        from foveal.models.safety import severity
        from foveal.readers.language import detect_language
        from foveal.readers.sniffing import sniff
        from foveal.runtime.video import listening

        chunking = self.settings.chunking
        return Preparer(
            readers=self.readers,
            sniff=sniff,
            images=self.images,
            texts=self.texts,
            chunking=ChunkingOptions(
                max_tokens=chunking.tokens, overlap_tokens=chunking.overlap_tokens, count=self.models.tokens.count
            ),
            detect_language=detect_language,
            severity=severity,
            listening=listening(self.models, self.cache, self.settings),
            parted=self.models.parted,
        )

    @made_once
    def judge(self) -> Judge:
        """The content filters."""
        from foveal.models.safety import severity
        from foveal.runtime.judging import Judge, thresholds

        safety = self.settings.safety
        return Judge(
            lambda: self.models.judging,
            severity=severity,
            thresholds=thresholds(safety),
            reads=safety.on and bool(safety.endpoint),
        )

    @made_once
    def images(self) -> ImageUnderstanding:
        """The image models behind their cache."""
        return self._understanding(self.cache)

    @made_once
    def shown_images(self) -> ImageUnderstanding:
        """The same for images of requests, which leave nothing behind."""
        from foveal.stores.model_cache import PassingModelCache

        return self._understanding(PassingModelCache(self.cache))

    def _understanding(self, cache: ModelCache) -> ImageUnderstanding:
        models = self.models
        return ImageUnderstanding(
            encoder=models.image,
            cache=cache,
            detector=models.objects,
            recognizer=models.ocr,
            safety=models.safety,
            captioner=models.captioner,
            regions=self.settings.understanding.regions,
        )

    @made_once
    def texts(self) -> TextUnderstanding:
        """The text model behind its cache."""
        return TextUnderstanding(self.models.text, self.cache)

    @made_once
    def adapters(self) -> AdapterKeeper:
        """Adapters of the indexes."""
        return AdapterKeeper(
            catalog=self.catalog,
            store=self.store,
            images=lambda: self.images,
            texts=self.texts,
            space=self.models.text_space,
            text_model=self.text_model,
        )

    @made_once
    def calibrations(self) -> CalibrationKeeper:
        """Calibrations of the indexes."""
        return CalibrationKeeper(catalog=self.catalog, store=self.store, texts=self.texts, text_model=self.text_model)

    @made_once
    def ingester(self) -> Ingester:
        """Runs ingestions."""
        return Ingester(
            catalog=self.catalog,
            store=self.store,
            log=self.log,
            queue=self.queue,
            derived=self.derived,
            preparer=self.preparer,
            adapters=self.adapters,
            calibrations=self.calibrations,
            workers=self.settings.worker_count,
            commit_assets=self.settings.commit_assets,
            source_of=lambda order: self.held_at(order.source),
            words=self.written_words,
            ensure_index=self.ensure_index,
        )

    @made_once
    def planner(self) -> Planner:
        """Plans them."""
        from foveal.runtime.uploading import limit_of

        caption, embedding = self.settings.caption, self.settings.embedding
        return Planner(
            catalog=self.catalog,
            log=self.log,
            preparer=self.preparer,
            workers=self.settings.worker_count,
            words=self.written_words,
            captioner=_priced(caption) if caption.on else None,
            embedder=_priced(embedding) if embedding.on else None,
            limit_of=limit_of(self.settings),
        )

    @made_once
    def searcher(self) -> Searcher:
        """Searches."""
        return Searcher(
            catalog=self.catalog,
            store=self.store,
            embedder=self.models.queries,
            encoder=lambda: self.models.image,
            adapters=self.adapters,
            calibrations=self.calibrations,
            sentences=self.texts.embed,
            parts=self.part_vectors,
            text_model=self.text_model,
            reranker=lambda: self.models.reranker,
        )

    @made_once
    def deployments(self) -> Deployments:
        """What requests may be sent to."""
        return Deployments(self.settings, self.models, describer=lambda: self.describer)

    @made_once
    def describer(self) -> ChatModel:
        """Says what is seen in images, without a language model."""
        from foveal.pipeline.describing import DescribingChat
        from foveal.readers.image_facts import dominant_colors
        from foveal.readers.language import detect_language

        models = self.models
        return DescribingChat(
            self.look,
            classes=lambda: models.objects.classes if models.objects else (),
            colors=dominant_colors,
            detect_language=detect_language,
            tokens=models.tokens,
        )

    @made_once
    def retrieving(self) -> Retrieving:
        """Every index, of either kind."""
        from foveal.runtime.retrieving import retrieving_of

        return retrieving_of(self)

    @made_once
    def live(self) -> LiveIndexes:
        """Indexes of other services."""
        from foveal.runtime.live import LiveIndexes

        def embedder(deployment: str, dimensions: int) -> TextEmbedder | None:
            if not deployment:
                return self.embedder(dimensions)
            model = self.deployments.embedder(deployment)
            return model if model.dim == dimensions else None

        return LiveIndexes(lambda: self.sources, embedder=embedder, reranker=lambda: self.models.reranker)

    def embedder(self, dimensions: int) -> TextEmbedder | None:
        """A text model whose vectors have that length: the home's own, else the operator's first such deployment."""
        if self.models.queries.dim == dimensions:
            return self.models.queries
        servers = self.settings.deployments.items()
        named = (name for name, server in servers if server.kind == "embedding" and server.dim == dimensions)
        name = next(named, None)
        return self.deployments.embedder(name) if name is not None else None

    @made_once
    def chat(self) -> Chat:
        """Answers conversations."""
        return Chat(
            retrieve=self.retrieving.retrieve,
            answerers=self.deployments.answerer,
            models=self.deployments.chat,
            tokens=self.models.tokens,
            picture=self.picture,
            relate=self.relating,
            things=self.relating.things,
        )

    @made_once
    def part_vectors(self) -> PartVectors:
        """How parts of shown images look."""
        return PartVectors(lambda: self.models.image)

    @made_once
    def relating(self) -> Relating:
        """Tells how a shown image relates to those of an index."""
        from foveal.runtime.relating import Relating

        return Relating(
            look=self.look,
            parts=self.part_vectors,
            recognizer=lambda: self.models.ocr,
            picture=self.pixels,
        )

    @made_once
    def vision(self) -> Vision:
        """Behind the face of Azure AI Vision."""
        from foveal.runtime.vision import vision_of

        return vision_of(self)

    @made_once
    def video_chat(self) -> VideoChat:
        """Answers conversations about videos."""
        from foveal.runtime.video_chat import video_chat_of

        return video_chat_of(self)

    @made_once
    def video_retrieval(self) -> VideoRetrieval:
        """Video indexes, and what brings their documents in."""
        from foveal.runtime.video_retrieval import VideoRetrieval

        return VideoRetrieval(self)

    def look(self, image: ImageInput) -> ImageFindings:
        """What the models find in an image of a request, once for the same bytes; no caption is paid for."""
        from foveal.runtime.relating import content_of

        asset_id, content = content_of(image)
        return self.shown_images.understand(asset_id, content, described=True)

    def pixels(self, chunk: Chunk) -> Pixels | None:
        """An image or a frame of an index, its long side at most 320; None when its file is gone or has changed."""
        from foveal.runtime.viewing import SMALL_PX, jpeg_pixels

        try:
            return jpeg_pixels(self.thumbnail(chunk, long_side_px=SMALL_PX))
        except NotFoundError:
            return None

    def thumbnail(self, chunk: Chunk, *, long_side_px: int) -> bytes:
        """A JPEG of an image, or of the frame of a moment.

        Raises:
            NotFoundError: It is neither, or its file is gone or has changed.
        """
        from foveal.runtime.viewing import thumbnail_bytes

        if chunk.kind is MediaKind.VIDEO:
            return self.frames.thumbnail(chunk, long_side_px=long_side_px)
        reader = self.reader(chunk.media_type)
        return thumbnail_bytes(self.derived, self.held(chunk), reader, chunk, long_side_px=long_side_px)

    @made_once
    def frames(self) -> Frames:
        """Frames of videos."""
        from foveal.runtime.video import Frames

        return Frames(self.video_reader, self.derived, self.open_original)

    @made_once
    def originals(self) -> Originals:
        """Files as they were indexed."""
        from foveal.runtime.originals import Originals

        return Originals(self.kept)

    def open_original(self, chunk: Chunk) -> BinaryIO:
        """The file a chunk is from; the caller closes.

        Raises:
            NotFoundError: It is gone, or has changed since it was indexed.
        """
        return self.originals.open(self.held(chunk), chunk)

    def held(self, chunk: Chunk) -> Source:
        """Where a chunk's file is; as `held_at`."""
        return self.held_at(chunk.source)

    def held_at(self, location: str) -> Source:
        """The source of a location, opened.

        Raises:
            NotFoundError: It is not saved any more.
        """
        from foveal.runtime.sources import held

        def saved(location: str) -> Source:
            return self.sources.holding(location)

        return held(location, saved)


def _priced(server: ModelServer) -> PricedModel:
    return PricedModel(
        name=server.model,
        price_prompt=server.price_prompt,
        price_completion=server.price_completion,
        concurrency=server.concurrency,
    )
