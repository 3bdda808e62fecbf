"""Azure Blob Storage: a container, or the blobs of it whose names begin with a prefix.

Over Microsoft's own SDK. An item's path is the whole name of its blob, so that `metadata*.json` may name images from
the container's root as well as from its own folder; its version is the ETag. Nothing that is shown (names, messages)
has a signature or a key in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from foveal.errors import FovealError, InvalidRequestError, SourceUnusableError, UnreadableAssetError
from foveal.sources.spooled import FIRST_PIECE_BYTES, PIECE_BYTES, spooled
from foveal.types.assets import SourceItem
from foveal.types.sources import Credential, CredentialKind

if TYPE_CHECKING:
    from azure.core.credentials import AzureSasCredential, TokenCredential
    from azure.core.exceptions import AzureError
    from azure.storage.blob import BlobProperties, ContainerClient

CONNECT_S = 10
READ_S = 60
RETRIES = 2
FIRST_RETRY_S = 1
"""The SDK's own 15 s between tries would leave whoever asks `foveal source test` waiting for minutes."""
FOLDER_MARK = "hdi_isfolder"
"""Metadata that accounts with a hierarchical namespace give to the empty blobs that stand for folders."""
DEVELOPMENT_URL = "http://127.0.0.1:10000/devstoreaccount1"
"""What `UseDevelopmentStorage=true` means (documentation of Azure Storage connection strings)."""

