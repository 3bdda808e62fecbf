"""Addresses of this server's own pages of an image or document, for replies."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from starlette.requests import Request

from foveal.types.chunks import Chunk


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Builds addresses on the name the caller used.

    Attributes:
        base: Such as `http://127.0.0.1:8808`, without a last slash.
    """

    base: str

    @classmethod
    def of(cls, request: Request) -> Links:
        """On the address this request came to."""
        return cls(base=str(request.base_url).rstrip("/"))

    def chunk(self, index: str, chunk: Chunk) -> str:
        """Everything known of a chunk."""
        return f"{self.base}/v1/indexes/{quote(index, safe='')}/chunks/{quote(chunk.chunk_id, safe='')}"

    def bytes(self, index: str, chunk: Chunk) -> str:
        """The file it is from."""
        return self.chunk(index, chunk) + "/bytes"

    def thumbnail(self, index: str, chunk: Chunk) -> str:
        """A small picture; for images only."""
        return self.chunk(index, chunk) + "/thumbnail"
