"""The page about filters says what the parser does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from foveal.retrieval.filtering import MAX_CHARACTERS, MAX_CLAUSES, MAX_DEPTH, parse_filter
from foveal.types.filters import CHUNK_FIELDS

PAGE = (Path(__file__).parents[2] / "docs/how-to/filters.md").read_text("utf-8")
EXAMPLES = re.findall(r"```odata\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("example", [*EXAMPLES, *re.findall(r'--filter "(.*)"', PAGE)])
def test_every_example_on_the_page_is_a_filter(example: str) -> None:
    parse_filter(example)


def test_the_page_lists_every_field_with_its_type_and_no_other() -> None:
    listed = re.findall(r"^\| `(\w+)` \| ([\w.()]+) \| (.*) \|$", PAGE, re.MULTILINE)
    assert [(name, type_) for name, type_, _ in listed] == [
        (field.name, field.type.value) for field in CHUNK_FIELDS.values()
    ]
    assert {name for name, _, words in listed if "searchable" in words} == {
        field.name for field in CHUNK_FIELDS.values() if field.searchable
    }


def test_the_page_names_the_limits() -> None:
    for limit in (MAX_CHARACTERS, MAX_CLAUSES, MAX_DEPTH):
        assert f"{limit:,}" in PAGE
