"""TensorFlow.js graph models to ONNX, for the operators of the detectors Foveal uses.

A TF.js graph model is a JSON file (`modelTopology`: a TensorFlow GraphDef with base64 strings; `weightsManifest`:
name, shape, type and quantisation of every weight, in the order of their bytes) beside binary files with the
weights (github.com/tensorflow/tfjs: tfjs-core/src/io/types.ts, io_utils.ts `decodeWeights`). TensorFlow computes in
NHWC, ONNX in NCHW: a transposition goes around each operator that cares, and ONNX Runtime cancels pairs of them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypedDict

import numpy as np
import numpy.typing as npt

from foveal.errors import ModelUnavailableError

if TYPE_CHECKING:
    import onnx

Array = npt.NDArray[np.generic]

_TO_NCHW = (0, 3, 1, 2)
_TO_NHWC = (0, 2, 3, 1)
_OPSET = 15
_NOTHING: Mapping[str, Sequence[int]] = MappingProxyType({})


class _Quantization(TypedDict, total=False):
    dtype: str
    scale: float
    min: float


class _WeightSpec(TypedDict, total=False):
    name: str
    shape: list[int]
    dtype: str
    quantization: _Quantization


class _Node(TypedDict, total=False):
    """A node of the GraphDef; attributes are read through `_Attributes`."""

    name: str
    op: str
    input: list[str]
    attr: dict[str, dict[str, object]]


def convert_tfjs(
    topology: Path,
    weights: Path,
    outputs: Sequence[str],
    target: Path,
    *,
    inputs: Mapping[str, Sequence[int]] = _NOTHING,
    shapes: Mapping[str, Sequence[int]] = _NOTHING,
) -> None:
    """Write the part of a TF.js graph model that leads to `outputs` as ONNX.

    Args:
        topology: The model's JSON.
        weights: Its weights, all shards in one file.
        outputs: Names of the nodes wanted.
        target: The `.onnx` file to write.
        inputs: Nodes to cut the graph at, with their shapes: they become inputs, and what leads to them is left out.
        shapes: Shapes of the outputs, for a model that has no signature.

    Raises:
        ModelUnavailableError: The model is damaged or uses an operator this converter does not know.
    """
    import onnx

    try:
        model = json.loads(topology.read_bytes())
        constants = _read_weights(model["weightsManifest"], weights.read_bytes())
        converter = _Converter(model["modelTopology"]["node"], constants)
        for name, shape in inputs.items():
            converter.cut(name, shape)
        for name in outputs:
            converter.visit(name)
        found = {name: list(shapes[name]) for name in outputs} if shapes else _shapes(model["signature"], outputs)
        onnx.save(converter.model(found), target)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ModelUnavailableError(
            f"{topology.name} cannot be converted: {error!r}", remedy="Delete it and pull the model again."
        ) from error


def _read_weights(manifest: Sequence[Mapping[str, Sequence[_WeightSpec]]], data: bytes) -> dict[str, Array]:
    """Weights by name; half floats and quantised integers become float32."""
    arrays: dict[str, Array] = {}
    offset = 0
    for spec in (spec for group in manifest for spec in group["weights"]):
        quantization = spec.get("quantization", {})
        stored = np.dtype("u1" if spec["dtype"] == "bool" else quantization.get("dtype", spec["dtype"]))
        count = int(np.prod(spec["shape"], dtype=np.int64))
        array = np.frombuffer(data, stored, count, offset).reshape(spec["shape"])
        offset += count * stored.itemsize
        if "scale" in quantization:
            array = array * quantization["scale"] + quantization["min"]
        arrays[spec["name"]] = array.astype(spec["dtype"])
    return arrays


_Outputs = Mapping[str, Mapping[str, Mapping[str, list[Mapping[str, str]]]]]


def _shapes(signature: Mapping[str, _Outputs], names: Sequence[str]) -> dict[str, list[int]]:
    """Shapes of the outputs as the model's signature states them."""
    outputs = signature["outputs"]
    return {
        name: [int(dimension["size"]) for dimension in outputs[f"{name}:0"]["tensorShape"]["dim"]] for name in names
    }


