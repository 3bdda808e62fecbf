"""A data source that names another service's index, searched there with the key that the request brings.

Only services that the operator lists (`live.endpoints`) are spoken to, at the address that the operator's entry gives
them: what a request says can choose among those, and nothing else.
"""

from __future__ import annotations

import base64
from urllib.parse import quote_plus, urlsplit

from foveal.api.azure_openai.source_parameters import Parameters
from foveal.api.engine import Engine
from foveal.api.errors import SourceError
from foveal.types.live import LiveTarget
from foveal.types.live_settings import LiveSettings
from foveal.types.sources import Credential, CredentialKind, Secret, SourceKind

KINDS = {
    "azure_search": SourceKind.AZURE_SEARCH,
    "azure_cosmos_db": SourceKind.AZURE_COSMOS_DB,
    "elasticsearch": SourceKind.ELASTICSEARCH,
    "mongo_db": SourceKind.MONGODB,
    "pinecone": SourceKind.PINECONE,
}
"""Kinds of data source that are searched live."""
PINECONE_HOST = "api.pinecone.io"
"""What an operator lists for Pinecone: requests name an environment, no address."""


def passed_on(kind: str, given: Parameters, engine: Engine, title: str) -> LiveTarget | None:
    """What is searched, None where the operator does not list the service.

    Args:
        kind: Of the data source, in its spelling of 2024.
        title: What error texts call it.

    Raises:
        SourceError: The request brings nothing that opens it.
    """
    source = KINDS.get(kind)
    if source is None:
        return None
    opener = _opener(source, given)
    host = _host(source, given, opener)
    address = engine.live_endpoint(host) if host else None
    if address is None:
        return None
    if opener is None:
        raise SourceError(
            f"The index {given.index} of {host} is not opened by {given.authentication.kind or 'nothing'}.",
            remedy="Send a key; or have the operator save it as a live index, which can be opened by an identity.",
            source=title,
        )
    settings = LiveSettings(
        endpoint="" if source in (SourceKind.AZURE_COSMOS_DB, SourceKind.MONGODB, SourceKind.PINECONE) else address,
        index=given.index,
        database=given.database_name,
        collection=given.container_name or given.collection_name,
    )
    return LiveTarget(kind=source, settings=settings, credential=opener)


def _host(source: SourceKind, given: Parameters, opener: Credential | None) -> str:
    """Host and port of what would be spoken to, in lower case; empty where it is not said."""
    if source is SourceKind.PINECONE:
        return PINECONE_HOST
    address = opener.secret.reveal if source is SourceKind.AZURE_COSMOS_DB and opener else given.endpoint
    try:
        parsed = urlsplit(address if "://" in address else f"//{address}")
    except ValueError:
        return ""
    return parsed.netloc.rpartition("@")[2].lower()


def _opener(source: SourceKind, given: Parameters) -> Credential | None:
    kind = CredentialKind.CONNECTION_STRING if source.database else CredentialKind.ACCOUNT_KEY
    secret = _secret(source, given)
    return Credential(kind=kind, secret=Secret(secret)) if secret else None


def _secret(source: SourceKind, given: Parameters) -> str:
    members = {name: secret.reveal for name, secret in given.authentication.members.items()}
    match given.authentication.kind:
        case "api_key":
            return members.get("key", "")
        case "connection_string":
            return members.get("connectionstring", "")
        case "encoded_api_key":
            return members.get("encodedapikey", "") or members.get("key", "")
        case "key_and_key_id":
            pair = f"{members.get('keyid', '')}:{members.get('key', '')}"
            return base64.b64encode(pair.encode()).decode()
        case "username_and_password":
            user, word = quote_plus(members.get("username", "")), quote_plus(members.get("password", ""))
            host = given.endpoint.rpartition("://")[2].rstrip("/")
            return f"mongodb+srv://{user}:{word}@{host}/?appName={quote_plus(given.app_name)}"
        case "":
            flat = given.connection_string if source.database else given.key
            return flat.get_secret_value() or given.encoded_api_key.get_secret_value()
    return ""
