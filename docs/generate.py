"""Write docs/reference from the code, or check that it is what the code says.

`python docs/generate.py --write`, or `--check`, which exits 1 and names the stale pages.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

REFERENCE = Path(__file__).parent / "reference"
GENERATED = "<!-- Written by `make docs`; do not edit. -->\n\n"


def settings_page() -> str:
    """The settings table."""
    from foveal.settings import Row, deployment_table, table

    def cells(row: Row) -> str:
        return f"{row.type} | {row.default if row.default == 'empty' else f'`{row.default}`'} | {row.description} |\n"

    rows = "".join(f"| `{r.path}` | `{r.env}` | {cells(r)}" for r in table())
    entries = "".join(f"| `{r.path}` | {cells(r)}" for r in deployment_table())
    return (
        "# Settings\n\nFlags (`--set NAME=VALUE`) win over the environment, which wins over `foveal.toml`, which wins "
        "over the default.\nIn the file, a dot is a table: `chat.model` is `model` under `[chat]`.\n\n"
        "| setting | variable | type | default | what it does |\n| --- | --- | --- | --- | --- |\n" + rows + "\n"
        "## One deployment\n\nUnder `[deployments.NAME]` in the file, or in the JSON object in `FOVEAL_DEPLOYMENTS`."
        "\n\n"
        "| setting | type | default | what it does |\n| --- | --- | --- | --- |\n" + entries
    )


def errors_page() -> str:
    """The error tree."""
    from foveal import errors

    def walk(cls: type[errors.FovealError]) -> Iterator[type[errors.FovealError]]:
        yield cls
        for child in cls.__subclasses__():
            if child.__module__ == errors.__name__:  # others may be loaded, or not, by whoever runs this
                yield from walk(child)

    def meaning(cls: type[errors.FovealError]) -> str:
        return (cls.__doc__ or "").strip().splitlines()[0]

    rows = "".join(f"| `{c.code}` | {c.status} | `{c.__name__}` | {meaning(c)} |\n" for c in walk(errors.FovealError))
    return (
        "# Errors\n\nEvery error says what went wrong, with which thing, and what to do. "
        "Programs match on the code.\n\n"
        "| code | HTTP status | class | meaning |\n| --- | --- | --- | --- |\n" + rows
    )


def commands_page() -> str:
    """The command line."""
    from typer.main import get_command

    from foveal.cli import app

    command = get_command(app)
    parts = ["# Commands\n\n", *_command(command, "foveal", 2)]
    return "".join(parts)


def _command(command: object, name: str, level: int) -> Iterator[str]:
    context = command.make_context(name, ["--help"], resilient_parsing=True)  # type: ignore[attr-defined]
    context.max_content_width = context.terminal_width = 100
    text = command.get_help(context).replace("Usage: ", "", 1)  # type: ignore[attr-defined]
    yield f"{'#' * level} `{name}`\n\n```text\n{text}\n```\n\n"
    for sub, child in getattr(command, "commands", {}).items():
        yield from _command(child, f"{name} {sub}", level + 1)


def routes_page() -> str:
    """The HTTP routes."""
    from foveal.asgi import create_app
    from foveal.testing.fakes_engine import FakeEngine

    paths = create_app(FakeEngine()).openapi()["paths"]
    rows = "".join(
        f"| `{method.upper()}` | `{path}` | {operation['description'].splitlines()[0]} |\n"
        for path, operations in sorted(paths.items())
        for method, operation in sorted(operations.items())
    )
    return (
        "# Routes\n\n`GET /openapi.json` has the shapes.\n\n"
        "| method | path | what it does |\n| --- | --- | --- |\n" + rows
    )


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "errors.md": errors_page,
    "commands.md": commands_page,
    "routes.md": routes_page,
}


def main(argument: str) -> int:
    """Write or check all pages."""
    stale = []
    for name, make in PAGES.items():
        text = GENERATED + make().rstrip() + "\n"
        file = REFERENCE / name
        if argument == "--write":
            file.write_text(text, encoding="utf-8")
        elif not file.is_file() or file.read_text(encoding="utf-8") != text:
            stale.append(name)
    if stale:
        sys.stderr.write(f"docs/reference is stale ({', '.join(stale)}): run `make docs`.\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "--check"))
