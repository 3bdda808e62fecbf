"""Any file system of fsspec: in memory and on disk here; S3 and Google Cloud Storage need their packages."""

from __future__ import annotations

import importlib.util
import uuid
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from foveal.errors import InvalidRequestError, SourceUnusableError, UnreadableAssetError
from foveal.ports.sources import Source
from foveal.sources.fsspec_files import FsspecSource, checked_options, checked_url
from foveal.testing.contracts.source import SourceContract
from foveal.types.assets import SourceItem
from foveal.types.sources import Credential, CredentialKind, Secret


@pytest.fixture
def root() -> Iterator[str]:
    """A folder of its own in memory."""
    name = f"/{uuid.uuid4().hex}"
    yield f"memory:/{name}"
    files = fsspec.filesystem("memory")
    if files.exists(name):
        files.rm(name, recursive=True)


def put(root: str, path: str, data: bytes) -> None:
    with fsspec.open(f"{root}/{path}", "wb") as file:
        file.write(data)


class TestMemory(SourceContract):
    @pytest.fixture
    def source(self, root: str) -> Source:
        for path, data in reversed(self.FILES):
            put(root, path, data)
        return FsspecSource(root)

    @pytest.fixture
    def same_source(self, root: str) -> Source:
        return FsspecSource(root)


class TestDisk(SourceContract):
    @pytest.fixture
    def source(self, tmp_path: Path) -> Source:
        for path, data in self.FILES:
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(data)
        return FsspecSource(f"file://{tmp_path}")

    @pytest.fixture
    def same_source(self, tmp_path: Path) -> Source:
        return FsspecSource(f"file://{tmp_path}")


def test_a_change_of_the_bytes_changes_the_version(root: str) -> None:
    put(root, "a.txt", b"one")
    source = FsspecSource(root)
    (before,) = source.items()
    put(root, "a.txt", b"two")
    (after,) = source.items()
    assert before.version != after.version


def test_one_file_is_a_source_too(root: str) -> None:
    put(root, "a/b.txt", b"words")
    source = FsspecSource(f"{root}/a/b.txt")
    (item,) = source.items()
    assert item.path == "b.txt"
    with source.open(item) as file:
        assert file.read() == b"words"


def test_a_place_with_nothing_in_it_is_an_error_and_no_deletion(root: str) -> None:
    with pytest.raises(SourceUnusableError, match="nothing at") as caught:
        list(FsspecSource(root).items())
    assert caught.value.reason == "not_found"


def test_a_path_that_leads_out_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out.txt").write_bytes(b"secret")
    source = FsspecSource(f"file://{tmp_path}/in")
    with pytest.raises(UnreadableAssetError, match="leads out"):
        source.open(SourceItem(path="../out.txt", size_bytes=6, version=""))


@pytest.mark.skipif(importlib.util.find_spec("s3fs") is not None, reason="s3fs is installed")
def test_a_package_that_is_missing_is_named() -> None:
    with pytest.raises(SourceUnusableError, match="pip install s3fs") as caught:
        list(FsspecSource("s3://bucket/folder").items())
    assert caught.value.reason == "missing_package"


def test_an_unknown_scheme_or_option_is_refused() -> None:
    with pytest.raises(InvalidRequestError):
        list(FsspecSource("nosuch://place").items())
    options = Credential(kind=CredentialKind.OPTIONS, secret=Secret("[1]"))
    with pytest.raises(InvalidRequestError, match="no JSON object"):
        list(FsspecSource("memory://place", options).items())


@pytest.mark.parametrize("url", ["photos", "s3:bucket", "ftp://me:word@host/a", "https://host/a?sig=abc", ""])
def test_an_address_without_a_scheme_or_with_a_secret_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        checked_url(url)
    assert "word" not in str(caught.value).replace("password", "")
    assert "abc" not in str(caught.value)


def test_an_address_is_kept_without_its_last_slash() -> None:
    assert checked_url(" s3://bucket/folder/ ") == "s3://bucket/folder"
    assert checked_options('{"key": "k"}') == {"key": "k"}
