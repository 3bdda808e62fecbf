"""One index of either kind, opened to be searched through the interface of Azure AI Search."""

from __future__ import annotations

from dataclasses import dataclass

from foveal.errors import NotFoundError
from foveal.pipeline.document_finder import DocumentFinder, FindWords, FoundDocuments
from foveal.ports.fields import DocumentSnapshot
from foveal.types.documents import DocumentQuery, IndexDefinition, StoredDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIndex:
    """What its definition says and what it holds at this moment. For one thread, one request.

    Attributes:
        writable: Whether callers may write documents and change the definition.
        words: Finds documents by words, where the index does that in a way of its own.
    """

    definition: IndexDefinition
    etag: str
    snapshot: DocumentSnapshot
    finder: DocumentFinder
    writable: bool
    words: FindWords | None = None

    def find(self, query: DocumentQuery) -> FoundDocuments:
        """Search it."""
        return self.finder.find(self.definition, self.snapshot, query, words=self.words)

    def count(self) -> int:
        """Documents."""
        return self.snapshot.count()

    def document(self, key: str) -> StoredDocument:
        """One document with its vectors.

        Raises:
            NotFoundError: There is none.
        """
        found = self.snapshot.find([key], vectors=[v.name for v in self.definition.vectors]).get(key)
        if found is None:
            raise NotFoundError(f"There is no document {key!r} in the index {self.definition.name!r}.")
        return found
