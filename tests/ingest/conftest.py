from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foveal.pipeline.adapt import AdapterKeeper
from foveal.pipeline.calibrate import CalibrationKeeper
from foveal.pipeline.ingest import Ingester, IngestRequest
from foveal.pipeline.prepare import ChunkingOptions, Preparer
from foveal.pipeline.understand import ImageUnderstanding, TextUnderstanding
from foveal.readers.image import ImageReader
from foveal.readers.language import detect_language
from foveal.readers.limits import Limits
from foveal.readers.sniffing import sniff
from foveal.readers.text import TextReader
from foveal.retrieval.text_space import build_text_space
from foveal.sources.descriptions import load_descriptions
from foveal.sources.folder import FolderSource
from foveal.stores.byte_files import FileByteStore
from foveal.stores.catalog import SqlCatalog, open_engine
from foveal.stores.ingestion_log import SqlIngestionLog
from foveal.stores.lance import LanceChunkStore
from foveal.stores.model_cache import SqlModelCache
from foveal.stores.work_queue import SqlWorkQueue
from foveal.testing.fakes_people import InMemoryWrittenWords
from foveal.testing.fakes_remote import FakeCaptioner
from foveal.testing.fakes_text import FakeTextEmbedder, FakeTextRecognizer
from foveal.testing.fakes_vision import FakeImageEncoder, FakeObjectDetector, FakeSafetyScorer
from foveal.types.chunks import Chunk, IndexSchema
from foveal.types.ingestions import Ingestion, IngestionProgress

INDEX = "photos"


def severity(score: float) -> int:
    return 6 if score > 0.9 else 0


@dataclass
class Home:
    """Real stores in a folder, with models that count how often they are called."""

    root: Path
    photos: Path
    encoder: FakeImageEncoder = field(default_factory=FakeImageEncoder)
    detector: FakeObjectDetector | None = field(default_factory=FakeObjectDetector)
    recognizer: FakeTextRecognizer = field(default_factory=FakeTextRecognizer)
    scorer: FakeSafetyScorer = field(default_factory=FakeSafetyScorer)
    embedder: FakeTextEmbedder = field(default_factory=FakeTextEmbedder)
    captioner: FakeCaptioner | None = None
    regions: bool = False
    words: InMemoryWrittenWords = field(default_factory=InMemoryWrittenWords)

    def __post_init__(self) -> None:
        self.engine = open_engine(f"sqlite:///{self.root / 'catalog.sqlite'}")
        self.catalog = SqlCatalog(self.engine)
        self.log = SqlIngestionLog(self.engine)
        self.queue = SqlWorkQueue(self.engine)
        self.cache = SqlModelCache(self.root / "cache.sqlite")
        self.store = LanceChunkStore(self.root / "indexes")
        self.derived = FileByteStore(self.root / "derived")
        schema = IndexSchema(text_dim=self.embedder.dim, image_dim=self.encoder.dim)
        if not self.catalog.indexes():
            self.catalog.create_index(INDEX, schema, self.store.create(INDEX, schema))

    @property
    def model_calls(self) -> int:
        models = (self.encoder, self.detector, self.recognizer, self.scorer, self.embedder, self.captioner)
        return sum(m.calls for m in models if m is not None)

    def preparer(self) -> Preparer:
        limits = Limits()
        return Preparer(
            readers=(ImageReader(limits), TextReader(limits)),
            sniff=sniff,
            images=self.images(),
            texts=TextUnderstanding(self.embedder, self.cache),
            chunking=ChunkingOptions(max_tokens=64, overlap_tokens=8, count=lambda text: len(text.split())),
            detect_language=detect_language,
            severity=severity,
        )

    def images(self) -> ImageUnderstanding:
        return ImageUnderstanding(
            encoder=self.encoder,
            cache=self.cache,
            detector=self.detector,
            recognizer=self.recognizer,
            safety=self.scorer,
            captioner=self.captioner,
            regions=self.regions,
        )

    def ingester(self, *, commit_assets: int = 4) -> Ingester:
        return Ingester(
            catalog=self.catalog,
            store=self.store,
            log=self.log,
            queue=self.queue,
            derived=self.derived,
            preparer=self.preparer(),
            adapters=AdapterKeeper(
                catalog=self.catalog,
                store=self.store,
                images=self.images,
                texts=TextUnderstanding(self.embedder, self.cache),
                space=lambda: build_text_space(
                    self.embedder, self.encoder.labels, self.detector.classes if self.detector else ()
                ),
            ),
            calibrations=CalibrationKeeper(
                catalog=self.catalog, store=self.store, texts=TextUnderstanding(self.embedder, self.cache)
            ),
            workers=2,
            commit_assets=commit_assets,
            source_of=lambda order: FolderSource(Path(order.source)),
            words=self.words,
        )

    def request(self, groups: tuple[str, ...] = ()) -> IngestRequest:
        source = FolderSource(self.photos)
        found = load_descriptions(source)
        return IngestRequest(
            source=source,
            index=INDEX,
            descriptions=found.by_path,
            ignore=frozenset(found.files),
            failures=found.failures,
            groups=groups,
        )

    def ingest(self, groups: tuple[str, ...] = ()) -> Ingestion:
        return self.ingester().run(self.request(groups))

    def cancel_after(self, done: int) -> Callable[[IngestionProgress], None]:
        """An observer that asks the running ingestion to stop once so many files are through."""

        def cancel(progress: IngestionProgress) -> None:
            if progress.done == done:
                self.log.cancel(self.log.recent(INDEX)[0].ingestion_id)

        return cancel

    def chunks(self) -> dict[str, Chunk]:
        record = self.catalog.index(INDEX)
        found = self.store.snapshot(INDEX, record.generation).scan(vectors=True)
        return {f"{c.filepath}#{c.ordinal}": c for c in found}


@pytest.fixture
def photo(tmp_path: Path) -> Callable[..., Path]:
    """Writes a picture made of coloured noise, different for every seed."""

    def make(name: str, seed: int = 0, size: tuple[int, int] = (64, 48)) -> Path:
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        low = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), np.uint8)
        Image.fromarray(low).resize(size, Image.Resampling.BICUBIC).save(path)
        return path

    return make


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    (tmp_path / "photos").mkdir()
    (tmp_path / "home").mkdir()
    made = Home(root=tmp_path / "home", photos=tmp_path / "photos")
    yield made
    made.engine.dispose()
