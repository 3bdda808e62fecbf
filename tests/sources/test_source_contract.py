from __future__ import annotations

from pathlib import Path

import pytest

from foveal.ports.sources import Source
from foveal.sources.folder import FolderSource
from foveal.sources.listed import ListedSource
from foveal.testing.contracts.source import SourceContract
from foveal.testing.fakes_content import FakeSource


class TestFolderSource(SourceContract):
    @pytest.fixture
    def source(self, tmp_path: Path) -> Source:
        for path, data in self.FILES:
            # the contract's `a.txt` and `a/` live side by side
            place = tmp_path / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        return FolderSource(tmp_path)

    @pytest.fixture
    def same_source(self, tmp_path: Path) -> Source:
        return FolderSource(tmp_path)


class TestListedSource(SourceContract):
    @pytest.fixture
    def source(self) -> Source:
        return ListedSource(FakeSource(dict(self.FILES)))

    @pytest.fixture
    def same_source(self) -> Source:
        return ListedSource(FakeSource(dict(self.FILES)))


class TestFakeSource(SourceContract):
    @pytest.fixture
    def source(self) -> Source:
        return FakeSource(dict(reversed(self.FILES)))

    @pytest.fixture
    def same_source(self) -> Source:
        return FakeSource(dict(self.FILES))


def test_a_source_that_is_listed_once_does_not_see_what_comes_later() -> None:
    source = FakeSource({"a.txt": b"a"})
    listed = ListedSource(source)
    assert [item.path for item in listed.items()] == ["a.txt"]
    source.put("b.txt", b"b")
    assert [item.path for item in listed.items()] == ["a.txt"]
    assert [item.path for item in ListedSource(source).items()] == ["a.txt", "b.txt"]
    assert list(ListedSource(source, ()).items()) == []
