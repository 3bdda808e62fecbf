"""Reading the definition of an index as Azure AI Search writes it.

Source: "Create Index (REST API)" and "Supported data types (Azure AI Search)", Microsoft, api-version 2025-09-01; what
a definition may leave out has the defaults of "Field attributes" there (a field is searchable when it is a string and
retrievable; filterable, sortable and facetable unless it is a vector).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from foveal.errors import InvalidRequestError
from foveal.types.documents import (
    KEYWORD,
    IndexDefinition,
    IndexField,
    Json,
    Metric,
    SemanticConfiguration,
    VectorField,
)
from foveal.types.filters import FieldType

MAX_FIELDS = 1_000
"""Azure's limit of an index in its basic tier and above ("Service limits", index limits)."""
MAX_DEPTH = 10
MAX_DIMENSIONS = 4_096

VECTOR = "Collection(Edm.Single)"
_TYPES: dict[str, FieldType] = {
    **{type_.value: type_ for type_ in FieldType},
    "Edm.Int32": FieldType.INT,
    "Collection(Edm.Int32)": FieldType.INTS,
}
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9]|-(?!-)|_){0,126}[a-z0-9]")
"""2 to 128 characters ("Naming rules", Azure AI Search): lower-case letters, digits, dashes; no dash at an end."""
_FIELD_NAME = re.compile(r"(?!azureSearch)[A-Za-z][A-Za-z0-9_]{0,127}")
_UNSERVED = {
    "Collection(Edm.GeographyPoint)": "Collections of points are",
    "Collection(Edm.ComplexType)": "Collections of complex values are",
    "Collection(Edm.Half)": "Vectors of narrow numbers are",
    "Collection(Edm.Int16)": "Vectors of narrow numbers are",
    "Collection(Edm.SByte)": "Vectors of narrow numbers are",
    "Collection(Edm.Byte)": "Vectors of bits are",
    "Edm.Single": "Single numbers of 32 bits are",
}

AnyField = IndexField | VectorField


def read_definition(wire: Mapping[str, Json]) -> IndexDefinition:
    """The definition in a JSON object.

    Raises:
        InvalidRequestError: A field is malformed, of a type that is not served, or contradicts another.
    """
    name = wire.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidRequestError(
            f"{name!r} is no name for an index.",
            remedy="Take 2 to 128 lower-case letters, digits and dashes, with a letter or digit at both ends.",
        )
    metrics = _metrics(wire)
    fields: list[IndexField] = []
    vectors: list[VectorField] = []
    for field in _read_fields(wire.get("fields"), "", 0, metrics):
        (vectors if isinstance(field, VectorField) else fields).append(field)  # type: ignore[arg-type]
    _check_fields(fields, vectors)
    semantic, default = _semantic(wire, {f.name for f in fields})
    return IndexDefinition(
        name=name,
        fields=tuple(fields),
        vectors=tuple(vectors),
        semantic=semantic,
        default_semantic=default,
        wire={key: value for key, value in wire.items() if not key.startswith("@odata.")},
    )


def check_change(old: IndexDefinition, new: IndexDefinition) -> None:
    """Refuse a definition that an index cannot be turned into without being built again.

    Fields may be added, and `retrievable` may be changed, as in Azure.

    Raises:
        InvalidRequestError: A field is gone or of another kind.
    """
    later = {f.name: _lasting(f) for f in _all(new)}
    for field in _all(old):
        if later.get(field.name) != _lasting(field):
            raise InvalidRequestError(
                f"Existing field {field.name!r} of the index {old.name!r} cannot be changed or removed.",
                remedy="Only new fields can be added; delete the index and make it again otherwise.",
            )


def _all(definition: IndexDefinition) -> list[AnyField]:
    return [*definition.fields, *definition.vectors]


def _lasting(field: AnyField) -> tuple[object, ...]:
    if isinstance(field, VectorField):
        return ("vector", field.dimensions, field.metric)
    flags = (field.key, field.searchable, field.filterable, field.sortable, field.facetable)
    return (field.type, field.narrow, field.analyzer, *flags)


