"""`foveal keys create|list|revoke`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from foveal.cli.session import print_json, session
from foveal.types.keys import KeyGrant, RateLimits, Role

if TYPE_CHECKING:
    from datetime import datetime

    from foveal.types.keys import KeyRecord

app = typer.Typer(help="Keys of the HTTP API.", no_args_is_help=True)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@+-]{0,63}")


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Who will hold it.")],
    role: Annotated[
        Role, typer.Option(help="reader asks and searches; contributor also changes data; owner may do everything.")
    ] = Role.READER,
    group: Annotated[
        list[str] | None, typer.Option(help="Sees documents of this group and of none; none given: sees everything.")
    ] = None,
    requests_per_minute: Annotated[int | None, typer.Option(min=1, help="Most requests in any minute.")] = None,
    tokens_per_minute: Annotated[int | None, typer.Option(min=1, help="Most tokens in any minute.")] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="DATE", help="Opens until then: 2026-12-31, or with a time (UTC).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make a key and print it, this once."""
    here = session(context)
    grant = KeyGrant(
        name=_checked(name),
        role=role,
        groups=tuple(group) if group else None,
        limits=RateLimits(requests_per_minute=requests_per_minute, tokens_per_minute=tokens_per_minute),
        expires_at=_moment(expires) if expires is not None else None,
    )
    with here.open() as foveal:
        record, key = foveal.parts.api_keys.create(grant)
    if as_json:
        print_json({**_row(record), "key": key})
        return
    here.notes.print(f"The key {grant.name} ({grant.role}). It is shown this once; keep it well:", markup=False)
    print(key)


@app.command("list")
def list_(context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the keys, revoked and expired ones too; never the keys themselves."""
    here = session(context)
    with here.open() as foveal:
        rows = [_row(record) for record in foveal.parts.api_keys.records()]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        here.console.print(_line(row), markup=False)


@app.command()
def revoke(context: typer.Context, name: Annotated[str, typer.Argument(help="Whose key.")]) -> None:
    """Have a key open nothing from now on; running servers know within seconds."""
    here = session(context)
    with here.open() as foveal:
        foveal.parts.api_keys.revoke(name)
    here.console.print(f"Revoked the key {name}.", markup=False)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise typer.BadParameter("a name has 1 to 64 letters, digits, blanks or . _ @ + -", param_hint="NAME")
    return name


def _moment(text: str) -> datetime:
    from datetime import UTC, datetime, timedelta

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no date such as 2026-12-31", param_hint="--expires") from None
    if len(text) == len("2026-12-31"):
        moment += timedelta(days=1)  # until its end
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment <= datetime.now(UTC):
        raise typer.BadParameter(f"{text} has passed", param_hint="--expires")
    return moment


def _row(record: KeyRecord) -> dict[str, object]:
    from datetime import UTC, datetime

    grant = record.grant
    now = datetime.now(UTC)
    return {
        "name": grant.name,
        "prefix": record.prefix,
        "state": "revoked" if record.revoked_at else "open" if record.opens(now) else "expired",
        "role": grant.role.value,
        "groups": None if grant.groups is None else list(grant.groups),
        "requests_per_minute": grant.limits.requests_per_minute,
        "tokens_per_minute": grant.limits.tokens_per_minute,
        "created_at": record.created_at,
        "expires_at": grant.expires_at,
        "last_used_at": record.last_used_at,
    }


def _line(row: dict[str, object]) -> str:
    groups = row["groups"]
    parts = [
        f"{row['name']:<20} {row['prefix']}…  {row['state']:<8} {row['role']:<12}",
        f"groups {', '.join(map(str, groups))}" if isinstance(groups, list) else "all groups",
        f"last used {row['last_used_at'] or 'never'}",
    ]
    for name in ("requests_per_minute", "tokens_per_minute", "expires_at"):
        if row[name] is not None:
            parts.append(f"{name.replace('_', ' ').removesuffix(' at')} {row[name]}")
    return "  ".join(parts)
