"""Models that read, describe, rank and answer. See `foveal.ports` for the rules."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol, runtime_checkable

from foveal.types.chat import ChatRequest, Document, Finished, Message, Sampling, TextDelta
from foveal.types.content import (
    Caption,
    Detections,
    ImageEncoding,
    OcrLine,
    SafetyScores,
)
from foveal.types.search import Passage, Reranked
from foveal.types.speech import Transcript
from foveal.types.upstream import JsonObject, UpstreamReply, UpstreamStart
from foveal.types.vectors import FloatArray, Pixels, Samples


class Model(Protocol):
    """Common to every model role."""

    @property
    def identity(self) -> str:
        """Name and version, such that equal identities give equal results; part of every cache key."""


class TextEmbedder(Model, Protocol):
    """Words to vectors. Questions and passages are embedded differently by most models: say which."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    def embed_passages(self, texts: Sequence[str]) -> FloatArray:
        """float32 [n, dim], rows L2-normalised. A text over the model's window is cut, never refused."""

    def embed_queries(self, texts: Sequence[str]) -> FloatArray:
        """float32 [n, dim], rows L2-normalised."""


class ImageEncoder(Model, Protocol):
    """Images to vectors, and to label probabilities where the encoder is a classifier."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    @property
    def labels(self) -> tuple[str, ...]:
        """English label of each probability; empty when the encoder knows no labels."""

    def encode(self, images: Sequence[Pixels]) -> list[ImageEncoding]:
        """One encoding an image; equal pixels give equal vectors whatever the batch (to 1e-4)."""


@runtime_checkable
class JointEmbedder(ImageEncoder, Protocol):
    """An image encoder whose vectors can be compared with text (CLIP, SigLIP)."""

    def embed_queries(self, texts: Sequence[str]) -> FloatArray:
        """float32 [n, dim], rows L2-normalised, in the space of `encode`."""


class ObjectDetector(Model, Protocol):
    """Objects with boxes."""

    @property
    def classes(self) -> tuple[str, ...]:
        """English class names, in the order of `Detections.class_scores` rows."""

    def detect(self, images: Sequence[Pixels]) -> list[Detections]:
        """Objects above the model's threshold after non-maximum suppression, best first."""


class TextRecognizer(Model, Protocol):
    """Text seen in images."""

    def recognize(self, image: Pixels) -> tuple[OcrLine, ...]:
        """Lines in reading order; empty when there is no text."""


class SafetyScorer(Model, Protocol):
    """Sensitive content."""

    def score_images(self, images: Sequence[Pixels]) -> list[SafetyScores]:
        """Scores of each image; a category it cannot judge is None."""

    def score_texts(self, texts: Sequence[str]) -> list[SafetyScores]:
        """Scores of each text; a category it cannot judge is None."""


class Captioner(Model, Protocol):
    """A vision model that describes an image. Each call may cost money: exactly one is made an image."""

    def caption(self, image: Pixels, facts: str) -> Caption:
        """Describe one image in 200 words or more, with tags.

        Args:
            facts: What is known already (date, place, text seen), fenced as data in the prompt.

        Raises:
            AssetFilteredError: The server's content filter refused this image.
            ModelError: Any other failure, after retries.
        """


class Transcriber(Model, Protocol):
    """Speech to text. A call may cost money: exactly one is made a stretch of sound, and none for silence."""

    def transcribe(self, samples: Samples) -> Transcript:
        """What is said in a stretch of sound, with times from its beginning; no words where nobody speaks.

        Args:
            samples: int16 [n], at most ten minutes.

        Raises:
            ModelError: After retries.
        """


class Reranker(Model, Protocol):
    """Second look at candidates."""

    def rerank(self, query: str, passages: Sequence[Passage]) -> list[Reranked]:
        """One judgement a passage, in the order of the passages (not of the scores)."""


class ChatModel(Model, Protocol):
    """A language model."""

    @property
    def sees(self) -> bool:
        """Whether it takes images."""

    @property
    def context_tokens(self) -> int:
        """Size of its window, prompt and answer together."""

    def stream(self, messages: Sequence[Message], sampling: Sampling) -> AsyncIterator[TextDelta | Finished]:
        """Answer: any number of `TextDelta`, then exactly one `Finished`.

        Raises:
            ContentFilteredError: The server's content filter refused the prompt.
            ModelError: After retries; possibly in mid-stream.
        """


class Upstream(Model, Protocol):
    """A model server that is sent chat completion requests of the OpenAI wire as they came, and whose replies go out
    as they come. Only `model` is set by it. Safe to use from several event loops at once.
    """

    async def complete(self, body: JsonObject) -> UpstreamReply:
        """The reply in one piece, every field of it kept.

        Raises:
            UpstreamRequestError: The server says that the request is wrong.
            ContentFilteredError: Its content filter refuses it.
            ModelError: Any other failure.
        """

    def stream(self, body: JsonObject) -> AsyncIterator[UpstreamStart | bytes]:
        """The reply as events: one `UpstreamStart`, then the JSON of each event, as it came, without `[DONE]`.
        Leaving the iteration early ends the call.

        Raises:
            UpstreamRequestError: As above, before the start.
            ContentFilteredError: Likewise.
            ModelError: Any other failure; in mid-stream also where the server breaks off or sends an error event.
        """


class Answerer(Protocol):
    """Turns a question and retrieved documents into an answer with `[docN]` marks."""

    @property
    def name(self) -> str:
        """What `Finished.model` says."""

    @property
    def sees(self) -> bool:
        """Whether documents should carry their images."""

    @property
    def context_tokens(self) -> int:
        """Tokens it can read and write together."""

    async def intents(self, request: ChatRequest) -> tuple[str, ...]:
        """Search queries for the last question, in the light of the history; at least one unless it has no words."""

    def answer(self, request: ChatRequest, documents: Sequence[Document]) -> AsyncIterator[TextDelta | Finished]:
        """Answer from the documents: any number of `TextDelta`, then exactly one `Finished`.

        With `in_scope` and no document that answers, the text is the refusal and `answered` is False. Only numbers
        of given documents are cited.
        """
