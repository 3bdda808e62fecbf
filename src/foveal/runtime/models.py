"""Which model plays which role, by settings. Each is made at first use and kept."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from foveal.ports.models import (
    Answerer,
    Captioner,
    ChatModel,
    ImageEncoder,
    ObjectDetector,
    Reranker,
    SafetyScorer,
    TextEmbedder,
    TextRecognizer,
    Transcriber,
    Upstream,
)
from foveal.retrieval.tokens import TokenCounter

if TYPE_CHECKING:
    from foveal.models.cards import Card
    from foveal.models.limits import CallLimit, Meter
    from foveal.models.openai_client import Endpoint
    from foveal.models.pull import ModelFolder, PullProgress
    from foveal.models.vision_chat_local import LocalVisionServer
    from foveal.retrieval.text_space import TextSpace
    from foveal.settings import Settings
    from foveal.settings.models import ChatServer, ModelServer

T = TypeVar("T")


class Models:
    """Every model of a process."""

    def __init__(self, settings: Settings, *, on_pull: PullProgress | None = None) -> None:
        self._settings = settings
        self._on_pull = on_pull
        self._made: dict[str, object] = {}
        self._lock = threading.RLock()
        self.tokens = TokenCounter()

    @property
    def folder(self) -> ModelFolder:
        """Where model files live."""
        from foveal.models.pull import ModelFolder

        settings = self._settings
        return self._once(
            "folder", lambda: ModelFolder(settings.models, offline=settings.offline, progress=self._on_pull)
        )

    def cards(self, names: Sequence[str] | None = None) -> list[Card]:
        """All cards, or those named.

        Raises:
            ModelUnavailableError: No card has that name.
        """
        from foveal.models.card_table import CARDS, card

        return [card(name) for name in names] if names else list(CARDS.values())

    @property
    def text(self) -> TextEmbedder:
        """Words to vectors."""
        return self._once("text", self._make_text)

    def parted(self, run: str) -> Sequence[str]:
        """Words that a run of letters is made of, by the vocabulary of the local text model; none without it."""
        from foveal.models.text_embedder import LocalTextEmbedder

        model = self.text
        return model.parted(run) if isinstance(model, LocalTextEmbedder) else ()

    @property
    def queries(self) -> TextEmbedder:
        """The same with an eye on questions asked before."""
        from foveal.models.text_embedder import CachedQueries

        return self._once("queries", lambda: CachedQueries(self.text))

    @property
    def image(self) -> ImageEncoder:
        """Images to vectors."""
        return self._once("image", self._make_image)

    @property
    def objects(self) -> ObjectDetector | None:
        """Objects with boxes; None when off or not to be had."""
        from foveal.models.objects import local_objects

        on = self._settings.understanding.objects
        return self._once("objects", lambda: local_objects(self.folder) if on else None)

    @property
    def ocr(self) -> TextRecognizer | None:
        """Text in images; None when off."""
        from foveal.models.ocr import LocalTextRecognizer
        from foveal.models.tesseract import OtherScripts, installed

        def make() -> LocalTextRecognizer:
            there = installed()
            return LocalTextRecognizer(self.folder, others=OtherScripts(there) if there else None)

        return self._once("ocr", lambda: make() if self._settings.understanding.ocr else None)

    @property
    def safety(self) -> SafetyScorer | None:
        """Sensitive content; None when off."""
        from foveal.models.safety import LocalSafetyScorer

        on = self._settings.understanding.safety
        return self._once("safety", lambda: LocalSafetyScorer(self.folder) if on else None)

    @property
    def speech(self) -> Transcriber | None:
        """Speech to text; None when off, or when its weights are not here and may not be fetched."""
        return self._once("speech", self._make_speech) if self._settings.speech.on else None

    def _make_speech(self) -> Transcriber | None:
        speech = self._settings.speech
        if speech.server.on:
            from foveal.models.openai_speech import OpenAITranscriber

            return OpenAITranscriber(
                _endpoint(speech.server),
                language=speech.language,
                meter=self._meter("speech", speech.server),
                limit=self._limit("speech", speech.server),
            )
        from foveal.models.speech import LocalTranscriber
        from foveal.models.speech_cards import WHISPERS

        card = WHISPERS[f"whisper-{speech.size}"]
        if self.folder.state(card) == "missing" and (card.on_demand or self._settings.offline):
            return None
        return LocalTranscriber(self.folder, card, language=speech.language)

    @property
    def judging(self) -> SafetyScorer | None:
        """Judges prompts and answers: the endpoint's, or the local one; None when the filters are off."""
        return self._once("judging", self._make_judging) if self._settings.safety.on else None

    @property
    def captioner(self) -> Captioner | None:
        """A vision model that describes; None while no server is configured."""
        return self._once("captioner", self._make_captioner)

    @property
    def chat(self) -> ChatModel | None:
        """A chat model; None while no server is configured."""
        return self._once("chat", self._make_chat)

    @property
    def reranker(self) -> Reranker:
        """The second look of semantic mode."""
        return self._once("reranker", self._make_reranker)

    @property
    def answerer(self) -> Answerer:
        """Writes answers from documents: the chat model, or extraction without one."""
        return self.extractive() if self.chat is None else self.generated(self.chat)

    def extractive(self) -> Answerer:
        """Quotes documents, without a language model."""
        from foveal.models.extractive import ExtractiveAnswerer
        from foveal.readers.language import detect_language

        return self._once(
            "extractive",
            lambda: ExtractiveAnswerer(self.queries, detect_language=detect_language, count=self.tokens.count),
        )

    def generated(self, chat: ChatModel) -> Answerer:
        """Writes answers from documents with a chat model."""
        from foveal.pipeline.generate import GeneratedAnswerer

        return GeneratedAnswerer(chat)

    def local_vision(self) -> ChatModel:
        """The vision-language model on this machine."""
        from foveal.models.vision_chat_local import LocalVisionChat

        return self._once("local vision", lambda: LocalVisionChat(self._vision))

    def server_chat(self, role: str, server: ChatServer) -> ChatModel:
        """A chat model on a server; `role` names it in the budget, and shares one limit on calls at once."""
        from foveal.models.openai_chat import OpenAIChatModel

        return self._once(
            f"chat of {role}",
            lambda: OpenAIChatModel(
                _endpoint(server),
                sees=server.sees,
                context_tokens=server.context_tokens,
                meter=self._meter(role, server),
                limit=self._limit(role, server),
            ),
        )

    def server_upstream(self, role: str, server: ModelServer) -> Upstream:
        """The same server, for requests that are passed on."""
        from foveal.models.upstream import OpenAIUpstream

        return self._once(
            f"upstream of {role}",
            lambda: OpenAIUpstream(_endpoint(server), meter=self._meter(role, server), limit=self._limit(role, server)),
        )

    def server_embedder(self, role: str, server: ModelServer, *, dim: int) -> TextEmbedder:
        """A text embedding model on a server."""
        from foveal.models.openai_embedder import OpenAITextEmbedder

        return self._once(
            f"embedder of {role}",
            lambda: OpenAITextEmbedder(_endpoint(server), dim=dim, meter=self._meter(role, server)),
        )

    def text_space(self) -> TextSpace:
        """The text model's fixed points for the labels of the image models; made once an installation (seconds)."""
        from foveal.errors import StoreCorruptError
        from foveal.retrieval.text_space import TextSpace, build_text_space

        labels, classes = self.image.labels, self.objects.classes if self.objects else ()
        parts = "\n".join((self.text.identity, *labels, "", *classes))
        file = self._settings.models / "text-spaces" / f"{hashlib.sha256(parts.encode()).hexdigest()[:32]}.npz"
        try:
            return TextSpace.from_bytes(file.read_bytes())
        except (OSError, StoreCorruptError):
            space = build_text_space(self.text, labels, classes)
        with suppress(OSError):  # a model folder that only an operator may write: made anew by each process
            file.parent.mkdir(parents=True, exist_ok=True)
            fresh = file.with_suffix(f".{os.getpid()}")
            fresh.write_bytes(space.to_bytes())
            fresh.replace(file)
        return space

    def _make_judging(self) -> SafetyScorer:
        from foveal.models.content_safety import ContentSafetyScorer
        from foveal.models.safety import LocalSafetyScorer

        safety = self._settings.safety
        if not safety.endpoint:
            return LocalSafetyScorer(self.folder)
        return ContentSafetyScorer(
            safety.endpoint,
            api_key=safety.api_key.get_secret_value(),
            timeout_s=safety.timeout_s,
            max_retries=safety.retries,
        )

    def _make_text(self) -> TextEmbedder:
        from foveal.models.text_embedder import LocalTextEmbedder

        server = self._settings.embedding
        if not server.on:
            return LocalTextEmbedder(self.folder)
        from foveal.models.openai_embedder import OpenAITextEmbedder

        return OpenAITextEmbedder(_endpoint(server), dim=server.dim, meter=self._meter("embedding", server))

    def _make_image(self) -> ImageEncoder:
        from foveal.models.image_encoder import EfficientNetLite

        if self._settings.understanding.joint:
            from foveal.models.joint import OnnxJointEmbedder

            return OnnxJointEmbedder(self.folder)
        return EfficientNetLite(self.folder)

    def _make_captioner(self) -> Captioner | None:
        from foveal.pipeline.prompting import prompt

        server, words = self._settings.caption, prompt("caption")
        if server.on:
            from foveal.models.openai_captioner import OpenAICaptioner

            meter = self._meter("caption", server)
            return OpenAICaptioner(_endpoint(server), prompt=words.text, prompt_version=words.version, meter=meter)
        if self._settings.understanding.vision:
            from foveal.models.vision_chat_local import LocalVisionCaptioner

            return LocalVisionCaptioner(self._vision, prompt=words.text, prompt_version=words.version)
        return None

    def _make_chat(self) -> ChatModel | None:
        if self._settings.chat.on:
            return self.server_chat("chat", self._settings.chat)
        return self.local_vision() if self._settings.understanding.vision else None

    @property
    def _vision(self) -> LocalVisionServer:
        from foveal.models.vision_chat_local import LocalVisionServer

        return self._once("vision", lambda: LocalVisionServer(self.folder))

    def _make_reranker(self) -> Reranker:
        rerank = self._settings.rerank
        if rerank.kind == "http":
            from foveal.models.rerank_http import HttpReranker

            return HttpReranker(
                rerank.url, model=rerank.model, api_key=rerank.api_key.get_secret_value(), timeout_s=rerank.timeout_s
            )
        if rerank.kind == "chat" and self.chat is not None:
            from foveal.models.chat_reranker import ChatReranker
            from foveal.pipeline.prompting import prompt

            words = prompt("rerank")
            return ChatReranker(self.chat, prompt=words.text, prompt_version=words.version)
        from foveal.models.local_reranker import LocalReranker

        return LocalReranker(self.queries)

    def _meter(self, role: str, server: ModelServer) -> Meter:
        from foveal.models.limits import Budget, Price

        limits = self._settings.budget
        budget = self._once("budget", lambda: Budget(max_tokens=limits.tokens, max_cost=limits.cost))
        return budget.meter(role, Price(prompt=server.price_prompt or 0.0, completion=server.price_completion or 0.0))

    def _limit(self, role: str, server: ModelServer) -> CallLimit:
        from foveal.models.limits import CallLimit

        return self._once(f"limit of {role}", lambda: CallLimit(server.concurrency))

    def _once(self, name: str, make: Callable[[], T]) -> T:
        with self._lock:
            if name not in self._made:
                self._made[name] = make()
            return self._made[name]  # type: ignore[return-value]


def _endpoint(server: ModelServer) -> Endpoint:
    from foveal.models.openai_client import Endpoint

    return Endpoint(
        base_url=server.base_url,
        api_key=server.api_key.get_secret_value(),
        api_version=server.api_version or None,
        azure=bool(server.api_version),
        model=server.model,
        timeout_s=server.timeout_s,
        max_retries=server.retries,
        concurrency=server.concurrency,
    )
