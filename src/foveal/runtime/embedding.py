"""Embeddings for callers: which model embeds for a deployment, and at which length."""

from __future__ import annotations

from collections.abc import Sequence

from foveal.errors import InvalidRequestError
from foveal.models.openai_embedder import OpenAITextEmbedder
from foveal.ports.models import TextEmbedder
from foveal.types.vectors import FloatArray


def embed(
    embedder: TextEmbedder, texts: Sequence[str], *, queries: bool = False, dimensions: int | None = None
) -> FloatArray:
    """float32 [n, dim], rows L2-normalised; a text over the model's window is cut.

    Args:
        embedder: Of the deployment.
        texts: What to embed.
        queries: Whether they are questions; models that tell them from passages embed them otherwise.
        dimensions: Length asked for. A model server is asked to shorten; the local model has one length only.

    Raises:
        InvalidRequestError: The model does not give vectors of that length.
    """
    if dimensions is not None and dimensions != embedder.dim:
        if not isinstance(embedder, OpenAITextEmbedder):
            raise InvalidRequestError(
                "This model does not support specifying dimensions.",
                remedy=f"Leave `dimensions` out: the vectors have {embedder.dim} numbers.",
            )
        embedder = embedder.shortened(dimensions)
    return embedder.embed_queries(texts) if queries else embedder.embed_passages(texts)
