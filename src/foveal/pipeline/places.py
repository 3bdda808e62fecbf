"""Where a chunk comes from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from foveal.ports.sources import Source
from foveal.types.assets import Asset, DocumentId, MediaKind, SourceItem
from foveal.types.chunks import Chunk, ChunkId
from foveal.types.locators import Locator


def document_id(source: str, path: str) -> DocumentId:
    """Identity of a place in a source: the first 128 bits of SHA-256 over both, in hex."""
    return DocumentId(hashlib.sha256(f"{source}\0{path}".encode("utf-8", "surrogateescape")).hexdigest()[:32])


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What all chunks of a document share."""

    source: Source
    item: SourceItem
    asset: Asset
    groups: tuple[str, ...]

    @property
    def document_id(self) -> DocumentId:
        """Of the document."""
        return document_id(self.source.name, self.item.path)

    @property
    def name(self) -> str:
        """The file's."""
        return self.item.path.rsplit("/", 1)[-1]

    def chunk_id(self, ordinal: int) -> ChunkId:
        """Of the document's chunk with that number."""
        return ChunkId(f"{self.document_id}-{ordinal}")

    def chunk(
        self, ordinal: int, content: str, locator: Locator, *, kind: MediaKind | None = None, title: str = ""
    ) -> Chunk:
        """The document's chunk with that number; of the kind and with the name of the file unless told."""
        return Chunk(
            chunk_id=self.chunk_id(ordinal),
            document_id=self.document_id,
            asset_id=self.asset.asset_id,
            ordinal=ordinal,
            kind=kind or self.asset.kind,
            media_type=self.asset.media_type,
            source=self.source.name,
            title=title or self.name,
            filepath=self.item.path,
            content=content,
            modified_at=self.item.modified_at,
            size_bytes=self.asset.size_bytes,
            group_ids=self.groups,
            locator=locator,
        )
