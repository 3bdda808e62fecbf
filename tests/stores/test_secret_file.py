from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from foveal.errors import StoreCorruptError, StoreError
from foveal.stores.secret_file import read_or_make


def test_a_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    secret = read_or_make(file)
    assert len(secret) == 32
    assert read_or_make(file) == secret
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [f.name for f in tmp_path.iterdir()] == ["secret"]


def test_all_who_make_it_at_once_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(read_or_make, [tmp_path / "secret"] * 32))) == 1


def test_a_file_that_is_no_secret_or_no_place_for_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "short").write_bytes(b"short")
    with pytest.raises(StoreCorruptError, match="Delete it"):
        read_or_make(tmp_path / "short")
    with pytest.raises(StoreError):
        read_or_make(tmp_path / "nowhere" / "secret")
