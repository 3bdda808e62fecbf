"""Saved sources as they are printed."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from foveal.types.sources import LiveReport, SavedSource, SourceReport


def source_json(saved: SavedSource) -> dict[str, object]:
    """One source as JSON values; nothing in it is secret."""
    settings = saved.settings
    return {
        "name": settings.name,
        "kind": settings.kind.value,
        "location": settings.location,
        "prefix": settings.prefix,
        "index": settings.index,
        "groups": list(settings.groups),
        "descriptions": settings.descriptions,
        "credential": saved.credential.value if saved.credential else None,
        "every_s": settings.schedule.every_s,
        "cron": settings.schedule.cron,
        "watch": settings.watch,
        "state": saved.state.value,
        "message": saved.message,
        "created_at": saved.created_at,
        "last_started_at": saved.last_started_at,
        "last_finished_at": saved.last_finished_at,
        "next_run_at": saved.next_run_at,
        "live": asdict(settings.live) if settings.live else None,
    }


def print_live(console: Console, report: LiveReport) -> None:
    """The mapping of a live index, what of it is a guess, and what will not work."""
    settings = report.settings
    parts = {part: getattr(settings.mapping, part) for part in ("content", "title", "url", "filepath")}
    parts |= {"vectors": settings.mapping.vectors, "image_vectors": settings.mapping.image_vectors}
    parts |= {"groups_field": settings.groups_field, "semantic": settings.semantic}
    for part, value in parts.items():
        shown = ", ".join(value) if isinstance(value, tuple) else value
        guess = "  (guessed)" if part in report.guessed else ""
        console.print(f"  {part.replace('_', ' '):<14}{shown or '-'}{guess}", markup=False)
    for problem in report.problems:
        console.print(f"  ! {problem}", markup=False)


def report_json(report: SourceReport) -> dict[str, object]:
    """A report as JSON values."""
    return asdict(report)


def source_line(saved: SavedSource) -> str:
    """One source in a line: from where to where, how the last run went, when the next is."""
    settings = saved.settings
    parts = [f"{settings.name:<16} {settings.location} → index {settings.index}", saved.state.value.replace("_", " ")]
    if saved.last_finished_at:
        parts.append(f"last {saved.last_finished_at:%Y-%m-%d %H:%M} UTC")
    watched = "watched" if settings.watch else "no schedule"
    parts.append(f"next {saved.next_run_at:%Y-%m-%d %H:%M} UTC" if saved.next_run_at else watched)
    if saved.message:
        parts.append(saved.message)
    return "  ".join(parts)
