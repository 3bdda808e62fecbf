"""ARCHITECTURE.md: every dependency has its reason and its licence, and no licence is the AGPL."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution

import pytest

from .pages import ARCHITECTURE, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LOCKED = re.findall(r"^([A-Za-z0-9._-]+)==", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE)
LICENCE = re.compile(r"\b(MIT|BSD|Apache|MPL|LGPL|GPL|ISC|PSF|Unlicense|Zlib)[A-Za-z0-9.+-]*")
COPYLEFT = {
    "certifi": "MPL-2.0: the list of certificate authorities, unchanged",
    "hypothesis": "MPL-2.0: tests only",
    "pathspec": "MPL-2.0: the build and mypy only",
    "psycopg": "LGPL-3.0: an extra, imported unchanged",
    "psycopg-binary": "LGPL-3.0: the compiled half of psycopg, an extra, unchanged",
    "pytest-rerunfailures": "MPL-2.0: tests only",
    "tqdm": "MPL-2.0 AND MIT: unchanged, comes with openai and lancedb",
}
"""Locked packages whose own licence asks for something in return, and why that is fine."""


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _direct() -> list[str]:
    project = PROJECT["project"]
    groups = [
        project["dependencies"],
        *project["optional-dependencies"].values(),
        *PROJECT["dependency-groups"].values(),
    ]
    names = (re.match(r"[A-Za-z0-9._-]+", requirement) for group in groups for requirement in group)
    return sorted({_canonical(match.group()) for match in names if match})


@cache
def _table() -> dict[str, tuple[str, str]]:
    """Licence and reason by package, as ARCHITECTURE.md has them; a row may name several packages."""
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", ARCHITECTURE.read_text("utf-8"), re.MULTILINE)
    found = {}
    for names, licence, reason in rows:
        for name in re.sub(r"\([^)]*\)", "", names).split(","):
            found[_canonical(name.strip(" `"))] = (licence.strip(), reason.strip())
    return found


def _installed(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError:
        pytest.skip(f"{name} is locked for other platforms")


def _licence(name: str) -> str:
    metadata = _installed(name).metadata
    classifiers = [c for c in metadata.get_all("Classifier") or [] if c.startswith("License")]
    parts = [metadata.get("License-Expression"), metadata.get("License"), *classifiers]
    return " ".join(part for part in parts if part)


def _families(licence: str) -> set[str]:
    return {match.group(1) for match in LICENCE.finditer(licence)}


@pytest.mark.parametrize("name", _direct())
def test_a_direct_dependency_stands_in_the_table_with_its_own_licence_and_a_reason(name: str) -> None:
    assert name in _table(), f"ARCHITECTURE.md does not say what {name} is for"
    stated, reason = _table()[name]
    assert len(reason.split()) >= 2
    assert name in {_canonical(locked) for locked in LOCKED}, "run `make lock`"
    assert _families(stated) & _families(_licence(name)), f"{name}: {stated} is not {_licence(name)[:200]}"


def test_the_table_names_nothing_that_is_no_dependency() -> None:
    assert set(_table()) - {"package", _canonical("---")} <= set(_direct())


@pytest.mark.parametrize("name", sorted({_canonical(locked) for locked in LOCKED}))
def test_no_locked_package_is_under_the_agpl_and_none_under_a_licence_nobody_looked_at(name: str) -> None:
    licence = _licence(name)
    assert not re.search(r"AGPL|Affero", licence, re.IGNORECASE)
    assert _families(licence), f"{name} states no licence that is known here: {licence[:200]!r}"
    permissive = _families(licence) - {"MPL", "LGPL", "GPL"}
    assert permissive or name in COPYLEFT, f"{name}: {licence[:200]}"


@pytest.mark.parametrize("name", _direct())
def test_what_a_wheel_bundles_under_the_gpl_is_said(name: str) -> None:
    """A wheel's own words on the libraries inside it; the package's licence does not tell."""
    files = [f for f in _installed(name).files or [] if f.name == "LICENSES_bundled.txt"]
    bundled = " ".join(file.read_text("utf-8") for file in files)
    named = set(re.findall(r"^License: (L?GPL)", bundled, re.MULTILINE))
    assert not re.search(r"AGPL|Affero", bundled)
    page = ARCHITECTURE.read_text("utf-8")
    assert all(re.search(rf"{name} bundle[^|]*\b{licence}-", page) for licence in named), f"{name} bundles {named}"


def test_the_copyleft_packages_that_were_looked_at_are_still_there() -> None:
    assert set(COPYLEFT) <= {_canonical(locked) for locked in LOCKED}
