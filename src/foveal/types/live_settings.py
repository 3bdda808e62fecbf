"""Where an index of another service is, and which of its fields play which part: what is kept of a live index."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldsMapping:
    """Which fields of an index of somebody else's making play which part; empty: guessed from its definition.

    Attributes:
        separator: Put between the contents of several fields.
    """

    content: tuple[str, ...] = ()
    title: str = ""
    url: str = ""
    filepath: str = ""
    vectors: tuple[str, ...] = ()
    image_vectors: tuple[str, ...] = ()
    separator: str = "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSettings:
    """An index of another service. Nothing in it is secret.

    Attributes:
        endpoint: Address of the service; empty where the credential says it (a connection string).
        index: Its name there; of databases, that of the vector index.
        database: Of databases: which.
        collection: Of databases: which; of Pinecone, the namespace.
        key: Field that tells documents apart.
        dimensions: Length of the vectors, by field; 0 where it is not known.
        metrics: How the vectors of a field are compared, in the words of Azure AI Search; absent: cosine.
        vectorized: Vector fields for which the service embeds questions itself.
        groups_field: Field with the groups that may see a document; empty: all of it is for whom the source is for.
        semantic: Configuration that the service re-ranks by; empty: Foveal's own re-ranker does.
        deployment: Embeds the questions; empty: the first model here whose vectors have the length.
    """

    endpoint: str = ""
    index: str = ""
    database: str = ""
    collection: str = ""
    key: str = ""
    mapping: FieldsMapping = FieldsMapping()
    dimensions: tuple[tuple[str, int], ...] = ()
    metrics: tuple[tuple[str, str], ...] = ()
    vectorized: tuple[str, ...] = ()
    groups_field: str = ""
    semantic: str = ""
    deployment: str = ""

    def length(self, field: str) -> int:
        """Of the vectors of a field; 0 where it is not known."""
        return dict(self.dimensions).get(field, 0)
