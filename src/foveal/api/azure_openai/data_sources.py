"""Data sources of a chat request → indexes of this server, and one set of options.

Where an index is looked for, first answer wins:

1. the operator's table (`sources` in settings) maps the source's service and index to a local index, or the index is
   saved here as a live one;
2. the operator lets requests name that service (`live.endpoints`): the index there, opened by the request's own key;
3. the source says nothing of a service, or names this server or this machine: the local index of that name;
4. else the index is out of reach: the service's own error, with what to set.
"""

from __future__ import annotations

import difflib
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from pydantic import JsonValue

from foveal.api.azure_openai.passed_on import passed_on
from foveal.api.azure_openai.source_parameters import SEARCH, WORDS_ONLY, Context, Parameters, read_parameters, squashed
from foveal.api.engine import Engine
from foveal.api.errors import BodyError, SourceError
from foveal.errors import FilterError, FovealError
from foveal.retrieval.filtering import verbatim_filter
from foveal.types.chat import DataSource, GroundingOptions
from foveal.types.live import LiveTarget
from foveal.types.search import Mode

VISION, VIDEO = "azure_computer_vision", "azure_computer_vision_video_index"
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

TITLES = {
    SEARCH: "AzureCognitiveSearch",
    "azure_cosmos_db": "AzureCosmosDB",
    "azure_ml_index": "AzureMLIndex",
    "elasticsearch": "Elasticsearch",
    "mongo_db": "MongoDB",
    "pinecone": "Pinecone",
}
"""What error texts call a type."""

