"""O2: one settings table; flags over environment over file over defaults."""

from __future__ import annotations

from pathlib import Path

import pytest

from foveal.errors import SettingsError
from foveal.settings import load, table, unknown_variables


def test_flags_win_over_environment_over_file_over_defaults(tmp_path: Path) -> None:
    file = tmp_path / "foveal.toml"
    file.write_text('index = "file"\nworkers = 3\ncommit_assets = 7\n[chat]\nmodel = "from-file"\n')
    environ = {"FOVEAL_INDEX": "environment", "FOVEAL_WORKERS": "5"}

    settings = load({"index": "flag"}, environ=environ, config=file)

    assert (settings.index, settings.workers, settings.commit_assets) == ("flag", 5, 7)
    assert settings.chat.model == "from-file"
    assert settings.chunking.tokens == 1024


def test_the_file_in_the_home_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "foveal.toml").write_text("workers = 9\n")
    assert load(environ={"FOVEAL_HOME": str(tmp_path / "home")}).workers == 9


def test_an_unknown_setting_is_refused_with_its_neighbours() -> None:
    with pytest.raises(SettingsError, match=r"chat\.base_ur.*chat\.base_url"):
        load({"chat.base_ur": "x"}, environ={})


def test_a_wrong_value_names_the_setting_and_its_variable() -> None:
    with pytest.raises(SettingsError, match="FOVEAL_ANSWERING_STRICTNESS"):
        load(environ={"FOVEAL_ANSWERING_STRICTNESS": "9"})


def test_a_missing_or_broken_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml"):
        load(environ={"FOVEAL_CONFIG": str(tmp_path / "nowhere.toml")})
    broken = tmp_path / "foveal.toml"
    broken.write_text("index = ")
    with pytest.raises(SettingsError, match="not valid TOML"):
        load(environ={}, config=broken)


def test_a_value_where_a_table_belongs_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "foveal.toml"
    file.write_text('chat = "gpt"\n')
    with pytest.raises(SettingsError, match="chat"):
        load({"chat.model": "x"}, environ={}, config=file)


def test_every_setting_can_be_set_by_its_variable() -> None:
    rows = table()
    assert len({row.env for row in rows}) == len(rows)
    assert all(row.description.endswith(".") for row in rows)


def test_a_mistyped_variable_is_found() -> None:
    environ = {"FOVEAL_OFLINE": "1", "FOVEAL_HOME": "x", "FOVEAL_TEST_DATA": "y", "PATH": "z"}
    assert unknown_variables(environ) == ["FOVEAL_OFLINE"]


def test_a_key_is_never_shown() -> None:
    settings = load({"chat.api_key": "secret-key"}, environ={})
    assert "secret-key" not in repr(settings) + str(settings.model_dump())
