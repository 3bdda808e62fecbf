"""Pages are found, links lead somewhere, and the words are the ones agreed on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .pages import DOCS, PAGES, README, ROOT, name

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
IDEAS = (
    "asset",
    "content",
    "locator",
    "chunk",
    "index",
    "ingestion",
    "recipe",
    "query",
    "hit",
    "citation",
    "grounding",
    "deployment",
    "strictness",
)
"""One word an idea: a reader meets each of them in the code, in messages or on the wire."""


def _links(page: Path) -> list[str]:
    """Relative targets, outside of examples."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [target for target in LINK.findall(text) if not re.match(r"[a-z]+:", target)]


def _anchors(page: Path) -> set[str]:
    """Anchors of the headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in _links(page):
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), target
        assert linked.is_relative_to(ROOT), target
        assert not anchor or anchor in _anchors(linked), target


def test_every_page_is_reached_by_links_from_the_readme() -> None:
    reached, todo = set(), [README]
    while todo:
        page = todo.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        todo += [(page.parent / target.partition("#")[0]).resolve() for target in _links(page)]
    assert {name(page) for page in DOCS} <= {name(page) for page in reached}


def test_the_readme_is_short_and_begins_with_the_two_commands() -> None:
    text = README.read_text("utf-8")
    assert len(text.splitlines()) <= 100
    assert "make demo" in text
    assert "make test" in text


def test_the_glossary_names_every_idea_once_and_in_order() -> None:
    words = re.findall(r"^\| \*\*(.+?)\*\* \| (.+) \|$", (ROOT / "docs/glossary.md").read_text("utf-8"), re.MULTILINE)
    names = [word for word, _ in words]
    assert set(IDEAS) <= set(names)
    assert names == sorted(set(names), key=lambda word: re.sub(r"\W", "", word).casefold())
    assert all(meaning.strip() for _, meaning in words)


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent.name != "reference"], ids=name)
def test_a_page_has_no_lines_too_long_to_read(page: Path) -> None:
    """Tables cannot be broken, nor what the generator writes."""
    long = [line for line in page.read_text("utf-8").splitlines() if len(line) > 140 and not line.startswith("|")]
    assert not long


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_file_a_page_names_is_there(page: Path) -> None:
    """Paths of sources in backquotes, from the root or from src/foveal; `<name>` stands for one to be written."""
    for path in re.findall(r"`([\w/]+/[\w{},/]*\.(?:py|md|toml)|[\w/]+\.py)`", page.read_text("utf-8")):
        places = (ROOT, ROOT / "src" / "foveal")
        found = [place / path for place in places if (place / path).is_file()]
        assert found or next((ROOT / "src" / "foveal").rglob(path), None), path


def test_what_a_checklist_says_to_change_is_there() -> None:
    """`file.py`, `name` of the table of docs/how-to/extend.md: the file defines the name."""
    text = (ROOT / "docs/how-to/extend.md").read_text("utf-8")
    named = re.findall(r"`([\w/]+\.py)`, `(\w+)`", text)
    assert len(named) >= 3
    for file, definition in named:
        assert re.search(rf"def {definition}\b", (ROOT / "src" / "foveal" / file).read_text("utf-8")), (
            file,
            definition,
        )
    for contract in re.findall(r"`(\w+Contract)`", text):
        assert any(f"class {contract}" in f.read_text("utf-8") for f in (ROOT / "src/foveal/testing").rglob("*.py"))
