"""Parameters of one data source, in every spelling clients were seen to use (contract notes, sections 3.2 and 3.5).

Keys may be in snake, camel or Pascal case, nested under `parameters` (once or more) or flat beside `type`; null and
empty mean absent; unknown and misspelt keys are ignored. Some parameters are taken and have no effect:

* credentials (`key`, `authentication`): an index of this server is guarded by this server's own keys and groups. The
  kind of `authentication` must be one that the service knows; its members go on to a service that the operator lists
  (`live.endpoints`) and nowhere else;
* `embedding_dependency`: an index embeds questions with the model that embedded its documents. The kind must be known,
  and a deployment of this server's that it names must be one for embeddings;
* `semantic_configuration`: an index has one way of re-ranking. The service insisted on it for the semantic query types.

All are read where the index is another service's, searched live (`foveal.runtime.live`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field, JsonValue, SecretStr, ValidationError

from foveal.api.errors import BodyError
from foveal.types.live_settings import FieldsMapping
from foveal.types.search import Mode
from foveal.types.sources import Secret

SEARCH = "azure_search"
REQUIRED: Mapping[str, tuple[str, ...]] = {
    SEARCH: ("index_name",),
    "azure_cosmos_db": (
        "authentication",
        "database_name",
        "container_name",
        "index_name",
        "fields_mapping",
        "embedding_dependency",
    ),
    "elasticsearch": ("endpoint", "index_name", "authentication"),
    "pinecone": ("environment", "index_name", "authentication", "fields_mapping", "embedding_dependency"),
    "azure_ml_index": ("project_resource_id", "name", "version", "authentication"),
    "mongo_db": (
        "endpoint",
        "app_name",
        "database_name",
        "collection_name",
        "index_name",
        "authentication",
        "fields_mapping",
        "embedding_dependency",
    ),
}
"""What a source cannot do without (contract notes, 3.2). `azure_search` can do without an endpoint and a key: then the
index is this server's."""

INSTEAD: Mapping[str, tuple[str, ...]] = {
    "authentication": ("key", "connection_string", "encoded_api_key"),
    "embedding_dependency": ("embedding_deployment_name", "embedding_endpoint", "embedding_model_id"),
}
"""Flat spellings of 2023 that do instead of an object."""

WORDS_ONLY = "semantic"
MODES = {
    "simple": Mode.KEYWORD,
    WORDS_ONLY: Mode.SEMANTIC,
    "vector": Mode.VECTOR,
    "vectorsimplehybrid": Mode.HYBRID,
    "vectorsemantichybrid": Mode.SEMANTIC,
}
"""`query_type` without case and underscores → mode; `semantic` differs from `vector_semantic_hybrid` where an index is
another service's. Without one the search is hybrid: the service's default,
`simple`, knows words only, and photos have few."""

AUTHENTICATIONS = (
    "api_key",
    "connection_string",
    "key_and_key_id",
    "encoded_api_key",
    "access_token",
    "system_assigned_managed_identity",
    "user_assigned_managed_identity",
    "username_and_password",
)
DEPENDENCIES = ("deployment_name", "endpoint", "model_id", "integrated")

Context = Literal["citations", "intent", "all_retrieved_documents"]
_CONTEXTS: dict[str, Context] = {
    "citations": "citations",
    "intent": "intent",
    "allretrieveddocuments": "all_retrieved_documents",
}

_MAPPED = {
    "content": "content",
    "vector": "vectors",
    "imagevector": "image_vectors",
    "title": "title",
    "url": "url",
    "filepath": "filepath",
}
"""Names in a field mapping without `field`, `fields`, `fieldname` … → members of `FieldsMapping`."""
_MAPPED_ENDINGS = ("fieldnames", "fieldname", "fields", "field", "columns", "column")
_ONE = frozenset({"title", "url", "filepath"})