def _read_fields(
    value: Json, path: str, depth: int, metrics: Mapping[str, Metric]
) -> Iterator[IndexField | VectorField]:
    if not isinstance(value, list) or not value:
        raise InvalidRequestError(f"{path or 'The index'} has no fields.", remedy='Give "fields", an array of objects.')
    if depth > MAX_DEPTH:
        raise InvalidRequestError(f"Complex fields are nested deeper than {MAX_DEPTH} levels.")
    for one in value:
        if not isinstance(one, dict):
            raise InvalidRequestError(f"A field of {path or 'the index'} is no object: {str(one)[:40]!r}.")
        name = one.get("name")
        if not isinstance(name, str) or not _FIELD_NAME.fullmatch(name):
            raise InvalidRequestError(
                f"{name!r} is no name for a field.", remedy="Take letters, digits and underscores, a letter first."
            )
        full, type_ = f"{path}{name}", one.get("type")
        if type_ == "Edm.ComplexType":
            yield from _read_fields(one.get("fields"), f"{full}/", depth + 1, metrics)
        elif type_ == VECTOR:
            yield _vector(full, one, metrics)
        else:
            yield _plain(full, one, str(type_))


def _vector(name: str, one: Mapping[str, Json], metrics: Mapping[str, Metric]) -> VectorField:
    dimensions = one.get("dimensions")
    if "/" in name:
        raise InvalidRequestError(f"The vector field {name!r} is in a complex field.", remedy="Move it to the top.")
    if not isinstance(dimensions, int) or isinstance(dimensions, bool) or not 2 <= dimensions <= MAX_DIMENSIONS:
        raise InvalidRequestError(f"The vector field {name!r} needs `dimensions` between 2 and {MAX_DIMENSIONS}.")
    profile = one.get("vectorSearchProfile")
    if profile not in metrics:
        raise InvalidRequestError(
            f"The vector field {name!r} names no profile of `vectorSearch`: {profile!r}.",
            remedy="Add it to vectorSearch.profiles.",
        )
    return VectorField(
        name=name,
        dimensions=dimensions,
        metric=metrics[str(profile)],
        retrievable=_flag(one, "retrievable", True),
    )


def _plain(name: str, one: Mapping[str, Json], wire_type: str) -> IndexField:
    if wire_type in _UNSERVED:
        raise InvalidRequestError(
            f"{_UNSERVED[wire_type]} not served: the field {name!r} is {wire_type}.",
            remedy=f"The types are {', '.join(_TYPES)}, Edm.ComplexType and {VECTOR}.",
        )
    if wire_type not in _TYPES:
        raise InvalidRequestError(
            f"The field {name!r} has no known type: {wire_type!r}.",
            remedy=f"The types are {', '.join(_TYPES)}, Edm.ComplexType and {VECTOR}.",
        )
    type_ = _TYPES[wire_type]
    words = type_ in (FieldType.STRING, FieldType.STRINGS)
    key = _flag(one, "key", False)
    searchable = _flag(one, "searchable", words and not key)
    if searchable and not words:
        raise InvalidRequestError(f"The field {name!r} is {wire_type} and cannot be searchable.")
    if key and (type_ is not FieldType.STRING or "/" in name):
        raise InvalidRequestError(f"The key field {name!r} must be Edm.String at the top level.")
    sortable = _flag(one, "sortable", type_.item is None)
    if sortable and type_.item is not None:
        raise InvalidRequestError(f"The field {name!r} is a collection and cannot be sortable.")
    point = type_ is FieldType.GEO_POINT
    if point and _flag(one, "facetable", False):
        raise InvalidRequestError(f"The field {name!r} is a point and cannot be facetable.")
    return IndexField(
        name=name,
        type=type_,
        key=key,
        searchable=searchable,
        filterable=_flag(one, "filterable", True),
        sortable=sortable,
        facetable=_flag(one, "facetable", not point),
        retrievable=key or _flag(one, "retrievable", True),
        narrow="Int32" in wire_type,
        analyzer=_analyzer(one) if searchable else "",
    )


