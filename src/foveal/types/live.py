"""Indexes of other services, searched where they are: what they are, what is asked of them and what they answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from foveal.types.documents import Json
from foveal.types.live_settings import LiveSettings
from foveal.types.search import Extract, Mode
from foveal.types.sources import Credential, SourceKind
from foveal.types.vectors import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveTarget:
    """A live index that a request names itself, as far as the operator lets requests do so."""

    kind: SourceKind
    settings: LiveSettings
    credential: Credential | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveField:
    """One field.

    Attributes:
        type: In the service's words.
        searchable: Whether words are looked for in it.
        dimensions: Length of its vectors; None: it holds none; 0: the length is not known.
        metric: How its vectors are compared, in the words of Azure AI Search.
        vectorized: Whether the service embeds questions for it.
    """

    name: str
    type: str = ""
    key: bool = False
    searchable: bool = False
    filterable: bool = False
    retrievable: bool = True
    dimensions: int | None = None
    metric: str = "cosine"
    vectorized: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveDescription:
    """What a service says of an index.

    Attributes:
        fields: In the order of its definition.
        semantic: Configurations to re-rank by, the default first.
        documents: How many there are; None where the service does not say.
        sampled: Whether the fields are those of a document, because the definition may not be read with this key.
    """

    fields: tuple[LiveField, ...]
    semantic: tuple[str, ...] = ()
    documents: int | None = None
    sampled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveQuery:
    """What to find.

    Attributes:
        text: The question.
        words: Whether documents are found by its words.
        vectors: The question embedded, float32 [dimensions], by vector field; these find documents too.
        vectorize: Vector fields for which the service is to embed the question.
        rerank: Whether the service re-ranks, by the configuration of its settings.
        filter: A condition in the service's own language, put beside the groups'; empty: none.
        groups: As in `Query.groups`; applied inside the search where the settings name a field of groups.
        top: Documents wanted.
    """

    text: str
    words: bool = True
    vectors: Mapping[str, FloatArray] = field(default_factory=dict)
    vectorize: tuple[str, ...] = ()
    rerank: bool = False
    filter: str = ""
    groups: tuple[str, ...] | None = None
    top: int = 50

    @property
    def mode(self) -> Mode:
        """By words, by vectors, or by both."""
        if not (self.vectors or self.vectorize):
            return Mode.KEYWORD
        return Mode.HYBRID if self.words else Mode.VECTOR


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveHit:
    """One document.

    Attributes:
        values: Of the fields that the mapping names.
        score: What the service ordered by, unless it re-ranked.
        rerank_score: 0..4, None where nothing re-ranked.
        caption: Its most telling words, in the service's judgement.
        cosines: Of question and document by vector field, where the service tells.
    """

    key: str
    values: Mapping[str, Json]
    score: float
    rerank_score: float | None = None
    caption: Extract | None = None
    cosines: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveHits:
    """What a service found.

    Attributes:
        hits: Best first.
        answers: `(key, extract)`, best first; from re-ranking only.
        partial: Why the service could not re-rank (all of) them; empty when it did what was asked.
    """

    hits: tuple[LiveHit, ...]
    answers: tuple[tuple[str, Extract], ...] = ()
    partial: str = ""
