"""`foveal models list|pull|verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foveal.cli.session import ERROR, print_json, session

app = typer.Typer(help="Model files.", no_args_is_help=True)


@app.command("list")
def list_(context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List every model card, and whether its files are here."""
    here = session(context)
    with here.open() as foveal:
        rows = [(card, foveal.model_folder.state(card)) for card in foveal.cards()]
    if as_json:
        print_json(
            [
                {
                    "name": card.name,
                    "role": card.role,
                    "state": state,
                    "licence": card.licence,
                    "size_bytes": sum(f.size_bytes for f in card.files),
                    "summary": card.summary,
                    "only_by_name": card.on_demand,
                }
                for card, state in rows
            ]
        )
        return
    for card, state in rows:
        size = sum(f.size_bytes for f in card.files) / 1e6
        when = ", only by name" if card.on_demand else ""
        here.console.print(
            f"{card.name:<22} {state:<8} {card.role:<13} {size:7.1f} MB  {card.licence}{when}\n    {card.summary}",
            markup=False,
        )


@app.command()
def pull(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Cards; none: all that first use would fetch.")] = None,
    source: Annotated[
        Path | None, typer.Option("--from", help="Take the files from this folder or file.", exists=True)
    ] = None,
) -> None:
    """Fetch model files and check them."""
    here = session(context)
    with here.open() as foveal:
        for card in foveal.cards(names):
            if names or not card.on_demand:
                foveal.model_folder.pull(card, local=source)
                here.console.print(f"{card.name}: ready", markup=False)


@app.command()
def verify(context: typer.Context) -> None:
    """Check every model file that is here against its card."""
    here = session(context)
    problems: list[str] = []
    with here.open() as foveal:
        for card in foveal.cards():
            if foveal.model_folder.state(card) == "present":
                found = [str(p) for p in foveal.model_folder.verify(card)]
                problems += found
                here.console.print(f"{card.name}: {'; '.join(found) or 'as its card says'}", markup=False)
    if problems:
        raise typer.Exit(ERROR)
