"""Weights files are written here byte by byte: the project has no PyTorch, and hostile files need a hostile writer."""

from __future__ import annotations

import io
import os
import pickle
import struct
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foveal.errors import ModelUnavailableError
from foveal.models.torch_weights import Array, read_state_dict

TENSORS = {
    "a.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "a.count": np.array(7, dtype=np.int64),
    "b.half": np.linspace(-1, 1, 5, dtype=np.float16),
}
STORAGES = {"f4": "FloatStorage", "i8": "LongStorage", "f2": "HalfStorage"}


class _Saved:
    """Stands for a tensor in a pickle, as `torch.save` writes one."""

    def __init__(self, key: str, array: Array, **changed: object) -> None:
        strides = tuple(step // array.itemsize for step in array.strides)
        self.key, self.array = key, array
        self.fields = {"offset": 0, "size": array.shape, "stride": strides, **changed}

    def __reduce__(self) -> object:
        rebuild = sys.modules["torch._utils"]._rebuild_tensor_v2
        return rebuild, (_Storage(self), *self.fields.values(), False, OrderedDict())


class _Storage:
    def __init__(self, tensor: _Saved) -> None:
        self.tensor = tensor


class _Pickler(pickle.Pickler):
    def persistent_id(self, obj: object) -> object:
        if not isinstance(obj, _Storage):
            return None
        array = obj.tensor.array
        kind = getattr(sys.modules["torch"], STORAGES[array.dtype.str[1:]])
        return ("storage", kind, obj.tensor.key, "cpu", array.size)


@pytest.fixture(autouse=True)
def torch_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """The names that the pickler must be able to look up; nothing of PyTorch is behind them."""
    torch, utils = ModuleType("torch"), ModuleType("torch._utils")
    for name in STORAGES.values():
        setattr(torch, name, type(name, (), {"__module__": "torch"}))

    def _rebuild_tensor_v2() -> None: ...

    _rebuild_tensor_v2.__module__ = "torch._utils"
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)


def pickled(value: object) -> bytes:
    out = io.BytesIO()
    _Pickler(out, protocol=2).dump(value)
    return out.getvalue()


def saved(tensors: dict[str, Array]) -> OrderedDict[str, object]:
    return OrderedDict((name, _Saved(str(index), array)) for index, (name, array) in enumerate(tensors.items()))


def legacy(tree: object, tensors: dict[str, Array]) -> bytes:
    parts = [pickled(0x1950A86A20F9469CFC6C), pickled(1001), pickled({"little_endian": True}), pickled(tree)]
    parts.append(pickled([str(index) for index in range(len(tensors))]))
    parts += [struct.pack("<q", array.size) + array.tobytes() for array in tensors.values()]
    return b"".join(parts)


def zipped(tree: object, tensors: dict[str, Array]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("model/data.pkl", pickled(tree))
        for index, array in enumerate(tensors.values()):
            archive.writestr(f"model/data/{index}", array.tobytes())
    return out.getvalue()


@pytest.mark.parametrize("write", [legacy, zipped])
def test_both_formats_give_back_what_was_saved(tmp_path: Path, write: object) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(write(saved(TENSORS), TENSORS))  # type: ignore[operator]
    found = read_state_dict(path)
    assert list(found) == list(TENSORS)
    for name, array in TENSORS.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def test_views_of_one_storage_are_read_with_their_strides(tmp_path: Path) -> None:
    whole = np.arange(12, dtype=np.float32)
    turned = _Saved("0", whole, offset=1, size=(2, 3), stride=(1, 4))
    path = tmp_path / "weights.pth"
    path.write_bytes(legacy(OrderedDict(view=turned), {"whole": whole}))
    np.testing.assert_array_equal(read_state_dict(path)["view"], [[1, 5, 9], [2, 6, 10]])


class _Hostile:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> object:
        return os.system, (f"touch {self.mark}",)


@pytest.mark.parametrize("write", [legacy, zipped])
def test_a_file_that_wants_to_run_code_is_refused_and_does_not(tmp_path: Path, write: object) -> None:
    mark = tmp_path / "ran"
    path = tmp_path / "weights.pth"
    path.write_bytes(write(OrderedDict(weight=_Hostile(mark)), {}))  # type: ignore[operator]
    with pytest.raises(ModelUnavailableError, match="system"):
        read_state_dict(path)
    assert not mark.exists()


@pytest.mark.parametrize(
    "changed",
    [{"offset": 6}, {"size": (3, 4)}, {"stride": (100, 1)}, {"size": (-1, 2)}, {"stride": (-4, 1)}, {"offset": -1}],
)
def test_a_tensor_that_reaches_beyond_its_storage_is_refused(tmp_path: Path, changed: dict[str, object]) -> None:
    array = np.arange(8, dtype=np.float32).reshape(2, 4)
    path = tmp_path / "weights.pth"
    path.write_bytes(legacy(OrderedDict(weight=_Saved("0", array, **changed)), {"weight": array}))
    with pytest.raises(ModelUnavailableError, match=r"weights\.pth"):
        read_state_dict(path)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_refused_and_nothing_else_happens(tmp_path: Path, data: st.DataObject) -> None:
    write = data.draw(st.sampled_from([legacy, zipped]))
    whole = bytearray(write(saved(TENSORS), TENSORS))
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=4)):
        whole[place] = data.draw(st.integers(0, 255))
    path = tmp_path / "weights.pth"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    try:
        found = read_state_dict(path)
    except ModelUnavailableError:
        return
    assert all(isinstance(array, np.ndarray) for array in found.values())
