"""What every command shares: settings from the flags, the open home, and where output goes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from foveal.errors import ImageError, SettingsError

if TYPE_CHECKING:
    from rich.console import Console

    from foveal.runtime import Foveal
    from foveal.settings import Settings
    from foveal.types.chat import ImageInput

OK, ERROR, USAGE, NOTHING, PARTIAL, INTERRUPTED = 0, 1, 2, 3, 4, 130


@dataclass(frozen=True, slots=False, kw_only=True)
class Session:
    """One run of the program."""

    flags: dict[str, object]
    config: Path | None

    @classmethod
    def from_flags(cls, *, home: Path | None, config: Path | None, offline: bool, assignments: list[str]) -> Session:
        """Collect the global flags.

        Raises:
            SettingsError: An assignment is not NAME=VALUE.
        """
        flags: dict[str, object] = {}
        for assignment in assignments:
            name, separator, value = assignment.partition("=")
            if not separator:
                raise SettingsError(f"`--set {assignment}` is not NAME=VALUE.")
            flags[name.strip()] = value.strip()
        if home is not None:
            flags["home"] = home
        if offline:
            flags["offline"] = True
        return cls(flags=flags, config=config)

    @cached_property
    def settings(self) -> Settings:
        """Settings by flags, environment and file."""
        from foveal import settings

        return settings.load(self.flags, config=self.config)

    def share_cores(self, cores: int) -> None:
        """Use so many worker threads, one at least, from now on."""
        self.flags["workers"] = max(1, cores)
        self.__dict__.pop("settings", None)

    @cached_property
    def console(self) -> Console:
        """Where people read; plain when not a terminal."""
        from rich.console import Console

        return Console(highlight=False, soft_wrap=not sys.stdout.isatty())

    @cached_property
    def notes(self) -> Console:
        """Standard error: progress and remarks, so that standard output stays clean."""
        from rich.console import Console

        return Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())

    @contextmanager
    def open(self) -> Iterator[Foveal]:
        """The home, with a progress bar for models that must be fetched first."""
        from foveal.cli.progress import PullBar
        from foveal.runtime import Foveal

        with PullBar(self.notes) as bar, Foveal(self.settings, on_pull=bar) as foveal:
            yield foveal


def session(context: typer.Context) -> Session:
    """The session of a command's context."""
    found = context.find_object(Session)
    if found is None:
        raise SettingsError("The command was started without its session.")
    return found


def open_image(foveal: Foveal, path: Path) -> ImageInput:
    """Decode an image named on the command line.

    Raises:
        ImageError: It cannot be read, or is no image.
        TooLargeError: It is over a limit.
    """
    try:
        with path.open("rb") as file:
            data = file.read(foveal.settings.limits.image_bytes + 1)  # one more shows that it is over the limit
    except OSError as error:
        raise ImageError(
            f"{path} cannot be read: {error.strerror}.", remedy="Name an image that you may read."
        ) from None
    return foveal.open_image(data)


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))