def squashed(name: str) -> str:
    """A name without case and underscores."""
    return "".join(c for c in name.lower() if c.isalnum())


def _tag(value: object, tags: Sequence[str]) -> tuple[str, dict[str, object]]:
    """The `type` of an object that is one of several kinds, and its other members by squashed name."""
    if not isinstance(value, dict):
        raise ValueError("Input should be a valid dictionary or object to extract fields from")
    members = {squashed(str(key)): member for key, member in value.items()}
    given = members.get("type")
    if given is None:
        raise ValueError("Unable to extract tag using discriminator 'type'")
    kind = {squashed(tag): tag for tag in tags}.get(squashed(given)) if isinstance(given, str) else None
    if kind is None:
        expected = ", ".join(f"'{tag}'" for tag in tags)
        raise ValueError(f"Input tag {given!r} found using 'type' does not match any of the expected tags: {expected}")
    return kind, members


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    """How a source is opened: one of `AUTHENTICATIONS`, and what goes with it by squashed name."""

    kind: str = ""
    members: Mapping[str, Secret] = field(default_factory=dict)


def _authentication(value: object) -> object:
    kind, members = _tag(value, AUTHENTICATIONS)
    return Authentication(kind=kind, members={k: Secret(v) for k, v in members.items() if isinstance(v, str)})


def _dependency(value: object) -> object:
    """The deployment that it names, empty when it names none."""
    kind, members = _tag(value, DEPENDENCIES)
    if kind != "deployment_name":
        return ""
    name = members.get("deploymentname")
    if not isinstance(name, str):
        raise ValueError("deployment_name: Input should be a valid string")
    return name


def _query_type(value: object) -> object:
    """Without case and underscores."""
    kind = squashed(value) if isinstance(value, str) else ""
    if kind not in MODES:
        raise ValueError(
            "Input should be 'simple', 'semantic', 'vector', 'vector_simple_hybrid' or 'vector_semantic_hybrid'"
        )
    return kind


def _contexts(value: object) -> object:
    if not isinstance(value, list):
        return value
    return [_CONTEXTS.get(squashed(v), v) if isinstance(v, str) else v for v in value]


def _filter(value: object) -> object:
    return "" if isinstance(value, str) and value.strip().lower() in {"", "none", "null"} else value


def _mapping(value: object) -> object:
    if not isinstance(value, dict):
        raise ValueError("Input should be a valid dictionary or object to extract fields from")
    found: dict[str, tuple[str, ...]] = {}
    separator = FieldsMapping().separator
    for key, member in value.items():
        name = squashed(str(key))
        if name in {"contentfieldsseparator", "contentfieldseparator", "contentseparator"} and isinstance(member, str):
            separator = member.replace("\\r", "\r").replace("\\n", "\n").replace("\\t", "\t")
            continue
        ending = next((e for e in _MAPPED_ENDINGS if name.endswith(e)), "")
        part = _MAPPED.get(name.removesuffix(ending))
        fields = _names(key, member)
        if part is not None and fields:
            found.setdefault(part, fields)
    single = {part: fields[0] for part, fields in found.items() if part in _ONE}
    several = {part: fields for part, fields in found.items() if part not in _ONE}
    return FieldsMapping(separator=separator, **single, **several)  # type: ignore[arg-type]


def _names(key: object, value: object) -> tuple[str, ...]:
    """Names of fields, given one by one or as a list."""
    names = value if isinstance(value, list) else [value]
    if not all(name is None or isinstance(name, str) for name in names):
        raise ValueError(f"{key}: Input should be a valid list of strings")
    return tuple(name for name in names if isinstance(name, str) and name)


