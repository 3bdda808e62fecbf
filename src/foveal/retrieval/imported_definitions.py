"""Definitions and documents of Azure AI Search, as far as Foveal can serve them.

Source: "Supported data types (Azure AI Search)", Microsoft. Vectors of narrow numbers become vectors of single numbers,
which hold the same values; what has no counterpart here is left out and named.
"""

from __future__ import annotations

from collections.abc import Mapping

from foveal.types.documents import IndexDefinition, Json

_NARROW = frozenset({"Collection(Edm.Half)", "Collection(Edm.Int16)", "Collection(Edm.SByte)"})
_UNSERVED = frozenset(
    {"Collection(Edm.GeographyPoint)", "Collection(Edm.ComplexType)", "Collection(Edm.Byte)", "Edm.Single"}
)
_NOT_OURS = ("vectorizers", "compressions")
_LEFT = ("encryptionKey", "similarity", "@odata.context", "@odata.etag", "e_tag")


def imported_definition(wire: Mapping[str, Json], name: str) -> tuple[dict[str, Json], tuple[str, ...]]:
    """The definition of the copy, and what of it was left out, each with its reason.

    Args:
        wire: As the service gives it.
        name: Of the copy.
    """
    said: list[str] = []
    copied = {key: value for key, value in wire.items() if key not in _LEFT and value is not None}
    fields = copied.get("fields")
    copied["fields"] = [_field(one, said) for one in _served(fields, said)]
    search = copied.get("vectorSearch")
    if isinstance(search, dict):
        if search.get("vectorizers"):
            said.append("The vectorizers: questions are embedded by an embedding deployment here.")
        copied["vectorSearch"] = _vector_search(search)
    semantic = copied.pop("semanticSearch", None) or copied.get("semantic")
    if isinstance(semantic, dict):
        copied["semantic"] = _semantic(semantic, {str(f["name"]) for f in _objects(copied["fields"])}, said)
    return {**copied, "name": name}, tuple(said)


def imported_document(wire: Mapping[str, Json], definition: IndexDefinition) -> dict[str, Json]:
    """A document with those of its fields that the copy has."""
    tops = {f.name.partition("/")[0] for f in definition.fields} | {v.name for v in definition.vectors}
    return {name: value for name, value in wire.items() if name in tops}


def _served(fields: Json, said: list[str], path: str = "") -> list[dict[str, Json]]:
    kept: list[dict[str, Json]] = []
    for one in _objects(fields):
        name = f"{path}{one.get('name')}"
        if one.get("type") in _UNSERVED:
            said.append(f"The field {name}: {one['type']} is not served.")
            continue
        if one.get("type") == "Edm.ComplexType":
            inner: list[Json] = list(_served(one.get("fields"), said, f"{name}/"))
            kept.append({**one, "fields": inner})
            continue
        if one.get("retrievable") is False or one.get("hidden") is True:
            said.append(
                f"The values of {name}: it is not retrievable, so the service does not give them out. "
                "Set it retrievable there, which builds nothing anew, and import again."
            )
        kept.append(one)
    return kept


def _field(one: Mapping[str, Json], said: list[str]) -> Json:
    field: dict[str, Json] = {key: value for key, value in one.items() if value is not None}
    if field.get("type") in _NARROW and field.get("dimensions"):
        said.append(f"The width of {one.get('name')}: its vectors become those of single numbers.")
        field["type"] = "Collection(Edm.Single)"
    field.pop("vectorEncoding", None)
    return field


def _vector_search(search: Mapping[str, Json]) -> dict[str, Json]:
    kept = {key: value for key, value in search.items() if key not in _NOT_OURS and value is not None}
    profiles: list[Json] = [
        {key: value for key, value in one.items() if key not in ("vectorizer", "compression") and value is not None}
        for one in _objects(kept.get("profiles"))
    ]
    algorithms: list[Json] = [_algorithm(one) for one in _objects(kept.get("algorithms"))]
    return {**kept, "profiles": profiles, "algorithms": algorithms}


def _algorithm(one: Mapping[str, Json]) -> dict[str, Json]:
    """Bits are compared by Hamming distance there; what is left of such a profile has no field any more."""
    kept: dict[str, Json] = {key: value for key, value in one.items() if value is not None}
    for name in ("hnswParameters", "exhaustiveKnnParameters"):
        parameters = kept.get(name)
        if isinstance(parameters, dict) and parameters.get("metric") == "hamming":
            kept[name] = {**parameters, "metric": "cosine"}
    return kept


def _semantic(semantic: Mapping[str, Json], names: set[str], said: list[str]) -> dict[str, Json]:
    kept: list[Json] = []
    for one in _objects(semantic.get("configurations")):
        fields = one.get("prioritizedFields")
        parts = fields if isinstance(fields, dict) else {}
        named = [part for value in parts.values() for part in _objects(value if isinstance(value, list) else [value])]
        missing = [str(part.get("fieldName")) for part in named if part.get("fieldName") not in names | {None}]
        if any(name.partition("/")[0] not in names for name in missing):
            said.append(f"The semantic configuration {one.get('name')}: it reads {missing[0]}, which is left out.")
            continue
        kept.append({key: value for key, value in one.items() if value is not None})
    return {**{k: v for k, v in semantic.items() if v is not None}, "configurations": kept}


def _objects(value: Json) -> list[dict[str, Json]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
