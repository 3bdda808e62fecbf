"""Settings of an app built on Azure OpenAI On Your Data, and the same for Foveal.

Source: the variables of `.env.sample` and `backend/settings.py` of microsoft/sample-app-aoai-chatGPT (2023 to 2024);
`AZURE_OPENAI_EMBEDDING_ENDPOINT` as a whole address is of 2023.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from foveal.errors import InvalidRequestError
from foveal.types.live_settings import FieldsMapping, LiveSettings
from foveal.types.sources import Credential, CredentialKind, Secret, SourceDraft, SourceKind

API_VERSION = "2024-10-21"
"""Of Azure OpenAI for what Foveal asks it itself: the last that is generally available with dates."""
DIMENSIONS = {"text-embedding-3-large": 3072, "text-embedding-3-small": 1536, "text-embedding-ada-002": 1536}
"""Lengths of vectors ("Azure OpenAI models", Microsoft)."""

Value = str | int | bool | Secret
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*")
_TYPES = {
    "azurecognitivesearch": SourceKind.AZURE_SEARCH,
    "azuresearch": SourceKind.AZURE_SEARCH,
    "azurecosmosdb": SourceKind.AZURE_COSMOS_DB,
    "elasticsearch": SourceKind.ELASTICSEARCH,
    "pinecone": SourceKind.PINECONE,
    "mongodb": SourceKind.MONGODB,
}
_PREFIXES = {
    SourceKind.AZURE_SEARCH: "AZURE_SEARCH_",
    SourceKind.AZURE_COSMOS_DB: "AZURE_COSMOSDB_MONGO_VCORE_",
    SourceKind.ELASTICSEARCH: "ELASTICSEARCH_",
    SourceKind.PINECONE: "PINECONE_",
    SourceKind.MONGODB: "MONGODB_",
}
_TELLING = {
    SourceKind.AZURE_SEARCH: "INDEX",
    SourceKind.AZURE_COSMOS_DB: "CONNECTION_STRING",
    SourceKind.ELASTICSEARCH: "ENDPOINT",
    SourceKind.PINECONE: "INDEX_NAME",
    SourceKind.MONGODB: "ENDPOINT",
}
"""What tells that a source of a kind is set, where the type is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """What an app's settings come to.

    Attributes:
        settings: By path (`chat.base_url`); secrets as such.
        source: The index that is used live; None: the app names none.
        credential: What opens it.
        notes: What has no counterpart, and what is to be done by hand.
    """

    settings: Mapping[str, Value]
    source: SourceDraft | None = None
    credential: Credential | None = None
    notes: tuple[str, ...] = ()