def _analyzer(one: Mapping[str, Json]) -> str:
    for name in ("analyzer", "indexAnalyzer"):
        given = one.get(name)
        if isinstance(given, str) and given:
            return KEYWORD if given.lower() == KEYWORD else given
    return "standard.lucene"


def _flag(one: Mapping[str, Json], name: str, default: bool) -> bool:
    value = one.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise InvalidRequestError(f"`{name}` of the field {one.get('name')!r} is true or false, not {value!r}.")
    return value


def _check_fields(fields: list[IndexField], vectors: list[VectorField]) -> None:
    keys = [f.name for f in fields if f.key]
    if len(keys) != 1:
        raise InvalidRequestError(
            f"An index has exactly one key field; this one has {len(keys)}.", remedy='Set "key": true on one string.'
        )
    names = [*(f.name for f in fields), *(f.name for f in vectors)]
    if len(names) > MAX_FIELDS:
        raise InvalidRequestError(f"The index has {len(names)} fields, the limit is {MAX_FIELDS}.")
    folded = [name.lower() for name in names]
    if len(set(folded)) < len(folded):
        double = next(name for name in names if folded.count(name.lower()) > 1)
        raise InvalidRequestError(f"The field {double!r} is defined twice.")


def _objects(value: Json) -> Iterator[Mapping[str, Json]]:
    for one in value if isinstance(value, list) else ():
        if isinstance(one, dict):
            yield one


def _metrics(wire: Mapping[str, Json]) -> dict[str, Metric]:
    """The metric of every vector profile."""
    search = wire.get("vectorSearch")
    if not isinstance(search, dict):
        return {}
    algorithms = {str(one.get("name")): one for one in _objects(search.get("algorithms"))}
    found: dict[str, Metric] = {}
    for profile in _objects(search.get("profiles")):
        algorithm = algorithms.get(str(profile.get("algorithm")))
        if algorithm is None:
            raise InvalidRequestError(
                f"The vector profile {profile.get('name')!r} names no algorithm of `vectorSearch`.",
                remedy="Add it to vectorSearch.algorithms.",
            )
        parameters = algorithm.get("hnswParameters") or algorithm.get("exhaustiveKnnParameters")
        metric = (parameters.get("metric") if isinstance(parameters, dict) else None) or Metric.COSINE
        if metric not in list(Metric):
            known = ", ".join(Metric)
            raise InvalidRequestError(f"The metric {metric!r} is not served.", remedy=f"Use one of {known}.")
        found[str(profile.get("name"))] = Metric(str(metric))
    return found


def _semantic(wire: Mapping[str, Json], known: set[str]) -> tuple[tuple[SemanticConfiguration, ...], str]:
    semantic = wire.get("semantic") or wire.get("semanticSearch")
    if not isinstance(semantic, dict):
        return (), ""
    found = tuple(_configuration(one, known) for one in _objects(semantic.get("configurations")))
    default = semantic.get("defaultConfiguration")
    return found, default if isinstance(default, str) else ""


def _configuration(one: Mapping[str, Json], known: set[str]) -> SemanticConfiguration:
    fields = one.get("prioritizedFields")
    parts: Mapping[str, Json] = fields if isinstance(fields, dict) else {}
    title = parts.get("titleField")
    configuration = SemanticConfiguration(
        name=str(one.get("name")),
        title=str(title["fieldName"]) if isinstance(title, dict) and title.get("fieldName") else "",
        content=_field_names(parts.get("prioritizedContentFields") or parts.get("contentFields")),
        keywords=_field_names(parts.get("prioritizedKeywordsFields") or parts.get("keywordsFields")),
    )
    named = (*filter(None, [configuration.title]), *configuration.content, *configuration.keywords)
    unknown = next((name for name in named if name not in known), None)
    if unknown is not None:
        raise InvalidRequestError(f"The semantic configuration {configuration.name!r} names no field {unknown!r}.")
    return configuration


def _field_names(value: Json) -> tuple[str, ...]:
    return tuple(str(one["fieldName"]) for one in _objects(value) if one.get("fieldName"))
