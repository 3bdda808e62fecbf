"""The real text model, and photos as retrieved documents."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from foveal.models.cards import Card
from foveal.models.pull import ModelFolder
from foveal.models.text_embedder import LocalTextEmbedder
from foveal.types.assets import AssetId, DocumentId, MediaKind
from foveal.types.chat import Document
from foveal.types.chunks import Chunk, ChunkId
from foveal.types.content import DetectedObject
from foveal.types.locators import Box
from foveal.types.search import Hit, Leg, LegScore


@pytest.fixture(scope="session")
def embedder(pulled: Callable[[str], Card], model_folder: ModelFolder) -> LocalTextEmbedder:
    pulled("multilingual-e5-small")
    return LocalTextEmbedder(model_folder)


Photo = Callable[..., Document]


@pytest.fixture
def photo() -> Photo:
    """Makes a retrieved photo."""

    def make(
        number: int,
        *,
        description: str = "",
        caption: str = "",
        ocr: str = "",
        objects: tuple[str, ...] = (),
        tags: tuple[str, ...] = (),
        sure: float = 0.9,
        leg: Leg = Leg.SEEN,
    ) -> Document:
        box = Box(x=0.1, y=0.1, width=0.5, height=0.5)
        composed = f"Objects: {', '.join(objects)}" if objects else ""
        chunk = Chunk(
            chunk_id=ChunkId(f"p{number}-0"),
            document_id=DocumentId(f"p{number}"),
            asset_id=AssetId(f"{number:064x}"),
            kind=MediaKind.IMAGE,
            media_type="image/jpeg",
            source="test",
            title=f"{number}.jpg",
            filepath=f"album/{number}.jpg",
            content=" ".join((description, caption, composed, ocr)),
            description=description,
            caption=caption,
            composed=composed,
            ocr_text=ocr,
            tags=tags,
            objects=tuple(DetectedObject(label=label, score=0.8, box=box) for label in objects),
            language="en",
        )
        found_by = LegScore(leg=leg, rank=number, score=0.5, confidence=sure, contribution=0.1)
        hit = Hit(chunk=chunk, score=1.0, confidence=sure, legs=(found_by,))
        return Document(number=number, index="photos", hit=hit, text=chunk.content)

    return make
