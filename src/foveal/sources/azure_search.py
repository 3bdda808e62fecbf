"""An index of Azure AI Search, searched live over Microsoft's own SDK.

Sources: "Search Documents (Azure AI Search REST API)", api-version 2025-09-01: the body of a search; its `debug` of
`vector`, which tells what every vector field and the words each say of a result; 206 where the semantic ranker ran out
of time or capacity and the results come in the order they had before it. "Vector query response": without `debug`, the
score of a search by one vector alone is 1 / (1 + distance).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from foveal.errors import FovealError, LiveIndexBusyError, SourceUnusableError
from foveal.retrieval.filtering import render_filter, visible_to
from foveal.types.live import LiveDescription, LiveField, LiveHit, LiveHits, LiveQuery
from foveal.types.live_settings import LiveSettings
from foveal.types.search import Extract
from foveal.types.sources import Credential, CredentialKind

if TYPE_CHECKING:
    from azure.core.credentials import AzureKeyCredential, TokenCredential
    from azure.core.exceptions import AzureError
    from azure.search.documents import SearchClient
    from azure.search.documents.indexes import SearchIndexClient
    from azure.search.documents.indexes.models import SearchField, SearchIndex

CONNECT_S = 5
READ_S = 30
RETRIES = 2
OPERATORS = re.compile(r"[+|\"()*~\\]|(?<!\w)-")
"""What the simple query syntax takes for more than a word ("Simple query syntax", Microsoft)."""
VECTORS = frozenset(f"Collection(Edm.{kind})" for kind in ("Single", "Half", "Int16", "SByte", "Byte"))
"""Types of vector fields ("Supported data types", Microsoft); bytes hold vectors of bits or quantised ones."""
_MARK = re.compile(r"<em>(.*?)</em>", re.DOTALL)


class AzureSearchIndex:
    """`foveal.ports.LiveIndex` over an index of Azure AI Search.

    Args:
        settings: Which, and what its fields are.
        credential: A key, or who this process is to Entra ID.
        retries: Tries after the first, where the service cannot be reached or is busy.
    """

    def __init__(self, settings: LiveSettings, credential: Credential | None, *, retries: int = RETRIES) -> None:
        self._settings = settings
        self._credential = credential
        self._retries = retries

    def describe(self) -> LiveDescription:
        """Its definition; where the key may not read it, the fields of a document."""
        try:
            with self._translated():
                definition = self._definitions.get_index(self._settings.index)
                count = self._documents.get_document_count()
        except SourceUnusableError as error:
            if error.reason != "denied":
                raise
            return self._sampled()
        metrics, vectorized = _profiles(definition)
        semantic = definition.semantic_search
        names = [c.name for c in (semantic.configurations or ())] if semantic else []
        default = semantic.default_configuration_name if semantic else None
        return LiveDescription(
            fields=tuple(_field(f, metrics, vectorized) for f in definition.fields or ()),
            semantic=tuple(sorted(names, key=lambda name: name != default)),
            documents=count,
        )

    def definition(self) -> Mapping[str, Any]:
        """Its whole definition, as JSON.

        Raises:
            SourceUnusableError: As `describe`.
        """
        with self._translated():
            found: Mapping[str, Any] = self._definitions.get_index(self._settings.index).as_dict()
        return found

    def page(self, key: str, after: str | None, top: int) -> list[dict[str, Any]]:
        """The next documents in the order of their keys, with every retrievable field.

        Args:
            key: The key field.
            after: Last key of the page before; None: the first page.
            top: Documents wanted, 1,000 at most.
        """
        where = None if after is None else f"{key} gt '{after.replace(chr(39), chr(39) * 2)}'"
        with self._translated():
            found = self._documents.search("*", filter=where, order_by=[f"{key} asc"], top=top)
            return [{k: v for k, v in result.items() if not k.startswith("@")} for result in found]

    def page_from(self, key: str, skip: int, top: int) -> list[dict[str, Any]]:
        """The next documents, with every retrievable field.

        Args:
            key: Field to order them by; empty: as the service likes.
            skip: Documents to leave out, 100,000 at most.
            top: Documents wanted.
        """
        with self._translated():
            order = [f"{key} asc"] if key else None
            found = self._documents.search("*", order_by=order, skip=skip, top=top)
            return [{k: v for k, v in result.items() if not k.startswith("@")} for result in found]

    def count(self) -> int:
        """Documents in it."""
        with self._translated():
            return int(self._documents.get_document_count())

    def search(self, query: LiveQuery) -> LiveHits:
        """One search; with `rerank` by the semantic configuration of the settings."""
        arguments = self._arguments(query)
        with self._translated():
            found = self._documents.search(**arguments)
            hits = tuple(self._hit(result, query) for result in found)
            answers = found.get_answers() if query.rerank else None
        return LiveHits(
            hits=hits,
            answers=tuple(
                (a.key, _extract(a.text, a.highlights, a.score or 0.0)) for a in answers or () if a.key and a.text
            ),
            partial="" if not query.rerank or not hits or _judged(hits) else "The semantic ranker did not answer.",
        )

    def close(self) -> None:
        """Close its connections."""
        for name in ("_documents", "_definitions"):
            if name in self.__dict__:
                self.__dict__[name].close()

    def _arguments(self, query: LiveQuery) -> dict[str, Any]:
        from azure.search.documents.models import VectorizableTextQuery, VectorizedQuery

        vectors: list[Any] = [
            VectorizedQuery(vector=vector.tolist(), k_nearest_neighbors=query.top, fields=name)
            for name, vector in query.vectors.items()
        ]
        vectors += [
            VectorizableTextQuery(text=query.text, k_nearest_neighbors=query.top, fields=name)
            for name in query.vectorize
        ]
        settings, mapping = self._settings, self._settings.mapping
        shown = (settings.key, *mapping.content, mapping.title, mapping.url, mapping.filepath)
        arguments: dict[str, Any] = {
            "search_text": OPERATORS.sub(" ", query.text) if query.words else None,
            "filter": _filter(query, settings.groups_field),
            "select": list(dict.fromkeys(name for name in shown if name)),
            "top": query.top,
        }
        if vectors:
            arguments |= {"vector_queries": vectors, "debug": "vector"}
        if query.rerank:
            arguments |= {
                "query_type": "semantic",
                "semantic_configuration_name": settings.semantic,
                "semantic_query": None if query.words else query.text,
                "semantic_error_mode": "partial",
                "query_caption": "extractive",
                "query_answer": "extractive",
            }
        return arguments

    def _hit(self, result: Mapping[str, Any], query: LiveQuery) -> LiveHit:
        score = float(result["@search.score"])
        reranked = result.get("@search.reranker_score")
        caption = next(iter(result.get("@search.captions") or ()), None)
        return LiveHit(
            key=str(result[self._settings.key]),
            values={name: value for name, value in result.items() if not name.startswith("@")},
            score=score,
            rerank_score=None if reranked is None else float(reranked),
            caption=_extract(caption.text, caption.highlights, float(reranked or 0.0))
            if caption is not None and caption.text
            else None,
            cosines=self._cosines(result, query, score),
        )

    def _cosines(self, result: Mapping[str, Any], query: LiveQuery, score: float) -> dict[str, float]:
        metrics = dict(self._settings.metrics)
        info = result.get("@search.document_debug_info")
        scores = getattr(getattr(info, "vectors", None), "subscores", None)
        if scores is not None and scores.vectors:
            return {
                name: _cosine(one.vector_similarity, metrics.get(name, "cosine"))
                for found in scores.vectors
                for name, one in found.items()
                if one.vector_similarity is not None
            }
        fields = (*query.vectors, *query.vectorize)
        if query.words or len(fields) != 1 or metrics.get(fields[0], "cosine") != "cosine":
            return {}
        return {fields[0]: 2.0 - 1.0 / max(score, 1e-9)}

    def _sampled(self) -> LiveDescription:
        with self._translated():
            document = next(iter(self._documents.search("*", top=1)), None)
            count = self._documents.get_document_count()
        if document is None:
            raise SourceUnusableError(
                f"The key may not read the definition of {self._settings.index}, and there is no document to look at.",
                remedy="Use an admin key, or give the names of the fields.",
                reason="denied",
            )
        values = {name: value for name, value in document.items() if not name.startswith("@")}
        given = self._settings.key
        key = given or ("id" if "id" in values else next(iter(values)))
        return LiveDescription(
            fields=tuple(_of_value(name, value, key) for name, value in values.items()), documents=count, sampled=True
        )

    @cached_property
    def _documents(self) -> SearchClient:
        from azure.search.documents import SearchClient

        return SearchClient(self._settings.endpoint, self._settings.index, self._opener(), **self._options())

    @cached_property
    def _definitions(self) -> SearchIndexClient:
        from azure.search.documents.indexes import SearchIndexClient

        return SearchIndexClient(self._settings.endpoint, self._opener(), **self._options())

    def _options(self) -> dict[str, Any]:
        return {
            "enforce_https": not self._settings.endpoint.startswith("http://"),
            "retry_total": self._retries,
            "retry_backoff_factor": 0.3,
            "connection_timeout": CONNECT_S,
            "read_timeout": READ_S,
        }

    def _opener(self) -> AzureKeyCredential | TokenCredential:
        from azure.core.credentials import AzureKeyCredential

        if self._credential is not None and self._credential.kind is CredentialKind.IDENTITY:
            from azure.identity import DefaultAzureCredential

            return DefaultAzureCredential()
        return AzureKeyCredential(self._credential.secret.reveal if self._credential else "-")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        from azure.core.exceptions import AzureError

        try:
            yield
        except AzureError as error:
            raise self._error(error) from None

    def _error(self, error: AzureError) -> FovealError:
        """By status; 0 where no service answered."""
        status = int(getattr(error, "status_code", None) or 0)
        place = f"The index {self._settings.index} of {self._settings.endpoint}"
        told = getattr(getattr(error, "error", None), "message", None) or error.message
        said = " ".join(str(told or "").split())[:500]
        if not status:
            return SourceUnusableError(
                f"{place} cannot be reached.", remedy="Check the endpoint and the network.", reason="unreachable"
            )
        if status in (401, 403):
            return SourceUnusableError(
                f"{place} is not opened by this credential ({status}): {said}",
                remedy="Give a key of that service: foveal source credential NAME --credential key.",
                reason="denied",
            )
        if status == 404:
            return SourceUnusableError(
                f"{place} does not exist: {said}", remedy="Check the name of the index.", reason="not_found"
            )
        if status == 429 or status >= 500:
            return LiveIndexBusyError(f"{place} cannot answer now ({status}): {said}", remedy="Try again later.")
        return SourceUnusableError(f"{place} refuses the search ({status}): {said}", reason="refused")


def _filter(query: LiveQuery, groups_field: str) -> str | None:
    """The caller's filter and the groups', each in parentheses of its own."""
    visible = visible_to(query.groups, groups_field) if groups_field else None
    parts = [f"({one})" for one in (query.filter, render_filter(visible) if visible else "") if one]
    return " and ".join(parts) or None


def _judged(hits: tuple[LiveHit, ...]) -> bool:
    return any(hit.rerank_score is not None for hit in hits)


def _cosine(similarity: float, metric: str) -> float:
    """Vectors of text models have length 1, so that distances and cosines say the same."""
    return 1.0 - similarity * similarity / 2.0 if metric == "euclidean" else float(similarity)


def _extract(text: str | None, marked: str | None, score: float) -> Extract:
    """An extract with what the service marks in it, whose text without the marks is the same."""
    shown = _MARK.sub(r"\1", marked) if marked else text or ""
    spans: list[tuple[int, int]] = []
    for number, match in enumerate(_MARK.finditer(marked or "")):
        start = match.start() - number * len("<em></em>")
        spans.append((start, start + len(match[1])))
    return Extract(text=shown, score=score, highlights=tuple(spans))


def _profiles(definition: SearchIndex) -> tuple[dict[str, str], frozenset[str]]:
    """The metric of every vector profile, and those whose service embeds questions."""
    search = definition.vector_search
    if search is None:
        return {}, frozenset()
    metrics = {
        algorithm.name: _word(getattr(getattr(algorithm, "parameters", None), "metric", None) or "cosine")
        for algorithm in search.algorithms or ()
    }
    profiles = search.profiles or ()
    return (
        {p.name: metrics.get(p.algorithm_configuration_name, "cosine") for p in profiles},
        frozenset(p.name for p in profiles if p.vectorizer_name),
    )


def _word(value: object) -> str:
    """What stands on the wire for a member of an enumeration of the SDK."""
    return str(getattr(value, "value", value))


def _field(field: SearchField, metrics: Mapping[str, str], vectorized: frozenset[str]) -> LiveField:
    type_, profile = _word(field.type), str(field.vector_search_profile_name or "")
    vector = bool(type_ in VECTORS and field.vector_search_dimensions)
    words = type_ in ("Edm.String", "Collection(Edm.String)") and not field.key
    return LiveField(
        name=field.name,
        type=type_,
        key=bool(field.key),
        searchable=not vector and (words if field.searchable is None else field.searchable),
        filterable=not vector and field.filterable is not False,
        retrievable=field.retrievable is not False,
        dimensions=int(field.vector_search_dimensions or 0) if vector else None,
        metric=metrics.get(profile, "cosine"),
        vectorized=profile in vectorized,
    )


def _of_value(name: str, value: object, key: str) -> LiveField:
    vector = isinstance(value, list) and len(value) > 1 and all(isinstance(one, int | float) for one in value)
    words = isinstance(value, str)
    strings = isinstance(value, list) and not vector
    type_ = "Edm.String" if words else "Collection(Edm.String)" if strings else ""
    return LiveField(
        name=name,
        type="Collection(Edm.Single)" if vector else type_,
        key=name == key,
        searchable=words and name != key,
        filterable=strings,
        dimensions=len(value) if vector and isinstance(value, list) else None,
    )
