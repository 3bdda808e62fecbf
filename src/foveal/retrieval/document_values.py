"""Documents of a caller's own fields: JSON checked against a definition, values as filters, orders and facets see them.

Source: "Supported data types (Azure AI Search)" and "Data type mapping"; numbers of 64 bits are plain JSON numbers,
infinities the strings `INF` and `-INF`, dates ISO 8601, points GeoJSON (Microsoft, OData JSON Format 4.01).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from foveal.errors import InvalidRequestError
from foveal.types.documents import IndexDefinition, IndexField, Json, StoredDocument, VectorField
from foveal.types.filters import FieldType
from foveal.types.vectors import FloatArray

MAX_KEY = 1_024
_KEY = re.compile(r"[A-Za-z0-9_\-=]{1,1024}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")

Scalar = str | int | float | bool | datetime | tuple[float, float]
"""A value in Python's terms; a point is (longitude, latitude)."""


def read_key(definition: IndexDefinition, wire: Mapping[str, Json]) -> str:
    """The key of a document.

    Raises:
        InvalidRequestError: It has none, or one with characters that Azure refuses too.
    """
    key = wire.get(definition.key)
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise InvalidRequestError(
            f"Invalid document key: {str(key)[:60]!r}. Keys can only contain letters, digits, underscore (_), dash (-) "
            f"or equal sign (=), at most {MAX_KEY} of them.",
            remedy="Encode the key, for example with URL-safe base64.",
        )
    return key


def read_document(definition: IndexDefinition, wire: Mapping[str, Json]) -> StoredDocument:
    """A document, checked; what is null is left out.

    Raises:
        InvalidRequestError: A field is unknown, or a value is not of its field's type.
    """
    key = read_key(definition, wire)
    tops = {f.name.partition("/")[0] for f in definition.fields}
    values: dict[str, Json] = {}
    vectors: dict[str, FloatArray] = {}
    for name, value in wire.items():
        if name.startswith("@"):
            continue
        vector = definition.vector(name)
        if vector is None and name not in tops:
            raise InvalidRequestError(f"The index {definition.name!r} has no field {name!r}.")
        if value is None:
            continue
        if vector is not None:
            vectors[name] = _vector(vector, value)
        else:
            values[name] = _value(definition, name, value)
    return StoredDocument(key=key, values=values, vectors=vectors)


def merged(definition: IndexDefinition, old: StoredDocument, wire: Mapping[str, Json]) -> StoredDocument:
    """`old` with the fields that `wire` names replaced; null clears one, complex fields are merged part by part.

    Raises:
        InvalidRequestError: As `read_document`.
    """
    given = read_document(definition, wire)
    kept = {name: value for name, value in old.values.items() if wire.get(name, ...) is not None}
    values = {**kept, **{name: _merged(kept.get(name), value) for name, value in given.values.items()}}
    vectors = {name: vector for name, vector in old.vectors.items() if wire.get(name, ...) is not None}
    return replace(given, values=values, vectors={**vectors, **given.vectors})


def _merged(old: Json, new: Json) -> Json:
    if isinstance(old, dict) and isinstance(new, dict) and "coordinates" not in new:
        return {**old, **{name: _merged(old.get(name), value) for name, value in new.items()}}
    return new


def value_of(document: StoredDocument, path: str) -> Json:
    """The value of a field, None for none."""
    found: Json = dict(document.values)
    for part in path.split("/"):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def scalar(type_: FieldType, value: Json) -> Scalar | None:
    """One stored value in Python's terms."""
    if value is None:
        return None
    match type_:
        case FieldType.DATETIME:
            return datetime.fromisoformat(str(value))
        case FieldType.GEO_POINT:
            return _coordinates(value)
        case FieldType.DOUBLE if isinstance(value, str):
            return float(value.replace("INF", "inf"))
        case FieldType.DOUBLE if isinstance(value, int | float):
            return float(value)
    return value if isinstance(value, str | int | float) else None


def scalars(field: IndexField, value: Json) -> tuple[Scalar, ...]:
    """The values of a field: of a collection its items, else one or none."""
    items = value if isinstance(value, list) else [value]
    found = (scalar(field.type.item or field.type, item) for item in items)
    return tuple(one for one in found if one is not None)


