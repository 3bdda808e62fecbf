"""What opens a source, out of variables, files and answers: never out of the command line itself."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer

from foveal.types.sources import Credential, CredentialKind, Secret


def from_shortcut(variables: dict[CredentialKind, str | None], *, identity: bool) -> Credential | None:
    """What opens a source by an option of its own, each naming a variable.

    Raises:
        typer.BadParameter: There is more than one, or a variable is not set.
    """
    given = [(kind, variable) for kind, variable in variables.items() if variable is not None]
    if len(given) + identity > 1:
        raise typer.BadParameter("give one credential", param_hint="--connection-string-env")
    if identity:
        return Credential(kind=CredentialKind.IDENTITY)
    return credential_of(given[0][0], given[0][1], None) if given else None


def credential_of(kind: CredentialKind | None, variable: str | None, file: Path | None) -> Credential | None:
    """What opens a source: never from the command line itself, which every process on the machine can read.

    Raises:
        typer.BadParameter: It is not said what it is, or it cannot be read.
    """
    if kind is None:
        if variable or file:
            raise typer.BadParameter("say what it is", param_hint="--credential")
        return None
    if kind is CredentialKind.IDENTITY:
        return Credential(kind=kind)
    if variable is not None:
        if not os.environ.get(variable):
            raise typer.BadParameter(f"the variable {variable} is not set", param_hint="--secret-env")
        secret = os.environ[variable]
    elif file is not None:
        secret = _content(file)
    elif sys.stdin.isatty():
        secret = typer.prompt(f"The {kind.value}", hide_input=True)
    else:
        secret = sys.stdin.readline().strip()
    return Credential(kind=kind, secret=Secret(secret))


def credential_from(kind: CredentialKind, variable: str | None) -> Credential:
    """What opens a service: from a variable, asked for, or who this machine is.

    Raises:
        typer.BadParameter: The variable is not set.
    """
    found = credential_of(kind, variable, None)
    return found or Credential(kind=kind)


def _content(file: Path) -> str:
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise typer.BadParameter(f"{file} cannot be read as text", param_hint="--secret-file") from None
