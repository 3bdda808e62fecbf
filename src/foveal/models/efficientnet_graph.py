"""The graph of EfficientNet-Lite2 in ONNX, built from its PyTorch weights.

EfficientNet (Tan and Le 2019, arXiv:1905.11946) in its Lite form (github.com/tensorflow/tpu, efficientnet/lite): no
squeeze-and-excitation, ReLU6, stem and head not scaled, first and last stage not deepened. Batch normalisation
(epsilon 1e-3) is folded into the convolutions; padding is TensorFlow's SAME, the odd pixel after.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from foveal.models.torch_weights import Array
from foveal.types.vectors import FloatArray

if TYPE_CHECKING:
    import onnx

SIDE_PX = 260
FEATURES = 1280
_EPSILON = 1e-3
_DEPTH = 1.2  # Lite2's multiplier; widths follow from the weights
_STAGES = ((1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1))
"""Repeats before deepening, and stride of the first block, of the seven stages (Table 1 of the paper)."""


def write_efficientnet_lite2(weights: Mapping[str, Array], path: Path) -> None:
    """Write the graph: `pixels` float32 [n, 3, 260, 260] to `logits` [n, 1000] and `features` [n, 1280].

    Args:
        weights: The state dict.
        path: The `.onnx` file to write.

    Raises:
        KeyError: The state dict is not that of EfficientNet-Lite2.
    """
    import onnx
    from onnx import TensorProto, helper

    graph = _Graph(weights)
    top = graph.trunk("pixels")
    graph.add("GlobalAveragePool", [top], "pooled")
    graph.add("Flatten", ["pooled"], "features")
    head = [graph.constant("_fc.weight", _float(weights["_fc.weight"]))]
    head.append(graph.constant("_fc.bias", _float(weights["_fc.bias"])))
    graph.add("Gemm", ["features", *head], "logits", transB=1)

    def tensor(name: str, *shape: int | str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))

    outputs = [tensor("logits", "n", len(weights["_fc.bias"])), tensor("features", "n", FEATURES)]
    inputs = [tensor("pixels", "n", 3, SIDE_PX, SIDE_PX)]
    made = helper.make_graph(graph.nodes, "efficientnet-lite2", inputs, outputs, graph.constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    onnx.save(model, path)


@dataclass(slots=True)
class _Graph:
    """Nodes and constants so far, and the side of the current feature map in pixels."""

    weights: Mapping[str, Array]
    side_px: int = SIDE_PX
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def add(self, operator: str, inputs: list[str], output: str, **attributes: object) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def constant(self, name: str, value: FloatArray) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def trunk(self, pixels: str) -> str:
        """Stem, sixteen or more blocks, and the head's convolution; the name of its output."""
        self.constant("zero", np.array(0, np.float32))
        self.constant("six", np.array(6, np.float32))
        top = self.convolve(pixels, "_conv_stem", "_bn0", stride=2)
        block = 0
        for stage, (repeats, stride) in enumerate(_STAGES):
            deepened = repeats if stage in (0, len(_STAGES) - 1) else math.ceil(repeats * _DEPTH)
            for repeat in range(deepened):
                top = self.block(top, f"_blocks.{block}", stride=1 if repeat else stride, residual=repeat > 0)
                block += 1
        return self.convolve(top, "_conv_head", "_bn1")

    def block(self, top: str, prefix: str, *, stride: int, residual: bool) -> str:
        """One inverted residual block: expand, convolve depthwise, project, and add what came in."""
        inner = top
        if f"{prefix}._expand_conv.weight" in self.weights:
            inner = self.convolve(inner, f"{prefix}._expand_conv", f"{prefix}._bn0")
        inner = self.convolve(inner, f"{prefix}._depthwise_conv", f"{prefix}._bn1", stride=stride, depthwise=True)
        inner = self.convolve(inner, f"{prefix}._project_conv", f"{prefix}._bn2", activate=False)
        return self.add("Add", [top, inner], f"{prefix}.sum") if residual else inner

    def convolve(
        self,
        top: str,
        name: str,
        normalisation: str,
        *,
        stride: int = 1,
        depthwise: bool = False,
        activate: bool = True,
    ) -> str:
        """Convolution with its batch normalisation folded in, then ReLU6."""
        kernel = _float(self.weights[f"{name}.weight"])
        scale = _float(self.weights[f"{normalisation}.weight"]) / np.sqrt(
            _float(self.weights[f"{normalisation}.running_var"]) + np.float32(_EPSILON)
        )
        mean = _float(self.weights[f"{normalisation}.running_mean"])
        bias = _float(self.weights[f"{normalisation}.bias"]) - mean * scale
        inputs = [top, self.constant(f"{name}.kernel", kernel * scale[:, None, None, None])]
        inputs.append(self.constant(f"{name}.bias", bias))
        out = self.add(
            "Conv",
            inputs,
            f"{name}.out",
            kernel_shape=list(kernel.shape[2:]),
            strides=[stride, stride],
            group=kernel.shape[0] if depthwise else 1,
            pads=self.same_padding(kernel.shape[2], stride),
        )
        return self.add("Clip", [out, "zero", "six"], f"{name}.relu6") if activate else out

    def same_padding(self, kernel: int, stride: int) -> list[int]:
        """TensorFlow's SAME, and the new side."""
        side = -(-self.side_px // stride)
        total = max((side - 1) * stride + kernel - self.side_px, 0)
        self.side_px = side
        return [total // 2, total // 2, total - total // 2, total - total // 2]


def _float(array: Array) -> FloatArray:
    return np.ascontiguousarray(array, np.float32)
