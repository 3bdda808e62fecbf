from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from foveal.stores.catalog import open_engine


@pytest.fixture
def catalog_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'catalog.sqlite'}"


@pytest.fixture
def engine(catalog_url: str) -> Iterator[Engine]:
    engine = open_engine(catalog_url)
    yield engine
    engine.dispose()
