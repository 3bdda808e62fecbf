"""The words of the pages in every language: one folder a language, one TOML file a topic.

`[items] one = "…"` in `gallery.toml` is the key `gallery.items.one`. Braces name what is put in: `{n}`. Plural forms
are those of CLDR (`one`, `other`); pages choose them with `Intl.PluralRules`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

LANGUAGES = {"en": "English", "de": "Deutsch", "th": "ไทย"}
"""Each by its own name; the first is what everybody else gets."""
FIRST = "en"


@cache
def words(language: str) -> Mapping[str, str]:
    """Every key of one language.

    Raises:
        KeyError: There is no such language.
    """
    if language not in LANGUAGES:
        raise KeyError(language)
    folder = files("foveal.web") / "words" / language
    topics = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return {key: text for topic in topics for key, text in _of_topic(topic)}


def text(language: str, key: str, **values: object) -> str:
    """One text with its values put in.

    Raises:
        KeyError: There is no such key, or a value is missing.
    """
    return words(language)[key].format(**values)


def best_language(accepted: str, chosen: str = "") -> str:
    """The language of a request.

    Args:
        accepted: The header `Accept-Language` (RFC 9110, section 12.5.4).
        chosen: What the person chose before; wins where there is such a language.
    """
    if chosen in LANGUAGES:
        return chosen
    for tag in _by_weight(accepted):
        language = tag.partition("-")[0].lower()
        if language in LANGUAGES:
            return language
    return FIRST


def _by_weight(accepted: str) -> list[str]:
    weighted: list[tuple[float, str]] = []
    for part in accepted.split(","):
        tag, _, parameter = part.partition(";")
        weight = parameter.strip().removeprefix("q=") if parameter else "1"
        try:
            weighted.append((float(weight), tag.strip()))
        except ValueError:
            continue
    return [tag for weight, tag in sorted(weighted, key=lambda pair: -pair[0]) if weight > 0]


def _of_topic(topic: Traversable) -> Iterator[tuple[str, str]]:
    yield from _flat(topic.name.removesuffix(".toml"), tomllib.loads(topic.read_text("utf-8")))


def _flat(prefix: str, table: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        key = f"{prefix}.{name}"
        if isinstance(value, dict):
            yield from _flat(key, value)
        else:
            yield key, str(value)
