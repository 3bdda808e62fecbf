"""The parts of a running product, each made at first use from the settings, and kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from foveal.errors import StoreError
from foveal.pipeline.adapt import AdapterKeeper
from foveal.pipeline.calibrate import CalibrationKeeper
from foveal.pipeline.chat import Chat
from foveal.pipeline.ingest import Ingester
from foveal.pipeline.plan import Planner, PricedModel
from foveal.pipeline.prepare import ChunkingOptions, Preparer
from foveal.pipeline.search import Searcher
from foveal.pipeline.understand import ImageUnderstanding, TextUnderstanding

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from foveal.ports import ByteStore, Catalog, ChunkStore, IngestionLog, ModelCache
    from foveal.readers.image import ImageReader
    from foveal.readers.limits import Limits
    from foveal.runtime.models import Models
    from foveal.settings import ModelServer, Settings
    from foveal.types.chunks import Chunk

T = TypeVar("T")


class made_once(Generic[T]):  # noqa: N801 - reads as the decorator it is
    """A property computed once an object, under the object's lock (`functools.cached_property` has none since 3.12)."""

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, parts: None, owner: type) -> made_once[T]: ...
    @overload
    def __get__(self, parts: Parts, owner: type) -> T: ...
    def __get__(self, parts: Parts | None, owner: type) -> T | made_once[T]:
        if parts is None:
            return self
        with parts.lock:
            if self._name not in parts.__dict__:
                parts.__dict__[self._name] = self._make(parts)
            made: T = parts.__dict__[self._name]
            return made


class Parts:
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
        self.settings = settings
        self.models = models
        self.picture = picture
        self.ensure_index = ensure_index
        self.lock = threading.RLock()

    def close(self) -> None:
        """Release the database connections."""
        if "engine" in self.__dict__:
            self.engine.dispose()

    @made_once
    def catalog(self) -> Catalog:
        """Indexes and documents."""
        from foveal.stores.catalog import SqlCatalog

        return SqlCatalog(self.engine)

    @made_once
    def log(self) -> IngestionLog:
        """Jobs."""
        from foveal.stores.ingestion_log import SqlIngestionLog

        return SqlIngestionLog(self.engine)

    @made_once
    def store(self) -> ChunkStore:
        """Chunks and vectors."""
        from foveal.stores.lance import LanceChunkStore

        return LanceChunkStore(self.settings.home / "indexes")

    @made_once
    def derived(self) -> ByteStore:
        """Thumbnails."""
        from foveal.stores.byte_files import FileByteStore

        return FileByteStore(self.settings.home / "derived")

    @made_once
    def cache(self) -> ModelCache:
        """Model results."""
        from foveal.stores.model_cache import SqlModelCache

        return SqlModelCache(self.settings.home / "model-cache.sqlite")

    @made_once
    def engine(self) -> Engine:
        """The database of the catalog."""
        from foveal.stores.catalog import open_engine

        home = self.settings.home
        try:
            home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"The home {home} cannot be used: {error.strerror}.",
                remedy="Set FOVEAL_HOME (or --home) to a folder of yours.",
            ) from None
        return open_engine(f"sqlite:///{self.settings.home / 'catalog.sqlite'}")

    @made_once
    def image_reader(self) -> ImageReader:
        """Decodes images."""
        from foveal.readers.image import ImageReader

        return ImageReader(self.limits)

    @made_once
    def limits(self) -> Limits:
        """Limits of decoding."""
        from foveal.readers.limits import Limits

        limits = self.settings.limits
        return Limits(
            max_image_bytes=limits.image_bytes,
            max_text_bytes=limits.text_bytes,
            max_pixels=limits.pixels,
            max_pages=limits.pages,
            max_seconds=limits.seconds,
        )

    @made_once
    def preparer(self) -> Preparer:
        """Files to chunks."""
        from foveal.models.safety import severity
        from foveal.readers.language import detect_language
        from foveal.readers.sniffing import sniff
        from foveal.readers.text import TextReader

        chunking = self.settings.chunking
        return Preparer(
            readers=(self.image_reader, TextReader(self.limits)),
            sniff=sniff,
            images=self.images,
            texts=self.texts,
            chunking=ChunkingOptions(
                max_tokens=chunking.tokens, overlap_tokens=chunking.overlap_tokens, count=self.models.tokens.count
            ),
            detect_language=detect_language,
            severity=severity,
        )

    @made_once
    def images(self) -> ImageUnderstanding:
        """The image models behind their cache."""
        models = self.models
        return ImageUnderstanding(
            encoder=models.image,
            cache=self.cache,
            detector=models.objects,
            recognizer=models.ocr,
            safety=models.safety,
            captioner=models.captioner,
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
        )

    @made_once
    def calibrations(self) -> CalibrationKeeper:
        """Calibrations of the indexes."""
        return CalibrationKeeper(catalog=self.catalog, store=self.store, texts=self.texts)

    @made_once
    def ingester(self) -> Ingester:
        """Runs ingestions."""
        return Ingester(
            catalog=self.catalog,
            store=self.store,
            log=self.log,
            derived=self.derived,
            preparer=self.preparer,
            adapters=self.adapters,
            calibrations=self.calibrations,
            workers=self.settings.worker_count,
            commit_assets=self.settings.commit_assets,
            ensure_index=self.ensure_index,
        )

    @made_once
    def planner(self) -> Planner:
        """Plans them."""
        caption, embedding = self.settings.caption, self.settings.embedding
        return Planner(
            catalog=self.catalog,
            log=self.log,
            preparer=self.preparer,
            workers=self.settings.worker_count,
            captioner=_priced(caption) if caption.on else None,
            embedder=_priced(embedding) if embedding.on else None,
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
            reranker=lambda: self.models.reranker,
        )

    @made_once
    def chat(self) -> Chat:
        """Answers conversations."""
        return Chat(
            searcher=self.searcher,
            answerer=self.models.answerer,
            model=self.models.chat,
            tokens=self.models.tokens,
            picture=self.picture,
        )


def _priced(server: ModelServer) -> PricedModel:
    return PricedModel(
        name=server.model,
        price_prompt=server.price_prompt,
        price_completion=server.price_completion,
        concurrency=server.concurrency,
    )
