"""Subtitles that lie beside a video: `talk.srt`, `talk.vtt` or `talk.en.vtt` beside `talk.mp4`."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence

from foveal.types.assets import SourceItem

SUBTITLE_SUFFIXES = (".srt", ".vtt")
"""In the order in which they are preferred."""
PLAYED_SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("mp4", "m4v", "mov", "qt", "mkv", "webm", "avi", "flv", "asf", "wmv", "3gp", "3g2", "mj2"),
        *("mpg", "mpeg", "ts", "ogv", "mp3", "m4a", "m4b", "wav", "flac", "ogg", "oga", "opus", "aac"),
        *("aif", "aiff", "amr", "wma"),
    )
)
"""Names by which a file may be a video or a recording; what it is its bytes tell."""


def subtitles_by_path(items: Iterable[SourceItem]) -> Mapping[str, SourceItem]:
    """Of each video or recording that has subtitles beside it, the file with them.

    With several, one without a language in its name comes first, then the first by name; `.srt` before `.vtt`.
    """
    played: dict[str, list[str]] = {}
    found: dict[str, list[SourceItem]] = {}
    for item in items:
        stem, suffix = posixpath.splitext(item.path)
        if suffix.lower() in PLAYED_SUFFIXES:
            played.setdefault(stem, []).append(item.path)
        elif suffix.lower() in SUBTITLE_SUFFIXES:
            found.setdefault(stem, []).append(item)
            without_language, language = posixpath.splitext(stem)
            if 2 <= len(language.lstrip(".")) <= 7:
                found.setdefault(without_language, []).append(item)
    return {path: min(found[stem], key=_preference) for stem in played.keys() & found.keys() for path in played[stem]}


def all_subtitles(items: Sequence[SourceItem]) -> frozenset[str]:
    """Paths of files that are subtitles of a video beside them, used or not: they are no documents of their own."""
    played = {posixpath.splitext(i.path)[0] for i in items if _suffix(i.path) in PLAYED_SUFFIXES}
    subtitles = [i.path for i in items if _suffix(i.path) in SUBTITLE_SUFFIXES]
    return frozenset(path for path in subtitles if played & _stems(path))


def _stems(path: str) -> set[str]:
    stem = posixpath.splitext(path)[0]
    return {stem, posixpath.splitext(stem)[0]}


def _preference(item: SourceItem) -> tuple[int, int, str]:
    return item.path.count("."), SUBTITLE_SUFFIXES.index(_suffix(item.path)), item.path


def _suffix(path: str) -> str:
    return posixpath.splitext(path)[1].lower()
