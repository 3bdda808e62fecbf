"""Conversations, grounding and the events an answer is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from foveal.types.assets import DocumentId
from foveal.types.chunks import Chunk, ChunkId
from foveal.types.content import ImageFacts, Usage
from foveal.types.filters import Filter
from foveal.types.live import LiveTarget
from foveal.types.live_settings import FieldsMapping
from foveal.types.locators import Polygon
from foveal.types.relations import Relation
from foveal.types.search import Extract, Hit, Mode, SearchResult
from foveal.types.vectors import Pixels

Role = Literal["system", "user", "assistant"]
FinishReason = Literal["stop", "length", "content_filter"]

REFUSAL = "The requested information is not found in the retrieved data. Please try another query or topic."
"""Azure OpenAI On Your Data's sentence since 2024 where the data has no answer; clients match on it."""
REFUSAL_OF_2023 = REFUSAL.replace("not found", "not available")
"""The sentence before that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageInput:
    """An image in a message: the bytes as given, their pixels (uint8 [h, w, 3] RGB, upright), and what they tell."""

    data: bytes
    media_type: str
    pixels: Pixels
    detail: Literal["auto", "low", "high"] = "auto"
    facts: ImageFacts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoInput:
    """A video in a message: one that an index has.

    Attributes:
        document_id: What the index calls it.
        title: Its name.
        address: Where it opens in a browser; a place in it is added as `#t=SECONDS`. Empty: nowhere.
    """

    index: str
    document_id: DocumentId
    title: str
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn.

    Attributes:
        videos: Videos that the user's words are about.
        searched: Of an earlier question, the search queries it was turned into, where the client gave them back.
        is_data: Whether these are not the user's words but data that came with them (text read in their images):
            nothing to search for.
    """

    role: Role
    text: str
    images: tuple[ImageInput, ...] = ()
    videos: tuple[VideoInput, ...] = ()
    searched: tuple[str, ...] = ()
    is_data: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How a model writes; None leaves the model's default."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundingOptions:
    """How an answer uses the data; names and ranges follow Azure OpenAI On Your Data.

    Attributes:
        top_n_documents: Documents given to the model at most.
        strictness: 1..5.
        in_scope: Whether answers are limited to the data.
        role_information: The operator's instructions, cut to what the model's window has for them.
        role_tokens: A lower limit of these instructions, that of the caller's version of the wire.
        groups: As in `Query.groups`.
        max_queries: Search queries a question is turned into, at most; None leaves it to the answerer.
        refusal: What is said when answers are limited to the data and it has none.
    """

    top_n_documents: int = 5
    strictness: int = 3
    in_scope: bool = True
    role_information: str = ""
    role_tokens: int | None = None
    groups: tuple[str, ...] | None = None
    max_queries: int | None = None
    refusal: str = REFUSAL


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """One index that a conversation is answered from, and how it is searched.

    Attributes:
        filter: Applied inside every leg of the search.
        mapping: Read where the index has fields of its own; Foveal's own indexes know theirs.
        may_fail: Whether the answer goes on without this source's searches that fail, as long as one search succeeds.
        vectorless: Whether a semantic search goes by words alone, as the query type `semantic` of Azure; read where
            the index is another service's.
        semantic: Configuration to re-rank by; read where the index is another service's.
        deployment: Embeds the questions; likewise.
        live: The index itself, where the request names one of another service that is not saved here.
    """

    index: str
    mode: Mode = Mode.HYBRID
    filter: Filter | None = None
    mapping: FieldsMapping = field(default_factory=FieldsMapping)
    may_fail: bool = False
    vectorless: bool = False
    semantic: str = ""
    deployment: str = ""
    live: LiveTarget | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Enhancements:
    """What local eyes add to a chat about images, as the vision enhancements of Azure OpenAI did.

    Attributes:
        ocr: The text read in the images is given to the model.
        grounding: Words of the answer that name things seen come back with the places of those things.
    """

    ocr: bool = False
    grounding: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """A conversation whose last message is the question.

    Attributes:
        messages: Oldest first; the last is the user's.
        sources: What to answer from, an index more than once where its searches differ; empty: a plain chat with the
            model.
        deployment: Name of the deployment that answers; empty: the first there is.
    """

    messages: tuple[Message, ...]
    sources: tuple[DataSource, ...] = ()
    grounding: GroundingOptions = GroundingOptions()
    sampling: Sampling = Sampling()
    enhancements: Enhancements = Enhancements()
    deployment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A retrieved chunk as it is given to the answerer: `[doc<number>]`.

    Attributes:
        number: 1-based.
        text: The words that fit the token budget.
        image: JPEG bytes for a model that sees, None for text or when the model is blind.
        relations: How the question's image relates to this one, strongest first.
    """

    number: int
    index: str
    hit: Hit
    text: str
    image: bytes | None = None
    relations: tuple[Relation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """What a client shows of a document; `relations` as in `Document`."""

    number: int
    index: str
    chunk: Chunk
    text: str
    extract: Extract | None = None
    relations: tuple[Relation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """First event: what the answer rests on.

    Attributes:
        intents: The search queries the question was turned into.
        citations: In the order of their numbers; all documents given to the answerer.
        results: One a source, in their order, with what was rejected; empty of a source that failed and may.
        found_by: The queries that found a chunk; a chunk that is not there was found by all.
    """

    intents: tuple[str, ...]
    citations: tuple[Citation, ...]
    results: tuple[SearchResult, ...]
    found_by: Mapping[ChunkId, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta:
    """A piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """Last event.

    Attributes:
        answered: False when the data has no answer and the text is the refusal.
        model: Name of what wrote the answer.
    """

    reason: FinishReason
    usage: Usage
    answered: bool
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundedSpan:
    """Words of the answer that name something seen in an image of the request.

    Attributes:
        text: The name as the eyes have it (a detector's class, a line of text); the answer's own words at the place
            may differ in case.
        offset: First code point in the answer.
        length: Code points.
        image: 0-based position among the images of the request.
        polygon: Where it is.
    """

    text: str
    offset: int
    length: int
    image: int
    polygon: Polygon


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounded:
    """Comes right before `Finished` when the request asks for grounding: one span an instance, in order of offset."""

    spans: tuple[GroundedSpan, ...]


ChatEvent = Retrieved | TextDelta | Grounded | Finished


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A collected stream."""

    text: str
    retrieved: Retrieved
    finished: Finished
    grounded: Grounded | None = None
