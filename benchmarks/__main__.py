"""Run every benchmark, or those named: `python -m benchmarks [NAME…]`."""

from __future__ import annotations

import sys
import time
from importlib import import_module

NAMES = (
    "ingest", "memory", "start", "search_engine", "search", "text_to_image", "strictness", "things", "relations",
    "objects", "grounding", "ocr", "injection", "on_your_data", "documents", "questions", "xquad", "web", "workers",
    "regions", "refresh", "vectors", "video", "viewer"
)  # fmt: skip


def main(names: list[str]) -> None:
    for name in names or NAMES:
        print(f"\n## {name}  (python -m benchmarks {name})\n", flush=True)
        started = time.monotonic()
        import_module(f"benchmarks.{name}").main([])
        print(f"\n({time.monotonic() - started:.0f} s)", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
