"""ONNX sessions on the CPU, one thread each: the pipeline runs several models side by side, one a worker."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from foveal.errors import ModelUnavailableError

if TYPE_CHECKING:
    import onnxruntime


def session(path: Path, *, threads: int = 1) -> onnxruntime.InferenceSession:
    """Open a graph for running; safe to run from several threads at once.

    Threads do not spin while they wait, so that a waiting model leaves the core to its neighbour; the arena allocator
    is off, for it never gives memory back and a long ingest must stay flat.

    Args:
        path: The `.onnx` file.
        threads: Threads inside one operator.

    Raises:
        ModelUnavailableError: The file is missing, or is no graph that this ONNX Runtime can run.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3  # errors only; old exports warn about initializers that are also inputs
    failures = _load_failures()
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except failures as error:
        raise ModelUnavailableError(
            f"{path.name} cannot be run by ONNX Runtime {onnxruntime.__version__}: {error}",
            remedy="Delete the file; it comes again, or is made again, at the next use.",
        ) from error


def _load_failures() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises for a file that is not a runnable graph (onnxruntime's `OrtPybindThrowIfError`)."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return (
        state.Fail,
        state.InvalidArgument,
        state.InvalidGraph,
        state.InvalidProtobuf,
        state.NoSuchFile,
        state.NotImplemented,
        state.RuntimeException,
    )


class LazySession:
    """A session that opens at its first use, once, whichever thread comes first.

    Args:
        open_session: Opens it; what it raises reaches the caller, and the next use tries again.
    """

    def __init__(self, open_session: Callable[[], onnxruntime.InferenceSession]) -> None:
        self._open = open_session
        self._lock = threading.Lock()
        self._session: onnxruntime.InferenceSession | None = None

    def get(self) -> onnxruntime.InferenceSession:
        """The open session."""
        with self._lock:
            if self._session is None:
                self._session = self._open()
            return self._session
