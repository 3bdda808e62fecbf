"""`foveal index list|show|models|reembed|delete|sweep`."""

from __future__ import annotations

from typing import Annotated

import typer

from foveal.cli.session import print_json, session
from foveal.cli.status import status_text

app = typer.Typer(help="Indexes.", no_args_is_help=True)


@app.command("list")
def list_(context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the indexes."""
    here = session(context)
    with here.open() as foveal:
        names = foveal.index_names()
    if as_json:
        print_json(names)
    else:
        for name in names:
            here.console.print(name, markup=False)


@app.command()
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The index.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show one index."""
    from dataclasses import asdict

    here = session(context)
    with here.open() as foveal:
        status = foveal.index_status(name)
    if as_json:
        print_json(asdict(status))
    else:
        here.console.print(status_text(status), markup=False)


@app.command()
def reembed(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The index.")],
    model: Annotated[str, typer.Option(help="Deployment that embeds; `foveal-embedding` is the home's own model.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make the text vectors anew with another model, beside those that are searched, and switch over at once.

    Vectors that were live before are switched back to without making them again, while the index has not changed.
    """
    from foveal.cli.jobs import job_json, job_line
    from foveal.cli.progress import IngestBar

    here = session(context)
    with here.open() as foveal, IngestBar(here.notes) as bar:
        job = foveal.reembed(name, model, observe=bar)
    if as_json:
        print_json(job_json(job))
        return
    here.console.print(job_line(job), markup=False)
    if job.message:
        here.console.print(job.message, markup=False)


@app.command("models")
def models_(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The index.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show which text model an index is searched with, and which it can be switched back to."""
    here = session(context)
    with here.open() as foveal:
        record = foveal.catalog.index(name)
        kept = foveal.editions(name)
    own = "foveal-embedding"
    lines = [(record.text_model or own, record.schema.text_dim, "live")]
    lines += [
        (e.text_model or own, e.text_dim, "kept" if e.beside == record.generation else "older than the index")
        for e in kept
    ]
    if as_json:
        print_json([{"model": m, "dimensions": d, "state": s} for m, d, s in lines])
        return
    for model, dimensions, state in lines:
        here.console.print(f"{model:<24} {dimensions:>5} numbers  {state}", markup=False)


@app.command()
def delete(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The index.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete an index; your files stay where they are."""
    here = session(context)
    with here.open() as foveal:
        status = foveal.index_status(name)
        if not yes:
            typer.confirm(f"Delete index {name} with {status.documents} documents?", abort=True)
        foveal.delete_index(name)
    here.console.print(f"Deleted index {name}.", markup=False)


@app.command()
def sweep(context: typer.Context) -> None:
    """Delete what killed processes left behind: thumbnails and uploads that nothing leads to, and videos of questions
    that were asked long ago; a server does it too.
    """
    here = session(context)
    with here.open() as foveal:
        swept = foveal.sweep()
    here.console.print(
        f"Deleted thumbnails of {swept.derived} files, {swept.uploads} uploads without a name, "
        f"{swept.unfinished} unfinished uploads, {swept.questions} videos of questions asked long ago.",
        markup=False,
    )
