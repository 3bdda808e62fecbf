"""An index of another service, in memory. For tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from foveal.errors import FilterError, FovealError
from foveal.retrieval.sentences import content_terms
from foveal.types.documents import Json
from foveal.types.live import LiveDescription, LiveField, LiveHit, LiveHits, LiveQuery
from foveal.types.live_settings import LiveSettings
from foveal.types.search import Extract


@dataclass(kw_only=True)
class InMemoryLiveIndex:
    """`foveal.ports.LiveIndex` over dictionaries: words by the share of the question's that a document has.

    Attributes:
        failure: Raised by every call, when set.
        semantic: Configurations that it re-ranks by; a judgement is four times that share.
        asked: Every query, in order.
    """

    settings: LiveSettings
    documents: Sequence[Mapping[str, Json]]
    failure: FovealError | None = None
    semantic: tuple[str, ...] = ()
    asked: list[LiveQuery] = field(default_factory=list)

    def describe(self) -> LiveDescription:
        """The fields of the first document."""
        if self.failure is not None:
            raise self.failure
        first = self.documents[0]
        return LiveDescription(
            fields=tuple(self._field(name, value) for name, value in first.items()),
            semantic=self.semantic,
            documents=len(self.documents),
        )

    def search(self, query: LiveQuery) -> LiveHits:
        """Every document scored."""
        if self.failure is not None:
            raise self.failure
        if query.filter:
            raise FilterError("It takes no filter.")
        self.asked.append(query)
        hits = [self._hit(d, query) for d in self.documents if self._visible(d, query.groups)]
        found = sorted((h for h in hits if h.score > 0), key=lambda h: (-h.score, h.key))
        if query.rerank:
            found.sort(key=lambda h: -(h.rerank_score or 0.0))
        best = next((hit for hit in found[:1] if hit.caption is not None), None)
        return LiveHits(
            hits=tuple(found[: query.top]),
            answers=((best.key, best.caption),) if best is not None and best.caption is not None else (),
        )

    def close(self) -> None:
        """Nothing is open."""

    def _field(self, name: str, value: Json) -> LiveField:
        vector = name in dict(self.settings.dimensions)
        strings = isinstance(value, list) and not vector
        return LiveField(
            name=name,
            type="Collection(Edm.Single)" if vector else "Collection(Edm.String)" if strings else "Edm.String",
            key=name == self.settings.key,
            searchable=isinstance(value, str) and name != self.settings.key,
            filterable=strings,
            dimensions=self.settings.length(name) if vector else None,
        )

    def _hit(self, document: Mapping[str, Json], query: LiveQuery) -> LiveHit:
        text = " ".join(str(document.get(name, "")) for name in self.settings.mapping.content)
        asked = content_terms(query.text)
        share = len(set(asked) & set(content_terms(text))) / max(1, len(asked))
        cosines = {name: _cosine(document[name], vector) for name, vector in query.vectors.items()}
        words = share if query.words else 0.0
        # A vector finds everything, however far: it is moved above 0.
        return LiveHit(
            key=str(document[self.settings.key]),
            values={name: value for name, value in document.items() if name not in dict(self.settings.dimensions)},
            score=words + sum(1.0 + cosine for cosine in cosines.values()),
            rerank_score=4.0 * share if query.rerank else None,
            caption=Extract(text=text, score=4.0 * share) if query.rerank else None,
            cosines=cosines,
        )

    def _visible(self, document: Mapping[str, Json], groups: tuple[str, ...] | None) -> bool:
        allowed = document.get(self.settings.groups_field)
        return groups is None or not isinstance(allowed, list) or not allowed or bool({*groups} & {*map(str, allowed)})


def _cosine(value: Json, vector: object) -> float:
    return float(np.dot(np.array(value, np.float32), np.array(vector, np.float32)))
