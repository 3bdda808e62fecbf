"""P1: the public surface is pinned; importing it is quick; the CLI starts without an engine."""

from __future__ import annotations

import subprocess
import sys

import foveal

HEAVY = ("numpy", "pydantic", "lancedb", "pyarrow", "onnxruntime", "sqlalchemy", "openai", "fastapi", "PIL", "cv2")


def test_the_public_names_are_these() -> None:
    assert sorted(foveal.__all__) == [
        "Answer",
        "AzureOpenAIMultiModal",
        "ChatRequest",
        "Foveal",
        "FovealError",
        "Hit",
        "ImageDocument",
        "Message",
        "Mode",
        "Query",
        "SearchResult",
        "TokenEstimator",
        "open",
        "question",
    ]
    assert all(getattr(foveal, name) is not None for name in foveal.__all__)


def _imported_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(' '.join(sorted(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not _imported_by("import foveal") & set(HEAVY)


def test_the_command_line_starts_without_loading_an_engine() -> None:
    assert not _imported_by("import foveal.cli") & set(HEAVY)
