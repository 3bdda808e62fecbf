"""`foveal doctor`."""

from __future__ import annotations

from typing import Annotated

import typer

from foveal.cli.session import ERROR, print_json, session

MARKS = {"on": "✓", "off": "–", "failed": "✗"}


def doctor(
    context: typer.Context,
    settings: Annotated[bool, typer.Option("--settings", help="List every setting instead.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what is on, what is off, why, and what to do about it."""
    here = session(context)
    if settings:
        from foveal.settings import table

        if as_json:
            print_json([row.model_dump() for row in table()])
            return
        for row in table():
            here.console.print(f"{row.path} ({row.env}) = {row.default}\n    {row.description}", markup=False)
        return
    from dataclasses import asdict

    with here.open() as foveal:
        checks = foveal.checks()
    if as_json:
        print_json([asdict(c) for c in checks])
    else:
        for check in checks:
            here.console.print(f"{MARKS[check.state]} {check.name}: {check.detail}", markup=False)
            if check.remedy:
                here.console.print(f"    {check.remedy}", markup=False)
    if any(c.state == "failed" for c in checks):
        raise typer.Exit(ERROR)
