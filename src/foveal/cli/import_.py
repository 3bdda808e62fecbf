"""`foveal import azure-search|onyourdata`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foveal.cli.session import ERROR, OK, PARTIAL, print_json, session
from foveal.types.live_settings import LiveSettings

if TYPE_CHECKING:
    from rich.console import Console

    from foveal.pipeline.importing import ImportProgress
    from foveal.retrieval.app_settings import Migration

app = typer.Typer(help="Take over what was built on Azure: indexes, and the settings of an app.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("azure-search")
def azure_search(
    context: typer.Context,
    endpoint: Annotated[str, typer.Option(help="Of the service: https://NAME.search.windows.net")],
    index: Annotated[str, typer.Option(help="Its name there.")],
    into: Annotated[str, typer.Option(help="Name of the copy; as there when not given.")] = "",
    key_env: Annotated[
        str | None, typer.Option(metavar="VAR", help="Variable with an admin key; asked for without one.")
    ] = None,
    identity: Annotated[bool, typer.Option("--identity", help="Open it as who this machine is to Entra ID.")] = False,
    as_json: Json = False,
) -> None:
    """Copy an index of Azure AI Search: definition, documents, vectors. A copy that was interrupted goes on."""
    from foveal.cli.source import credential_from
    from foveal.types.sources import CredentialKind

    here = session(context)
    kind = CredentialKind.IDENTITY if identity else CredentialKind.ACCOUNT_KEY
    opener = credential_from(kind, key_env)
    settings = LiveSettings(endpoint=endpoint, index=index)
    with here.open() as foveal:
        last = None
        for last in foveal.import_azure_search(settings, opener, into or index):
            if not as_json:
                _say(here.notes, last)
    if last is None:
        raise typer.Exit(ERROR)
    state = last.state
    if as_json:
        print_json(
            {
                "index": into or index,
                "copied": state.copied,
                "failed": state.failed,
                "total": last.total,
                "left_out": list(state.left_out),
                "done": state.done,
            }
        )
    else:
        here.console.print(f"Copied {state.copied} documents into the index {into or index}.", markup=False)
        for said in state.left_out:
            here.console.print(f"  left out: {said}", markup=False)
    raise typer.Exit(PARTIAL if state.failed else OK)


@app.command()
def onyourdata(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Environment file of the app (.env).", exists=True, dir_okay=False)],
    apply: Annotated[bool, typer.Option("--apply", help="Write the settings, and save the source.")] = False,
    as_json: Json = False,
) -> None:
    """Read an app's settings and show the same for Foveal; secrets are not printed.

    Read is the environment file of Microsoft's sample web app (sample-app-aoai-chatGPT), and of what was made from it.
    """
    from foveal.retrieval.app_settings import migration, read_environment
    from foveal.runtime.migrating import apply_migration, settings_text

    here = session(context)
    found = migration(read_environment(file.read_text("utf-8-sig")))
    if as_json:
        print_json(_json(found))
    else:
        here.console.print(settings_text(found.settings, secrets=False), markup=False)
        _print(here.console, found)
    if not apply:
        here.notes.print("Nothing was changed; --apply writes it.")
        return
    with here.open() as foveal:
        written = apply_migration(found, foveal)
    here.notes.print(f"Written to {written}, readable by you alone.")


def _say(notes: Console, progress: ImportProgress) -> None:
    state = progress.state
    for failure in progress.failures:
        notes.print(f"  {failure.path}: {failure.reason}", markup=False)
    notes.print(f"{state.copied} of {progress.total} documents", markup=False)


def _print(console: Console, found: Migration) -> None:
    if found.source is not None:
        live = found.source.live
        place = live.endpoint or f"{live.database}.{live.collection}"
        console.print(f"# source {found.source.name}: {found.source.kind}, {place} {live.index}".rstrip(), markup=False)
    for note in found.notes:
        console.print(f"# {note}", markup=False)


def _json(found: Migration) -> dict[str, object]:
    from dataclasses import asdict

    from foveal.types.sources import Secret

    return {
        "settings": {k: "***" if isinstance(v, Secret) else v for k, v in found.settings.items()},
        "source": asdict(found.source) if found.source else None,
        "notes": list(found.notes),
    }
