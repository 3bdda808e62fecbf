"""Collections with a vector index, searched live over the official driver: Azure Cosmos DB for MongoDB vCore, Atlas.

Sources: "Vector search in Azure Cosmos DB for MongoDB vCore", Microsoft: the stage `$search` with `cosmosSearch`, its
`filter`, the meta field `searchScore` (the similarity itself) and `cosmosSearchOptions` of an index. "Run Vector Search
Queries" and "Manage Search Indexes", MongoDB: the stage `$vectorSearch`, the meta field `vectorSearchScore`
((1 + similarity) / 2 for cosine and dotProduct, 1 / (1 + distance) for euclidean) and the definition of an index.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from foveal.errors import FilterError, FovealError, InvalidRequestError, LiveIndexBusyError, SourceUnusableError
from foveal.types.documents import Json
from foveal.types.live import LiveDescription, LiveField, LiveHit, LiveHits, LiveQuery
from foveal.types.live_settings import LiveSettings
from foveal.types.sources import Credential

if TYPE_CHECKING:
    from pymongo import MongoClient
    from pymongo.collection import Collection
    from pymongo.errors import PyMongoError

    Document = dict[str, Any]

CONNECT_MS = 5_000
READ_MS = 30_000
SCORE = "__foveal_score"
"""Under what the similarity is projected."""
MOST_CANDIDATES = 10_000
"""Atlas looks at no more ("numCandidates")."""
_DENIED = frozenset({13, 18, 8000})
"""Unauthorized, AuthenticationFailed, AtlasError (error codes, MongoDB)."""
_BUSY = frozenset({16500, 50})
"""TooManyRequests of Cosmos DB, MaxTimeMSExpired."""
_MISSING = 26


def hosts_of(connection_string: str) -> str:
    """The hosts that a connection string names, without what opens them.

    Raises:
        InvalidRequestError: It is none.
    """
    parsed = urlsplit(connection_string.strip())
    if parsed.scheme not in ("mongodb", "mongodb+srv") or not parsed.netloc:
        raise InvalidRequestError(
            "That is no connection string of the MongoDB protocol.",
            remedy="It looks like mongodb+srv://USER:PASSWORD@HOST/?tls=true…",
        )
    return parsed.netloc.rpartition("@")[2].lower()


class _MongoIndex:
    """`foveal.ports.LiveIndex` over a collection; what differs from service to service is in its two kinds below.

    Args:
        settings: Which, and what its fields are.
        credential: A connection string.
    """

    def __init__(self, settings: LiveSettings, credential: Credential | None) -> None:
        self._settings = settings
        self._credential = credential

    def describe(self) -> LiveDescription:
        """The fields of a document, and the vector indexes."""
        with self._translated():
            document = self._collection.find_one()
            count = self._collection.estimated_document_count()
            vectors = self._vector_fields()
        if document is None:
            raise SourceUnusableError(
                f"There is no document in {self._place}.", remedy="Check its database and collection.", reason="empty"
            )
        found = [_field(name, value, vectors) for name, value in document.items()]
        found += [field for name, field in vectors.items() if name not in document]
        return LiveDescription(fields=tuple(found), documents=count)

    def search(self, query: LiveQuery) -> LiveHits:
        """By one vector; these services have no search by words beside it."""
        if query.filter:
            raise FilterError(f"{self._place} takes no OData filter.", remedy="Leave the filter out.")
        if query.words or query.vectorize or len(query.vectors) != 1:
            raise InvalidRequestError(f"{self._place} is searched by one vector, and by nothing else.")
        ((path, vector),) = query.vectors.items()
        pipeline = [
            self._stage(path, vector.tolist(), self._visible(query.groups), query.top),
            {"$project": {**dict.fromkeys(self._shown(), 1), SCORE: {"$meta": self.score_name}}},
        ]
        with self._translated():
            found = list(self._collection.aggregate(pipeline, maxTimeMS=READ_MS))
        return LiveHits(hits=tuple(self._hit(one, path) for one in found))

    def close(self) -> None:
        """Close its connections."""
        if "_client" in self.__dict__:
            self._client.close()

    score_name = ""

    @abstractmethod
    def _vector_fields(self) -> dict[str, LiveField]: ...

    @abstractmethod
    def _stage(self, path: str, vector: list[float], visible: Document | None, top: int) -> Document: ...

    @abstractmethod
    def _visible(self, groups: tuple[str, ...] | None) -> Document | None: ...

    @abstractmethod
    def _cosine(self, score: float, metric: str) -> float: ...

    def _hit(self, document: Document, path: str) -> LiveHit:
        score = float(document.pop(SCORE))
        metric = dict(self._settings.metrics).get(path, "cosine")
        return LiveHit(
            key=str(document.get(self._settings.key or "_id")),
            values={name: _json(value) for name, value in document.items()},
            score=score,
            cosines={path: self._cosine(score, metric)},
        )

    def _shown(self) -> list[str]:
        mapping = self._settings.mapping
        names = (self._settings.key, *mapping.content, mapping.title, mapping.url, mapping.filepath)
        return list(dict.fromkeys(name for name in names if name)) or ["_id"]

    @property
    def _place(self) -> str:
        settings = self._settings
        return f"The collection {settings.database}.{settings.collection} of {settings.endpoint or 'the service'}"

    @property
    def _collection(self) -> Collection[Document]:
        return self._client[self._settings.database][self._settings.collection]

    @cached_property
    def _client(self) -> MongoClient[Document]:
        from pymongo import MongoClient

        return MongoClient(
            self._credential.secret.reveal if self._credential else None,
            serverSelectionTimeoutMS=CONNECT_MS,
            connectTimeoutMS=CONNECT_MS,
            socketTimeoutMS=READ_MS,
            appname="foveal",
        )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        from pymongo.errors import PyMongoError

        try:
            yield
        except PyMongoError as error:
            raise self._error(error) from None

    def _error(self, error: PyMongoError) -> FovealError:
        """By type and code."""
        from pymongo.errors import ConfigurationError, ConnectionFailure, OperationFailure

        if isinstance(error, OperationFailure):
            said = " ".join(str((error.details or {}).get("errmsg") or error.code or "").split())[:500]
            if error.code in _DENIED:
                return SourceUnusableError(
                    f"{self._place} is not opened by this connection string: {said}",
                    remedy="Give another: foveal source credential NAME --credential connection-string.",
                    reason="denied",
                )
            if error.code in _BUSY:
                return LiveIndexBusyError(f"{self._place} cannot answer now: {said}", remedy="Try again later.")
            reason = "not_found" if error.code == _MISSING else "refused"
            return SourceUnusableError(f"{self._place} refuses the search: {said}", reason=reason)
        if isinstance(error, ConnectionFailure | ConfigurationError):
            return SourceUnusableError(
                f"{self._place} cannot be reached.",
                remedy="Check the connection string, the network and the service's firewall.",
                reason="unreachable",
            )
        return SourceUnusableError(f"{self._place} refuses the search ({type(error).__name__}).", reason="refused")


class CosmosMongoIndex(_MongoIndex):
    """Azure Cosmos DB for MongoDB vCore. A groups field needs an index of its own there, to be filtered by."""

    score_name = "searchScore"

    def _vector_fields(self) -> dict[str, LiveField]:
        metrics = {"COS": "cosine", "IP": "dotProduct", "L2": "euclidean"}
        found = {}
        for index in self._collection.list_indexes():
            options = index.get("cosmosSearchOptions") or {}
            for path in index["key"] if options else ():
                metric = metrics.get(str(options.get("similarity")), "cosine")
                found[path] = LiveField(name=path, dimensions=int(options.get("dimensions") or 0), metric=metric)
        return found

    def _stage(self, path: str, vector: list[float], visible: Document | None, top: int) -> Document:
        asked: Document = {"vector": vector, "path": path, "k": top}
        if visible is not None:
            asked["filter"] = visible
        return {"$search": {"cosmosSearch": asked, "returnStoredSource": True}}

    def _visible(self, groups: tuple[str, ...] | None) -> Document | None:
        field = self._settings.groups_field
        if groups is None or not field:
            return None
        open_to_all = [{field: {"$eq": None}}, {field: {"$eq": []}}]
        return {"$or": [*open_to_all, {field: {"$in": list(groups)}}] if groups else open_to_all}

    def _cosine(self, score: float, metric: str) -> float:
        return 1.0 - score * score / 2.0 if metric == "euclidean" else score


class AtlasIndex(_MongoIndex):
    """MongoDB Atlas. A groups field must be of type `filter` in the index; documents for everybody have none."""

    score_name = "vectorSearchScore"

    def _vector_fields(self) -> dict[str, LiveField]:
        found = {}
        for index in self._collection.list_search_indexes(self._settings.index):
            for field in (index.get("latestDefinition") or {}).get("fields", ()):
                if field.get("type") == "vector":
                    metric = str(field.get("similarity", "cosine"))
                    path = str(field["path"])
                    found[path] = LiveField(name=path, dimensions=int(field["numDimensions"]), metric=metric)
        if not found:
            raise SourceUnusableError(
                f"{self._place} has no vector search index {self._settings.index}.",
                remedy="Check its name.",
                reason="not_found",
            )
        return found

    def _stage(self, path: str, vector: list[float], visible: Document | None, top: int) -> Document:
        asked: Document = {
            "index": self._settings.index,
            "path": path,
            "queryVector": vector,
            "numCandidates": min(20 * top, MOST_CANDIDATES),
            "limit": top,
        }
        if visible is not None:
            asked["filter"] = visible
        return {"$vectorSearch": asked}

    def _visible(self, groups: tuple[str, ...] | None) -> Document | None:
        field = self._settings.groups_field
        if groups is None or not field:
            return None
        open_to_all = {field: {"$exists": False}}
        return {"$or": [open_to_all, {field: {"$in": list(groups)}}]} if groups else open_to_all

    def _cosine(self, score: float, metric: str) -> float:
        if metric == "euclidean":
            distance = 1.0 / max(score, 1e-9) - 1.0
            return 1.0 - distance * distance / 2.0
        return 2.0 * score - 1.0


def _field(name: str, value: object, vectors: Mapping[str, LiveField]) -> LiveField:
    if name in vectors:
        return vectors[name]
    words, several = isinstance(value, str), isinstance(value, list)
    return LiveField(
        name=name,
        type="Edm.String" if words else "Collection(Edm.String)" if several else type(value).__name__,
        key=name == "_id",
        searchable=words and name != "_id",
        filterable=several,
    )


def _json(value: object) -> Json:
    """A value as JSON has it; object ids and moments as text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list):
        return [_json(one) for one in value]
    if isinstance(value, dict):
        return {str(name): _json(one) for name, one in value.items()}
    return str(value)
