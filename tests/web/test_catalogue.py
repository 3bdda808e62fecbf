"""The words of the pages: every key in every language, and no page that uses another."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from foveal.web.catalogue import LANGUAGES, best_language, text, words

WEB = Path(__file__).parents[2] / "src" / "foveal" / "web"
CALL = re.compile(r"""\b(tn?)\(\s*['"]([\w.-]+)['"]\s*[,)]""")
BUILT = re.compile(r"""\bt\((?:`([\w.-]+)\$\{|['"]([\w.-]+)['"]\s*~)""")
"""A key whose end is put together: `page.` and the page's name."""
NAMED = re.compile(r"\{(\w+)\}")


def _sources() -> list[Path]:
    return [*WEB.glob("templates/*.html"), *WEB.glob("static/*.js")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_keys_with_the_same_places(language: str) -> None:
    first, own = words("en"), words(language)
    assert own.keys() == first.keys()
    assert all(own.values())
    for key, english in first.items():
        assert set(NAMED.findall(own[key])) == set(NAMED.findall(english)), key


@pytest.mark.parametrize("source", _sources(), ids=lambda path: path.name)
def test_a_page_uses_known_keys_only(source: Path) -> None:
    known = words("en")
    for kind, key in CALL.findall(source.read_text("utf-8")):
        assert key in known if kind == "t" else f"{key}.other" in known, key
    for prefix in (a or b for a, b in BUILT.findall(source.read_text("utf-8"))):
        assert any(key.startswith(prefix) for key in known), prefix


def test_every_key_is_used_somewhere() -> None:
    used = "\n".join(source.read_text("utf-8") for source in _sources())
    prefixes = [a or b for a, b in BUILT.findall(used)]
    for key in words("en"):
        base = re.sub(r"\.(one|other)$", "", key)
        plain = base if f"{base}.one" in words("en") else key
        quoted = any(f"{quote}{plain}{quote}" in used for quote in "'\"`")
        assert quoted or any(plain.startswith(prefix) for prefix in prefixes), f"{key} is used nowhere"


@pytest.mark.parametrize(
    ("accepted", "chosen", "language"),
    [
        ("", "", "en"),
        ("de-CH, en;q=0.8", "", "de"),
        ("fr, th;q=0.5, en;q=0.4", "", "th"),
        ("th;q=0, en", "", "en"),
        ("de", "th", "th"),
        ("de", "xx", "de"),
        ("; q=, ,;;", "", "en"),
    ],
)
def test_the_language_is_the_chosen_one_or_the_best_accepted(accepted: str, chosen: str, language: str) -> None:
    assert best_language(accepted, chosen) == language


def test_values_are_put_in() -> None:
    assert text("en", "source.page", page=3) == "page 3"
    with pytest.raises(KeyError):
        text("en", "no.such_key")
    with pytest.raises(KeyError):
        text("en", "source.page")
