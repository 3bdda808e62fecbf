"""O2: one settings table; flags over environment over file over defaults."""

from __future__ import annotations

from pathlib import Path

import pytest

from foveal.errors import SettingsError
from foveal.settings import deployment_table, load, table, unknown_variables


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


def test_deployments_are_tables_of_the_file_or_json_in_one_variable(tmp_path: Path) -> None:
    file = tmp_path / "foveal.toml"
    file.write_text('[deployments.gpt-4-vision]\nbase_url = "http://x/v1"\nmodel = "m"\n[deployments."gpt-3.5"]\n')
    from_file = load(environ={}, config=file).deployments
    assert list(from_file) == ["gpt-4-vision", "gpt-3.5"]
    assert (from_file["gpt-4-vision"].on, from_file["gpt-3.5"].on) == (True, False)
    environ = {"FOVEAL_DEPLOYMENTS": '{"gpt-4-vision": {"base_url": "http://x/v1", "model": "m"}, "gpt-3.5": {}}'}
    assert load(environ=environ).deployments == from_file
    assert unknown_variables(environ) == []


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("{", "FOVEAL_DEPLOYMENTS.*not JSON"),
        ("[]", "FOVEAL_DEPLOYMENTS"),
        ('{"a": {"base_ur": "x"}}', r"deployments\.a\.base_ur.*deployments\.a\.base_url"),
        ('{"a": {"timeout_s": -1}}', r"deployments\.a\.timeout_s \(FOVEAL_DEPLOYMENTS\)"),
        ('{"a": {"kind": "image"}}', r"deployments\.a\.kind"),
    ],
)
def test_a_wrong_deployment_names_itself_and_the_variable(value: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        load(environ={"FOVEAL_DEPLOYMENTS": value})


def test_every_setting_of_a_deployment_is_told() -> None:
    rows = {row.path: row for row in deployment_table()}
    assert {"kind", "base_url", "sees", "tools", "json_mode", "context_tokens", "dim", "image_urls"} <= set(rows)
    assert all(row.description for row in rows.values())
    assert next(row for row in table() if row.path == "deployments").type == "table"