def read_constant(topology: Path, weights: Path, name: str) -> Array:
    """One constant of a TF.js graph model.

    Raises:
        ModelUnavailableError: The model is damaged, or has no constant of that name.
    """
    try:
        return _read_weights(json.loads(topology.read_bytes())["weightsManifest"], weights.read_bytes())[name]
    except (KeyError, TypeError, ValueError) as error:
        raise ModelUnavailableError(
            f"{topology.name} cannot be read: {error!r}", remedy="Delete it and pull the model again."
        ) from error


@dataclass(frozen=True, slots=True)
class _Attributes:
    """Typed reading of a GraphDef node's attributes, whose JSON writes int64 as text.

    Text is base64, or a list of bytes in models of the converter's first years.
    """

    values: Mapping[str, Mapping[str, object]]

    def integers(self, name: str, default: Sequence[int] = ()) -> list[int]:
        listed = self.values.get(name, {}).get("list")
        if not isinstance(listed, dict):
            return list(default)
        return [int(value) for value in listed.get("i", default)]

    def text(self, name: str) -> str:
        value = self.values.get(name, {}).get("s", "")
        return (bytes(value) if isinstance(value, list) else base64.b64decode(str(value))).decode("ascii")

    def number(self, name: str, default: float) -> float:
        return float(str(self.values.get(name, {}).get("f", default)))

    def flag(self, name: str) -> bool:
        return bool(self.values.get(name, {}).get("b", False))

    def shape(self, name: str) -> list[int]:
        shape = self.values[name]["shape"]
        if not isinstance(shape, dict):
            raise TypeError(f"attribute {name} is no shape")
        return [int(dimension["size"]) for dimension in shape["dim"]]


_Handler = Callable[["_Converter", str, list[str], _Attributes], None]


class _Converter:
    """Visits nodes from the outputs back to the input, and writes them in the order ONNX wants: inputs first."""

    def __init__(self, nodes: Sequence[_Node], constants: Mapping[str, Array]) -> None:
        self._tf_nodes = {node["name"]: node for node in nodes}
        self._constants = dict(constants)
        self._visited: set[str] = set()
        self._fresh = 0
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, onnx.TensorProto] = {}
        self.inputs: list[onnx.ValueInfoProto] = []

    def model(self, outputs: Mapping[str, list[int]]) -> onnx.ModelProto:
        """The ONNX model of everything visited; `outputs` are names with their shapes."""
        from onnx import TensorProto, checker, helper

        results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()]
        graph = helper.make_graph(self.nodes, "tfjs", self.inputs, results, list(self.initializers.values()))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)])
        model.ir_version = 8
        checker.check_model(model)
        return model

    def cut(self, name: str, shape: Sequence[int]) -> None:
        """Make a node an input of the graph: what leads to it is not visited."""
        from onnx import TensorProto, helper

        if name not in self._tf_nodes:
            raise ValueError(f"no node {name}")
        self._visited.add(name)
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)))

    def visit(self, reference: str) -> None:
        """Write a node after its inputs, once. `name:1` refers to a node's second output."""
        name = reference.split(":", maxsplit=1)[0]
        if name in self._visited or name in self._constants:
            return
        self._visited.add(name)
        node = self._tf_nodes[name]
        inputs = [_canonical(value) for value in node.get("input", []) if not value.startswith("^")]
        for value in inputs:
            self.visit(value)
        handler = _HANDLERS.get(node["op"])
        if handler is None:
            raise ValueError(f"operator {node['op']} ({name}) is not known")
        handler(self, name, inputs, _Attributes(node.get("attr", {})))

    # --- building blocks ---

    def value(self, name: str) -> Array:
        """A constant's value; KeyError when it is computed."""
        return self._constants[name]

    def fold(self, name: str, value: Array) -> None:
        """A node whose value is known now."""
        self._constants[name] = value

    def tensor(self, name: str) -> str:
        """A name to use as an input; a constant becomes an initializer (int32 as int64, as ONNX wants indices)."""
        if name in self._constants and name not in self.initializers:
            self._store(name, self._constants[name])
        return name

    def constant(self, value: npt.ArrayLike) -> str:
        """A new initializer."""
        name = self._name()
        self._store(name, np.asarray(value))
        return name

    def add(self, operator: str, inputs: Sequence[str], output: str = "", **attributes: object) -> str:
        """A node; the name of its output."""
        from onnx import helper

        output = output or self._name()
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def in_nchw(self, operator: str, image: str, rest: Sequence[str], output: str, **attributes: object) -> str:
        """An operator on an NHWC image, done in NCHW."""
        turned = self.add("Transpose", [self.tensor(image)], perm=_TO_NCHW)
        result = self.add(operator, [turned, *rest], "", **attributes)
        return self.add("Transpose", [result], output, perm=_TO_NHWC)

    def _store(self, name: str, value: Array) -> None:
        from onnx import numpy_helper

        widened = value.astype(np.int64) if value.dtype == np.int32 else value
        self.initializers[name] = numpy_helper.from_array(np.ascontiguousarray(widened), name)

    def _name(self) -> str:
        self._fresh += 1
        return f"foveal/{self._fresh}"


