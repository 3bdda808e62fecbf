from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from foveal.errors import ModelUnavailableError
from foveal.models.onnx import session
from foveal.models.tfjs import convert_tfjs
from foveal.types.vectors import FloatArray

RANDOM = np.random.default_rng(3)
IMAGE = RANDOM.standard_normal((1, 7, 8, 3)).astype(np.float32)


def text(value: str) -> dict[str, object]:
    return {"s": base64.b64encode(value.encode()).decode()}


def ints(*values: int) -> dict[str, object]:
    return {"list": {"i": [str(value) for value in values]}}


class Model:
    """A TF.js graph model in the making."""

    def __init__(self) -> None:
        size = [{"size": str(n)} for n in IMAGE.shape]
        self.nodes: list[dict[str, object]] = [
            {"name": "image", "op": "Placeholder", "attr": {"shape": {"shape": {"dim": size}}}}
        ]
        self.weights: list[dict[str, object]] = []
        self.data = b""

    def constant(self, name: str, value: object, kind: str, **quantization: object) -> str:
        array = np.asarray(value)
        spec: dict[str, object] = {"name": name, "shape": list(array.shape), "dtype": kind}
        if quantization:
            spec["quantization"] = quantization
        self.weights.append(spec)
        self.data += array.astype(str(quantization.get("dtype", kind))).tobytes()
        self.nodes.append({"name": name, "op": "Const"})
        return name

    def node(self, name: str, op: str, *inputs: str, **attr: object) -> str:
        self.nodes.append({"name": name, "op": op, "input": list(inputs), "attr": attr})
        return name

    def run(self, folder: Path, output: str, shape: tuple[int, ...]) -> FloatArray:
        """Write, convert, and run on `IMAGE`."""
        self.convert(folder, output, shape)
        (result,) = session(folder / "model.onnx").run([output], {"image": IMAGE})
        assert result.shape == shape
        return np.asarray(result, np.float32)

    def convert(self, folder: Path, output: str, shape: tuple[int, ...]) -> None:
        dimensions = [{"size": str(n)} for n in shape]
        model = {
            "signature": {"outputs": {f"{output}:0": {"tensorShape": {"dim": dimensions}}}},
            "modelTopology": {"node": self.nodes},
            "weightsManifest": [{"paths": ["model.bin"], "weights": self.weights}],
        }
        (folder / "model.json").write_text(json.dumps(model))
        (folder / "model.bin").write_bytes(self.data)
        convert_tfjs(folder / "model.json", folder / "model.bin", [output], folder / "model.onnx")


def same_padded(image: FloatArray, kernel: int, stride: int, fill: float) -> FloatArray:
    pads = []
    for size in image.shape[1:3]:
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        pads.append((total // 2, total - total // 2))
    return np.pad(image, [(0, 0), *pads, (0, 0)], constant_values=fill)


@pytest.mark.parametrize(("padding", "stride"), [("SAME", 1), ("SAME", 2), ("VALID", 1), ("VALID", 2)])
def test_a_convolution_of_half_precision_weights(tmp_path: Path, padding: str, stride: int) -> None:
    model = Model()
    kernel = RANDOM.standard_normal((3, 3, 3, 5)).astype(np.float16)
    model.constant("kernel", kernel, "float32", dtype="float16")
    model.node("out", "Conv2D", "image", "kernel", strides=ints(1, stride, stride, 1), padding=text(padding))
    padded = same_padded(IMAGE, 3, stride, 0.0) if padding == "SAME" else IMAGE
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))[:, ::stride, ::stride]
    expected = np.einsum("nhwcij,ijco->nhwo", windows, kernel.astype(np.float32))
    np.testing.assert_allclose(model.run(tmp_path, "out", expected.shape), expected, rtol=1e-4, atol=1e-4)


def test_a_maximum_over_windows(tmp_path: Path) -> None:
    model = Model()
    model.node("out", "MaxPool", "image", ksize=ints(1, 3, 3, 1), strides=ints(1, 2, 2, 1), padding=text("SAME"))
    padded = same_padded(IMAGE, 3, 2, -np.inf)
    expected = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))[:, ::2, ::2].max(axis=(4, 5))
    np.testing.assert_array_equal(model.run(tmp_path, "out", expected.shape), expected)


