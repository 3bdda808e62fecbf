"""`foveal serve` refreshes what is due in the background, and ends when it is told to."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from foveal.models.cards import Card


def test_a_server_brings_a_due_source_in_and_stops_in_order(
    tmp_path: Path, models_dir: Path, pulled: Callable[[str], Card]
) -> None:
    pulled("multilingual-e5-small")
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("The zeppelin lands in the harbour at noon.")
    program = [
        sys.executable,
        "-m",
        "foveal",
        "--offline",
        "--home",
        tmp_path / "home",
        "--set",
        f"models={models_dir}",
    ]
    add = ["source", "add", "texts", "--kind", "folder", "--path", tmp_path / "texts", "--every", "1h"]
    subprocess.run([*program, *add, "--index", "texts"], check=True, timeout=60, capture_output=True)

    environ = {k: v for k, v in os.environ.items() if not k.startswith("FOVEAL_")}
    server = subprocess.Popen(
        [*program, "serve", "--port", "0"], stderr=subprocess.PIPE, text=True, env=environ, cwd=tmp_path
    )
    try:
        assert server.stderr is not None
        found = re.search(r"http://[\d.]+:\d+", server.stderr.readline())
        assert found
        with httpx.Client(base_url=found[0], trust_env=False, timeout=20) as http:
            deadline = time.monotonic() + 90
            while (source := http.get("/v1/sources/texts").json())["state"] != "succeeded":
                assert time.monotonic() < deadline, source
                time.sleep(0.2)
            assert source["next_run_at"] > source["last_started_at"]
            hits = http.post("/v1/search", json={"index": "texts", "text": "zeppelin"}).json()["hits"]
            assert [hit["filepath"] for hit in hits] == ["a.txt"]
        server.send_signal(signal.SIGINT)
        told = server.communicate(timeout=60)[1]
        assert "1 added" in told
    finally:
        server.kill()
        server.communicate()