DEFAULT_CONTEXTS: frozenset[Context] = frozenset({"citations", "intent"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSources:
    """What a request's data sources come to.

    Attributes:
        sources: In their order, each search once; empty when no source has an index (image analysis alone).
        positions: Of each of them, where it stands in the request.
        contexts: What the reply's `context` holds.
    """

    sources: tuple[DataSource, ...]
    positions: tuple[int, ...]
    grounding: GroundingOptions
    contexts: frozenset[Context]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """One source with an index, as given."""

    position: int
    kind: str
    parameters: Parameters


def read_sources(
    given: Sequence[Mapping[str, JsonValue]], engine: Engine, *, groups: tuple[str, ...] | None, here: str = ""
) -> DataSources:
    """Make one set of options of all sources; where several set the same option, the first wins.

    Args:
        here: Address that the request came to, such as `http://127.0.0.1:8808/`.

    Raises:
        BodyError: A type or parameter is wrong, as a JSON pointer into the request.
        SourceError: No index of that name, or not within reach.
        FilterError: The filter does not parse.
    """
    kinds = kinds_of(given)
    read = [
        _Given(position=position, kind=kind, parameters=read_parameters(source, kind, position))
        for position, (kind, source) in enumerate(zip(kinds, given, strict=True))
        if kind not in {VISION, VIDEO}
    ]
    for one in read:
        _check_embedding(one, engine)
    found = _searchable(read, engine, here)
    parameters = [one.parameters for one in read]
    return DataSources(
        sources=tuple(source for source, _ in found),
        positions=tuple(position for _, position in found),
        grounding=_grounding(parameters, engine, groups),
        contexts=next((frozenset(p.include_contexts) for p in parameters if p.include_contexts), DEFAULT_CONTEXTS),
    )


def kinds_of(given: Sequence[Mapping[str, JsonValue]]) -> list[str]:
    """The type of each source, as error pointers name it.

    Raises:
        BodyError: One is of no known type.
    """
    return [_type(source, position) for position, source in enumerate(given)]


def _type(source: Mapping[str, JsonValue], position: int) -> str:
    given = next((v for k, v in source.items() if squashed(k) == "type"), None)
    kind = TYPES.get(squashed(given)) if isinstance(given, str) else None
    if kind is None:
        expected = ", ".join(f"'{name}'" for name in dict.fromkeys(TYPES.values()))
        fault = f"Input tag {given!r} found using 'type' does not match any of the expected tags: {expected}"
        raise BodyError([(("data_sources", position), fault)])
    return kind


def _check_embedding(one: _Given, engine: Engine) -> None:
    """Refuse a deployment of this server's that does not embed; names of others' deployments are read past."""
    name = one.parameters.embedding_deployment
    if any(d.name == name and d.kind != "embedding" for d in engine.deployments()):
        where = ("data_sources", one.position, one.kind, "parameters", "embedding_dependency", "deployment_name")
        raise BodyError([(where, f"The deployment {name} does not embed: name one for embeddings, or none")])


def _searchable(read: Sequence[_Given], engine: Engine, here: str) -> list[tuple[DataSource, int]]:
    """The sources that can be searched, with their positions, each search once.

    A source that cannot fails the request, unless it allows partial results and another can.
    """
    found: dict[DataSource, int] = {}
    failure: FovealError | None = None
    for one in read:
        try:
            source = _source(one, engine, here)
        except (SourceError, FilterError) as error:
            if not one.parameters.allow_partial_result:
                raise
            failure = failure or error
            continue
        found.setdefault(source, one.position)
    if failure is not None and not found:
        raise failure
    return list(found.items())


def _source(one: _Given, engine: Engine, here: str) -> DataSource:
    given, found = one.parameters, _index(one, engine, here)
    live = found if isinstance(found, LiveTarget) else None
    index = (
        found
        if isinstance(found, str)
        else f"{service_host(given.services[0] if given.services else '')}/{given.index}"
    )
    return DataSource(
        index=index,
        mode=given.mode or Mode.HYBRID,
        filter=verbatim_filter(given.filter) if live else engine.parse_filter(given.filter or None, index),
        mapping=given.fields_mapping,
        may_fail=given.allow_partial_result,
        vectorless=given.query_type == WORDS_ONLY,
        semantic=given.semantic_configuration,
        deployment=_own_deployment(given.embedding_deployment, engine),
        live=live,
    )


def _own_deployment(name: str, engine: Engine) -> str:
    """The name, if it is an embedding deployment of this server's; names of others' mean nothing here."""
    return name if any(d.name == name and d.kind == "embedding" for d in engine.deployments()) else ""


def _index(one: _Given, engine: Engine, here: str) -> str | LiveTarget:
    """The name it has here, or what is to be searched elsewhere."""
    given, names = one.parameters, engine.index_names()
    hosts = [service_host(service) for service in given.services] or [""]
    mapped = (engine.mapped_index(host, index) for host in hosts for index in given.indexes)
    name = next((name for name in mapped if name), None)
    live = passed_on(one.kind, given, engine, TITLES[one.kind]) if name is None else None
    if live is not None:
        return live
    if name is None and is_elsewhere(hosts[0], here):
        raise SourceError(
            f"The index {given.index} of {hosts[0]} cannot be reached: this server answers from its own indexes.",
            remedy=f"Leave the endpoint out, or map it in this server's settings: under [sources], "
            f'"{hosts[0]}/{given.index}" = "NAME", or "*/*" = "*" for indexes of the same names; or save it as a live '
            f"index (`foveal source add`), or list its host in `live.endpoints`.",
            source=TITLES[one.kind],
        )
    name = name or given.index
    if name not in names:
        near = difflib.get_close_matches(name, names, n=3) or names[:3]
        raise SourceError(
            f"There is no index {name}.",
            remedy=f"There is: {', '.join(near)}." if near else "Ingest something first.",
            source=TITLES[one.kind],
        )
    return name


def is_elsewhere(host: str, here: str) -> bool:
    """Whether a host is neither unsaid, nor where a request came to, nor this machine."""
    return host not in ("", service_host(here)) and not _is_this_machine(host)


def service_host(address: str) -> str:
    """Host and port of an address, in lower case; what is no address stays as it is."""
    text = address.strip().lower()
    try:
        return urlsplit(text if "://" in text else f"//{text}").netloc or text
    except ValueError:
        return text


def _is_this_machine(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


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
        max_queries=next((p.max_search_queries for p in found if p.max_search_queries is not None), None),
    )
