from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from foveal.errors import ModelUnavailableError, UpstreamRequestError
from foveal.models.card_table import VISION_CHAT
from foveal.models.pull import ModelFolder
from foveal.models.upstream import OpenAIUpstream
from foveal.models.vision_chat_local import LocalVisionCaptioner, LocalVisionChat, LocalVisionServer
from foveal.ports.models import Upstream
from foveal.testing.contracts.captioner import CaptionerContract
from foveal.testing.contracts.chat_model import ChatModelContract
from foveal.testing.contracts.upstream import ASKED, UpstreamContract
from foveal.types.chat import Finished, ImageInput, Message, Sampling, TextDelta
from foveal.types.vectors import Pixels

# Language models and projectors that fit them, some 100 kB together: one with random weights, and one that speaks. The
# speaking one is a chain: whatever was read, the word after each word is the next of `SPEECH`, the last one the end.

_WIDTH = 32
_INNER = 64
_PATCH_PX = 14
_IMAGE_PX = 28


def _random(seed: int) -> Callable[..., np.ndarray]:
    generator = np.random.default_rng(seed)
    return lambda *shape: (generator.standard_normal(shape) * 0.1).astype(np.float32)


def _finish(writer: Any) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_model(path: Path) -> None:
    """One layer of the Llama architecture over bytes and three words."""
    import gguf

    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "▁the", "▁dog"]
    writer, random = gguf.GGUFWriter(path, "llama"), _random(0)
    _describe(writer, pieces, _WIDTH, [0.0] * 3 + [-100.0] * 256 + [-1.0, -2.0, -3.0])
    writer.add_tensor("token_embd.weight", random(len(pieces), _WIDTH))
    writer.add_tensor("output_norm.weight", np.ones(_WIDTH, np.float32))
    writer.add_tensor("output.weight", random(len(pieces), _WIDTH))
    _add_layer(writer, _WIDTH, random)
    _finish(writer)


def _describe(writer: Any, pieces: list[str], width: int, scores: list[float]) -> None:
    writer.add_context_length(1024)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(_INNER)
    writer.add_head_count(4)
    writer.add_head_count_kv(4)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(width // 4)
    writer.add_vocab_size(len(pieces))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(pieces)
    writer.add_token_scores(scores)
    writer.add_token_types([2, 3, 3] + [6] * 256 + [1] * (len(pieces) - 259))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template("{% for m in messages %}{{ m['content'] }}{% endfor %} the dog")


def _add_layer(writer: Any, width: int, weights: Callable[..., np.ndarray]) -> None:
    for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
        writer.add_tensor(f"blk.0.{part}.weight", weights(width, width))
    writer.add_tensor("blk.0.ffn_gate.weight", weights(_INNER, width))
    writer.add_tensor("blk.0.ffn_up.weight", weights(_INNER, width))
    writer.add_tensor("blk.0.ffn_down.weight", weights(width, _INNER))
    for part in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"blk.0.{part}.weight", np.ones(width, np.float32))


SPEECH = (
    "A wide harbour lies under a dark sky, with small boats at rest beside an old stone wall while lamps of the "
    "quay throw long yellow bands over still black water that reach far out to sea. Tags: harbour, night, boats"
)


def write_speaking_model(path: Path) -> None:
    """A Llama without attention or inner layers: one-hot embeddings, and an output that names the next word."""
    import gguf

    words = _distinct(["▁dog", *(f"▁{word}" for word in SPEECH.split())])
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *words]
    first, width = 259, 384
    eye = np.zeros((len(pieces), width), np.float32)
    eye[np.arange(len(pieces)), np.arange(len(pieces))] = 1
    following = np.zeros((len(pieces), width), np.float32)
    following[first + 1, :first] = 30  # after anything else the speech begins
    for place in range(len(words)):
        last = place == len(words) - 1
        following[2 if last else first + place + 1, first + place] = 30
    writer = gguf.GGUFWriter(path, "llama")
    _describe(writer, pieces, width, [0.0] * 3 + [-100.0] * 256 + [-1.0] * len(words))
    writer.add_tensor("token_embd.weight", eye)
    writer.add_tensor("output_norm.weight", np.ones(width, np.float32))
    writer.add_tensor("output.weight", following)
    _add_layer(writer, width, lambda *shape: np.zeros(shape, np.float32))
    _finish(writer)


