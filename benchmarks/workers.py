"""Two worker processes against one, each with one thread: photos ingested into a new home, models loaded beforehand.

Prints photos a second of both from the first file that is through to the last, and their ratio (limit 1.7, where two
cores are free).
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.data import test_data


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers")
    parser.add_argument("--photos", type=int, default=300)
    parser.add_argument("--postgres", action="store_true", help="keep catalog and queue in a PostgreSQL of its own")
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        photos = _collect(Path(folder) / "photos", args.photos)
        rates = [_rate(Path(folder) / f"home-{n}", photos, n, postgres=args.postgres) for n in (1, 2)]
    for processes, rate in enumerate(rates, 1):
        print(f"{processes} process{'es' if processes > 1 else '  '}   {rate:6.1f} photos/s")
    print(f"ratio         {rates[1] / rates[0]:6.2f}   (limit 1.70)")


def _collect(target: Path, count: int) -> Path:
    target.mkdir()
    for photo in sorted((test_data() / "photos").rglob("*.jpg"))[:count]:
        shutil.copy(photo, target / f"{photo.parent.name}-{photo.name}")
    return target


def _rate(home: Path, photos: Path, processes: int, *, postgres: bool) -> float:
    if not postgres:
        return _measured(home, photos, processes, {})
    from foveal.testing.postgres import fresh_database, postgres_server

    with postgres_server() as server, fresh_database(server) as url:
        return _measured(home, photos, processes, {"FOVEAL_DATABASE": url})


def _measured(home: Path, photos: Path, processes: int, more: dict[str, str]) -> float:
    """Files a second while every process works: models are opened before, the index is optimised after."""
    import foveal

    environment = {**os.environ, "FOVEAL_HOME": str(home), "FOVEAL_WORKERS": "1", "FOVEAL_COMMIT_ASSETS": "32", **more}
    command = [sys.executable, "-m", "foveal", "ingest", str(photos), "--processes", str(processes)]
    running = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seen: list[tuple[float, int]] = []
    with foveal.open(home, **({"database": more["FOVEAL_DATABASE"]} if more else {})) as opened:
        while running.poll() is None:
            time.sleep(0.2)
            jobs = opened.jobs.recent()
            if jobs and jobs[0].stage == "understand":
                seen.append((time.monotonic(), jobs[0].progress.done))
    total = max(done for _, done in seen)
    # The first quarter covers the time in which the second process opens its models.
    began = next(point for point in seen if point[1] >= total / 4)
    ended = next(point for point in seen if point[1] >= total * 0.95)
    return (ended[1] - began[1]) / (ended[0] - began[0])


if __name__ == "__main__":
    main(sys.argv[1:])
