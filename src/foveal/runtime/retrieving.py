"""Which index is of which kind: Foveal's own, made by ingestion, those of callers' own fields, and those of other
services, searched live.

Names are unique over both. The HTTP faces, the command line and the chat all come through here.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from foveal.errors import ConflictError, IndexNotFoundError
from foveal.pipeline.chunk_documents import ChunkDocuments, chunk_definition
from foveal.pipeline.document_finder import DocumentFinder
from foveal.pipeline.documents import DocumentSearcher
from foveal.pipeline.open_index import OpenIndex
from foveal.pipeline.search_indexes import SearchIndexes
from foveal.ports.models import Reranker, TextEmbedder
from foveal.ports.stores import Catalog, ChunkStore
from foveal.retrieval.filtering import optional_filter, verbatim_filter
from foveal.runtime.live import LiveIndexes
from foveal.types.chat import DataSource
from foveal.types.filters import Filter
from foveal.types.search import Query, SearchResult
from foveal.types.vectors import FloatArray

if TYPE_CHECKING:
    from foveal.runtime.parts import Parts

Search = Callable[[str, Query], SearchResult]


class Retrieving:
    """Every index of a home.

    Args:
        search: Searches an index of Foveal's own.
        embedder: Gives a text model whose vectors have that length, None when there is none.
        background: Vectors of that length of passages about nothing in particular.
        live: Indexes of other services.
        text_model: Gives the text model of a name that `IndexRecord.text_model` has.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        store: ChunkStore,
        search_indexes: SearchIndexes,
        search: Search,
        embedder: Callable[[int], TextEmbedder | None],
        reranker: Callable[[], Reranker],
        background: Callable[[int], FloatArray],
        live: LiveIndexes,
        text_model: Callable[[str], TextEmbedder],
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._search = search
        self.live = live
        self._text_model = text_model
        self._reranker = reranker
        self.search_indexes = search_indexes
        self._finder = DocumentFinder(embedder=embedder, reranker=reranker)
        self._documents = DocumentSearcher(self._finder, search_indexes.snapshot, background=background)

    def names(self) -> list[str]:
        """Names of all indexes, sorted."""
        own = [record.name for record in self._catalog.indexes()]
        return sorted([*own, *(r.definition.name for r in self.search_indexes.all()), *self.live.names()])

    def search(self, index: str, query: Query) -> SearchResult:
        """Search an index of any kind.

        Raises:
            IndexNotFoundError: No index of that name.
        """
        return self.retrieve(DataSource(index=index, mode=query.mode), query)

    def retrieve(self, source: DataSource, query: Query) -> SearchResult:
        """Search one data source of a conversation.

        Raises:
            IndexNotFoundError: No index of that name.
        """
        if source.live is not None or self.live.find(source.index) is not None:
            return self.live.search(source, query)
        if self.search_indexes.find(source.index) is not None:
            return self._documents.search(source, query)
        return self._search(source.index, query)

    def parse_filter(self, text: str | None, index: str | None = None) -> Filter | None:
        """A filter over the fields of an index; without one, or an unknown one, over those of Foveal's own. One for a
        live index is passed on as it is.

        Raises:
            FilterError: It does not parse, or names an unknown field.
        """
        if index and self.live.find(index) is not None:
            return verbatim_filter(text)
        record = self.search_indexes.find(index) if index else None
        return optional_filter(text, record.definition.filter_fields) if record else optional_filter(text)

    def open(self, index: str, groups: tuple[str, ...] | None) -> OpenIndex:
        """One index as somebody in these groups sees it.

        Raises:
            IndexNotFoundError: No index of that name.
        """
        record = self.search_indexes.find(index)
        if record is not None:
            definition, snapshot = self.search_indexes.snapshot(index)
            return OpenIndex(
                definition=definition, etag=record.etag, snapshot=snapshot, finder=self._finder, writable=True
            )
        try:
            own = self._catalog.index(index)
        except IndexNotFoundError:
            raise IndexNotFoundError(f"No index with the name {index!r} was found.") from None
        definition = chunk_definition(index, own.schema)
        chunks = ChunkDocuments(
            definition,
            self._store.snapshot(index, own.generation),
            lambda query: self._search(index, query),
            groups,
        )
        etag = f'"{uuid.uuid5(uuid.NAMESPACE_URL, f"foveal:{index}:{own.schema}").hex[:16]}"'
        return OpenIndex(
            definition=definition,
            etag=etag,
            snapshot=chunks,
            finder=self._finder_of(own.text_model) if own.text_model else self._finder,
            writable=False,
            words=chunks.find_words,
        )

    def _finder_of(self, text_model: str) -> DocumentFinder:
        """Finds in an index whose vectors another model than the home's own made."""
        model = self._text_model(text_model)
        return DocumentFinder(embedder=lambda dim: model if dim == model.dim else None, reranker=self._reranker)


def retrieving_of(home: Parts) -> Retrieving:
    """Every index of a home, of either kind."""
    from foveal.retrieval.background import SUBJECTS
    from foveal.stores.lance_documents import LanceDocumentStore
    from foveal.stores.search_indexes import SqlSearchIndexCatalog

    def search(index: str, query: Query) -> SearchResult:  # names are listed without opening a model
        parts = home.of(index)
        try:
            return parts.searcher.search(index, query)
        except ConflictError:
            if home.of(index) is parts:
                raise
            return home.of(index).searcher.search(index, query)  # switched in this moment

    def background(dimensions: int) -> FloatArray:
        model = home.embedder(dimensions)
        if model is None or model.identity == home.models.queries.identity:
            return home.texts.embed(SUBJECTS)
        return model.embed_passages(SUBJECTS)

    return Retrieving(
        catalog=home.catalog,
        store=home.store,
        search_indexes=SearchIndexes(
            SqlSearchIndexCatalog(home.engine),
            LanceDocumentStore(home.settings.home / "documents"),
            taken=lambda: [record.name for record in home.catalog.indexes()],
        ),
        search=search,
        embedder=home.embedder,
        reranker=lambda: home.models.reranker,
        background=background,
        live=home.live,
        text_model=lambda name: home.with_text(name).models.queries,
    )
