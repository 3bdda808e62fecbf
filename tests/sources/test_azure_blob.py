"""Blobs of a real Azurite through the official SDK."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from foveal.errors import InvalidRequestError, SourceUnusableError, UnreadableAssetError
from foveal.ports.sources import Source
from foveal.sources.azure_blob import AzureBlobSource, BlobPlace, blob_place
from foveal.testing.contracts.source import SourceContract
from foveal.types.assets import SourceItem
from foveal.types.sources import Credential, CredentialKind, Secret

from .azurite import ACCOUNT, KEY, Azurite, free_port

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

Upload = Callable[[str, bytes], None]
WRONG_KEY = "d3Jvbmc" + KEY[7:]


def credential(kind: CredentialKind, secret: str = "") -> Credential:
    return Credential(kind=kind, secret=Secret(secret))


def by_key(azurite: Azurite, container: ContainerClient | str, *, prefix: str = "", key: str = KEY) -> AzureBlobSource:
    name = container if isinstance(container, str) else container.container_name
    place = BlobPlace(account_url=azurite.account_url, container=name, prefix=prefix)
    return AzureBlobSource(place, credential(CredentialKind.ACCOUNT_KEY, key), retries=0)


def sas(container: ContainerClient, *, until: datetime, **rights: bool) -> str:
    from azure.storage.blob import ContainerSasPermissions, generate_container_sas

    return generate_container_sas(
        ACCOUNT, container.container_name, account_key=KEY, permission=ContainerSasPermissions(**rights), expiry=until
    )


def by_sas(container: ContainerClient, signature: str) -> AzureBlobSource:
    opener = credential(CredentialKind.SAS_URL, f"{container.url}?{signature}")
    return AzureBlobSource(blob_place("", "", "", opener), opener, retries=0)


class TestAzureBlobSource(SourceContract):
    @pytest.fixture
    def source(self, azurite: Azurite, container: ContainerClient, upload: Upload) -> Source:
        for path, data in reversed(self.FILES):
            upload(path, data)
        return by_key(azurite, container)

    @pytest.fixture
    def same_source(self, azurite: Azurite, container: ContainerClient) -> Source:
        return by_key(azurite, container)


def test_every_credential_opens_the_same_place(azurite: Azurite, container: ContainerClient, upload: Upload) -> None:
    upload("a.txt", b"words")
    text = credential(CredentialKind.CONNECTION_STRING, azurite.connection_string)
    signature = sas(container, until=datetime.now(UTC) + timedelta(hours=1), read=True, list=True)
    with_sas = credential(
        CredentialKind.CONNECTION_STRING, f"BlobEndpoint={azurite.account_url};SharedAccessSignature={signature}"
    )
    name = container.container_name
    sources = [
        by_key(azurite, container),
        AzureBlobSource(blob_place("", name, "", text), text),
        AzureBlobSource(blob_place("", name, "", with_sas), with_sas),
        by_sas(container, signature),
    ]
    for source in sources:
        (item,) = source.items()
        with source.open(item) as file:
            assert (source.name, file.read()) == (container.url, b"words")


def test_the_prefix_limits_and_paths_stay_whole(azurite: Azurite, container: ContainerClient, upload: Upload) -> None:
    for name in ("2024/a.txt", "2024/b/c.txt", "2023/a.txt"):
        upload(name, b"x")
    source = by_key(azurite, container, prefix="2024/")
    assert [item.path for item in source.items()] == ["2024/a.txt", "2024/b/c.txt"]
    assert source.name == f"{container.url}/2024"


def test_the_etag_tells_a_change_and_nothing_else_does(
    azurite: Azurite, container: ContainerClient, upload: Upload
) -> None:
    upload("a.txt", b"same length")
    upload("b.txt", b"b")
    source = by_key(azurite, container)
    before = {item.path: item.version for item in source.items()}
    upload("a.txt", b"SAME LENGTH")
    after = {item.path: item.version for item in source.items()}
    assert before["a.txt"] != after["a.txt"]
    assert before["b.txt"] == after["b.txt"]


def test_blobs_that_stand_for_folders_are_no_files(azurite: Azurite, container: ContainerClient) -> None:
    container.upload_blob("folder", b"", metadata={"hdi_isfolder": "true"})
    container.upload_blob("other/", b"")
    container.upload_blob("other/a.txt", b"x")
    assert [item.path for item in by_key(azurite, container).items()] == ["other/a.txt"]


def test_a_large_blob_takes_no_memory(azurite: Azurite, container: ContainerClient, upload: Upload) -> None:
    upload("large.bin", bytes(64 * 2**20))
    source = by_key(azurite, container)
    (item,) = source.items()
    tracemalloc.start()
    try:
        with source.open(item) as file:
            while file.read(2**20):
                pass
            file.seek(-4, 2)
            assert file.read() == bytes(4)
        assert tracemalloc.get_traced_memory()[1] < 32 * 2**20
    finally:
        tracemalloc.stop()


def test_looking_at_the_head_of_a_blob_fetches_no_more(
    azurite: Azurite, container: ContainerClient, upload: Upload
) -> None:
    upload("large.bin", bytes(8 * 2**20))
    source = by_key(azurite, container)
    (item,) = source.items()
    with source.open(item) as file:
        file.read(4096)
        upload("large.bin", b"changed")  # the rest is asked for later, and is not of these bytes any more
        with pytest.raises(UnreadableAssetError, match="changed while it was read"):
            file.read()


def test_a_wrong_key_is_told_as_one(azurite: Azurite, container: ContainerClient, upload: Upload) -> None:
    upload("a.txt", b"x")
    (item,) = by_key(azurite, container).items()
    for key in (WRONG_KEY, "no base64 at all"):
        source = by_key(azurite, container, key=key)
        for ask in (lambda s=source: list(s.items()), lambda s=source: s.open(item)):
            with pytest.raises(SourceUnusableError, match="account key: it is wrong or was rotated") as caught:
                ask()
            assert caught.value.reason == "denied"
            assert key not in str(caught.value)


def test_an_unknown_container_is_told_by_its_name(azurite: Azurite) -> None:
    with pytest.raises(SourceUnusableError, match="no container nothing-here") as caught:
        list(by_key(azurite, "nothing-here").items())
    assert caught.value.reason == "not_found"


def test_a_service_that_is_not_there_is_unreachable() -> None:
    nowhere = Azurite(f"http://127.0.0.1:{free_port()}/{ACCOUNT}")
    with pytest.raises(SourceUnusableError, match="cannot be reached") as caught:
        list(by_key(nowhere, "photos").items())
    assert caught.value.reason == "unreachable"


def test_an_expired_signature_is_told_and_never_shown(container: ContainerClient, upload: Upload) -> None:
    upload("a.txt", b"x")
    signature = sas(container, until=datetime.now(UTC) - timedelta(hours=1), read=True, list=True)
    source = by_sas(container, signature)
    with pytest.raises(SourceUnusableError, match="expired") as caught:
        list(source.items())
    assert "sig=" not in f"{caught.value} {caught.value!r} {source.name} {source.name!r}"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_container_that_is_not_public_wants_a_key(azurite: Azurite, container: ContainerClient) -> None:
    place = BlobPlace(account_url=azurite.account_url, container=container.container_name)
    with pytest.raises(SourceUnusableError) as caught:
        list(AzureBlobSource(place, None, retries=0).items())
    assert caught.value.reason in {"denied", "not_found"}


def test_a_blob_that_vanished_is_that_files_failure_and_a_container_everybodys(
    azurite: Azurite, container: ContainerClient, upload: Upload
) -> None:
    upload("a.txt", b"x")
    source = by_key(azurite, container)
    (item,) = source.items()
    container.delete_blob("a.txt")
    with pytest.raises(UnreadableAssetError) as gone:
        source.open(item)
    assert gone.value.stage == "fetch"
    container.delete_container()
    with pytest.raises(SourceUnusableError) as nowhere:
        source.open(item)
    assert nowhere.value.reason == "not_found"


def test_names_in_any_script_and_odd_ones_come_back(
    azurite: Azurite, container: ContainerClient, upload: Upload
) -> None:
    names = ["#1?.txt", "a b+c%20.txt", "ä/日本.txt", "𝒳.txt"]
    for name in names:
        upload(name, name.encode())
    source = by_key(azurite, container)
    found = list(source.items())
    assert [item.path for item in found] == sorted(item.path for item in found)
    for item in found:
        with source.open(SourceItem(path=item.path, size_bytes=0, version="")) as file:
            assert file.read().decode() in names


@pytest.mark.parametrize(
    ("kind", "secret", "account", "container"),
    [
        ("connection-string", "AccountName=acme;AccountKey=eA==", "https://acme.blob.core.windows.net", "photos"),
        (
            "connection-string",
            "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=eA==;EndpointSuffix=core.chinacloudapi.cn",
            "https://acme.blob.core.chinacloudapi.cn",
            "photos",
        ),
        ("connection-string", "UseDevelopmentStorage=true", "http://127.0.0.1:10000/devstoreaccount1", "photos"),
        (
            "sas-url",
            "https://acme.blob.core.windows.net/photos?sv=1&sig=x",
            "https://acme.blob.core.windows.net",
            "photos",
        ),
        ("sas-url", "https://acme.blob.core.windows.net/?sig=x", "https://acme.blob.core.windows.net", "photos"),
        ("sas-url", "http://127.0.0.1:9/acme/photos?sig=x", "http://127.0.0.1:9/acme", "photos"),
    ],
)
def test_a_credential_says_which_account(kind: str, secret: str, account: str, container: str) -> None:
    place = blob_place("", "photos", "", credential(CredentialKind(kind), secret))
    assert (place.account_url, place.container) == (account, container)
    assert blob_place(account + "/?sig=y", "photos", "", credential(CredentialKind(kind), secret)) == place


@pytest.mark.parametrize(
    ("kind", "secret"),
    [
        ("connection-string", "hello"),
        ("connection-string", "BlobEndpoint=ftp://x"),
        ("sas-url", "https://acme.blob.core.windows.net/photos"),
        ("sas-url", "https://acme.blob.core.windows.net/photos/a/b.jpg?sig=x"),
        ("sas-url", "https://acme.blob.core.windows.net/others?sig=x"),
        ("key", "eA=="),
    ],
)
def test_what_names_no_place_is_refused_without_showing_it(kind: str, secret: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        blob_place("", "photos", "", credential(CredentialKind(kind), secret))
    assert secret not in str(caught.value)
