"""Copies of files that came over a network: whole, bounded, the least used one leaves first."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from foveal.errors import StoreError
from foveal.stores.kept_files import KeptFiles
from foveal.types.assets import AssetId

A, B, C = AssetId("aa"), AssetId("bb"), AssetId("cc")


def kept(files: KeptFiles, asset_id: AssetId, data: bytes) -> bytes | None:
    copy = files.keep(asset_id, io.BytesIO(data), len(data))
    if copy is None:
        return None
    with copy:
        return copy.read()


def test_a_copy_is_what_was_there_and_is_opened_again(tmp_path: Path) -> None:
    files = KeptFiles(tmp_path / "kept", 100)
    assert files.open(A) is None
    assert list(files.assets()) == []
    assert kept(files, A, b"video") == b"video"
    again = KeptFiles(tmp_path / "kept", 100).open(A)
    assert again is not None
    with again:
        assert again.read() == b"video"
    assert list(files.assets()) == [A]


def test_the_one_opened_longest_ago_makes_room(tmp_path: Path) -> None:
    files = KeptFiles(tmp_path, 10)
    kept(files, A, b"aaaa")
    kept(files, B, b"bbbb")
    os.utime(tmp_path / A, (1, 1))
    os.utime(tmp_path / B, (2, 2))
    opened = files.open(A)
    assert opened is not None
    assert kept(files, C, b"cccc") == b"cccc"
    assert set(files.assets()) == {A, C}
    with opened:
        assert opened.read() == b"aaaa"


def test_what_is_larger_than_all_the_room_is_not_kept_and_drives_nothing_out(tmp_path: Path) -> None:
    files = KeptFiles(tmp_path, 10)
    kept(files, A, b"aaaa")
    assert kept(files, B, b"b" * 11) is None
    assert list(files.assets()) == [A]


def test_a_copy_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(StoreError, match="Input/output"):
        KeptFiles(tmp_path, 10).keep(A, Breaking(), 4)
    assert list(tmp_path.iterdir()) == []


def test_deleting_is_quiet_about_what_is_not_there(tmp_path: Path) -> None:
    files = KeptFiles(tmp_path, 10)
    kept(files, A, b"aaaa")
    files.delete([A, B])
    assert list(files.assets()) == []