def read_environment(text: str) -> dict[str, str]:
    """Variables of an environment file: `NAME=value` lines, quotes taken off, comments and blanks passed over; empty
    values are left out.

    Raises:
        InvalidRequestError: There is none.
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match is None or line.lstrip().startswith("#"):
            continue
        name, value = match.groups()
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
        found[name] = value[1:-1] if quoted else re.split(r"\s+#", value)[0]
    found = {name: value for name, value in found.items() if value}
    if not found:
        raise InvalidRequestError("There is no variable in that file.", remedy="Give the app's .env.")
    return found


def migration(variables: Mapping[str, str]) -> Migration:
    """The same for Foveal."""
    notes: list[str] = []
    kind = _kind(variables, notes)
    settings: dict[str, Value] = {**_chat(variables, notes), **_embedding(variables, notes)}
    settings |= _answering(variables, _PREFIXES[kind] if kind else "")
    source, credential = _source(kind, variables, notes) if kind else (None, None)
    if "AZURE_COSMOSDB_ACCOUNT" in variables:
        notes.append("The chat history of the app stays in its Cosmos DB account; the app goes on using it.")
    if variables.get("USE_PROMPTFLOW", "").lower() == "true":
        notes.append("Prompt flow is not taken over: requests to it do not reach Azure OpenAI.")
    notes.append(
        "In the app, set AZURE_OPENAI_ENDPOINT to this server and AZURE_OPENAI_KEY to a key of `foveal keys create`."
    )
    return Migration(settings=settings, source=source, credential=credential, notes=tuple(notes))


def _kind(variables: Mapping[str, str], notes: list[str]) -> SourceKind | None:
    named = variables.get("DATASOURCE_TYPE", "").replace("_", "").lower()
    if named:
        if named not in _TYPES:
            notes.append(f"The data source {variables['DATASOURCE_TYPE']} has no counterpart: copy its content.")
        return _TYPES.get(named)
    if "AZURE_MLINDEX_NAME" in variables:
        notes.append("An Azure Machine Learning index has no counterpart: use the search index behind it.")
    return next((kind for kind, name in _TELLING.items() if f"{_PREFIXES[kind]}{name}" in variables), None)


def _chat(variables: Mapping[str, str], notes: list[str]) -> dict[str, Value]:
    resource = variables.get("AZURE_OPENAI_RESOURCE", "")
    endpoint = variables.get("AZURE_OPENAI_ENDPOINT") or (f"https://{resource}.openai.azure.com" if resource else "")
    model = variables.get("AZURE_OPENAI_MODEL", "")
    if not endpoint or not model:
        notes.append("No chat model is set: answers are quoted from the documents until `chat.base_url` is.")
        return {}
    found: dict[str, Value] = {
        "chat.base_url": endpoint.rstrip("/"),
        "chat.model": model,
        "chat.api_version": API_VERSION,
    }
    if "AZURE_OPENAI_KEY" in variables:
        found["chat.api_key"] = Secret(variables["AZURE_OPENAI_KEY"])
    else:
        notes.append("The app opens Azure OpenAI by its identity: give Foveal a key, as FOVEAL_CHAT_API_KEY.")
    if "gpt-4o" in variables.get("AZURE_OPENAI_MODEL_NAME", model) or "vision" in model:
        found["chat.sees"] = True
    sent = [
        n
        for n in ("TEMPERATURE", "TOP_P", "MAX_TOKENS", "STOP_SEQUENCE", "SYSTEM_MESSAGE")
        if f"AZURE_OPENAI_{n}" in variables
    ]
    if sent:
        notes.append(f"{', '.join(f'AZURE_OPENAI_{n}' for n in sent)}: sent by the app with every request, as before.")
    return found


def _embedding(variables: Mapping[str, str], notes: list[str]) -> dict[str, Value]:
    address = variables.get("AZURE_OPENAI_EMBEDDING_ENDPOINT", "")
    inside = re.search(r"/deployments/([^/?]+)", address)
    name = variables.get("AZURE_OPENAI_EMBEDDING_NAME") or (inside[1] if inside else "")
    if not name:
        return {}
    resource = variables.get("AZURE_OPENAI_RESOURCE", "")
    base = f"{urlsplit(address).scheme}://{urlsplit(address).netloc}" if address else ""
    base = base or variables.get("AZURE_OPENAI_ENDPOINT", "").rstrip("/") or f"https://{resource}.openai.azure.com"
    length = next((dim for model, dim in DIMENSIONS.items() if model in name), None)
    if length is None:
        notes.append(f"The length of the vectors of {name} is taken for 1536: correct `dim` if it is another.")
    key = variables.get("AZURE_OPENAI_EMBEDDING_KEY") or variables.get("AZURE_OPENAI_KEY")
    path = f"deployments.{name}"
    found: dict[str, Value] = {
        f"{path}.kind": "embedding",
        f"{path}.base_url": base,
        f"{path}.model": name,
        f"{path}.api_version": API_VERSION,
        f"{path}.dim": length or 1536,
    }
    return found | ({f"{path}.api_key": Secret(key)} if key else {})


def _answering(variables: Mapping[str, str], prefix: str) -> dict[str, Value]:
    """Its own settings come before the common ones, as in the app."""

    def first(*names: str) -> str:
        return next((variables[name] for name in names if name in variables), "")

    top = first(f"{prefix}TOP_K", "SEARCH_TOP_K")
    strictness = first(f"{prefix}STRICTNESS", "SEARCH_STRICTNESS")
    in_scope = first(f"{prefix}ENABLE_IN_DOMAIN", "SEARCH_ENABLE_IN_DOMAIN")
    found: dict[str, Value] = {}
    if top.isdigit():
        found["answering.top_n_documents"] = int(top)
    if strictness.isdigit():
        found["answering.strictness"] = int(strictness)
    if in_scope:
        found["answering.in_scope"] = in_scope.lower() in ("true", "1", "yes")
    return found


def _source(
    kind: SourceKind, variables: Mapping[str, str], notes: list[str]
) -> tuple[SourceDraft | None, Credential | None]:
    prefix = _PREFIXES[kind]
    own = {name.removeprefix(prefix): value for name, value in variables.items() if name.startswith(prefix)}
    index = own.get("INDEX") or own.get("INDEX_NAME", "")
    live = LiveSettings(
        endpoint=_endpoint(kind, own),
        index=index,
        database=own.get("DATABASE") or own.get("DATABASE_NAME", ""),
        collection=own.get("CONTAINER") or own.get("COLLECTION_NAME", ""),
        mapping=FieldsMapping(
            content=_names(own.get("CONTENT_COLUMNS", "")),
            title=own.get("TITLE_COLUMN", ""),
            url=own.get("URL_COLUMN", ""),
            filepath=own.get("FILENAME_COLUMN", ""),
            vectors=_names(own.get("VECTOR_COLUMNS", "")),
        ),
        groups_field=own.get("PERMITTED_GROUPS_COLUMN", ""),
        semantic=own.get("SEMANTIC_SEARCH_CONFIG", ""),
    )
    if own.get("QUERY_TYPE"):
        notes.append(f"{prefix}QUERY_TYPE={own['QUERY_TYPE']}: sent by the app with every request, as before.")
    credential = _opener(kind, own, notes)
    name = re.sub(r"[^a-z0-9._-]+", "-", (index or live.collection).lower()).strip("-._") or "index"
    return SourceDraft(name=name, kind=kind, index=name, live=live), credential


def _endpoint(kind: SourceKind, own: Mapping[str, str]) -> str:
    if kind is SourceKind.AZURE_SEARCH and own.get("SERVICE"):
        return f"https://{own['SERVICE']}.{own.get('ENDPOINT_SUFFIX', 'search.windows.net')}"
    return own.get("ENDPOINT", "") if kind is SourceKind.ELASTICSEARCH else ""


def _opener(kind: SourceKind, own: Mapping[str, str], notes: list[str]) -> Credential | None:
    if kind is SourceKind.MONGODB:
        from urllib.parse import quote_plus

        user, word = quote_plus(own.get("USERNAME", "")), quote_plus(own.get("PASSWORD", ""))
        host = own.get("ENDPOINT", "").rpartition("://")[2]
        text = f"mongodb+srv://{user}:{word}@{host}/?appName={quote_plus(own.get('APP_NAME', ''))}"
        return Credential(kind=CredentialKind.CONNECTION_STRING, secret=Secret(text))
    if kind is SourceKind.AZURE_COSMOS_DB:
        return Credential(kind=CredentialKind.CONNECTION_STRING, secret=Secret(own.get("CONNECTION_STRING", "")))
    key = own.get("KEY") or own.get("ENCODED_API_KEY") or own.get("API_KEY")
    if key:
        return Credential(kind=CredentialKind.ACCOUNT_KEY, secret=Secret(key))
    if kind is SourceKind.AZURE_SEARCH:
        notes.append("The app opens the search service by its identity: so does Foveal, as who its machine is.")
        return Credential(kind=CredentialKind.IDENTITY)
    return None


def _names(value: str) -> tuple[str, ...]:
    """Columns stand with `|` or commas between."""
    return tuple(name.strip() for name in re.split(r"[|,]", value) if name.strip())
