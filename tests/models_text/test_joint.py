from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers

from foveal.errors import ModelUnavailableError
from foveal.models.card_table import JOINT
from foveal.models.joint import ImagePreparation, OnnxJointEmbedder
from foveal.models.pull import ModelFolder
from foveal.ports.models import ImageEncoder, JointEmbedder
from foveal.testing.contracts.image_encoder import ImageEncoderContract
from foveal.testing.contracts.joint_embedder import JointEmbedderContract
from foveal.testing.fakes_vision import FakeJointEmbedder
from foveal.types.vectors import Pixels

WORDS = {"[PAD]": 0, "[UNK]": 1, "red": 2, "green": 3, "blue": 4}
MEANINGS = np.array([[0, 0, 0], [0.1, 0.1, 0.1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=np.float32)


def save(path: Path, nodes: list[onnx.NodeProto], inputs: list, outputs: list, constants: dict) -> None:
    graph = helper.make_graph(
        nodes, "tiny", inputs, outputs, [numpy_helper.from_array(value, name) for name, value in constants.items()]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def write_vision(path: Path, output: str) -> None:
    """Mean colour: with a mean and a deviation of one half, red is (1, -1, -1)."""
    save(
        path,
        [helper.make_node("ReduceMean", ["pixel_values", "axes"], [output], keepdims=0)],
        [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["n", 3, 16, 16])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", 3])],
        {"axes": np.array([2, 3])},
    )


def write_text(path: Path, output: str, *, masked: bool) -> None:
    """Sum of the words' meanings; without a mask the graph wants exactly eight tokens, as SigLIP wants 64."""
    length = "tokens" if masked else 8
    inputs = [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["n", length])]
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["words"])]
    summed = "words"
    if masked:
        inputs.append(helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["n", length]))
        nodes.append(helper.make_node("Cast", ["attention_mask"], ["float_mask"], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Unsqueeze", ["float_mask", "last"], ["mask"]))
        nodes.append(helper.make_node("Mul", ["words", "mask"], ["kept"]))
        summed = "kept"
    nodes.append(helper.make_node("ReduceSum", [summed, "axes"], ["sum"], keepdims=0))
    nodes.append(helper.make_node("Add", ["sum", "bias"], [output]))
    constants = {"table": MEANINGS, "axes": np.array([1]), "bias": np.full(3, 1e-3, np.float32)}
    if masked:
        constants["last"] = np.array([2])
    save(path, nodes, inputs, [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", 3])], constants)


def export(folder: Path, *, siglip: bool) -> Path:
    """A folder as a hub has it: graphs under `onnx`, the rest beside it."""
    (folder / "onnx").mkdir(parents=True)
    write_vision(folder / "onnx/vision_model.onnx", "pooler_output" if siglip else "image_embeds")
    write_text(folder / "onnx/text_model.onnx", "pooler_output" if siglip else "text_embeds", masked=not siglip)
    tokenizer = Tokenizer(models.WordLevel(WORDS, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 8, "pad_token": "[PAD]"}))
    size = {"height": 16, "width": 16} if siglip else {"shortest_edge": 16}
    config = {
        "size": size,
        "do_center_crop": not siglip,
        "crop_size": 16,
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(config))
    return folder


def pulled(tmp_path: Path, *, siglip: bool = False) -> ModelFolder:
    folder = ModelFolder(tmp_path / "models", offline=True)
    folder.pull(JOINT, local=export(tmp_path / "export", siglip=siglip))
    return folder


class TestFakeJointEmbedder(JointEmbedderContract):
    @pytest.fixture
    def embedder(self) -> JointEmbedder:
        return FakeJointEmbedder()


class TestFakeJointEmbedderInPlaceOfTheImageEncoder(ImageEncoderContract):
    @pytest.fixture
    def encoder(self) -> ImageEncoder:
        return FakeJointEmbedder()


class TestClipShapedModel(JointEmbedderContract):
    @pytest.fixture
    def embedder(self, tmp_path: Path) -> JointEmbedder:
        return OnnxJointEmbedder(pulled(tmp_path))


class TestSiglipShapedModel(JointEmbedderContract):
    @pytest.fixture
    def embedder(self, tmp_path: Path) -> JointEmbedder:
        return OnnxJointEmbedder(pulled(tmp_path, siglip=True))


class TestClipShapedModelInPlaceOfTheImageEncoder(ImageEncoderContract):
    @pytest.fixture
    def encoder(self, tmp_path: Path) -> ImageEncoder:
        return OnnxJointEmbedder(pulled(tmp_path))


class TestSiglipShapedModelInPlaceOfTheImageEncoder(ImageEncoderContract):
    @pytest.fixture
    def encoder(self, tmp_path: Path) -> ImageEncoder:
        return OnnxJointEmbedder(pulled(tmp_path, siglip=True))


def test_it_never_comes_by_itself_and_says_how_it_comes(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match="foveal models pull joint-image-text"):
        OnnxJointEmbedder(ModelFolder(tmp_path)).embed_queries(["red"])


def test_a_brought_file_that_changes_later_is_found_by_verify(tmp_path: Path) -> None:
    folder = pulled(tmp_path)
    assert folder.state(JOINT) == "present"
    assert folder.verify(JOINT) == []
    config = folder.path(JOINT, "preprocessor_config.json")
    config.write_text(config.read_text().replace("16", "32"))
    assert [(problem.file, problem.problem) for problem in folder.verify(JOINT)] == [
        ("preprocessor_config.json", "wrong_checksum")
    ]


def test_bringing_another_model_changes_the_identity(tmp_path: Path) -> None:
    folder = pulled(tmp_path)
    before = OnnxJointEmbedder(folder).identity
    folder.pull(JOINT, local=export(tmp_path / "other", siglip=True))
    assert folder.verify(JOINT) == []
    assert OnnxJointEmbedder(folder).identity != before


def test_a_folder_that_lacks_a_file_is_refused(tmp_path: Path) -> None:
    source = export(tmp_path / "export", siglip=False)
    (source / "tokenizer.json").unlink()
    folder = ModelFolder(tmp_path / "models", offline=True)
    with pytest.raises(ModelUnavailableError):
        folder.pull(JOINT, local=source)
    assert folder.state(JOINT) == "missing"


def test_a_graph_without_one_vector_an_input_is_refused_with_the_names_it_has(tmp_path: Path) -> None:
    source = export(tmp_path / "export", siglip=False)
    save(
        source / "onnx/vision_model.onnx",
        [helper.make_node("Relu", ["pixel_values"], ["last_hidden_state"])],
        [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["n", 3, 16, 16])],
        [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["n", 3, 16, 16])],
        {},
    )
    folder = ModelFolder(tmp_path / "models", offline=True)
    folder.pull(JOINT, local=source)
    with pytest.raises(ModelUnavailableError, match="last_hidden_state"):
        OnnxJointEmbedder(folder).embed_queries(["red"])


def test_the_short_side_is_resized_and_the_middle_is_kept() -> None:
    image: Pixels = np.zeros((20, 60, 3), dtype=np.uint8)
    image[:, 20:40] = 255
    config = {"size": {"shortest_edge": 10}, "do_center_crop": True, "crop_size": {"width": 10, "height": 10}}
    values = ImagePreparation.from_config(config | {"image_mean": [0, 0, 0], "image_std": [1, 1, 1], "resample": 0})
    assert values.apply(image).shape == (1, 3, 10, 10)
    assert (values.apply(image) == 1.0).all()


def test_without_a_crop_the_whole_image_is_squeezed_into_the_size() -> None:
    image: Pixels = np.zeros((20, 60, 3), dtype=np.uint8)
    image[:, :30] = 255
    config = {"size": {"width": 12, "height": 8}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "resample": 0}
    values = ImagePreparation.from_config(config).apply(image)
    assert values.shape == (1, 3, 8, 12)
    assert (values[..., :6] == 1.0).all()
    assert (values[..., 6:] == -1.0).all()
