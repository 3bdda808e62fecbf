"""Start-up: `foveal --help` (limit 0.3 s), and `foveal search` beyond model load (limit 2 s)."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main(arguments: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "texts").mkdir()
        (root / "texts" / "a.txt").write_text("Two dogs ran on the beach.")
        home = ["--home", str(root / "home")]
        _run([*home, "ingest", str(root / "texts")])
        load = _seconds([sys.executable, "-c", _LOAD])
        rows = (
            ("foveal --help", _fastest(["--help"]), "limit 0.3"),
            ("foveal search", _fastest([*home, "search", "dogs"]), ""),
            ("loading the text model alone", load, ""),
        )
        for name, seconds, remark in rows:
            print(f"{name:<32} {seconds:6.2f} s   {remark}")
        print(f"{'search beyond model load':<32} {rows[1][1] - load:6.2f} s   limit 2")


_LOAD = """
import foveal, tempfile
with foveal.open(tempfile.mkdtemp()) as home:
    home.models.queries.embed_queries(["dogs"])
"""


def _fastest(arguments: list[str]) -> float:
    return min(_seconds([sys.executable, "-m", "foveal", *arguments]) for _ in range(5))


def _seconds(command: list[str]) -> float:
    started = time.monotonic()
    subprocess.run(command, check=True, capture_output=True, env=os.environ)
    return time.monotonic() - started


def _run(arguments: list[str]) -> None:
    subprocess.run([sys.executable, "-m", "foveal", *arguments], check=True, capture_output=True)


if __name__ == "__main__":
    main(sys.argv[1:])
