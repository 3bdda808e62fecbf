"""What the HTTP edge needs of the runtime, and nothing more: `foveal.runtime.Foveal` has it, a fake can."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from foveal.types.chat import ChatEvent, ChatRequest, GroundingOptions, ImageInput
from foveal.types.chunks import Chunk, ChunkId
from foveal.types.filters import Filter
from foveal.types.search import Query, SearchResult
from foveal.types.status import Check, Deployment, IndexStatus


class Engine(Protocol):
    """One open home. The sync methods may take long and are called from worker threads, several at once.

    `groups` has the meaning of `Query.groups` everywhere: a chunk the caller may not see does not exist.
    """

    def index_names(self) -> list[str]:
        """All indexes, by name."""

    def index_status(self, index: str) -> IndexStatus:
        """One index.

        Raises:
            IndexNotFoundError: No index of that name.
        """

    def deployments(self) -> list[Deployment]:
        """The names that chat requests may be sent to; at least one."""

    def check_deployment(self, name: str) -> None:
        """Say nothing when there is such a deployment.

        Raises:
            DeploymentNotFoundError: Naming those there are.
        """

    def checks(self) -> list[Check]:
        """The parts of this installation, on, off or failed."""

    def parse_filter(self, text: str | None) -> Filter | None:
        """An OData filter; None for None or blank text.

        Raises:
            FilterError: It does not parse, or names an unknown field.
        """

    def grounding(
        self,
        *,
        top_n_documents: int | None = None,
        strictness: int | None = None,
        in_scope: bool | None = None,
    ) -> GroundingOptions:
        """Grounding options; what is None takes the operator's default."""

    def open_image(self, data: bytes) -> ImageInput:
        """Sniff and decode an image of a request, within the limits.

        Raises:
            ImageError: Not an image that Foveal reads, or a broken one.
            TooLargeError: Over a limit on bytes or pixels.
        """

    def search(self, index: str, query: Query) -> SearchResult:
        """Search one index.

        Raises:
            IndexNotFoundError: No index of that name.
        """

    def chat(self, request: ChatRequest) -> AsyncIterator[ChatEvent]:
        """Answer: `Retrieved` when there are indexes, any number of `TextDelta`, then one `Finished`."""

    def chunk(self, index: str, chunk_id: ChunkId, groups: tuple[str, ...] | None) -> Chunk:
        """One chunk, without vectors.

        Raises:
            NotFoundError: No such chunk, or not for these groups.
        """

    def thumbnail(self, index: str, chunk_id: ChunkId, groups: tuple[str, ...] | None, *, long_side_px: int) -> bytes:
        """JPEG of an image chunk, upright, its long side at most `long_side_px`.

        Raises:
            NotFoundError: No such chunk, not for these groups, or not an image.
        """

    def original(self, index: str, chunk_id: ChunkId, groups: tuple[str, ...] | None) -> tuple[str, bytes]:
        """Sniffed media type and bytes of the file the chunk came from.

        Raises:
            NotFoundError: No such chunk, or not for these groups.
            AssetError: The file is gone or changed since it was indexed.
        """