class Parameters(BaseModel):
    """What of a source's parameters is looked at."""

    index_name: str = ""
    name: str = ""
    endpoint: str = ""
    environment: str = ""
    database_name: str = ""
    container_name: str = ""
    collection_name: str = ""
    project_resource_id: str = ""
    top_n_documents: int | None = Field(None, ge=1, le=100)
    strictness: int | None = Field(None, ge=1, le=5)
    in_scope: bool | None = None
    role_information: str = ""
    query_type: Annotated[str, BeforeValidator(_query_type)] = ""
    filter: Annotated[str, BeforeValidator(_filter)] = ""
    fields_mapping: Annotated[FieldsMapping, BeforeValidator(_mapping)] = FieldsMapping()
    authentication: Annotated[Authentication, BeforeValidator(_authentication)] = Authentication()
    key: SecretStr = SecretStr("")
    connection_string: SecretStr = SecretStr("")
    encoded_api_key: SecretStr = SecretStr("")
    app_name: str = ""
    embedding_dependency: Annotated[str, BeforeValidator(_dependency)] = ""
    embedding_deployment_name: str = ""
    semantic_configuration: str = ""
    max_search_queries: int | None = Field(None, ge=1)
    allow_partial_result: bool = False
    include_contexts: Annotated[list[Context] | None, BeforeValidator(_contexts)] = None

    @property
    def mode(self) -> Mode | None:
        """How is searched; None where it is not said."""
        return MODES.get(self.query_type)

    @property
    def index(self) -> str:
        """The index's name, whatever the kind of source calls it."""
        return self.index_name or self.name

    @property
    def indexes(self) -> tuple[str, ...]:
        """Names by which settings may map the index, nearest first."""
        return tuple(filter(None, (self.index, self.container_name, self.collection_name)))

    @property
    def services(self) -> tuple[str, ...]:
        """Names by which settings may map where the index is, nearest first; none when it is not said."""
        return tuple(filter(None, (self.endpoint, self.environment, self.database_name, self.project_resource_id)))

    @property
    def embedding_deployment(self) -> str:
        """The deployment that is to embed questions, empty when none is named."""
        return self.embedding_dependency or self.embedding_deployment_name


def read_parameters(source: Mapping[str, JsonValue], kind: str, position: int) -> Parameters:
    """The parameters of a source of some kind.

    Args:
        position: 0-based, of the source in the request; for the pointers of faults.

    Raises:
        BodyError: A parameter is wrong, or a required one is missing, as a JSON pointer into the request.
    """
    where = ("data_sources", position, kind, "parameters")
    names = {*Parameters.model_fields, *REQUIRED[kind], *(name for others in INSTEAD.values() for name in others)}
    known = {squashed(name): name for name in names if name != "name" or kind == "azure_ml_index"}
    values: dict[str, JsonValue] = {}
    written: dict[str, str] = {}
    for key, value in leaves(source):
        name = known.get(squashed(key))
        if name is not None and value is not None and value != "" and name not in values:
            values[name], written[name] = value, key
    missing = [name for name in REQUIRED[kind] if not values.keys() & {name, *INSTEAD.get(name, ())}]
    faults: list[tuple[tuple[str | int, ...], str]] = [((*where, name), "Field required") for name in missing]
    try:
        parameters = Parameters.model_validate(values)
    except ValidationError as error:
        wrong = [(_path(where, f["loc"], written), _message(str(f["msg"]))) for f in error.errors()]
        raise BodyError([*wrong, *faults]) from None
    if faults:
        raise BodyError(faults)
    return parameters


def _path(
    where: tuple[str | int, ...], loc: tuple[str | int, ...], written: Mapping[str, str]
) -> tuple[str | int, ...]:
    return (*where, written[str(loc[0])], *loc[1:])


def _message(text: str) -> str:
    return text.removeprefix("Value error, ")


def leaves(source: Mapping[str, JsonValue], depth: int = 3) -> Iterator[tuple[str, JsonValue]]:
    """The source's own keys after those of its `parameters`, innermost first."""
    for key, value in source.items():
        if squashed(key) == "parameters" and isinstance(value, dict) and depth:
            yield from leaves(value, depth - 1)
    yield from source.items()