def _canonical(reference: str) -> str:
    return reference.removesuffix(":0")


def _placeholder(to: _Converter, name: str, _inputs: list[str], attributes: _Attributes) -> None:
    from onnx import TensorProto, helper

    to.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, attributes.shape("shape")))


def _same(operator: str) -> _Handler:
    """An operator that ONNX has under another name, or the same."""

    def handle(to: _Converter, name: str, inputs: list[str], _attributes: _Attributes) -> None:
        to.add(operator, [to.tensor(value) for value in inputs], name)

    return handle


def _conv2d(to: _Converter, name: str, inputs: list[str], attributes: _Attributes) -> None:
    kernel = to.constant(to.value(inputs[1]).transpose(3, 2, 0, 1))  # HWIO to OIHW
    to.in_nchw(
        "Conv",
        inputs[0],
        [kernel],
        name,
        strides=attributes.integers("strides")[1:3],
        dilations=attributes.integers("dilations", (1, 1, 1, 1))[1:3],
        auto_pad=_padding(attributes),
    )


def _depthwise(to: _Converter, name: str, inputs: list[str], attributes: _Attributes) -> None:
    """Each channel by itself: HWIM becomes [I·M, 1, H, W] in I groups."""
    kernel = to.value(inputs[1])
    height, width, channels, multiplier = kernel.shape
    to.in_nchw(
        "Conv",
        inputs[0],
        [to.constant(kernel.transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width))],
        name,
        strides=attributes.integers("strides")[1:3],
        dilations=attributes.integers("dilations", (1, 1, 1, 1))[1:3],
        auto_pad=_padding(attributes),
        group=channels,
    )


def _batch_norm(to: _Converter, name: str, inputs: list[str], attributes: _Attributes) -> None:
    """Scale, offset, mean, variance, all constants, of a network that no longer learns."""
    numbers = [to.constant(to.value(value)) for value in inputs[1:5]]
    to.in_nchw("BatchNormalization", inputs[0], numbers, name, epsilon=attributes.number("epsilon", 1e-4))


def _relu6(to: _Converter, name: str, inputs: list[str], _attributes: _Attributes) -> None:
    to.add("Clip", [to.tensor(inputs[0]), to.constant(np.float32(0)), to.constant(np.float32(6))], name)


def _max_pool(to: _Converter, name: str, inputs: list[str], attributes: _Attributes) -> None:
    to.in_nchw(
        "MaxPool",
        inputs[0],
        [],
        name,
        kernel_shape=attributes.integers("ksize")[1:3],
        strides=attributes.integers("strides")[1:3],
        auto_pad=_padding(attributes),
    )


