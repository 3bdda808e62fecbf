"""An index of Pinecone, searched live over the official client (extra `pinecone`): by one vector, words in metadata.

Sources: "Query", "Get index stats" and "Metadata filtering", Pinecone: `$in`, `$or` and `$exists` in filters. Documents
for everybody have no groups in their metadata.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from foveal.errors import FilterError, InvalidRequestError, LiveIndexBusyError, SourceUnusableError
from foveal.types.live import LiveDescription, LiveField, LiveHit, LiveHits, LiveQuery
from foveal.types.live_settings import LiveSettings
from foveal.types.sources import Credential

if TYPE_CHECKING:
    from pinecone import Pinecone

VALUES = "values"
"""What the vector of a record is called where no mapping calls it otherwise."""


class PineconeIndex:
    """`foveal.ports.LiveIndex` over an index of Pinecone.

    Args:
        settings: Which; the endpoint is the index's own host, asked for by its name without one, the collection its
            namespace.
        credential: An API key.
    """

    def __init__(self, settings: LiveSettings, credential: Credential | None) -> None:
        self._settings = settings
        self._credential = credential

    def describe(self) -> LiveDescription:
        """Its numbers, and the metadata of a record."""
        with self._translated():
            stats = self._index.describe_index_stats()
            length = int(stats.dimension or 0)
            near = self._query([1.0] + [0.0] * (length - 1), 1, None)
        if not near:
            raise SourceUnusableError(f"There is no record in {self._place}.", reason="empty")
        fields = [LiveField(name=name, **_kind(value)) for name, value in dict(near[0].metadata or {}).items()]
        vector = next(iter(self._settings.mapping.vectors), VALUES)
        return LiveDescription(
            fields=(*fields, LiveField(name=vector, type="vector", dimensions=length)),
            documents=int(stats.total_vector_count or 0),
        )

    def search(self, query: LiveQuery) -> LiveHits:
        """By one vector; there is no search by words beside it."""
        if query.filter:
            raise FilterError(f"{self._place} takes no OData filter.", remedy="Leave the filter out.")
        if query.words or query.vectorize or len(query.vectors) != 1:
            raise InvalidRequestError(f"{self._place} is searched by one vector, and by nothing else.")
        ((name, vector),) = query.vectors.items()
        with self._translated():
            found = self._query(vector.tolist(), query.top, self._visible(query.groups))
        hits = (
            LiveHit(key=str(m.id), values=dict(m.metadata or {}), score=float(m.score), cosines={name: float(m.score)})
            for m in found
        )
        return LiveHits(hits=tuple(hits))

    def close(self) -> None:
        """Close its connections."""
        for name in ("_index", "_client"):
            if name in self.__dict__:
                self.__dict__[name].close()

    def _query(self, vector: list[float], top: int, visible: dict[str, Any] | None) -> list[Any]:
        asked: dict[str, Any] = {"vector": vector, "top_k": top, "include_metadata": True}
        if self._settings.collection:
            asked["namespace"] = self._settings.collection
        if visible is not None:
            asked["filter"] = visible
        return list(self._index.query(**asked).matches)

    def _visible(self, groups: tuple[str, ...] | None) -> dict[str, Any] | None:
        field = self._settings.groups_field
        if groups is None or not field:
            return None
        open_to_all = {field: {"$exists": False}}
        return {"$or": [open_to_all, {field: {"$in": list(groups)}}]} if groups else open_to_all

    @property
    def _place(self) -> str:
        return f"The index {self._settings.index} of Pinecone"

    @cached_property
    def _client(self) -> Pinecone:
        try:
            from pinecone import Pinecone
        except ImportError:
            raise SourceUnusableError(
                "The package that speaks to Pinecone is not installed.",
                remedy='pip install "foveal[pinecone]"',
                reason="missing_package",
            ) from None
        return Pinecone(api_key=self._credential.secret.reveal if self._credential else "-")

    @cached_property
    def _index(self) -> Any:
        host = self._settings.endpoint or self._client.describe_index(self._settings.index).host
        return self._client.Index(host=str(host))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        self._client  # noqa: B018 - says first where the package is missing
        from pinecone.exceptions import PineconeApiException, PineconeException

        try:
            yield
        except PineconeApiException as error:
            status = int(getattr(error, "status", None) or getattr(error, "status_code", None) or 0)
            if status == 429 or status >= 500:
                raise LiveIndexBusyError(f"{self._place} cannot answer now ({status}).", remedy="Try again.") from None
            reason = {401: "denied", 403: "denied", 404: "not_found"}.get(status, "refused")
            raise SourceUnusableError(f"{self._place} refuses ({status}).", reason=reason) from None
        except PineconeException:
            raise SourceUnusableError(
                f"{self._place} cannot be reached.", remedy="Check the network.", reason="unreachable"
            ) from None


def _kind(value: object) -> dict[str, Any]:
    words = isinstance(value, str)
    several = isinstance(value, list)
    type_ = "Edm.String" if words else "Collection(Edm.String)" if several else type(value).__name__
    return {"type": type_, "searchable": words, "filterable": several}
