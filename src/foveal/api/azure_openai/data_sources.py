"""Data sources of a chat request, in every spelling clients were seen to use, as one set of options.

Keys may be in snake, camel or Pascal case, nested under `parameters` (once or more) or flat beside `type`; null and
empty mean absent; unknown and misspelt keys are ignored. Endpoints, credentials, field mappings and embedding
dependencies are read past: the index is one of this server's, which knows its own fields and embeds by itself.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field, JsonValue, ValidationError

from foveal.api.engine import Engine
from foveal.api.errors import BodyError
from foveal.errors import IndexNotFoundError, InvalidRequestError
from foveal.types.chat import DataSource, GroundingOptions
from foveal.types.search import Mode

SEARCH, VISION, VIDEO = "azure_search", "azure_computer_vision", "azure_computer_vision_video_index"
TYPES = {
    "azuresearch": SEARCH,
    "azurecognitivesearch": SEARCH,
    "azurecosmosdb": "azure_cosmos_db",
    "azuremlindex": "azure_ml_index",
    "elasticsearch": "elasticsearch",
    "mongodb": "mongo_db",
    "pinecone": "pinecone",
    "azurecomputervision": VISION,
    "azurecomputervisionvideoindex": VIDEO,
}
"""Type names of 2023 and 2024 without case and underscores → the name in error pointers."""

MODES = {
    "simple": Mode.KEYWORD,
    "semantic": Mode.SEMANTIC,
    "vector": Mode.VECTOR,
    "vectorsimplehybrid": Mode.HYBRID,
    "vectorsemantichybrid": Mode.SEMANTIC,
}
"""`query_type` without case and underscores → mode. Without one the search is hybrid: the service's default,
`simple`, knows words only, and photos have few."""

Context = Literal["citations", "intent", "all_retrieved_documents"]
DEFAULT_CONTEXTS: frozenset[Context] = frozenset({"citations", "intent"})
_CONTEXTS: dict[str, Context] = {
    "citations": "citations",
    "intent": "intent",
    "allretrieveddocuments": "all_retrieved_documents",
}

_SPELLINGS = {"name": "index_name"}  # azure_ml_index calls it so


def _squashed(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


def _mode(value: object) -> object:
    mode = MODES.get(_squashed(value)) if isinstance(value, str) else None
    if mode is None:
        raise ValueError(
            "Input should be 'simple', 'semantic', 'vector', 'vector_simple_hybrid' or 'vector_semantic_hybrid'"
        )
    return mode


def _contexts(value: object) -> object:
    if not isinstance(value, list):
        return value
    return [_CONTEXTS.get(_squashed(v), v) if isinstance(v, str) else v for v in value]


def _filter(value: object) -> object:
    return "" if isinstance(value, str) and value.strip().lower() in {"", "none", "null"} else value


class Parameters(BaseModel):
    """What of a source's parameters has an effect here."""

    index_name: str = ""
    top_n_documents: int | None = Field(None, ge=1, le=100)
    strictness: int | None = Field(None, ge=1, le=5)
    in_scope: bool | None = None
    role_information: str = ""
    query_type: Annotated[Mode | None, BeforeValidator(_mode)] = None
    filter: Annotated[str, BeforeValidator(_filter)] = ""
    include_contexts: Annotated[list[Context] | None, BeforeValidator(_contexts)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSources:
    """What a request's data sources come to.

    Attributes:
        sources: One an index, each once; empty when no source has an index (image analysis alone).
        positions: Of each index, where its source stands in the request.
        contexts: What the reply's `context` holds.
    """

    sources: tuple[DataSource, ...]
    positions: Mapping[str, int]
    grounding: GroundingOptions
    contexts: frozenset[Context]


def read_sources(
    given: Sequence[Mapping[str, JsonValue]], engine: Engine, *, groups: tuple[str, ...] | None
) -> DataSources:
    """Make one set of options of all sources; where several set the same option, the first wins.

    Raises:
        BodyError: A type or parameter is wrong, as a JSON pointer into the request.
        IndexNotFoundError: No index of that name.
        FilterError: The filter does not parse.
        InvalidRequestError: A video index.
    """
    positions: dict[str, int] = {}
    found: list[Parameters] = []
    sources: dict[str, DataSource] = {}
    for position, source in enumerate(given):
        kind = _type(source, position)
        if kind == VIDEO:
            raise InvalidRequestError("Video indexes cannot be asked yet.", remedy="Leave that data source out.")
        if kind != VISION:
            parameters = _parameters(source, f"data_sources.{position}.{kind}.parameters".split("."))
            _check_index(parameters.index_name, engine)
            positions.setdefault(parameters.index_name, position)
            found.append(parameters)
            wanted = DataSource(
                index=parameters.index_name,
                mode=parameters.query_type or Mode.HYBRID,
                filter=engine.parse_filter(parameters.filter or None),
            )
            sources.setdefault(wanted.index, wanted)
    return DataSources(
        sources=tuple(sources.values()),
        positions=positions,
        grounding=_grounding(found, engine, groups),
        contexts=next((frozenset(p.include_contexts) for p in found if p.include_contexts), DEFAULT_CONTEXTS),
    )


def _type(source: Mapping[str, JsonValue], position: int) -> str:
    given = next((v for k, v in source.items() if _squashed(k) == "type"), None)
    kind = TYPES.get(_squashed(given)) if isinstance(given, str) else None
    if kind is None:
        expected = ", ".join(f"'{name}'" for name in dict.fromkeys(TYPES.values()))
        fault = f"Input tag {given!r} found using 'type' does not match any of the expected tags: {expected}"
        raise BodyError([(("data_sources", position), fault)])
    return kind


def _parameters(source: Mapping[str, JsonValue], where: list[str]) -> Parameters:
    fields = {name.replace("_", ""): name for name in Parameters.model_fields} | _SPELLINGS
    values: dict[str, JsonValue] = {}
    written: dict[str, str] = {}
    for key, value in _leaves(source):
        name = fields.get(_squashed(key))
        if name is not None and value is not None and value != "" and name not in values:
            values[name], written[name] = value, key
    try:
        parameters = Parameters.model_validate(values)
    except ValidationError as error:
        faults = error.errors()
        raise BodyError([((*where, written[str(f["loc"][0])], *f["loc"][1:]), str(f["msg"])) for f in faults]) from None
    if not parameters.index_name:
        raise BodyError([((*where, "index_name"), "Field required")])
    return parameters


def _leaves(source: Mapping[str, JsonValue], depth: int = 3) -> Iterator[tuple[str, JsonValue]]:
    """The source's own keys after those of its `parameters`, innermost first."""
    for key, value in source.items():
        if _squashed(key) == "parameters" and isinstance(value, dict) and depth:
            yield from _leaves(value, depth - 1)
    yield from source.items()


def _check_index(name: str, engine: Engine) -> None:
    names = engine.index_names()
    if name not in names:
        near = difflib.get_close_matches(name, names, n=3) or names[:3]
        raise IndexNotFoundError(
            f"There is no index {name}.", remedy=f"There is: {', '.join(near)}." if near else "Ingest something first."
        )


def _grounding(found: Sequence[Parameters], engine: Engine, groups: tuple[str, ...] | None) -> GroundingOptions:
    options = engine.grounding(
        top_n_documents=next((p.top_n_documents for p in found if p.top_n_documents is not None), None),
        strictness=next((p.strictness for p in found if p.strictness is not None), None),
        in_scope=next((p.in_scope for p in found if p.in_scope is not None), None),
    )
    return replace(
        options,
        role_information=next((p.role_information for p in found if p.role_information), ""),
        groups=groups,
    )
