from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from foveal.stores.catalog import open_engine


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of either kind, empty: what a test says of one holds for both."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("postgres_url")
        return url
    return f"sqlite:///{tmp_path / 'catalog.sqlite'}"


@pytest.fixture
def engine(catalog_url: str) -> Iterator[Engine]:
    engine = open_engine(catalog_url)
    yield engine
    engine.dispose()


@pytest.fixture
def open_again(catalog_url: str) -> Iterator[Callable[[], Engine]]:
    """Opens the same database once more, as another process does."""
    opened: list[Engine] = []

    def again() -> Engine:
        opened.append(open_engine(catalog_url))
        return opened[-1]

    yield again
    for engine in opened:
        engine.dispose()
