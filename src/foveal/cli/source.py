"""`foveal source add|list|show|test|plan|refresh|schedule|credential|remove`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foveal.cli.credentials import credential_of, from_shortcut
from foveal.cli.session import ERROR, OK, PARTIAL, print_json, session
from foveal.cli.source_shown import print_live, report_json, source_json, source_line
from foveal.types.live_settings import FieldsMapping, LiveSettings
from foveal.types.sources import Credential, CredentialKind, SourceDraft, SourceKind

if TYPE_CHECKING:
    from foveal.cli.session import Session
    from foveal.types.sources import SavedSource

app = typer.Typer(help="Places content comes from again and again: containers, buckets, folders.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Of the source.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Kind = Annotated[
    CredentialKind | None,
    typer.Option(help="What opens it: from --secret-env, --secret-file, or asked for.", show_default=False),
]
SecretEnv = Annotated[str | None, typer.Option(metavar="VAR", help="Variable that holds it.")]
SecretFile = Annotated[Path | None, typer.Option(help="File that holds it.", exists=True, dir_okay=False)]
Every = Annotated[str, typer.Option(help="Read it again after so long: 30m, 6h, 1d, daily.")]
Cron = Annotated[str, typer.Option(help="Read it again at these minutes (UTC): '0 3 * * *'.")]

ContentField = Annotated[
    list[str] | None, typer.Option(help="Of a live index: field with the words to answer from; may be repeated.")
]
TitleField = Annotated[str, typer.Option(help="Likewise, with the title.")]
UrlField = Annotated[str, typer.Option(help="Likewise, with the address that is cited.")]
FilepathField = Annotated[str, typer.Option(help="Likewise, with the file's name.")]
VectorField = Annotated[list[str] | None, typer.Option(help="Likewise, with a vector of the text; may be repeated.")]
GroupsField = Annotated[str, typer.Option(help="Likewise, with the groups that may see a document.")]
Semantic = Annotated[str, typer.Option(help="Semantic configuration of a live index.")]
Deployment = Annotated[str, typer.Option(help="Deployment that embeds the questions to a live index.")]


@app.command()
def add(
    context: typer.Context,
    name: Name,
    kind: Annotated[SourceKind, typer.Option(help="What it is; `url` is any that fsspec opens.")],
    path: Annotated[Path | None, typer.Option(help="Of the folder.")] = None,
    url: Annotated[str, typer.Option(help="s3://BUCKET/FOLDER, gs://…, memory://…")] = "",
    container: Annotated[str, typer.Option(help="Of Azure Blob Storage.")] = "",
    account_url: Annotated[str, typer.Option(help="https://ACCOUNT.blob.core.windows.net")] = "",
    prefix: Annotated[str, typer.Option(help="Only blobs whose names begin so.")] = "",
    connection_string_env: Annotated[
        str | None, typer.Option(metavar="VAR", help="Variable with the account's connection string.")
    ] = None,
    key_env: Annotated[str | None, typer.Option(metavar="VAR", help="Variable with the account's key.")] = None,
    sas_url_env: Annotated[str | None, typer.Option(metavar="VAR", help="Variable with a SAS URL.")] = None,
    identity: Annotated[bool, typer.Option("--identity", help="Open it as who this machine is to Entra ID.")] = False,
    credential: Kind = None,
    secret_env: SecretEnv = None,
    secret_file: SecretFile = None,
    endpoint: Annotated[str, typer.Option(help="Of a service whose index is searched live: https://…")] = "",
    live_index: Annotated[str, typer.Option(help="Name of the live index at its service.")] = "",
    database: Annotated[str, typer.Option(help="Of kinds azure-cosmos-db and mongodb.")] = "",
    collection: Annotated[str, typer.Option(help="Likewise; of kind pinecone, the namespace.")] = "",
    content_field: ContentField = None,
    title_field: TitleField = "",
    url_field: UrlField = "",
    filepath_field: FilepathField = "",
    vector_field: VectorField = None,
    groups_field: GroupsField = "",
    semantic_configuration: Semantic = "",
    embedding_deployment: Deployment = "",
    yes: Annotated[bool, typer.Option("--yes", help="Keep a guessed mapping without asking.")] = False,
    index: Annotated[
        str | None, typer.Option(help="Index to read it into; of a live index, its name here (NAME when not given).")
    ] = None,
    every: Every = "",
    cron: Cron = "",
    group: Annotated[list[str] | None, typer.Option(help="Only this group may see it; may be repeated.")] = None,
    describe: Annotated[
        Path | None, typer.Option(help="JSON or CSV with your own words on the images.", exists=True, dir_okay=False)
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Of a folder: read it as soon as something changes.")] = False,
    as_json: Json = False,
) -> None:
    """Save a source. Nothing is read before `refresh`, or before it is due.

    Of an index that is searched live, the definition is read, and what is guessed of its fields is shown.
    """
    here = session(context)
    shortcuts = {
        CredentialKind.CONNECTION_STRING: connection_string_env,
        CredentialKind.ACCOUNT_KEY: key_env,
        CredentialKind.SAS_URL: sas_url_env,
    }
    draft = SourceDraft(
        name=name,
        kind=kind,
        index=index or (name if kind.live else here.settings.index),
        path=str(path) if path else "",
        url=url,
        account_url=account_url,
        container=container,
        prefix=prefix,
        groups=tuple(group or ()),
        descriptions=str(describe) if describe else "",
        every=every,
        cron=cron,
        watch=watch,
        live=LiveSettings(
            endpoint=endpoint,
            index=live_index,
            database=database,
            collection=collection,
            mapping=FieldsMapping(
                content=tuple(content_field or ()),
                title=title_field,
                url=url_field,
                filepath=filepath_field,
                vectors=tuple(vector_field or ()),
            ),
            groups_field=groups_field,
            semantic=semantic_configuration,
            deployment=embedding_deployment,
        ),
    )
    opener = from_shortcut(shortcuts, identity=identity) or credential_of(credential, secret_env, secret_file)
    saved = _kept(here, draft, opener, asks=not (yes or as_json), quiet=as_json)
    if as_json:
        print_json(source_json(saved))
        return
    here.console.print(f"Saved {source_line(saved)}", markup=False)
    ask, read = (
        f"ask it with `foveal ask --index {saved.settings.index}`",
        f"read it with `foveal source refresh {name}`",
    )
    here.notes.print(f"Try it with `foveal source test {name}`, {ask if kind.live else read}.")


def _kept(here: Session, draft: SourceDraft, opener: Credential | None, *, asks: bool, quiet: bool) -> SavedSource:
    """The source, saved; of a live one with what is guessed of its fields shown, and kept if a person agrees."""
    with here.open() as foveal:
        settings = foveal.sources.settle(draft, opener)
        report = foveal.sources.looked_at(settings, opener)
        if report is not None and not quiet:
            print_live(here.notes, report)
            if report.guessed and asks and sys.stdin.isatty():
                typer.confirm("Keep this mapping?", default=True, abort=True)
        return foveal.sources.add(settings, opener)


@app.command("map")
def map_(
    context: typer.Context,
    name: Name,
    content_field: ContentField = None,
    title_field: TitleField = "",
    url_field: UrlField = "",
    filepath_field: FilepathField = "",
    vector_field: VectorField = None,
    groups_field: GroupsField = "",
    semantic_configuration: Semantic = "",
    embedding_deployment: Deployment = "",
) -> None:
    """Say which fields of a live index play which part; what is not named stays as it is."""
    here = session(context)
    with here.open() as foveal:
        kept = foveal.sources.get(name).settings.live or LiveSettings()
        mapping = FieldsMapping(
            content=tuple(content_field or ()) or kept.mapping.content,
            title=title_field or kept.mapping.title,
            url=url_field or kept.mapping.url,
            filepath=filepath_field or kept.mapping.filepath,
            vectors=tuple(vector_field or ()) or kept.mapping.vectors,
            image_vectors=kept.mapping.image_vectors,
            separator=kept.mapping.separator,
        )
        changed = replace(
            kept,
            mapping=mapping,
            groups_field=groups_field or kept.groups_field,
            semantic=semantic_configuration or kept.semantic,
            deployment=embedding_deployment or kept.deployment,
        )
        foveal.sources.set_live(name, changed)
        report = foveal.sources.test(name).live
    if report is not None:
        print_live(here.console, report)


@app.command("list")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """List the sources: where from, where to, how the last run went, when the next is."""
    here = session(context)
    with here.open() as foveal:
        saved = foveal.sources.all()
    if as_json:
        print_json([source_json(source) for source in saved])
        return
    for source in saved:
        here.console.print(source_line(source), markup=False)


@app.command()
def show(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show one source; never what opens it."""
    here = session(context)
    with here.open() as foveal:
        shown = source_json(foveal.sources.get(name))
    if as_json:
        print_json(shown)
        return
    for key, value in shown.items():
        if value not in (None, "", [], False):
            here.console.print(f"{key.replace('_', ' '):<18}{value}", markup=False)