def _value(definition: IndexDefinition, path: str, value: Json) -> Json:
    field = definition.plain(path)
    if field is not None:
        return _plain(field, value)
    if not isinstance(value, dict):
        raise InvalidRequestError(f"The field {path!r} is Edm.ComplexType and takes an object.")
    parts = {f.name for f in definition.fields if f.name.startswith(f"{path}/")}
    complex_: dict[str, Json] = {}
    for name, part in value.items():
        inner = f"{path}/{name}"
        if not any(known == inner or known.startswith(f"{inner}/") for known in parts):
            raise InvalidRequestError(f"The index {definition.name!r} has no field {inner!r}.")
        complex_[name] = None if part is None else _value(definition, inner, part)
    return complex_


def _plain(field: IndexField, value: Json) -> Json:
    item = field.type.item
    if item is None:
        return _one(field, field.type, value)
    if not isinstance(value, list):
        raise _unfit(field, value)
    return [_one(field, item, one) for one in value]


def _one(field: IndexField, type_: FieldType, value: Json) -> Json:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match type_:
        case FieldType.STRING if isinstance(value, str):
            return value
        case FieldType.BOOLEAN if isinstance(value, bool):
            return value
        case FieldType.INT if number and isinstance(value, int | float) and float(value).is_integer():
            bits = 31 if field.narrow else 63
            if -(2**bits) <= int(value) < 2**bits:
                return int(value)
        case FieldType.DOUBLE if value in ("INF", "-INF"):
            return value
        case FieldType.DOUBLE if number and isinstance(value, int | float) and math.isfinite(value):
            return value
        case FieldType.DATETIME if isinstance(value, str):
            return _moment(field, value)
        case FieldType.GEO_POINT:
            longitude, latitude = _point(field, value)
            return {"type": "Point", "coordinates": [longitude, latitude]}
    raise _unfit(field, value)


def _moment(field: IndexField, value: str) -> str:
    try:
        if not _MOMENT.fullmatch(value):
            raise ValueError(value)
        moment = datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _unfit(field, value) from None
    return moment.isoformat().replace("+00:00", "Z")


def _point(field: IndexField, value: Json) -> tuple[float, float]:
    found = _coordinates(value) if isinstance(value, dict) and value.get("type") == "Point" else None
    if found is None or not (-180 <= found[0] <= 180 and -90 <= found[1] <= 90):
        raise _unfit(field, value)
    return found


def _coordinates(value: Json) -> tuple[float, float] | None:
    pair = value.get("coordinates") if isinstance(value, dict) else None
    if not isinstance(pair, list) or len(pair) < 2:
        return None
    longitude, latitude = pair[:2]
    if isinstance(longitude, int | float) and isinstance(latitude, int | float):
        return float(longitude), float(latitude)
    return None


def _vector(field: VectorField, value: Json) -> FloatArray:
    if not isinstance(value, list) or len(value) != field.dimensions:
        given = f"{len(value)} values" if isinstance(value, list) else "no array"
        raise InvalidRequestError(
            f"The vector field {field.name!r} has {field.dimensions} dimensions, but {given} came."
        )
    if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in value):
        raise InvalidRequestError(f"The vector field {field.name!r} takes numbers.")
    vector = narrow_vector([float(one) for one in value if isinstance(one, int | float)])
    if vector is None:
        raise InvalidRequestError(f"The vector field {field.name!r} takes finite numbers of 32 bits.")
    return vector


def narrow_vector(numbers: Sequence[float]) -> FloatArray | None:
    """float32 [n]; None when a number is not finite or too large for it."""
    with np.errstate(over="ignore"):
        vector: FloatArray = np.array(numbers, dtype=np.float64).astype(np.float32)
    return vector if np.isfinite(vector).all() else None


def _unfit(field: IndexField, value: Json) -> InvalidRequestError:
    return InvalidRequestError(
        f"Cannot convert {str(value)[:60]!r} to the type of the field {field.name!r}, {field.type.value}."
    )
