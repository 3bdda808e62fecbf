"""Definitions of indexes on the wire, those of Foveal's own indexes included."""

from __future__ import annotations

from collections.abc import Mapping

from foveal.errors import InvalidRequestError
from foveal.pipeline.open_index import OpenIndex
from foveal.retrieval.index_definitions import VECTOR
from foveal.types.documents import IndexDefinition, IndexField, Json, VectorField

_LISTS = ("scoringProfiles", "suggesters", "analyzers", "normalizers", "tokenizers", "tokenFilters", "charFilters")


def definition_out(opened: OpenIndex) -> dict[str, Json]:
    """The definition as the service gives it back: what was sent, or one made from what is known."""
    wire = dict(opened.definition.wire) or _made(opened.definition)
    empty: dict[str, Json] = {name: [] for name in _LISTS}
    return {"@odata.etag": opened.etag, **empty, **{k: v for k, v in wire.items() if v is not None}}


def selected(wire: Mapping[str, Json], select: str | None) -> dict[str, Json]:
    """The parts of a definition that `$select` names; all without it."""
    wanted = {part.strip() for part in (select or "*").split(",")}
    return {key: value for key, value in wire.items() if "*" in wanted or key in wanted}


def definition_in(value: object, name: str | None = None) -> dict[str, Json]:
    """A body as a definition.

    Args:
        name: From the address; the body may leave it out, and must not contradict it.

    Raises:
        InvalidRequestError: It is no object, or names another index.
    """
    if not isinstance(value, dict):
        raise InvalidRequestError("The definition of an index is a JSON object.")
    if name is not None and value.setdefault("name", name) != name:
        raise InvalidRequestError(f"The address names the index {name!r}, the body {value['name']!r}.")
    return value


def _made(definition: IndexDefinition) -> dict[str, Json]:
    plain: list[Json] = [_field(field) for field in definition.fields]
    vectors: list[Json] = [_vector(vector) for vector in definition.vectors]
    semantic: list[Json] = [
        {
            "name": one.name,
            "prioritizedFields": {
                "titleField": {"fieldName": one.title},
                "prioritizedContentFields": [{"fieldName": name} for name in one.content],
                "prioritizedKeywordsFields": [{"fieldName": name} for name in one.keywords],
            },
        }
        for one in definition.semantic
    ]
    return {
        "name": definition.name,
        "description": "Made by ingestion; its documents can be searched here, not written.",
        "fields": [*plain, *vectors],
        "semantic": {"defaultConfiguration": definition.default_semantic, "configurations": semantic},
        "vectorSearch": {
            "algorithms": [{"name": "dot", "kind": "hnsw", "hnswParameters": {"metric": "dotProduct"}}],
            "profiles": [{"name": "dot", "algorithm": "dot"}],
        },
    }


def _field(field: IndexField) -> dict[str, Json]:
    return {
        "name": field.name,
        "type": field.type.value,
        "key": field.key,
        "searchable": field.searchable,
        "filterable": field.filterable,
        "sortable": field.sortable,
        "facetable": field.facetable,
        "retrievable": field.retrievable,
        "stored": True,
        **({"analyzer": field.analyzer} if field.analyzer else {}),
    }


def _vector(vector: VectorField) -> dict[str, Json]:
    return {
        "name": vector.name,
        "type": VECTOR,
        "searchable": True,
        "retrievable": vector.retrievable,
        "stored": True,
        "dimensions": vector.dimensions,
        "vectorSearchProfile": "dot",
    }
