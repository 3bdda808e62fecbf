"""What the HTTP edge needs of the runtime, and nothing more: `foveal.runtime.Foveal` has it, a fake can."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import BinaryIO, Protocol

from foveal.identity.desk import Desk
from foveal.pipeline.browsing import Browser
from foveal.pipeline.jobs import Jobs
from foveal.pipeline.open_index import OpenIndex
from foveal.pipeline.people import People
from foveal.pipeline.saved_sources import SavedSources
from foveal.pipeline.search_indexes import SearchIndexes
from foveal.pipeline.uploads import Uploads
from foveal.pipeline.vision import Vision
from foveal.ports.models import Upstream
from foveal.types.chat import ChatEvent, ChatRequest, GroundingOptions, ImageInput
from foveal.types.chunks import Chunk, ChunkId
from foveal.types.filters import Filter
from foveal.types.locators import Box
from foveal.types.safety import Judgement, Side
from foveal.types.search import Query, SearchResult
from foveal.types.status import Check, Deployment, IndexStatus
from foveal.types.vectors import FloatArray


class Engine(Protocol):
    """One open home. The sync methods may take long and are called from worker threads, several at once.

    `groups` has the meaning of `Query.groups` everywhere: a chunk the caller may not see does not exist.
    """

    def index_names(self) -> list[str]:
        """All indexes, by name."""

    def mapped_index(self, service: str, index: str) -> str | None:
        """The local index that the operator put in the place of a service's index; None when there is none.

        Args:
            service: Host of the service's endpoint, or its name; empty when a request does not say.
        """

    def live_endpoint(self, host: str) -> str | None:
        """The address of a service whose indexes requests may name, to be searched with a key of theirs; None where the
        operator does not list its host.
        """

    def index_status(self, index: str) -> IndexStatus:
        """One index.

        Raises:
            IndexNotFoundError: No index of that name.
        """

    def deployments(self) -> list[Deployment]:
        """The names that chat requests may be sent to; at least one."""

    def deployment(self, name: str) -> Deployment:
        """One of them, or one that answers to any name.

        Raises:
            DeploymentNotFoundError: Naming those there are.
        """

    def upstream(self, deployment: str) -> Upstream | None:
        """The model server that requests to a deployment are passed on to; None where this engine itself answers.

        Raises:
            DeploymentNotFoundError: No such deployment.
        """

    def embed(
        self, deployment: str, texts: Sequence[str], *, queries: bool = False, dimensions: int | None = None
    ) -> FloatArray:
        """float32 [n, dim], rows L2-normalised; a text over the model's window is cut.

        Args:
            deployment: Of kind `embedding`.
            texts: What to embed.
            queries: Whether they are questions; models that tell them from passages embed them otherwise.
            dimensions: Length asked for, the model's own when None.

        Raises:
            DeploymentNotFoundError: No such deployment.
            OperationError: It does not embed.
            InvalidRequestError: Its model does not give vectors of that length.
        """

    def checks(self) -> list[Check]:
        """The parts of this installation, on, off or failed."""

    @property
    def search_indexes(self) -> SearchIndexes:
        """The indexes that callers made with fields of their own: to be made, changed, filled and removed."""

    @property
    def sources(self) -> SavedSources:
        """The saved sources: to be added, tried out, refreshed and removed."""

    @property
    def jobs(self) -> Jobs:
        """The jobs: to be queued, looked at, cancelled and tried again."""

    @property
    def uploads(self) -> Uploads:
        """Files that people send: received, described, deleted."""

    @property
    def default_index(self) -> str:
        """The index used when none is named."""

    @property
    def vision(self) -> Vision:
        """What stands behind the face of Azure AI Vision."""

    @property
    def people(self) -> People:
        """What is kept of people: their conversations, what they said of answers."""

    @property
    def desk(self) -> Desk:
        """Where people sign in."""

    def open_index(self, index: str, groups: tuple[str, ...] | None) -> OpenIndex:
        """One index of either kind, to be searched through the face of Azure AI Search.

        Raises:
            IndexNotFoundError: No index of that name.
        """

    def parse_filter(self, text: str | None, index: str | None = None) -> Filter | None:
        """An OData filter over the fields of an index (None: over those of Foveal's own); None for blank text.

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

    def fetch_image(self, url: str) -> ImageInput:
        """Fetch and decode an image that a request gives by its http or https address.

        A message names the address by host and path: its query may hold a signature.

        Raises:
            ImageError: The address is not one to fetch from, nothing is there in time, or it is no image.
            TooLargeError: Over a limit on bytes or pixels.
        """

    @property
    def holds_answers(self) -> bool:
        """Whether answers may be filtered: then no word of one goes out before it was judged."""

    @property
    def reads_words(self) -> bool:
        """Whether `judge` looks at words; where it does not, it takes no time over them."""

    def judge(self, side: Side, texts: Sequence[str], images: Sequence[ImageInput]) -> Judgement:
        """What the content filters say of a prompt or an answer, all of it together.

        Never raises a `ModelError`: a filter that cannot run leaves its categories out, with the cause. What was judged
        before is not judged again.
        """

    def search(self, index: str, query: Query) -> SearchResult:
        """Search one index.

        Raises:
            IndexNotFoundError: No index of that name.
        """

    def chat(self, request: ChatRequest) -> AsyncIterator[ChatEvent]:
        """Answer: `Retrieved` when there are indexes, any number of `TextDelta`, one `Grounded` when the request asks
        for grounding, then one `Finished`.
        """

    @property
    def browser(self) -> Browser:
        """Looks through an index without a question."""

    def page(
        self, index: str, chunk_id: ChunkId, groups: tuple[str, ...] | None, *, long_side_px: int, question: str = ""
    ) -> bytes:
        """JPEG of the page of a PDF that a chunk of text is from, its passage marked where it is about the question.

        Raises:
            NotFoundError: No such chunk, not for these groups, or not from a page of a PDF.
        """

    def chunk(self, index: str, chunk_id: ChunkId, groups: tuple[str, ...] | None) -> Chunk:
        """One chunk, without vectors.

        Raises:
            NotFoundError: No such chunk, or not for these groups.
        """

    def thumbnail(
        self,
        index: str,
        chunk_id: ChunkId,
        groups: tuple[str, ...] | None,
        *,
        long_side_px: int,
        boxes: Sequence[Box] = (),
    ) -> bytes:
        """JPEG of an image chunk, upright, its long side at most `long_side_px`, with the outlines of `boxes` drawn.

        Raises:
            NotFoundError: No such chunk, not for these groups, or not an image.
        """

    def open_original(self, index: str, chunk_id: ChunkId, groups: tuple[str, ...] | None) -> BinaryIO:
        """The file the chunk came from, for reading a part of it; the caller closes.

        Raises:
            NotFoundError: No such chunk, or not for these groups; or the file is gone or changed since it was indexed.
        """

    def original(self, index: str, chunk_id: ChunkId, groups: tuple[str, ...] | None) -> tuple[str, bytes]:
        """Sniffed media type and bytes of the file the chunk came from.

        Raises:
            NotFoundError: No such chunk, or not for these groups.
            AssetError: The file is gone or changed since it was indexed.
        """
