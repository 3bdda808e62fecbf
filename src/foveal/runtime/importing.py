"""Imports of a home: which services there are, and where it is kept how far one is."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from foveal.errors import StoreError
from foveal.pipeline.importing import ForeignIndex, ImportProgress, ImportState, import_index
from foveal.pipeline.search_indexes import SearchIndexes
from foveal.runtime.live import live_place
from foveal.types.live_settings import LiveSettings
from foveal.types.sources import Credential, SourceKind


def import_azure_search(
    settings: LiveSettings,
    credential: Credential,
    into: str,
    *,
    indexes: SearchIndexes,
    folder: Path,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[ImportProgress]:
    """Copy an index of Azure AI Search; yields after every page. Asked again after it was killed, it goes on.

    Args:
        settings: Endpoint and name.
        credential: What opens it.
        into: Name of the copy.
        indexes: Where it is made.
        folder: Where it is kept how far it is.
        cancelled: Asked between pages.

    Raises:
        FovealError: As `foveal.pipeline.importing.import_index`.
    """
    from foveal.sources.azure_search import AzureSearchIndex

    placed, location = live_place(SourceKind.AZURE_SEARCH, settings, credential)
    file = folder / f"{into}.json"
    with closing(AzureSearchIndex(placed, credential)) as index:
        foreign = ForeignIndex(
            location=location,
            definition=index.definition,
            count=index.count,
            after=index.page,
            from_=index.page_from,
        )
        yield from import_index(
            foreign, into, indexes, kept=_read(file), keep=lambda state: _write(file, state), cancelled=cancelled
        )


def _read(file: Path) -> ImportState | None:
    try:
        kept = json.loads(file.read_text("utf-8"))
        return ImportState(**{**kept, "left_out": tuple(kept["left_out"])})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError):
        raise StoreError(
            f"{file} cannot be read: how far the import was is not known.",
            remedy="Delete it and the index, and import again.",
        ) from None


def _write(file: Path, state: ImportState) -> None:
    """Durable on return: readers see the one before or this one."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(f".{os.getpid()}")
        with fresh.open("w", encoding="utf-8") as written:
            json.dump(asdict(state), written)
            written.flush()
            os.fsync(written.fileno())
        fresh.replace(file)
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {error.strerror}.", remedy="Check the home's rights.") from None
