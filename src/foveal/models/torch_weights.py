"""Tensors out of a PyTorch weights file, without PyTorch and without running what the file says.

Both formats of `torch.save` are pickles (pytorch.org/docs/stable/notes/serialization.html):

* zip (since 1.6): `<name>/data.pkl` holds the tree, `<name>/data/<key>` the raw little-endian storages;
* legacy: five pickles one after another (magic number, protocol version, system info, the tree, the storage keys),
  then for each key its length as int64 and its raw elements.

In both, a storage is a persistent id `("storage", class, key, location, element count, …)` and a tensor a call of
`torch._utils._rebuild_tensor_v2(storage, offset, size, stride, …)`. The unpickler here knows those names, plus
`OrderedDict`, and refuses every other, so no code of the file's choosing can run.
"""

from __future__ import annotations

import io
import math
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from foveal.errors import ModelUnavailableError

Array = npt.NDArray[np.generic]

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_DTYPES = {
    "DoubleStorage": np.dtype("<f8"),
    "FloatStorage": np.dtype("<f4"),
    "HalfStorage": np.dtype("<f2"),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
    "ByteStorage": np.dtype("u1"),
}


@dataclass(frozen=True, slots=True)
class _Storage:
    key: str
    dtype: np.dtype[np.generic]


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A view of a storage; offset and strides count elements."""

    storage: _Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


def read_state_dict(path: Path) -> dict[str, Array]:
    """Every tensor of a state dict by name, in the shape and type it was saved with.

    Raises:
        ModelUnavailableError: It is no weights file, is damaged, or asks for a class other than those of a plain
            state dict.
    """
    try:
        data = path.read_bytes()
        return (_read_zip if data.startswith(b"PK") else _read_legacy)(io.BytesIO(data))
    except (
        pickle.UnpicklingError,
        zipfile.BadZipFile,
        struct.error,
        EOFError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        OverflowError,
        MemoryError,
    ) as error:
        raise ModelUnavailableError(
            f"{path.name} cannot be read as PyTorch weights: {error}",
            remedy="Delete it and pull the model again.",
        ) from error


class _StateDictUnpickler(pickle.Unpickler):
    """Unpickles the tree of a state dict and nothing else."""

    def find_class(self, module: str, name: str) -> object:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        raise pickle.UnpicklingError(f"it names {module}.{name}, which a state dict has no need of")

    def persistent_load(self, pid: object) -> _Storage:
        match pid:
            case ("storage", np.dtype() as dtype, str() as key, *_):
                return _Storage(key, dtype)
        raise pickle.UnpicklingError("it holds a reference that is not a storage")


def _rebuild_tensor(storage: object, offset: object, size: object, stride: object, *_ignored: object) -> _Tensor:
    match storage, offset, size, stride:
        case _Storage(), int(), tuple(), tuple():
            if len(size) == len(stride) and all(isinstance(n, int) and n >= 0 for n in (*size, *stride, offset)):
                return _Tensor(storage, offset, size, stride)
    raise pickle.UnpicklingError("a tensor's arguments are malformed")


def _read_zip(file: BinaryIO) -> dict[str, Array]:
    with zipfile.ZipFile(file) as archive:
        tree = next((name for name in archive.namelist() if name.endswith("data.pkl")), None)
        if tree is None:
            raise ValueError("the archive has no data.pkl")
        prefix = tree.removesuffix("data.pkl")
        tensors = _tensors(_StateDictUnpickler(io.BytesIO(archive.read(tree))).load())
        return _views(tensors, lambda s: np.frombuffer(archive.read(f"{prefix}data/{s.key}"), s.dtype))


def _read_legacy(file: BinaryIO) -> dict[str, Array]:
    if _StateDictUnpickler(file).load() != _LEGACY_MAGIC:
        raise ValueError("the magic number is wrong")
    for _ in ("protocol version", "system info"):
        _StateDictUnpickler(file).load()
    tensors = _tensors(_StateDictUnpickler(file).load())
    keys = _StateDictUnpickler(file).load()
    dtypes = {tensor.storage.key: tensor.storage.dtype for tensor in tensors.values()}
    storages: dict[str, Array] = {}
    for key in keys:
        (count,) = struct.unpack("<q", file.read(8))
        data = file.read(count * dtypes[key].itemsize) if count >= 0 else b""
        storages[key] = np.frombuffer(data, dtypes[key], count)
    return _views(tensors, lambda storage: storages[storage.key])


def _tensors(tree: object) -> dict[str, _Tensor]:
    if not isinstance(tree, dict):
        raise ValueError("the file holds no state dict")
    tensors = {str(name): value for name, value in tree.items() if isinstance(value, _Tensor)}
    if len(tensors) != len(tree):
        raise ValueError("the state dict holds something that is no tensor")
    return tensors


def _views(tensors: dict[str, _Tensor], load: Callable[[_Storage], Array]) -> dict[str, Array]:
    loaded: dict[str, Array] = {}
    arrays = {}
    for name, tensor in tensors.items():
        if tensor.storage.key not in loaded:
            loaded[tensor.storage.key] = load(tensor.storage)
        arrays[name] = _view(loaded[tensor.storage.key], tensor, name)
    return arrays


def _view(elements: Array, tensor: _Tensor, name: str) -> Array:
    """A contiguous copy of what the tensor shows; its last element must lie inside the storage."""
    last = tensor.offset + sum((n - 1) * step for n, step in zip(tensor.size, tensor.stride, strict=True))
    if 0 in tensor.size:
        return np.zeros(tensor.size, elements.dtype)
    if last >= elements.size or math.prod(tensor.size) > elements.size:
        raise ValueError(f"tensor {name} reaches beyond its storage")
    strides = [step * elements.itemsize for step in tensor.stride]
    view = np.lib.stride_tricks.as_strided(elements[tensor.offset :], tensor.size, strides)
    return np.array(view, order="C")
