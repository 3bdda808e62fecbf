"""An index of Elasticsearch, searched live over the official client (extra `elasticsearch`).

Sources: "k-nearest neighbor search" and "Search API", Elastic: `knn` beside `query` in one body, each with a filter of
its own; the scores of both are added; the score of a `knn` alone is (1 + similarity) / 2 over cosine or dot_product,
1 / (1 + distance²) over l2_norm.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from foveal.errors import FilterError, FovealError, InvalidRequestError, LiveIndexBusyError, SourceUnusableError
from foveal.types.live import LiveDescription, LiveField, LiveHit, LiveHits, LiveQuery
from foveal.types.live_settings import LiveSettings
from foveal.types.sources import Credential

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

READ_S = 30
MOST_CANDIDATES = 10_000
_METRICS = {"cosine": "cosine", "dot_product": "dotProduct", "max_inner_product": "dotProduct", "l2_norm": "euclidean"}
_WORDS = frozenset({"text", "match_only_text", "search_as_you_type"})


class ElasticsearchIndex:
    """`foveal.ports.LiveIndex` over an index of Elasticsearch.

    Args:
        settings: Which, and what its fields are.
        credential: An encoded API key, as Elasticsearch gives it out; None: it is open.
        retries: Tries after the first.
    """

    def __init__(self, settings: LiveSettings, credential: Credential | None, *, retries: int = 2) -> None:
        self._settings = settings
        self._credential = credential
        self._retries = retries

    def describe(self) -> LiveDescription:
        """Its mapping."""
        with self._translated():
            mapping = self._client.indices.get_mapping(index=self._settings.index)
            count = int(self._client.count(index=self._settings.index)["count"])
        properties = next(iter(mapping.values()))["mappings"].get("properties", {})
        return LiveDescription(fields=tuple(_field(name, one) for name, one in properties.items()), documents=count)

    def search(self, query: LiveQuery) -> LiveHits:
        """One search, by words, by vectors, or by both."""
        if query.filter:
            raise FilterError(f"The index {self._settings.index} of Elasticsearch takes no OData filter.")
        if query.vectorize:
            raise InvalidRequestError("Elasticsearch is sent vectors, not words to embed.")
        body = self._body(query)
        with self._translated():
            found = self._client.search(index=self._settings.index, **body)
        return LiveHits(hits=tuple(self._hit(one, query) for one in found["hits"]["hits"]))

    def close(self) -> None:
        """Close its connections."""
        if "_client" in self.__dict__:
            self._client.close()

    def _body(self, query: LiveQuery) -> dict[str, Any]:
        mapping, visible = self._settings.mapping, self._visible(query.groups)
        shown = (self._settings.key, *mapping.content, mapping.title, mapping.url, mapping.filepath)
        body: dict[str, Any] = {"size": query.top, "source": [name for name in dict.fromkeys(shown) if name]}
        if query.words:
            fields = [name for name in (*mapping.content, mapping.title) if name]
            words = {"multi_match": {"query": query.text, "fields": fields, "type": "most_fields"}}
            body["query"] = {"bool": {"must": [words], "filter": visible}}
        if query.vectors:
            body["knn"] = [
                {
                    "field": name,
                    "query_vector": vector.tolist(),
                    "k": query.top,
                    "num_candidates": min(5 * query.top, MOST_CANDIDATES),
                    "filter": visible,
                }
                for name, vector in query.vectors.items()
            ]
        return body

    def _visible(self, groups: tuple[str, ...] | None) -> list[dict[str, Any]]:
        """An empty list counts as no field at all."""
        field = self._settings.groups_field
        if groups is None or not field:
            return []
        ways: list[dict[str, Any]] = [{"bool": {"must_not": [{"exists": {"field": field}}]}}]
        if groups:
            ways.append({"terms": {field: list(groups)}})
        return [{"bool": {"should": ways, "minimum_should_match": 1}}]

    def _hit(self, one: dict[str, Any], query: LiveQuery) -> LiveHit:
        values = dict(one.get("_source") or {})
        score = float(one["_score"])
        alone = next(iter(query.vectors)) if len(query.vectors) == 1 and not query.words else ""
        key = self._settings.key
        return LiveHit(
            key=str(values.get(key, one["_id"]) if key else one["_id"]),
            values=values,
            score=score,
            cosines={alone: self._cosine(score, alone)} if alone else {},
        )

    def _cosine(self, score: float, field: str) -> float:
        if dict(self._settings.metrics).get(field) == "euclidean":
            return 1.0 - (1.0 / max(score, 1e-9) - 1.0) / 2.0
        return 2.0 * score - 1.0

    @cached_property
    def _client(self) -> Elasticsearch:
        try:
            from elasticsearch import Elasticsearch
        except ImportError:
            raise SourceUnusableError(
                "The package that speaks to Elasticsearch is not installed.",
                remedy='pip install "foveal[elasticsearch]"',
                reason="missing_package",
            ) from None
        return Elasticsearch(
            self._settings.endpoint,
            api_key=self._credential.secret.reveal if self._credential else None,
            request_timeout=READ_S,
            max_retries=self._retries,
        )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        self._client  # noqa: B018 - says first where the package is missing
        from elasticsearch import ApiError, TransportError

        try:
            yield
        except ApiError as error:
            raise self._error(int(error.meta.status), str(error.message)) from None
        except TransportError:
            raise SourceUnusableError(
                f"The index {self._settings.index} of {self._settings.endpoint} cannot be reached.",
                remedy="Check the endpoint and the network.",
                reason="unreachable",
            ) from None

    def _error(self, status: int, said: str) -> FovealError:
        place = f"The index {self._settings.index} of {self._settings.endpoint}"
        if status == 429 or status >= 500:
            return LiveIndexBusyError(f"{place} cannot answer now ({status}): {said}", remedy="Try again later.")
        reason = {401: "denied", 403: "denied", 404: "not_found"}.get(status, "refused")
        return SourceUnusableError(f"{place} refuses ({status}): {said}", reason=reason)


def _field(name: str, one: dict[str, Any]) -> LiveField:
    type_ = str(one.get("type", "object"))
    vector = type_ == "dense_vector"
    return LiveField(
        name=name,
        type="Collection(Edm.String)" if type_ == "keyword" else type_,
        searchable=type_ in _WORDS,
        filterable=type_ == "keyword",
        dimensions=int(one.get("dims") or 0) if vector else None,
        metric=_METRICS.get(str(one.get("similarity", "cosine")), "cosine"),
    )
