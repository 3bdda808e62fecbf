from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.errors import InvalidRequestError, UnreadableAssetError
from foveal.sources.folder import FolderSource, _shown
from foveal.types.assets import SourceItem


def write(root: Path, *paths: str) -> FolderSource:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(path.encode())
    return FolderSource(root)


def paths(source: FolderSource) -> list[str]:
    return [item.path for item in source.items()]


def test_hidden_files_and_what_systems_leave_behind_are_left_out(tmp_path: Path) -> None:
    source = write(
        tmp_path,
        "a.jpg",
        ".hidden.jpg",
        ".git/x.txt",
        "Thumbs.db",
        "d/desktop.ini",
        "d/b.jpg",
        "__MACOSX/c.jpg",
        "~$x.md",
    )
    assert paths(source) == ["a.jpg", "d/b.jpg"]


def test_folders_and_files_with_one_beginning_are_in_code_point_order(tmp_path: Path) -> None:
    source = write(tmp_path, "a/x", "a.b", "a0", "a b", "A", "b/-", "b-", "ä")
    assert paths(source) == sorted(paths(source))
    assert len(paths(source)) == 8


def test_a_circle_of_links_ends(tmp_path: Path) -> None:
    source = write(tmp_path, "a/one.txt", "b/two.txt")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "b" / "over").symlink_to(tmp_path / "a")
    (tmp_path / "self").symlink_to("self")
    assert paths(source) == ["a/one.txt", "b/two.txt"]


def test_a_folder_elsewhere_is_followed_once(tmp_path: Path) -> None:
    write(tmp_path / "other", "photo.jpg")
    source = write(tmp_path / "root", "own.jpg")
    (tmp_path / "root" / "link1").symlink_to(tmp_path / "other")
    (tmp_path / "root" / "link2").symlink_to(tmp_path / "other")
    (tmp_path / "root" / "parent").symlink_to(tmp_path)
    assert paths(source) == ["link1/photo.jpg", "own.jpg"]


def test_a_link_to_a_file_is_a_file_and_a_broken_one_nothing(tmp_path: Path) -> None:
    source = write(tmp_path, "real.txt")
    (tmp_path / "alias.txt").symlink_to(tmp_path / "real.txt")
    (tmp_path / "broken.txt").symlink_to(tmp_path / "nowhere")
    assert paths(source) == ["alias.txt", "real.txt"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_pipes_and_devices_are_no_files(tmp_path: Path) -> None:
    source = write(tmp_path, "a.txt")
    os.mkfifo(tmp_path / "pipe.jpg")
    assert paths(source) == ["a.txt"]
    with pytest.raises(UnreadableAssetError):
        source.open(SourceItem(path="pipe.jpg", size_bytes=0, version=""))


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux only")
def test_a_name_that_is_no_utf_8_is_shown_escaped_and_can_be_opened(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/f\xff"
    os.mkdir(folder)
    with open(folder + b"/caf\xe9.txt", "wb") as file:
        file.write(b"words")
    source = write(tmp_path, "100%.txt")
    assert paths(source) == ["100%.txt", "f%FF/caf%E9.txt"]
    for item in source.items():
        item.path.encode("utf-8")
        with source.open(item) as opened:
            assert opened.read() in {b"words", b"100%.txt"}


def test_the_version_changes_with_the_bytes(tmp_path: Path) -> None:
    source = write(tmp_path, "a.txt")
    (before,) = source.items()
    (tmp_path / "a.txt").write_bytes(b"longer than before")
    (after,) = source.items()
    assert before.version != after.version
    os.utime(tmp_path / "a.txt", ns=(1, 1))
    (touched,) = source.items()
    assert touched.version != after.version


def test_a_single_file_is_a_source_of_one(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "b.txt")
    source = FolderSource(tmp_path / "a.txt")
    (item,) = source.items()
    assert item.path == "a.txt"
    with source.open(item) as file:
        assert file.read() == b"a.txt"
    with pytest.raises(UnreadableAssetError):
        source.open(SourceItem(path="b.txt", size_bytes=0, version=""))


def test_a_source_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="cannot be listed"):
        list(FolderSource(tmp_path / "nothing").items())


@pytest.mark.parametrize("path", ["../outside.txt", "/etc/hostname", "a/../../outside.txt", "", ".", "a\0b", "a//b"])
def test_nothing_outside_the_folder_can_be_opened(tmp_path: Path, path: str) -> None:
    write(tmp_path, "outside.txt")
    source = write(tmp_path / "root", "a/b.txt")
    with pytest.raises(UnreadableAssetError):
        source.open(SourceItem(path=path, size_bytes=0, version=""))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may list everything")
def test_a_folder_that_may_not_be_listed_is_skipped(tmp_path: Path) -> None:
    source = write(tmp_path, "a.txt", "locked/b.txt")
    (tmp_path / "locked").chmod(0)
    try:
        assert paths(source) == ["a.txt"]
    finally:
        (tmp_path / "locked").chmod(0o700)


@given(st.binary(min_size=1, max_size=30))
def test_a_shown_name_can_always_be_stored(name: bytes) -> None:
    _shown(name.decode("utf-8", "surrogateescape")).encode("utf-8")
