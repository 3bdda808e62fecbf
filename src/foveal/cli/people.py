"""`foveal people add|list|role|groups|password|remove`: accounts of people who sign in with a password."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from foveal.cli.session import print_json, session
from foveal.types.keys import Role

if TYPE_CHECKING:
    from foveal.types.people import Account

app = typer.Typer(help="People who sign in with a password.", no_args_is_help=True)

_NAME = typer.Argument(help="What they sign in with; letters in lower case, digits and . _ @ + -.")
_ROLE = typer.Option(help="reader asks and searches; contributor also changes data; owner may do everything.")
_GROUP = typer.Option(help="Sees documents of this group, and of none.")
_ALL = typer.Option("--all-groups", help="Sees everything.")
_STDIN = typer.Option("--password-stdin", help="Read the password from the first line of standard input.")
_JSON = typer.Option("--json", help="Print JSON.")


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, _NAME],
    role: Annotated[Role, _ROLE] = Role.READER,
    group: Annotated[list[str] | None, _GROUP] = None,
    all_groups: Annotated[bool, _ALL] = False,
    password_stdin: Annotated[bool, _STDIN] = False,
) -> None:
    """Make an account; with the first one, everybody has to sign in."""
    from datetime import UTC, datetime

    from foveal.types.people import Account

    here = session(context)
    groups = _groups(group, all_groups=all_groups)
    password = _password(from_stdin=password_stdin)
    with here.open() as foveal:
        made = foveal.desk.add(
            Account(name=name, role=role, groups=groups, created_at=datetime.now(UTC).replace(microsecond=0)), password
        )
    here.console.print(f"Added {made.name} ({made.role}, {_seen(made)}).", markup=False)


@app.command("list")
def list_(context: typer.Context, as_json: Annotated[bool, _JSON] = False) -> None:
    """List the accounts."""
    here = session(context)
    with here.open() as foveal:
        accounts = foveal.desk.accounts()
    if as_json:
        print_json([_row(a) for a in accounts])
        return
    for account in accounts:
        line = f"{account.name:<24} {account.role:<12} {_seen(account)}  since {account.created_at:%Y-%m-%d}"
        here.console.print(line, markup=False)


@app.command()
def role(context: typer.Context, name: Annotated[str, _NAME], role: Annotated[Role, typer.Argument()]) -> None:
    """Give somebody another role; it counts within seconds."""
    from dataclasses import replace

    here = session(context)
    with here.open() as foveal:
        changed = foveal.desk.change(name, lambda account: replace(account, role=role))
    here.console.print(f"{changed.name} has the role {changed.role}.", markup=False)


@app.command()
def groups(
    context: typer.Context,
    name: Annotated[str, _NAME],
    group: Annotated[list[str] | None, _GROUP] = None,
    all_groups: Annotated[bool, _ALL] = False,
) -> None:
    """Put somebody into these groups and no others; it counts within seconds. Without any: into none."""
    from dataclasses import replace

    here = session(context)
    wanted = _groups(group, all_groups=all_groups)
    with here.open() as foveal:
        changed = foveal.desk.change(name, lambda account: replace(account, groups=wanted))
    here.console.print(f"{changed.name}: {_seen(changed)}.", markup=False)


@app.command()
def password(
    context: typer.Context, name: Annotated[str, _NAME], password_stdin: Annotated[bool, _STDIN] = False
) -> None:
    """Give somebody another password, and sign them out everywhere."""
    here = session(context)
    new = _password(from_stdin=password_stdin)
    with here.open() as foveal:
        foveal.desk.set_password(name, new)
    here.console.print(f"{name} has another password.", markup=False)


@app.command()
def remove(
    context: typer.Context,
    name: Annotated[str, _NAME],
    keep_history: Annotated[bool, typer.Option("--keep-history", help="Keep their conversations.")] = False,
) -> None:
    """Remove an account with its conversations, and sign the person out everywhere."""
    from foveal.pipeline.history import Reader

    here = session(context)
    with here.open() as foveal:
        person = foveal.desk.remove(name)
        if not keep_history and foveal.people.history.on:
            foveal.people.history.delete_all(Reader(person=person, groups=()))
    here.console.print(f"Removed {name}.", markup=False)


def _groups(given: list[str] | None, *, all_groups: bool) -> tuple[str, ...] | None:
    if given and all_groups:
        raise typer.BadParameter("give groups, or all of them", param_hint="--all-groups")
    return None if all_groups else tuple(dict.fromkeys(given or ()))


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return typer.get_text_stream("stdin").readline().rstrip("\r\n")
    text: str = typer.prompt("Password", hide_input=True, confirmation_prompt="Once more", err=True)
    return text


def _seen(account: Account) -> str:
    if account.groups is None:
        return "all groups"
    return f"groups {', '.join(account.groups)}" if account.groups else "no group"


def _row(account: Account) -> dict[str, object]:
    return {
        "name": account.name,
        "role": account.role.value,
        "groups": None if account.groups is None else list(account.groups),
        "created_at": account.created_at,
    }
