"""Refresh of unchanged blobs: what it takes beyond one listing, against a real Azurite.

Small texts are put into a container and read once; then the refresh of a source where nothing changed is measured, and
in the same run one listing alone. The limit is one listing plus five seconds for 10,000 blobs. `python -m
benchmarks.refresh 1000` takes another number of blobs.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from azure.storage.blob import ContainerClient
from tests.sources.azurite import KEY, Azurite, running

from foveal.runtime import Foveal
from foveal.settings import load
from foveal.types.sources import Credential, CredentialKind, Secret, SourceDraft, SourceKind

BLOBS = 10_000
LIMIT_S = 5.0
REPEATS = 3


def main(arguments: list[str]) -> None:
    blobs = int(arguments[0]) if arguments else BLOBS
    with running() as azurite, tempfile.TemporaryDirectory() as home:
        connection = ContainerClient.from_connection_string(azurite.connection_string, "refresh")
        with connection as container:
            container.create_container()
            _fill(container, blobs)
            listings = [_timed(lambda: list(container.list_blobs(include=["metadata"]))) for _ in range(REPEATS)]
        refreshes = _refreshes(azurite, Path(home), blobs)
    listing, refresh = min(listings), min(refreshes)
    print(f"{'blobs':>8}{'listing s':>11}{'refresh s':>11}{'beyond s':>10}{'limit s':>9}{'of the limit':>14}")
    beyond = refresh - listing
    print(f"{blobs:>8}{listing:>11.2f}{refresh:>11.2f}{beyond:>10.2f}{LIMIT_S:>9.1f}{beyond / LIMIT_S:>13.0%}")


def _fill(container: ContainerClient, blobs: int) -> None:
    def put(number: int) -> None:
        container.upload_blob(f"{number % 100:02d}/{number}.txt", f"Text {number}.".encode())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(blobs)))


def _refreshes(azurite: Azurite, home: Path, blobs: int) -> list[float]:
    draft = SourceDraft(
        name="blobs", kind=SourceKind.AZURE_BLOB, index="refresh", container="refresh", account_url=azurite.account_url
    )
    credential = Credential(kind=CredentialKind.ACCOUNT_KEY, secret=Secret(KEY))
    with Foveal(load({"home": home, "offline": True})) as foveal:
        foveal.sources.add(foveal.sources.settle(draft, credential), credential)
        first = foveal.sources.refresh("blobs")
        assert first.counts.added == blobs, first.counts
        taken = []
        for _ in range(REPEATS):
            taken.append(_timed(lambda: foveal.sources.refresh("blobs")))
        assert foveal.jobs.recent()[0].counts.unchanged == blobs
        return taken


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main(sys.argv[1:])
