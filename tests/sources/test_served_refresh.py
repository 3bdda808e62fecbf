"""`foveal serve` refreshes what is due in the background, and ends when it is told to."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from foveal.models.cards import Card
from foveal.testing.serving import environment, launched


def test_a_server_brings_a_due_source_in_and_stops_in_order(
    tmp_path: Path, models_dir: Path, pulled: Callable[[str], Card]
) -> None:
    pulled("multilingual-e5-small")
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("The zeppelin lands in the harbour at noon.")
    environ = environment(home=tmp_path / "home", models=models_dir, offline=1)
    add = ["source", "add", "texts", "--kind", "folder", "--path", tmp_path / "texts", "--every", "1h"]
    command = [sys.executable, "-m", "foveal", *add, "--index", "texts"]
    subprocess.run(command, check=True, timeout=60, capture_output=True, env=environ)
    with launched(environ) as running:
        with httpx.Client(base_url=running.address, trust_env=False, timeout=20) as http:
            deadline = time.monotonic() + 90
            while (source := http.get("/v1/sources/texts").json())["state"] != "succeeded":
                assert time.monotonic() < deadline, source
                time.sleep(0.2)
            assert source["next_run_at"] > source["last_started_at"]
            hits = http.post("/v1/search", json={"index": "texts", "text": "zeppelin"}).json()["hits"]
            assert [hit["filepath"] for hit in hits] == ["a.txt"]
        running.process.send_signal(signal.SIGINT)
        running.process.wait(60)
    assert "1 added" in running.said
