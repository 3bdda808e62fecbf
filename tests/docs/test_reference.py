"""docs/reference is what the code says, on every terminal."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from foveal.errors import FovealError
from foveal.settings import table

from .pages import PAGES, ROOT, name


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATOR = _generator()


@pytest.mark.parametrize("page", GENERATOR.PAGES)
def test_a_reference_page_is_what_the_code_says(page: str) -> None:
    written = (GENERATOR.REFERENCE / page).read_text("utf-8")
    assert written == GENERATOR.GENERATED + GENERATOR.PAGES[page]().rstrip() + "\n", "run `make docs`"


def test_there_is_no_page_that_nothing_writes() -> None:
    assert {file.name for file in GENERATOR.REFERENCE.iterdir()} == set(GENERATOR.PAGES)


@pytest.mark.parametrize("columns", ["20", "300"])
def test_the_width_of_the_terminal_does_not_matter(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert GENERATOR.main("--check") == 0


def test_a_stale_page_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(GENERATOR, "REFERENCE", tmp_path)
    assert GENERATOR.main("--write") == 0
    assert GENERATOR.main("--check") == 0
    (tmp_path / "errors.md").write_text("old", encoding="utf-8")
    assert GENERATOR.main("--check") == 1
    assert "errors.md" in capsys.readouterr().err


def test_every_setting_every_error_and_every_command_is_on_its_page() -> None:
    pages = {page: make() for page, make in GENERATOR.PAGES.items()}
    assert all(f"| `{row.path}` | `{row.env}` |" in pages["settings.md"] for row in table())

    def tree(cls: type[FovealError]) -> set[type[FovealError]]:
        return {cls}.union(*(tree(child) for child in cls.__subclasses__() if child.__module__ == "foveal.errors"))

    assert all(f"| `{cls.code}` | {cls.status} | `{cls.__name__}` |" in pages["errors.md"] for cls in tree(FovealError))
    for command in ("ingest", "search", "ask", "serve", "models pull", "index delete"):
        assert f"# `foveal {command}`\n" in pages["commands.md"]
    assert "| `POST` | `/openai/deployments/{deployment}/chat/completions` |" in pages["routes.md"]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_variable_and_setting_a_page_names_exists(page: Path) -> None:
    """`FOVEAL_CAPTION_…` names a group; a setting by its path stands in backquotes or after `--set`."""
    text = page.read_text("utf-8")
    variables = {row.env for row in table()} | {"FOVEAL_CONFIG", "FOVEAL_TEST_DATA"}
    for variable in re.findall(r"FOVEAL_[A-Z_]*[A-Z]", text):
        assert variable in variables or any(known.startswith(f"{variable}_") for known in variables), variable
    paths = {row.path for row in table()}
    groups = "|".join(sorted({path.split(".")[0] for path in paths if "." in path}))
    for path in re.findall(rf"(?:`|--set )((?:{groups})\.[a-z_]+)\b(?!\()", text):
        assert path in paths or any(known.startswith(f"{path}.") for known in paths), path
