"""Live indexes of a home: every kind there is, how each is opened, and which index of a request each is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit, urlunsplit

from foveal.errors import IndexNotFoundError, InvalidRequestError
from foveal.pipeline.live import LiveSearcher, OpenLive
from foveal.ports.live import LiveIndex
from foveal.ports.models import Reranker, TextEmbedder
from foveal.retrieval.live_mapping import report
from foveal.types.chat import DataSource
from foveal.types.live import LiveTarget
from foveal.types.live_settings import LiveSettings
from foveal.types.search import Query, SearchResult
from foveal.types.sources import Credential, SavedSource, SourceKind

if TYPE_CHECKING:
    from foveal.pipeline.saved_sources import SavedSources

KEPT = 64
"""Connections to services that are kept open, the latest used."""

Place = tuple[SourceKind, LiveSettings, Credential | None]
T = TypeVar("T")

FINDING_WORDS = frozenset({SourceKind.AZURE_SEARCH, SourceKind.ELASTICSEARCH})
"""Kinds whose service finds by words; the others find by vectors alone, as On Your Data asked them."""

RERANKING = frozenset({SourceKind.AZURE_SEARCH})
"""Kinds whose service has a re-ranker."""


def live_place(kind: SourceKind, given: LiveSettings, credential: Credential | None) -> tuple[LiveSettings, str]:
    """Check where a live index is said to be; and the place as a URL, without a credential. Nothing is fetched.

    Raises:
        InvalidRequestError: Something is missing, or wrong.
    """
    needed = {
        "endpoint": kind in (SourceKind.AZURE_SEARCH, SourceKind.ELASTICSEARCH),
        "index": kind is not SourceKind.AZURE_COSMOS_DB,
        "database": kind.database,
        "collection": kind.database,
    }
    missing = [name for name, is_needed in needed.items() if is_needed and not getattr(given, name)]
    if missing:
        raise InvalidRequestError(f"A source of kind {kind} needs its {' and its '.join(missing)}.")
    if needed["database"]:
        from foveal.sources.mongo import hosts_of

        hosts = hosts_of(credential.secret.reveal if credential else "")
        settings = replace(given, endpoint=f"mongodb://{hosts}")
        return settings, f"{settings.endpoint}/{given.database}/{given.collection}"
    settings = replace(given, endpoint=clean_endpoint(given.endpoint) if given.endpoint else "")
    inside = "indexes/" if kind is SourceKind.AZURE_SEARCH else ""
    return settings, f"{settings.endpoint or f'{kind}:/'}/{inside}{given.index}"


def clean_endpoint(address: str) -> str:
    """An address without a path's last slash, a password or a query.

    Raises:
        InvalidRequestError: It is no http or https address.
    """
    parsed = urlsplit(address.strip())
    if parsed.scheme not in {"http", "https"} or not parsed.hostname:
        raise InvalidRequestError("The endpoint is no http or https address.", remedy="https://NAME.search.windows.net")
    return urlunsplit((parsed.scheme, parsed.netloc.rpartition("@")[2].lower(), parsed.path.rstrip("/"), "", ""))


def open_live(kind: SourceKind, settings: LiveSettings, credential: Credential | None) -> LiveIndex:
    """A live index; nothing is fetched yet.

    Raises:
        SourceUnusableError: The package that speaks to its service is not installed.
    """
    if kind is SourceKind.AZURE_SEARCH:
        from foveal.sources.azure_search import AzureSearchIndex

        return AzureSearchIndex(settings, credential)
    if kind is SourceKind.ELASTICSEARCH:
        from foveal.sources.elasticsearch_index import ElasticsearchIndex

        return ElasticsearchIndex(settings, credential)
    if kind is SourceKind.PINECONE:
        from foveal.sources.pinecone_index import PineconeIndex

        return PineconeIndex(settings, credential)
    from foveal.sources.mongo import AtlasIndex, CosmosMongoIndex

    return AtlasIndex(settings, credential) if kind is SourceKind.MONGODB else CosmosMongoIndex(settings, credential)


class LiveIndexes:
    """All that are saved, and those that requests name themselves.

    Args:
        sources: The saved sources.
        embedder: As of `LiveSearcher`.
        reranker: Likewise.
        opened: Opens an index.
    """

    def __init__(
        self,
        sources: Callable[[], SavedSources],
        *,
        embedder: Callable[[str, int], TextEmbedder | None],
        reranker: Callable[[], Reranker],
        opened: Callable[[SourceKind, LiveSettings, Credential | None], LiveIndex] = open_live,
    ) -> None:
        self._sources = sources
        self._embedder = embedder
        self._searcher = LiveSearcher(embedder=embedder, reranker=reranker)
        self._open = opened
        self._kept: dict[Place, LiveIndex] = {}
        self._completed: dict[Place, LiveSettings] = {}
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """What those that are saved are called as indexes, by name of the source."""
        return [saved.settings.index for saved in self._saved()]

    def find(self, index: str) -> SavedSource | None:
        """The saved one that is called so."""
        return next((saved for saved in self._saved() if saved.settings.index == index), None)

    def standing_for(self, service: str, index: str) -> str | None:
        """What the saved one is called that is an index of a service; None when there is none.

        Args:
            service: Host of its endpoint, or name of its database, in lower case.
            index: Its name there, or that of its collection.
        """
        for saved in self._saved():
            live = saved.settings.live or LiveSettings()
            hosts = {urlsplit(live.endpoint).netloc.lower(), live.database.lower()} - {""}
            if service in hosts and index in {live.index, live.collection}:
                return saved.settings.index
        return None

    def count(self, index: str) -> int:
        """How many documents a saved one has; 0 where its service does not say."""
        saved = self._get(index)
        settings = saved.settings.live or LiveSettings()
        return self._opener(saved.settings.kind, self._credential(saved))(settings).describe().documents or 0

    def search(self, source: DataSource, query: Query) -> SearchResult:
        """Search a saved one, or the one that a request names.

        Raises:
            IndexNotFoundError: No index of that name.
            FovealError: As `foveal.pipeline.live.LiveSearcher.search`.
        """
        if source.live is not None:
            return self._searcher.search(self._of_request(source.index, source.live, source), source, query)
        saved = self._get(source.index)
        kind, settings = saved.settings.kind, saved.settings.live or LiveSettings()
        opened = OpenLive(
            name=source.index,
            settings=settings,
            index=self._opener(kind, self._credential(saved)),
            groups=saved.settings.groups,
            words=kind in FINDING_WORDS,
            reranks=kind in RERANKING,
        )
        return self._searcher.search(opened, source, query)

    def close(self) -> None:
        """Close the connections to services."""
        with self._lock:
            for index in self._kept.values():
                index.close()
            self._kept.clear()

    def embeds(self, deployment: str, dimensions: int) -> bool:
        """Whether there is a model for vectors of that length."""
        return dimensions > 0 and self._embedder(deployment, dimensions) is not None

    def _of_request(self, name: str, target: LiveTarget, source: DataSource) -> OpenLive:
        """What a request names is described once, as far as its own mapping leaves something open."""
        given = replace(target.settings, mapping=source.mapping)
        key = (target.kind, given, target.credential)
        with self._lock:
            settings = self._completed.get(key)
        if settings is None:
            with closing(self._open(target.kind, given, target.credential)) as index:
                settings = report(given, index.describe(), embeds=self.embeds).settings
            with self._lock:
                self._completed[key] = settings
                _forget(self._completed)
        return OpenLive(
            name=name,
            settings=settings,
            index=self._opener(target.kind, target.credential),
            words=target.kind in FINDING_WORDS,
            reranks=target.kind in RERANKING,
        )

    def _opener(self, kind: SourceKind, credential: Credential | None) -> Callable[[LiveSettings], LiveIndex]:
        def opened(settings: LiveSettings) -> LiveIndex:
            key = (kind, settings, credential)
            with self._lock:
                found = self._kept.pop(key, None) or self._open(kind, settings, credential)
                self._kept[key] = found  # the latest used comes last
                _forget(self._kept)
                return found

        return opened

    def _saved(self) -> Sequence[SavedSource]:
        return [saved for saved in self._sources().all() if saved.settings.kind.live]

    def _get(self, index: str) -> SavedSource:
        saved = self.find(index)
        if saved is None:
            raise IndexNotFoundError(f"No index with the name {index!r} was found.")
        return saved

    def _credential(self, saved: SavedSource) -> Credential | None:
        return self._sources().credential_of(saved.settings.name)


def _forget(kept: dict[Place, T]) -> None:
    while len(kept) > KEPT:
        del kept[next(iter(kept))]
