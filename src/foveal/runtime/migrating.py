"""Writing what an app's settings come to: the settings file, and the source."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from foveal.errors import ConflictError
from foveal.types.sources import Secret

if TYPE_CHECKING:
    from foveal.retrieval.app_settings import Migration, Value
    from foveal.runtime import Foveal

PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
"""What a key of TOML may have without quotes."""


def settings_text(settings: Mapping[str, Value], *, secrets: bool) -> str:
    """Settings by path as TOML, one table after another.

    Args:
        settings: By path.
        secrets: Whether they are written out; `***` stands for them otherwise.
    """
    tables: dict[str, list[str]] = {}
    for path, value in settings.items():
        table, _, name = path.rpartition(".")
        tables.setdefault(table, []).append(f"{name} = {_value(value, secrets=secrets)}")
    blocks = ["\n".join([f"[{_header(table)}]", *lines]) for table, lines in tables.items()]
    return "\n\n".join(blocks) + ("\n" if blocks else "")


def apply_migration(found: Migration, foveal: Foveal) -> Path:
    """Add the settings to `foveal.toml` in the home, and save the source; the file.

    Raises:
        ConflictError: A table is in the file already, or there is a source or an index of that name.
        FovealError: The source cannot be reached.
    """
    file = foveal.settings.home / "foveal.toml"
    present = file.read_text("utf-8") if file.exists() else ""
    known = tomllib.loads(present)
    taken = sorted({path.rpartition(".")[0] for path in found.settings if _has(known, path.rpartition(".")[0])})
    if taken:
        raise ConflictError(
            f"{file} has settings of {', '.join(taken)} already.", remedy="Take over by hand what is printed above."
        )
    if found.source is not None:
        settled = foveal.sources.settle(found.source, found.credential)
        foveal.sources.add(settled, found.credential)
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(f".{os.getpid()}")
    text = "\n\n".join(filter(None, (present.rstrip(), settings_text(found.settings, secrets=True))))
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as written:
        written.write(text)
    fresh.replace(file)
    return file


def _header(table: str) -> str:
    first, _, rest = table.partition(".")
    return f"{first}.{rest if set(rest) <= PLAIN else json.dumps(rest)}" if rest else first


def _value(value: Value, *, secrets: bool) -> str:
    if isinstance(value, Secret):
        return json.dumps(value.reveal if secrets else "***")
    return json.dumps(value, ensure_ascii=False)


def _has(known: Mapping[str, object], table: str) -> bool:
    first, _, rest = table.partition(".")
    inner = known.get(first)
    return inner is not None if not rest else isinstance(inner, dict) and rest in inner
