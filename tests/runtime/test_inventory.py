"""What is said of indexes when one of them cannot be opened."""

from __future__ import annotations

from pathlib import Path

import lancedb
from typer.testing import CliRunner

from foveal.cli import app
from foveal.runtime import Foveal
from foveal.settings import load


def of_an_earlier_version(home: Path, index: str) -> None:
    """Take a column out of an index's table, as tables were before there was that column."""
    database = lancedb.connect(home / "indexes")
    (name,) = [name for name in database.list_tables().tables if name.startswith(index)]
    database.open_table(name).drop_columns(["region_vectors"])


def test_an_index_of_an_earlier_version_hides_no_other_and_can_be_deleted(tmp_path: Path) -> None:
    home, texts = tmp_path / "home", tmp_path / "texts"
    texts.mkdir()
    (texts / "ferry.txt").write_text("The ferry leaves at nine.", encoding="utf-8")
    with Foveal(load({"home": home})) as foveal:
        foveal.ingest([texts], index="old")
        foveal.ingest([texts], index="new")
    of_an_earlier_version(home, "old")
    with Foveal(load({"home": home})) as foveal:
        old, new = (foveal.index_status(name) for name in ("old", "new"))
        assert "earlier version" in old.problem
        assert "foveal index delete old" in old.problem
        assert (new.problem, new.chunks) == ("", 1)
    done = CliRunner().invoke(app, ["--home", str(home), "index", "delete", "old", "--yes"])
    assert done.exit_code == 0, done.output
    with Foveal(load({"home": home})) as foveal:
        assert foveal.index_names() == ["new"]