def _distinct(pieces: list[str]) -> list[str]:
    """A word that stands twice becomes two tokens, the second with a zero-width space, which says nothing."""
    seen: dict[str, int] = {}
    out = []
    for piece in pieces:
        out.append(piece + "\u200b" * seen.get(piece, 0))
        seen[piece] = seen.get(piece, 0) + 1
    return out


def write_projector(path: Path, width: int = _WIDTH) -> None:
    """A vision transformer of two layers and LLaVA's projector."""
    import gguf

    writer, random, zeros = gguf.GGUFWriter(path, "clip"), _random(1), lambda n: np.zeros(n, np.float32)
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_string("clip.projector_type", "mlp")
    writer.add_bool("clip.use_gelu", True)
    for name, value in (
        ("image_size", _IMAGE_PX),
        ("patch_size", _PATCH_PX),
        ("embedding_length", _WIDTH),
        ("feed_forward_length", _INNER),
        ("attention.head_count", 4),
        ("block_count", 2),
        ("projection_dim", width),
    ):
        writer.add_uint32(f"clip.vision.{name}", value)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-5)
    writer.add_array("clip.vision.image_mean", [0.5] * 3)
    writer.add_array("clip.vision.image_std", [0.5] * 3)
    writer.add_tensor("v.class_embd", random(_WIDTH))
    writer.add_tensor("v.patch_embd.weight", random(_WIDTH, 3, _PATCH_PX, _PATCH_PX))
    writer.add_tensor("v.position_embd.weight", random((_IMAGE_PX // _PATCH_PX) ** 2 + 1, _WIDTH))
    norms, linears = ["v.pre_ln"], {"mm.0": (width, _WIDTH), "mm.2": (width, width)}
    for block in ("v.blk.0", "v.blk.1"):
        norms += [f"{block}.ln1", f"{block}.ln2"]
        linears |= {f"{block}.attn_{part}": (_WIDTH, _WIDTH) for part in ("q", "k", "v", "out")}
        linears |= {f"{block}.ffn_up": (_INNER, _WIDTH), f"{block}.ffn_down": (_WIDTH, _INNER)}
    for name in norms:
        writer.add_tensor(f"{name}.weight", 1 + zeros(_WIDTH))
        writer.add_tensor(f"{name}.bias", zeros(_WIDTH))
    for name, shape in linears.items():
        writer.add_tensor(f"{name}.weight", random(*shape))
        writer.add_tensor(f"{name}.bias", zeros(shape[0]))
    _finish(writer)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> LocalVisionServer:
    return _brought(tmp_path_factory, write_model, _WIDTH)


@pytest.fixture(scope="module")
def speaking(tmp_path_factory: pytest.TempPathFactory) -> LocalVisionServer:
    return _brought(tmp_path_factory, write_speaking_model, 384)


def _brought(paths: pytest.TempPathFactory, write: Callable[[Path], None], width: int) -> LocalVisionServer:
    pytest.importorskip("xllamacpp", reason="the extra vlm is not installed (xllamacpp)")
    pytest.importorskip("gguf", reason="gguf, which writes the tiny model, is not installed")
    source = paths.mktemp("brought")
    write(source / "model.gguf")
    write_projector(source / "mmproj.gguf", width)
    folder = ModelFolder(paths.mktemp("models"), offline=True)
    folder.pull(VISION_CHAT, local=source)
    return LocalVisionServer(folder, context_tokens=1024, threads=1)


class TestLocalVisionChat(ChatModelContract):
    @pytest.fixture
    def chat(self, speaking: LocalVisionServer) -> LocalVisionChat:
        return LocalVisionChat(speaking)


class TestLocalVisionCaptioner(CaptionerContract):
    @pytest.fixture
    def captioner(self, speaking: LocalVisionServer) -> LocalVisionCaptioner:
        return LocalVisionCaptioner(speaking, prompt="the dog", prompt_version="v1")


class TestLlamaCppAsUpstream(UpstreamContract):
    """Requests passed on to a real llama.cpp server, as they are."""

    @pytest.fixture
    def upstream(self, speaking: LocalVisionServer) -> Upstream:
        return OpenAIUpstream(speaking.endpoint())

    def test_what_only_llama_cpp_takes_and_says_goes_through(self, upstream: Upstream) -> None:
        reply = asyncio.run(upstream.complete({**ASKED, "max_tokens": 2, "logprobs": True, "top_logprobs": 2, "n": 1}))
        (choice,) = reply.body["choices"]  # type: ignore[misc, attr-defined]
        assert choice["finish_reason"] == "length"
        assert len(choice["logprobs"]["content"]) == 2
        assert "timings" in reply.body

    def test_a_wrong_request_comes_back_with_its_words(self, upstream: Upstream) -> None:
        with pytest.raises(UpstreamRequestError) as refused:
            asyncio.run(upstream.complete({"messages": "no list"}))
        assert refused.value.message


def picture(red: int, green: int, blue: int) -> Pixels:
    return np.full((30, 40, 3), (red, green, blue), dtype=np.uint8)


def answer(server: LocalVisionServer, image: Pixels | None) -> tuple[str, Finished]:
    """The whole answer to one message, at temperature 0."""
    images: tuple[ImageInput, ...] = ()
    if image is not None:
        data = io.BytesIO()
        Image.fromarray(image).save(data, "PNG")
        images = (ImageInput(data=data.getvalue(), media_type="image/png", pixels=image),)

    async def collect() -> list[TextDelta | Finished]:
        message = Message(role="user", text="the dog", images=images)
        stream = LocalVisionChat(server).stream([message], Sampling(max_tokens=12, temperature=0, seed=1))
        return [event async for event in stream]

    *deltas, last = asyncio.run(collect())
    assert all(isinstance(event, TextDelta) for event in deltas)
    assert isinstance(last, Finished)
    return "".join(event.text for event in deltas if isinstance(event, TextDelta)), last


def test_it_answers_in_pieces_and_ends_with_the_usage(server: LocalVisionServer) -> None:
    text, finished = answer(server, None)
    assert text
    assert finished.reason in {"length", "stop"}
    assert 0 < finished.usage.completion_tokens <= 12
    assert finished.model == "vision-chat"


def test_an_image_becomes_tokens_of_the_prompt_and_changes_the_answer(server: LocalVisionServer) -> None:
    _, blind = answer(server, None)
    red_text, red = answer(server, picture(255, 0, 0))
    blue_text, _ = answer(server, picture(0, 0, 255))
    assert red.usage.prompt_tokens > blind.usage.prompt_tokens + 3
    assert red_text != blue_text


def test_an_image_is_described_in_one_call(server: LocalVisionServer) -> None:
    captioner = LocalVisionCaptioner(server, prompt="the dog", prompt_version="v7")
    caption = captioner.caption(picture(255, 0, 0), "")
    assert caption.usage.completion_tokens > 0
    assert captioner.identity == f"{server.identity}:v7"


def test_its_port_is_closed_without_the_key(server: LocalVisionServer) -> None:
    import httpx

    response = httpx.post(f"{server.endpoint().base_url}/chat/completions", json={"messages": []})
    assert response.status_code == 401


def test_its_identity_is_that_of_the_files_and_not_of_the_port(server: LocalVisionServer) -> None:
    assert server.identity.startswith("vision-chat/1:")
    assert str(server.endpoint().base_url) not in LocalVisionChat(server).identity


def test_files_that_are_no_model_are_named(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp", reason="the extra vlm is not installed (xllamacpp)")
    source = tmp_path / "brought"
    source.mkdir()
    for name in ("model.gguf", "mmproj.gguf"):
        (source / name).write_bytes(b"GGUF, not")
    folder = ModelFolder(tmp_path / "models", offline=True)
    folder.pull(VISION_CHAT, local=source)
    with pytest.raises(ModelUnavailableError, match=r"model\.gguf"):
        LocalVisionServer(folder).endpoint()


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "brought"
    source.mkdir()
    for name in ("model.gguf", "mmproj.gguf"):
        (source / name).write_bytes(b"GGUF")
    folder = ModelFolder(tmp_path / "models", offline=True)
    folder.pull(VISION_CHAT, local=source)
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(ModelUnavailableError, match=r"foveal\[vlm\]"):
        LocalVisionServer(folder).endpoint()


def test_without_the_files_it_says_how_they_come(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match="foveal models pull vision-chat"):
        LocalVisionServer(ModelFolder(tmp_path)).endpoint()
