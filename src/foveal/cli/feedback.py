"""`foveal feedback list|export`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from foveal.cli.session import print_json, session

if TYPE_CHECKING:
    from datetime import datetime

    from foveal.types.conversations import Feedback

app = typer.Typer(help="What people said of answers.", no_args_is_help=True)

_SINCE = typer.Option(metavar="DATE", help="Only from then on: 2026-12-31, or with a time (UTC).")
COLUMNS = ("at", "person", "rating", "reasons", "comment", "question", "answer", "citations", "answer_id")


class Form(StrEnum):
    """What an export is written as."""

    JSONL = "jsonl"
    CSV = "csv"


@app.command("list")
def list_(
    context: typer.Context,
    since: Annotated[str | None, _SINCE] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List what people said, oldest first."""
    here = session(context)
    entries = _entries(context, since)
    if as_json:
        print_json([_row(f) for f in entries])
        return
    for entry in entries:
        here.console.print(_line(entry), markup=False, soft_wrap=True)
    ups = sum(f.rating == "up" for f in entries)
    here.notes.print(f"{ups} up, {len(entries) - ups} down.", markup=False)


@app.command()
def export(
    context: typer.Context,
    form: Annotated[Form, typer.Option("--format", help="One JSON object a line, or a table.")] = Form.JSONL,
    since: Annotated[str | None, _SINCE] = None,
) -> None:
    """Print everything people said, with questions and answers, for other programs."""
    import csv
    import json
    import sys

    rows = [_row(f) for f in _entries(context, since)]
    if form is Form.JSONL:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))
        return
    writer = csv.DictWriter(sys.stdout, COLUMNS)
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(value) for name, value in row.items()})


def _entries(context: typer.Context, since: str | None) -> list[Feedback]:
    moment = None if since is None else _moment(since)
    with session(context).open() as foveal:
        return foveal.people.feedback.entries(since=moment)


def _moment(text: str) -> datetime:
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no date such as 2026-12-31", param_hint="--since") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _row(feedback: Feedback) -> dict[str, object]:
    return {
        "at": feedback.at.isoformat(),
        "person": feedback.person,
        "rating": feedback.rating.value,
        "reasons": [r.value for r in feedback.reasons],
        "comment": feedback.comment,
        "question": feedback.question,
        "answer": feedback.answer,
        "citations": list(feedback.citations),
        "answer_id": feedback.answer_id,
    }


def _cell(value: object) -> str:
    """A cell of a table. A spreadsheet takes what begins like a formula for one: such text gets an apostrophe."""
    text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _line(feedback: Feedback) -> str:
    reasons = ", ".join(r.value.replace("_", " ") for r in feedback.reasons)
    parts = [f"{feedback.at:%Y-%m-%d %H:%M}  {feedback.rating:<4}  {feedback.person}", reasons, feedback.comment]
    asked = " ".join(feedback.question.split())
    return "  ".join(p for p in parts if p) + (f"\n    {asked}" if asked else "")