_VANISHED = "BlobNotFound"
_NO_CONTAINER = frozenset({"ContainerNotFound", "ContainerBeingDeleted", "ContainerDisabled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobPlace:
    """Which blobs.

    Attributes:
        account_url: Blob endpoint of the account, without a slash at its end.
        prefix: Blobs whose names begin so; empty: all.
    """

    account_url: str
    container: str
    prefix: str = ""

    @property
    def location(self) -> str:
        """The place as a URL, without any signature."""
        return f"{self.account_url}/{self.container}/{quote(self.prefix)}".rstrip("/")


def blob_place(account_url: str, container: str, prefix: str, credential: Credential | None) -> BlobPlace:
    """The place that a person names, partly perhaps by the credential: a connection string or a SAS URL says it too.

    Raises:
        InvalidRequestError: No account or no container is named, or the two contradict one another.
    """
    endpoint, inside = _endpoint(credential) if credential else ("", "")
    given = _clean(account_url)
    if given and endpoint and given != endpoint:
        raise InvalidRequestError(f"The credential is for {endpoint}, not for {given}.", remedy="Give one of the two.")
    if container and inside and container != inside:
        raise InvalidRequestError(f"The SAS URL is for the container {inside}, not for {container}.")
    place = BlobPlace(account_url=given or endpoint, container=container or inside, prefix=prefix)
    if not place.account_url:
        raise InvalidRequestError(
            "It is not said which storage account.",
            remedy="Give its blob endpoint (https://ACCOUNT.blob.core.windows.net), a connection string or a SAS URL.",
        )
    if not place.container or "/" in place.container:
        raise InvalidRequestError("It is not said which container.", remedy="Give its name.")
    return place


class AzureBlobSource:
    """Blobs of a container; see `foveal.ports.Source`.

    Args:
        place: Which.
        credential: What opens them; None: the container is public.
        retries: Tries after the first, where the service cannot be reached or is busy.
    """

    def __init__(self, place: BlobPlace, credential: Credential | None, *, retries: int = RETRIES) -> None:
        self._place = place
        self._credential = credential
        self._retries = retries

    @property
    def name(self) -> str:
        """The container's URL with the prefix, without any signature."""
        return self._place.location

    def items(self) -> Iterator[SourceItem]:
        """Blobs in code-point order of their names; what stands for a folder is left out.

        Raises:
            SourceUnusableError: The container cannot be listed.
        """
        from azure.core.exceptions import AzureError

        try:
            listed = self._client.list_blobs(name_starts_with=self._place.prefix or None, include=["metadata"])
            found = [_item(blob) for blob in listed if not _is_folder(blob)]
        except AzureError as error:
            raise self._unusable(error) from None
        # The service's order is the alphabet's, for which it makes no promise beyond ASCII.
        yield from sorted(found, key=lambda item: item.path)

    def open(self, item: SourceItem) -> BinaryIO:
        """The bytes of one blob, fetched as far as they are read.

        Raises:
            UnreadableAssetError: It vanished, changes while it is read, or is archived.
            SourceUnusableError: The container is gone, its key is refused, or the service cannot be reached.
        """
        pieces = self._pieces(item)
        return spooled(_ahead(next(pieces), pieces))  # one that vanished is told here

    def _pieces(self, item: SourceItem) -> Iterator[bytes]:
        """An empty piece once the service has answered, then the bytes."""
        from azure.core.exceptions import AzureError

        try:
            download = self._client.download_blob(item.path)
            yield b""
            size = FIRST_PIECE_BYTES  # what the first answer holds; `chunks()` would fetch more before it gives any
            while piece := download.read(size):
                yield piece
                size = PIECE_BYTES
        except AzureError as error:
            raise self._failure(item, error) from None

    def _failure(self, item: SourceItem, error: AzureError) -> FovealError:
        status, code = _status_and_code(error)
        if code == _VANISHED:
            return UnreadableAssetError(f"The blob {item.path} is not there any more.", stage="fetch")
        if status == 412:
            return UnreadableAssetError(
                f"The blob {item.path} was changed while it was read.", remedy="Refresh again.", stage="fetch"
            )
        if status == 409 and code not in _NO_CONTAINER:
            return UnreadableAssetError(
                f"The blob {item.path} cannot be read now ({code}).",
                remedy="Bring it out of the archive tier.",
                stage="fetch",
            )
        return self._unusable(error)

    def _unusable(self, error: AzureError) -> SourceUnusableError:
        """What is wrong with the whole container, told by type and status."""
        from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError, ServiceResponseError

        place = self._place
        status, code = _status_and_code(error)
        if isinstance(error, ServiceRequestError | ServiceResponseError):
            return SourceUnusableError(
                f"{place.account_url} cannot be reached.",
                remedy="Check the account's address, the network and the account's firewall.",
                reason="unreachable",
            )
        if status in (401, 403) or isinstance(error, ClientAuthenticationError):
            return self._denied()
        if status == 404 or code in _NO_CONTAINER:
            return SourceUnusableError(
                f"There is no container {place.container} in {place.account_url}.",
                remedy="Check the names of the account and the container.",
                reason="not_found",
            )
        return SourceUnusableError(
            f"{place.location} cannot be read: the service says {status or 'nothing'} {code}.".replace(" .", "."),
            remedy="Try again; if it stays, look at the account in the portal.",
        )

    def _denied(self) -> SourceUnusableError:
        where, kind = self._place.location, self._credential.kind if self._credential else None
        message, remedy = {
            None: ("is not public", "Give a key, a connection string, a SAS URL or an identity."),
            CredentialKind.SAS_URL: (
                "refuses the shared access signature: it expired, was revoked, or lacks the right to read and list",
                "Make one with the rights Read and List, and give it with `foveal source credential`.",
            ),
            CredentialKind.IDENTITY: (
                "refuses this machine's identity, or there is none",
                "Give it the role Storage Blob Data Reader; `az login` on a machine without a managed identity.",
            ),
        }.get(
            kind,
            (
                "refuses the account key: it is wrong or was rotated",
                "Give the present one with `foveal source credential`.",
            ),
        )
        return SourceUnusableError(f"{where} {message}.", remedy=remedy, reason="denied")

    @cached_property
    def _client(self) -> ContainerClient:
        from azure.storage.blob import ContainerClient

        return ContainerClient(
            self._place.account_url,
            self._place.container,
            credential=self._opener(),
            retry_total=self._retries,
            initial_backoff=FIRST_RETRY_S,
            increment_base=2,
            connection_timeout=CONNECT_S,
            read_timeout=READ_S,
            max_single_get_size=FIRST_PIECE_BYTES,
            max_chunk_get_size=PIECE_BYTES,
        )

    def _opener(self) -> str | dict[str, str] | AzureSasCredential | TokenCredential | None:
        """What the SDK takes for a credential."""
        from azure.core.credentials import AzureSasCredential

        credential = self._credential
        if credential is None:
            return None
        secret = credential.secret.reveal
        if credential.kind is CredentialKind.IDENTITY:
            from azure.identity import DefaultAzureCredential

            return DefaultAzureCredential()
        if credential.kind is CredentialKind.SAS_URL:
            return AzureSasCredential(urlsplit(secret.strip()).query)
        if credential.kind is CredentialKind.ACCOUNT_KEY:
            return secret
        parts = _parts(secret)
        if "AccountKey" in parts:
            return {"account_name": parts.get("AccountName", ""), "account_key": parts["AccountKey"]}
        signature = parts.get("SharedAccessSignature", "").lstrip("?")
        return AzureSasCredential(signature) if signature else None


def _ahead(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _item(blob: BlobProperties) -> SourceItem:
    return SourceItem(
        path=str(blob.name), size_bytes=int(blob.size or 0), version=str(blob.etag), modified_at=blob.last_modified
    )


def _is_folder(blob: BlobProperties) -> bool:
    return str(blob.name).endswith("/") or str((blob.metadata or {}).get(FOLDER_MARK, "")).lower() == "true"


def _status_and_code(error: AzureError) -> tuple[int, str]:
    """HTTP status and Azure's word for it; 0 and empty where no service answered."""
    code = getattr(error, "error_code", None) or ""
    return int(getattr(error, "status_code", None) or 0), str(getattr(code, "value", code))


def _endpoint(credential: Credential) -> tuple[str, str]:
    """Account and container that a credential names; empty where it does not."""
    secret = credential.secret.reveal
    if credential.kind is CredentialKind.SAS_URL:
        return _of_sas_url(secret)
    if credential.kind is not CredentialKind.CONNECTION_STRING:
        return "", ""
    parts = _parts(secret)
    if parts.get("BlobEndpoint"):
        return _clean(parts["BlobEndpoint"]), ""
    if not parts.get("AccountName"):
        raise InvalidRequestError(
            "That is no connection string of a storage account.",
            remedy="Copy it from Access keys in the portal: DefaultEndpointsProtocol=https;AccountName=…;AccountKey=…",
        )
    suffix = parts.get("EndpointSuffix", "core.windows.net")
    return _clean(f"{parts.get('DefaultEndpointsProtocol', 'https')}://{parts['AccountName']}.blob.{suffix}"), ""


def _parts(connection_string: str) -> dict[str, str]:
    parts = dict(pair.split("=", 1) for pair in connection_string.strip().split(";") if "=" in pair)
    if parts.get("UseDevelopmentStorage", "").lower() == "true":
        # Azurite's well-known account and key: azure-storage documentation, "Use the Azurite emulator"
        return {
            "BlobEndpoint": DEVELOPMENT_URL,
            "AccountName": "devstoreaccount1",
            "AccountKey": "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
        }
    return parts


def _of_sas_url(url: str) -> tuple[str, str]:
    parsed = urlsplit(url.strip())
    if not parsed.netloc or "sig=" not in parsed.query:
        raise InvalidRequestError(
            "That is no SAS URL.",
            remedy="It looks like https://ACCOUNT.blob.core.windows.net/CONTAINER?sv=…&sig=…",
        )
    steps = [unquote(step) for step in parsed.path.split("/") if step]
    base = 0 if ".blob." in parsed.netloc else 1  # emulators have the account in the path
    account = "/".join(["", *steps[:base]])
    if len(steps) > base + 1:
        raise InvalidRequestError("The SAS URL is one of a single blob.", remedy="Make one for the container.")
    return _clean(urlunsplit((parsed.scheme, parsed.netloc, account, "", ""))), "".join(steps[base:])


def _clean(account_url: str) -> str:
    """An endpoint without signature, password or slash at its end.

    Raises:
        InvalidRequestError: It is no http or https address.
    """
    if not account_url.strip():
        return ""
    parsed = urlsplit(account_url.strip())
    if parsed.scheme not in {"http", "https"} or not parsed.hostname:
        raise InvalidRequestError(
            "The account's address is no http or https address.", remedy="https://ACCOUNT.blob.core.windows.net"
        )
    host = parsed.netloc.rpartition("@")[2]
    return urlunsplit((parsed.scheme, host, parsed.path.rstrip("/"), "", ""))