def _padding(attributes: _Attributes) -> str:
    return {"SAME": "SAME_UPPER", "VALID": "VALID"}[attributes.text("padding")]


def _leaky_relu(to: _Converter, name: str, inputs: list[str], attributes: _Attributes) -> None:
    to.add("LeakyRelu", [to.tensor(inputs[0])], name, alpha=attributes.number("alpha", 0.2))


def _transpose(to: _Converter, name: str, inputs: list[str], _attributes: _Attributes) -> None:
    to.add("Transpose", [to.tensor(inputs[0])], name, perm=to.value(inputs[1]).tolist())


def _pad(to: _Converter, name: str, inputs: list[str], _attributes: _Attributes) -> None:
    amounts = to.constant(to.value(inputs[1]).astype(np.int64).T.reshape(-1))  # all befores, then all afters
    fill = [to.constant(to.value(inputs[2]).astype(np.float32).reshape(()))] if len(inputs) > 2 else []
    to.add("Pad", [to.tensor(inputs[0]), amounts, *fill], name)


def _concat(to: _Converter, name: str, inputs: list[str], _attributes: _Attributes) -> None:
    axis = int(to.value(inputs[-1]).item())
    to.add("Concat", [to.tensor(value) for value in inputs[:-1]], name, axis=axis)


def _split(to: _Converter, name: str, inputs: list[str], _attributes: _Attributes) -> None:
    from onnx import helper

    sizes = to.value(inputs[1]).astype(np.int64)
    outputs = [name, *(f"{name}:{index}" for index in range(1, len(sizes)))]
    axis = int(to.value(inputs[2]).item())
    to.nodes.append(helper.make_node("Split", [to.tensor(inputs[0]), to.constant(sizes)], outputs, axis=axis))


def _resize_bilinear(to: _Converter, name: str, inputs: list[str], attributes: _Attributes) -> None:
    turned = to.add("Transpose", [to.tensor(inputs[0])], perm=_TO_NCHW)
    kept = to.add("Shape", [turned], end=2)
    size = to.add("Concat", [kept, to.constant(to.value(inputs[1]).astype(np.int64))], axis=0)
    if attributes.flag("align_corners"):
        mode = "align_corners"
    else:
        mode = "half_pixel" if attributes.flag("half_pixel_centers") else "asymmetric"
    resized = to.add("Resize", [turned, "", "", size], mode="linear", coordinate_transformation_mode=mode)
    to.add("Transpose", [resized], name, perm=_TO_NHWC)


def _sparse_to_dense(to: _Converter, name: str, inputs: list[str], _attributes: _Attributes) -> None:
    """A constant written as the few places where it is not its default."""
    places, shape, values, default = (to.value(value) for value in inputs)
    dense = np.full([int(size) for size in shape], default)
    if places.size:
        dense[tuple(places.reshape(-1, len(shape)).astype(np.int64).T)] = values
    to.fold(name, dense)


_HANDLERS: dict[str, _Handler] = {
    "Add": _same("Add"),
    "AddN": _same("Sum"),
    "AddV2": _same("Add"),
    "BiasAdd": _same("Add"),
    "ConcatV2": _concat,
    "Conv2D": _conv2d,
    "DepthwiseConv2dNative": _depthwise,
    "FusedBatchNorm": _batch_norm,
    "Identity": _same("Identity"),
    "LeakyRelu": _leaky_relu,
    "MaxPool": _max_pool,
    "Mul": _same("Mul"),
    "Pad": _pad,
    "PadV2": _pad,
    "Placeholder": _placeholder,
    "Relu6": _relu6,
    "Reshape": _same("Reshape"),
    "ResizeBilinear": _resize_bilinear,
    "Sigmoid": _same("Sigmoid"),
    "SparseToDense": _sparse_to_dense,
    "SplitV": _split,
    "Transpose": _transpose,
}
