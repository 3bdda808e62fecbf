from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from foveal.pipeline.adapt import ATTACHMENT, AdapterKeeper
from foveal.pipeline.calibrate import CalibrationKeeper
from foveal.pipeline.search import Searcher
from foveal.pipeline.understand import ImageUnderstanding, TextUnderstanding
from foveal.ports.models import Reranker
from foveal.retrieval.adapter import FeatureLayout, fit
from foveal.retrieval.text_space import build_text_space
from foveal.stores.catalog import SqlCatalog, open_engine
from foveal.stores.lance import LanceChunkStore
from foveal.stores.model_cache import SqlModelCache
from foveal.testing.contracts.chunk_store import text_chunk
from foveal.testing.fakes_remote import FakeReranker
from foveal.testing.fakes_text import FakeTextEmbedder
from foveal.testing.fakes_vision import FakeImageEncoder
from foveal.types.assets import AssetId, DocumentId, MediaKind
from foveal.types.chunks import Chunk, ChunkChange, IndexSchema
from foveal.types.search import Query, SearchResult
from foveal.types.vectors import FloatArray, Pixels

INDEX = "things"


class Embedder(FakeTextEmbedder):
    """The fake, with meanings given by hand: a text of `meanings` is embedded as the text it stands for."""

    def __init__(self) -> None:
        super().__init__()
        self.meanings: dict[str, str] = {}

    def _embed(self, texts: Sequence[str]) -> FloatArray:
        return super()._embed([self.meanings.get(text, text) for text in texts])


class SearchHome:
    """Real stores in a folder, fake models, chunks put by hand."""

    def __init__(self, root: Path) -> None:
        self.embedder = Embedder()
        self.encoder = FakeImageEncoder()
        self.reranker: Reranker = FakeReranker()
        self.engine = open_engine(f"sqlite:///{root / 'catalog.sqlite'}")
        self.catalog = SqlCatalog(self.engine)
        self.store = LanceChunkStore(root / "indexes")
        texts = TextUnderstanding(self.embedder, SqlModelCache(root / "cache.sqlite"))
        self.calibrations = CalibrationKeeper(catalog=self.catalog, store=self.store, texts=texts)
        space = build_text_space(self.embedder, (), ())
        layout = FeatureLayout(vector=self.encoder.dim)
        nothing = np.zeros((0, self.encoder.dim), np.float32), np.zeros((0, self.embedder.dim), np.float32)
        grey = np.stack([self.encoder.encode([picture(seed)])[0].vector for seed in range(1_000, 1_010)])
        self.adapter = fit(*nothing, collection=grey, space=space, layout=layout)
        schema = IndexSchema(text_dim=self.embedder.dim, image_dim=self.encoder.dim)
        generation = self.store.create(INDEX, schema)
        self.catalog.create_index(INDEX, schema, generation)
        self.catalog.commit(INDEX, generation, attachments={ATTACHMENT: self.adapter.to_bytes()})
        self.searcher = Searcher(
            catalog=self.catalog,
            store=self.store,
            embedder=self.embedder,
            encoder=lambda: self.encoder,
            adapters=AdapterKeeper(
                catalog=self.catalog, store=self.store, images=_no_images, texts=texts, space=lambda: space
            ),
            calibrations=self.calibrations,
            reranker=lambda: self.reranker,
        )

    def text(self, name: str, content: str, groups: tuple[str, ...] = ()) -> Chunk:
        return replace(text_chunk(name, content, groups=groups), text_vector=self.embedder.embed_passages([content])[0])

    def image(self, name: str, pixels: Pixels, description: str = "", groups: tuple[str, ...] = ()) -> Chunk:
        vector = self.encoder.encode([pixels])[0].vector
        return replace(
            text_chunk(name, description or "composed colours", groups=groups),
            kind=MediaKind.IMAGE,
            asset_id=AssetId(name.rjust(64, "0")),
            media_type="image/png",
            filepath=f"{name}.png",
            description=description,
            composed="" if description else "composed colours",
            text_vector=self.embedder.embed_passages([description])[0] if description else None,
            image_vector=vector,
            seen_vector=self.adapter.project(vector[None])[0],
        )

    def commit(self, *put: Chunk, delete: tuple[str, ...] = ()) -> None:
        base = self.catalog.index(INDEX).generation
        change = ChunkChange(delete=tuple(DocumentId(name) for name in delete), put=put)
        generation = self.store.optimize(INDEX, self.store.apply(INDEX, base, change))
        self.catalog.commit(INDEX, generation, attachments=self.calibrations.measured(INDEX, generation))

    def search(self, query: Query) -> SearchResult:
        return self.searcher.search(INDEX, query)


def _no_images() -> ImageUnderstanding:
    raise AssertionError("searching asks no image model but the encoder")


def picture(seed: int) -> Pixels:
    """Coloured noise, different for every seed."""
    coarse = np.random.default_rng(seed).integers(0, 255, (4, 4, 3), np.uint8)
    return np.repeat(np.repeat(coarse, 8, axis=0), 8, axis=1)


def names(found: SearchResult) -> list[str]:
    return [hit.chunk.document_id for hit in found.hits]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[SearchHome]:
    made = SearchHome(tmp_path)
    yield made
    made.engine.dispose()


SUBJECTS = ("harbour", "tractor", "violin", "glacier", "library", "volcano", "bicycle", "orchard")
VERBS = ("stands", "shines", "waits", "moves")
GROUPS = (("red",), ("blue",), ("red", "blue"), ("green",), ())


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchHome]:
    """Ninety texts and thirty images (every other described), whose groups go round; read only."""
    made = SearchHome(tmp_path_factory.mktemp("crowd"))
    chunks = []
    for n in range(120):
        groups = GROUPS[n % len(GROUPS)]
        words = f"{SUBJECTS[n % 8]} {VERBS[n // 8 % 4]} near the {SUBJECTS[n * 3 % 7]} number {n}"
        if n % 4 == 3:
            chunks.append(made.image(f"i{n:03}", picture(n), words if n % 8 == 3 else "", groups))
        else:
            chunks.append(made.text(f"t{n:03}", words, groups))
    made.commit(*chunks)
    yield made
    made.engine.dispose()
