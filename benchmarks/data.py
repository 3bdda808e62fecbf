"""Where the benchmarks find their data."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def test_data() -> Path:
    folder = Path(os.environ.get("FOVEAL_TEST_DATA", Path(__file__).parent.parent.parent / "shared" / "data"))
    if not folder.is_dir():
        sys.exit(f"There is no test data at {folder}: set FOVEAL_TEST_DATA.")
    return folder
