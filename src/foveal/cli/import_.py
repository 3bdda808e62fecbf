"""`foveal import azure-search|onyourdata`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foveal.cli.session import OK, PARTIAL, print_json, session
from foveal.types.live_settings import LiveSettings

if TYPE_CHECKING:
    from rich.console import Console

    from foveal.retrieval.app_settings import Migration

app = typer.Typer(help="Take over what was built on Azure: indexes, and the settings of an app.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("azure-search")
def azure_search(
    context: typer.Context,
    endpoint: Annotated[str, typer.Option(help="Of the service: https://NAME.search.windows.net")] = "",
    index: Annotated[str, typer.Option(help="Its name there.")] = "",
    into: Annotated[str, typer.Option(help="Name of the copy; as there when not given.")] = "",
    source: Annotated[str, typer.Option(metavar="NAME", help="A saved live index, in place of the two.")] = "",
    key_env: Annotated[
        str | None, typer.Option(metavar="VAR", help="Variable with an admin key; asked for without one.")
    ] = None,
    identity: Annotated[bool, typer.Option("--identity", help="Open it as who this machine is to Entra ID.")] = False,
    as_json: Json = False,
) -> None:
    """Copy an index of Azure AI Search: definition, documents, vectors. A copy that was interrupted goes on."""
    from foveal.cli.credentials import credential_from
    from foveal.cli.jobs import job_json
    from foveal.cli.progress import IngestBar
    from foveal.types.sources import CredentialKind

    if bool(source) is bool(endpoint and index):
        raise typer.BadParameter("give --endpoint and --index, or --source", param_hint="--endpoint")
    here = session(context)
    with here.open() as foveal, IngestBar(here.notes) as bar:
        if source:
            settings = foveal.sources.get(source).settings.live or LiveSettings()
            opener = foveal.sources.credential_of(source) or credential_from(CredentialKind.ACCOUNT_KEY, key_env)
        else:
            settings = LiveSettings(endpoint=endpoint, index=index)
            opener = credential_from(CredentialKind.IDENTITY if identity else CredentialKind.ACCOUNT_KEY, key_env)
        name = into or settings.index
        job = foveal.import_azure_search(settings, opener, name, saved_source=source, observe=bar)
    if as_json:
        print_json(job_json(job))
    else:
        here.console.print(f"Copied {job.counts.added} documents into the index {name}.", markup=False)
        if job.message:
            here.console.print(job.message, markup=False)
    raise typer.Exit(PARTIAL if job.counts.failed else OK)


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
