from __future__ import annotations

from pathlib import Path

import pytest

from foveal.errors import StoreError
from foveal.ports.stores import ByteStore
from foveal.stores.byte_files import FileByteStore
from foveal.testing.contracts.byte_store import ONE, ByteStoreContract
from foveal.types.assets import AssetId


class TestFileByteStore(ByteStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> ByteStore:
        return FileByteStore(tmp_path / "derived")


def test_files_lie_in_folders_by_the_first_digits(tmp_path: Path) -> None:
    FileByteStore(tmp_path).put(ONE, "thumb.jpg", b"x")
    assert [str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()] == [f"ab/ab/{ONE}/thumb.jpg"]


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".", "..", ".hidden", "a\x00", "C:\\x", "x" * 300])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    store = FileByteStore(tmp_path / "derived")
    with pytest.raises(StoreError):
        store.put(ONE, name, b"x")
    with pytest.raises(StoreError):
        store.get(AssetId(name), "thumb.jpg")
    with pytest.raises(StoreError):
        store.delete([AssetId(name)])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="cannot be used"):
        FileByteStore(tmp_path / "file").put(ONE, "thumb.jpg", b"x")
