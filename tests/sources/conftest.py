from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .azurite import Azurite, running

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    with running() as started:
        yield started


@pytest.fixture
def container(azurite: Azurite) -> Iterator[ContainerClient]:
    """An empty container of its own."""
    from azure.storage.blob import ContainerClient

    with ContainerClient.from_connection_string(azurite.connection_string, f"c-{uuid.uuid4().hex}") as made:
        made.create_container()
        yield made
        if made.exists():
            made.delete_container()


@pytest.fixture
def upload(container: ContainerClient) -> Callable[[str, bytes | Path], None]:
    """Puts bytes, or those of a file, into the container."""

    def put(name: str, data: bytes | Path) -> None:
        container.upload_blob(name, data.read_bytes() if isinstance(data, Path) else data, overwrite=True)

    return put
