from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from foveal.__main__ import main


@dataclass(frozen=True)
class Ended:
    status: int
    out: str
    err: str


Command = Callable[..., Ended]


@pytest.fixture
def foveal(
    tmp_path: Path, models_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """The command line in this process, with a home of its own; an error that is not ours fails the test."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Ended:
        flags = ["--offline", "--home", tmp_path / "home", "--set", f"models={models_dir}"]
        monkeypatch.setattr(sys, "argv", [str(a) for a in ["foveal", *flags, *arguments]])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return Ended(status=int(end.value.code or 0), out=out, err=err)

    return run
