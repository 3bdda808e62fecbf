from __future__ import annotations

from pathlib import Path

import pytest

from foveal.ports import Source
from foveal.sources.folder import FolderSource
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


class TestFakeSource(SourceContract):
    @pytest.fixture
    def source(self) -> Source:
        return FakeSource(dict(reversed(self.FILES)))

    @pytest.fixture
    def same_source(self) -> Source:
        return FakeSource(dict(self.FILES))