def test_padding_with_a_value_and_without(tmp_path: Path) -> None:
    model = Model()
    model.constant("amounts", [[0, 0], [1, 2], [3, 0], [0, 1]], "int32")
    model.constant("fill", 9.0, "float32")
    model.node("filled", "PadV2", "image", "amounts", "fill")
    model.node("out", "Pad", "filled", "amounts")
    pads = [(0, 0), (1, 2), (3, 0), (0, 1)]
    expected = np.pad(np.pad(IMAGE, pads, constant_values=9.0), pads)
    np.testing.assert_array_equal(model.run(tmp_path, "out", expected.shape), expected)


def test_split_concatenate_transpose_reshape_and_activations(tmp_path: Path) -> None:
    model = Model()
    model.constant("sizes", [1, 2], "int32")
    model.constant("axis", 3, "int32")
    model.constant("order", [0, 3, 1, 2], "int32")
    model.constant("shape", [1, -1], "int32")
    model.node("parts", "SplitV", "image", "sizes", "axis")
    model.node("leaky", "LeakyRelu", "parts:1", alpha={"f": 0.1})
    model.node("sigmoid", "Sigmoid", "parts")
    model.node("joined", "ConcatV2", "leaky", "sigmoid", "axis")
    model.node("sum", "AddV2", "joined", "image:0", "^parts")
    model.node("turned", "Transpose", "sum", "order")
    model.node("flat", "Reshape", "turned", "shape")
    model.node("out", "Identity", "flat")
    first, rest = IMAGE[..., :1], IMAGE[..., 1:]
    joined = np.concatenate([np.where(rest > 0, rest, 0.1 * rest), 1 / (1 + np.exp(-first))], axis=3)
    expected = (joined + IMAGE).transpose(0, 3, 1, 2).reshape(1, -1)
    np.testing.assert_allclose(model.run(tmp_path, "out", expected.shape), expected, rtol=1e-5, atol=1e-6)


def test_a_bilinear_doubling_of_half_pixel_centres(tmp_path: Path) -> None:
    model = Model()
    model.constant("size", [14, 16], "int32")
    model.node("out", "ResizeBilinear", "image", "size", half_pixel_centers={"b": True})
    found = model.run(tmp_path, "out", (1, 14, 16, 3))
    np.testing.assert_allclose(found[0, 0, 0], IMAGE[0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(found[0, 0, 1], 0.75 * IMAGE[0, 0, 0] + 0.25 * IMAGE[0, 0, 1], atol=1e-5)


def test_quantised_weights_become_the_numbers_they_stand_for(tmp_path: Path) -> None:
    model = Model()
    model.constant("shift", [0, 128, 255], "float32", dtype="uint8", scale=0.5, min=-10.0)
    model.node("out", "Add", "image", "shift")
    expected = IMAGE + np.array([-10.0, 54.0, 117.5], np.float32)
    np.testing.assert_allclose(model.run(tmp_path, "out", expected.shape), expected, rtol=1e-6)


def test_a_sparse_shape_is_folded_before_it_is_used(tmp_path: Path) -> None:
    model = Model()
    model.constant("places", [[0], [1]], "int32")
    model.constant("length", [3], "int32")
    model.constant("values", [7, 8], "int32")
    model.constant("default", 3, "int32")
    model.node("target", "SparseToDense", "places", "length", "values", "default")
    model.node("out", "Reshape", "image", "target")
    np.testing.assert_array_equal(model.run(tmp_path, "out", (7, 8, 3)), IMAGE[0])


def test_an_operator_that_is_not_known_is_named(tmp_path: Path) -> None:
    model = Model()
    model.node("out", "FancyNewOp", "image")
    with pytest.raises(ModelUnavailableError, match="FancyNewOp"):
        model.convert(tmp_path, "out", (1,))


@pytest.mark.parametrize("damage", ["not json", "missing node", "short weights"])
def test_a_damaged_model_is_refused(tmp_path: Path, damage: str) -> None:
    model = Model()
    model.constant("order", [0, 1, 2, 3], "int32")
    model.node("out", "Transpose", "image" if damage != "missing node" else "elsewhere", "order")
    if damage == "short weights":
        model.data = model.data[:-1]
    if damage != "not json":
        with pytest.raises(ModelUnavailableError, match=r"model\.json"):
            model.convert(tmp_path, "out", IMAGE.shape)
        return
    (tmp_path / "model.json").write_text("{")
    (tmp_path / "model.bin").write_bytes(b"")
    with pytest.raises(ModelUnavailableError, match=r"model\.json"):
        convert_tfjs(tmp_path / "model.json", tmp_path / "model.bin", ["out"], tmp_path / "model.onnx")