@app.command("test")
def try_out(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Try a source out: reach it, list it, open a file; says what is wrong, or what is there."""
    here = session(context)
    with here.open() as foveal:
        report = foveal.sources.test(name)
    if as_json:
        print_json(report_json(report))
        return
    if report.live is not None:
        here.console.print(f"{report.location}: {report.files} documents.", markup=False)
        print_live(here.console, report.live)
        return
    here.console.print(
        f"{report.location}: {report.files} files, {report.size_bytes / 1e6:.1f} MB, {report.described} described; "
        f"{report.readable} is read.",
        markup=False,
    )
    if report.undescribed:
        here.console.print(
            f"{len(report.undescribed)} pictures have no description, {report.undescribed[0]} among them.", markup=False
        )
    for failure in report.failures:
        here.console.print(f"  {failure.path}: {failure.reason} {failure.remedy}".rstrip(), markup=False)


@app.command()
def plan(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Say what a refresh would do and what it costs; changes nothing."""
    from foveal.cli.ingest import plan_json, print_plan

    here = session(context)
    with here.open() as foveal:
        made = foveal.sources.plan(name)
    if as_json:
        print_json(plan_json(made))
    else:
        print_plan(here.console, made)


@app.command()
def refresh(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Of the source.")] = None,
    due: Annotated[bool, typer.Option("--due", help="Every source that is due, one after another.")] = False,
    as_json: Json = False,
) -> None:
    """Bring an index in line with a source, now: what is new or changed is read, what is gone is deleted."""
    from foveal.cli.jobs import job_json, job_line
    from foveal.cli.progress import IngestBar

    if (name is None) is not due:
        raise typer.BadParameter("name a source, or give --due", param_hint="NAME")
    here = session(context)
    status = OK
    with here.open() as foveal, IngestBar(here.notes) as bar:
        jobs = []
        if name is not None:
            jobs.append(foveal.sources.refresh(name, bar))
        else:
            for done in foveal.sources.refresh_due(bar):
                if done.job is not None:
                    jobs.append(done.job)
                else:
                    status = ERROR
                    here.notes.print(f"{done.name}: {done.error}", markup=False)
    if as_json:
        print_json([job_json(job) for job in jobs])
    else:
        for job in jobs:
            here.console.print(job_line(job), markup=False)
    partial = any(job.state == "partially_succeeded" for job in jobs)
    raise typer.Exit(status or (PARTIAL if partial else OK))


@app.command()
def watch(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Of folder sources; none: all saved with --watch.")] = None,
) -> None:
    """Read folders as soon as something in them changes, until stopped; a running server does it for --watch."""
    from foveal.cli.progress import IngestBar
    from foveal.cli.work import tell
    from foveal.runtime.scheduler import Worker
    from foveal.runtime.watching import watching

    here = session(context)
    with here.open() as foveal, IngestBar(here.notes) as bar:
        for name in names or ():
            kind = foveal.sources.get(name).settings.kind
            if kind is not SourceKind.FOLDER:
                raise typer.BadParameter(f"{name} is of kind {kind}; folders can be watched", param_hint="NAMES")
        worker = Worker(None, foveal.jobs, tell=lambda done: tell(here, done), observe=bar)
        with watching(foveal.sources, lambda line: here.notes.print(line, markup=False), only=names or None):
            here.notes.print("Watching (Ctrl-C stops).")
            worker.run()


@app.command()
def schedule(context: typer.Context, name: Name, every: Every = "", cron: Cron = "") -> None:
    """Have a source read at other times; with neither, never by itself."""
    here = session(context)
    with here.open() as foveal:
        saved = foveal.sources.set_schedule(name, every=every, cron=cron)
    here.console.print(source_line(saved), markup=False)


@app.command()
def credential(
    context: typer.Context,
    name: Name,
    kind: Annotated[CredentialKind, typer.Option("--credential", help="What opens it from now on.")],
    secret_env: SecretEnv = None,
    secret_file: SecretFile = None,
) -> None:
    """Give a source another key, after the old one was rotated."""
    here = session(context)
    opener = credential_of(kind, secret_env, secret_file)
    with here.open() as foveal:
        foveal.sources.set_credential(name, opener)
    here.console.print(f"The source {name} is opened by {kind} from now on.", markup=False)


@app.command()
def remove(
    context: typer.Context,
    name: Name,
    keep_data: Annotated[bool, typer.Option("--keep-data", help="Leave what came from it searchable.")] = False,
) -> None:
    """Forget a source with its key, and delete what came from it."""
    from foveal.cli.jobs import job_line

    here = session(context)
    with here.open() as foveal:
        job = foveal.sources.remove(name, keep_data=keep_data)
    if job is not None:
        here.console.print(job_line(job), markup=False)
    here.console.print(f"Removed the source {name}.", markup=False)
