"""The command line: one file per command; nothing heavy is imported before a command runs.

Exit statuses: 0 done · 1 an error that the message explains · 2 wrong usage or settings · 3 nothing found, or the
data has no answer · 4 ingested, but some files could not be used · 130 stopped by Ctrl-C (run it again to go on).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foveal.cli import (
    ask,
    demo,
    doctor,
    feedback,
    import_,
    index,
    ingest,
    jobs,
    keys,
    look,
    models,
    people,
    search,
    serve,
    snippet,
    source,
    status,
    upload,
    work,
)
from foveal.cli.session import Session

app = typer.Typer(
    name="foveal",
    help="Chat grounded on your own images, documents and videos, on your own machine.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=__doc__.split("\n\n", 1)[1].replace("\n", " "),
)


@app.callback()
def _global(
    context: typer.Context,
    home: Annotated[Path | None, typer.Option(help="Where all state lives (FOVEAL_HOME).")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings file (FOVEAL_CONFIG).")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Fetch nothing (FOVEAL_OFFLINE).")] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="NAME=VALUE", help="Any setting; `foveal doctor --settings` lists them."),
    ] = None,
) -> None:
    context.obj = Session.from_flags(home=home, config=config, offline=offline, assignments=settings or [])


app.command("ingest")(ingest.ingest)
app.command("upload")(upload.upload)
app.command("search")(search.search)
app.command("ask")(ask.ask)
app.command("look")(look.look)
app.command("status")(status.status)
app.add_typer(index.app, name="index")
app.add_typer(models.app, name="models")
app.add_typer(keys.app, name="keys")
app.add_typer(people.app, name="people")
app.add_typer(source.app, name="source")
app.add_typer(jobs.app, name="jobs")
app.command("work")(work.work)
app.add_typer(feedback.app, name="feedback")
app.add_typer(import_.app, name="import")
app.command("doctor")(doctor.doctor)
app.command("serve")(serve.serve)
app.command("snippet")(snippet.snippet)
app.command("demo")(demo.demo)
