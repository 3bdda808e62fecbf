"""Images and words in one space: a CLIP or SigLIP that a person brings as ONNX graphs.

Expected are the files of an export by Hugging Face's optimum or transformers.js: `vision_model.onnx`,
`text_model.onnx`, `tokenizer.json`, `tokenizer_config.json` and `preprocessor_config.json`. Sources: Radford et al.
2021 (arXiv:2103.00020) and Zhai et al. 2023 (arXiv:2303.15343) for the models; the image processors of transformers
(`CLIPImageProcessor`, `SiglipImageProcessor`) for what the last two files mean.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from foveal.errors import ModelUnavailableError
from foveal.models.card_table import JOINT
from foveal.models.onnx import session
from foveal.models.pull import ModelFolder, expected_sha256
from foveal.types.content import ImageEncoding
from foveal.types.vectors import FloatArray, Pixels

if TYPE_CHECKING:
    import onnxruntime
    from tokenizers import Tokenizer

_NO_LIMIT_TOKENS: Final = 100_000
"""Tokenizers without a limit say a number above this."""
_BICUBIC: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePreparation:
    """How pixels become the vision model's input.

    Attributes:
        resize_px: Width and height, or one number: the short side, the other in proportion.
        crop_px: Width and height of the central part that is kept; None keeps all.
        resample: Filter, as Pillow numbers them.
        scale: Factor from 0..255, before the mean.
        mean: Subtracted, per channel (RGB).
        std: Divided by, per channel.
    """

    resize_px: tuple[int, int] | int
    crop_px: tuple[int, int] | None
    resample: int
    scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> ImagePreparation:
        """Read a `preprocessor_config.json`; what it leaves out is CLIP's."""
        size, crop = config.get("size", 224), config.get("crop_size", 224)
        return cls(
            resize_px=size["shortest_edge"] if isinstance(size, dict) and "shortest_edge" in size else _sides(size),
            crop_px=_sides(crop) if config.get("do_center_crop", False) else None,
            resample=int(config.get("resample", _BICUBIC)),
            scale=float(config.get("rescale_factor", 1 / 255)),
            mean=tuple(config.get("image_mean", (0.48145466, 0.4578275, 0.40821073))),
            std=tuple(config.get("image_std", (0.26862954, 0.26130258, 0.27577711))),
        )

    def apply(self, image: Pixels) -> FloatArray:
        """float32 [1, 3, h, w]."""
        from PIL import Image

        picture = Image.fromarray(np.ascontiguousarray(image))
        width, height = self._resized(picture.width, picture.height)
        picture = picture.resize((width, height), Image.Resampling(self.resample))
        if self.crop_px is not None:
            left, top = ((side - kept) // 2 for side, kept in zip((width, height), self.crop_px, strict=True))
            picture = picture.crop((left, top, left + self.crop_px[0], top + self.crop_px[1]))
        values: FloatArray = np.asarray(picture, dtype=np.float32) * np.float32(self.scale)
        values -= np.asarray(self.mean, dtype=np.float32)
        values /= np.asarray(self.std, dtype=np.float32)
        return np.ascontiguousarray(values.transpose(2, 0, 1)[None])

    def _resized(self, width: int, height: int) -> tuple[int, int]:
        if not isinstance(self.resize_px, int):
            return self.resize_px
        factor = self.resize_px / min(width, height)
        return max(self.resize_px, int(width * factor)), max(self.resize_px, int(height * factor))


def _sides(size: Any) -> tuple[int, int]:
    """Width and height of a size in a configuration: one number, or an object."""
    return (size["width"], size["height"]) if isinstance(size, dict) else (int(size), int(size))


class OnnxJointEmbedder:
    """`JointEmbedder` on the files of the card `joint-image-text`, which only `pull --from FOLDER` brings.

    Args:
        folder: Where the files are.
        threads: Threads of one run.

    Raises (from everything but the constructor):
        ModelUnavailableError: The files are not here, or are no such model.
    """

    def __init__(self, folder: ModelFolder, *, threads: int = 1) -> None:
        self._folder = folder
        self._threads = threads
        self._lock = threading.Lock()
        self._engine: _Engine | None = None

    @property
    def identity(self) -> str:
        """The card's, and a digest of the files: another model brought under the same name is another identity."""
        digest = hashlib.sha256()
        for file in JOINT.files:
            digest.update(expected_sha256(self._folder.path(JOINT, file.name), file).encode())
        return f"{JOINT.identity}:{digest.hexdigest()[:16]}"

    @property
    def dim(self) -> int:
        """Length of a vector, as the model has it."""
        return self._opened().dim

    @property
    def labels(self) -> tuple[str, ...]:
        """None: any words can be asked for."""
        return ()

    def encode(self, images: Sequence[Pixels]) -> list[ImageEncoding]:
        """One vector an image, without probabilities."""
        engine = self._opened() if images else None
        nothing = np.empty(0, dtype=np.float32)
        return [
            ImageEncoding(vector=engine.see(image), probabilities=nothing) for image in images if engine is not None
        ]

    def embed_queries(self, texts: Sequence[str]) -> FloatArray:
        """float32 [n, dim], rows L2-normalised, in the space of `encode`."""
        engine = self._opened()
        vectors = np.empty((len(texts), engine.dim), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row] = engine.read(text)
        return vectors

    def _opened(self) -> _Engine:
        with self._lock:
            if self._engine is None:
                self._engine = _Engine(self._folder, self._threads)
            return self._engine


class _Engine:
    """The opened graphs and their preparation. One image or text a run: their neighbours cannot matter."""

    def __init__(self, folder: ModelFolder, threads: int) -> None:
        vision, text, tokenizer, tokenizer_config, preparation = (folder.path(JOINT, file.name) for file in JOINT.files)
        self._vision = session(vision, threads=threads)
        self._text = session(text, threads=threads)
        self._vision_output = _output(self._vision, "image_embeds", vision)
        self._text_output = _output(self._text, "text_embeds", text)
        self._text_inputs = {value.name for value in self._text.get_inputs()}
        self._preparation = ImagePreparation.from_config(_json(preparation))
        self._tokenizer = _tokenizer(
            tokenizer, _json(tokenizer_config), padded="attention_mask" not in self._text_inputs
        )
        self.dim = len(self.see(np.zeros((1, 1, 3), dtype=np.uint8)))

    def see(self, image: Pixels) -> FloatArray:
        feed = {self._vision.get_inputs()[0].name: self._preparation.apply(image)}
        return _unit(self._vision.run([self._vision_output], feed)[0][0])

    def read(self, text: str) -> FloatArray:
        encoding = self._tokenizer.encode(text)
        feed = {"input_ids": encoding.ids, "attention_mask": encoding.attention_mask}
        integers = {
            value.name: np.asarray([feed[value.name]], np.int32 if "int32" in value.type else np.int64)
            for value in self._text.get_inputs()
            if value.name in feed
        }
        return _unit(self._text.run([self._text_output], integers)[0][0])


def _tokenizer(path: Path, config: dict[str, Any], *, padded: bool) -> Tokenizer:
    """The tokenizer, cutting to the model's window; `padded` to it where the graph takes no mask (SigLIP)."""
    from tokenizers import Tokenizer

    _json(path)
    tokenizer = Tokenizer.from_file(str(path))
    window_tokens = int(config.get("model_max_length", _NO_LIMIT_TOKENS + 1))
    if window_tokens > _NO_LIMIT_TOKENS:
        tokenizer.no_padding()
        return tokenizer
    tokenizer.enable_truncation(window_tokens)
    if not padded:
        tokenizer.no_padding()
        return tokenizer
    pad = config.get("pad_token") or ""
    pad_text: str = pad["content"] if isinstance(pad, dict) else pad
    tokenizer.enable_padding(
        length=window_tokens, pad_id=tokenizer.token_to_id(pad_text) or 0, pad_token=pad_text or "<pad>"
    )
    return tokenizer


def _output(graph: onnxruntime.InferenceSession, name: str, path: Path) -> str:
    """The output that holds one vector an input: by its usual names, else the only one of rank 2."""
    ranks: dict[str, int] = {value.name: len(value.shape) for value in graph.get_outputs()}
    for candidate in (name, "pooler_output"):
        if candidate in ranks:
            return candidate
    flat = [found for found, rank in ranks.items() if rank == 2]
    if len(flat) != 1:
        raise ModelUnavailableError(
            f"{path} has no output {name} or pooler_output; it has {', '.join(ranks)}.",
            remedy="Export the model with its projection, as optimum and transformers.js do.",
        )
    return flat[0]


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelUnavailableError(f"{path} is not JSON: {error}", remedy="Bring the file again.") from error
    if not isinstance(value, dict):
        raise ModelUnavailableError(f"{path} is not a JSON object.", remedy="Bring the file again.")
    return value


def _unit(vector: FloatArray) -> FloatArray:
    unit: FloatArray = (vector / max(float(np.linalg.norm(vector)), 1e-12)).astype(np.float32)
    return unit
