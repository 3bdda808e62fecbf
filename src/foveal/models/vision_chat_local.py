"""A small vision-language model on this machine: a GGUF with its projector, run by llama.cpp inside this process.

`xllamacpp` (MIT, the extra `vlm`) brings llama.cpp's own server, which speaks OpenAI's wire on a loopback port; chat
and captions go through the same clients as any other server. The port is closed to others by a random key.
llama.cpp ends the whole process where it meets a broken assertion, so bring only models that it is known to run.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import threading
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from foveal.errors import ModelUnavailableError
from foveal.models.card_table import VISION_CHAT
from foveal.models.openai_captioner import OpenAICaptioner
from foveal.models.openai_chat import OpenAIChatModel
from foveal.models.openai_client import Endpoint
from foveal.models.pull import ModelFolder, expected_sha256
from foveal.types.chat import Finished, Message, Sampling, TextDelta
from foveal.types.content import Caption
from foveal.types.vectors import Pixels

if TYPE_CHECKING:
    from pathlib import Path

_TIMEOUT_S: Final = 600.0
"""Small machines take minutes for an image and 200 words."""


class LocalVisionServer:
    """The running model, started at first use and shared by chat and captions; it ends with the process.

    Args:
        folder: Where the files of the card `vision-chat` are.
        context_tokens: Size of the window, prompt and answer together; memory grows with it.
        threads: Threads of one answer.
    """

    def __init__(self, folder: ModelFolder, *, context_tokens: int = 8192, threads: int = 2) -> None:
        self._folder = folder
        self._threads = threads
        self._lock = threading.Lock()
        self._server: Any = None
        self._endpoint: Endpoint | None = None
        self.context_tokens = context_tokens

    @property
    def identity(self) -> str:
        """The card's, and a digest of the files.

        Raises:
            ModelUnavailableError: The files are not here.
        """
        digest = hashlib.sha256()
        for file in VISION_CHAT.files:
            digest.update(expected_sha256(self._folder.path(VISION_CHAT, file.name), file).encode())
        return f"{VISION_CHAT.identity}:{digest.hexdigest()[:16]}"

    def endpoint(self) -> Endpoint:
        """Where it answers; starting it takes seconds to a minute.

        Raises:
            ModelUnavailableError: xllamacpp or the files are missing, or llama.cpp cannot load them.
        """
        with self._lock:
            if self._endpoint is None:
                model, projector = (self._folder.path(VISION_CHAT, file.name) for file in VISION_CHAT.files)
                self._endpoint = self._start(model, projector)
            return self._endpoint

    def _start(self, model: Path, projector: Path) -> Endpoint:
        try:
            import xllamacpp
        except ImportError as error:
            raise ModelUnavailableError(
                "A vision-language model on this machine needs xllamacpp, which is not installed.",
                remedy="Run `pip install 'foveal[vlm]'`.",
            ) from error
        key = secrets.token_urlsafe(24)
        options = xllamacpp.CommonParams()
        options.model.path, options.mmproj.path = str(model), str(projector)
        options.model_alias, options.api_keys, options.ui = {VISION_CHAT.name}, [key], False
        options.n_ctx, options.n_parallel = self.context_tokens, 1
        options.cpuparams.n_threads = options.cpuparams_batch.n_threads = self._threads
        options.verbosity = -1
        try:
            self._server = xllamacpp.Server(options)
        except RuntimeError as error:  # the only class it raises, whatever was wrong
            raise ModelUnavailableError(
                f"llama.cpp cannot load {model} with {projector}.",
                remedy="Bring a model and the projector that was published with it.",
            ) from error
        return Endpoint(
            base_url=f"{self._server.listening_address}/v1",
            model=VISION_CHAT.name,
            api_key=key,
            timeout_s=_TIMEOUT_S,
            max_retries=0,
            concurrency=1,
        )


class LocalVisionChat:
    """`ChatModel` on a `LocalVisionServer`."""

    def __init__(self, server: LocalVisionServer) -> None:
        self._server = server

    @property
    def identity(self) -> str:
        """The server's."""
        return self._server.identity

    @property
    def sees(self) -> bool:
        """True."""
        return True

    @property
    def context_tokens(self) -> int:
        """The server's."""
        return self._server.context_tokens

    async def stream(self, messages: Sequence[Message], sampling: Sampling) -> AsyncIterator[TextDelta | Finished]:
        """Answer: any number of `TextDelta`, then exactly one `Finished`."""
        endpoint = await asyncio.to_thread(self._server.endpoint)
        chat = OpenAIChatModel(endpoint, sees=True, context_tokens=self.context_tokens)
        async for event in chat.stream(messages, sampling):
            yield event


class LocalVisionCaptioner:
    """`Captioner` on a `LocalVisionServer`.

    Args:
        server: What answers.
        prompt: What to ask.
        prompt_version: Changes with the prompt; part of the identity.
    """

    def __init__(self, server: LocalVisionServer, *, prompt: str, prompt_version: str) -> None:
        self._server = server
        self._prompt = prompt
        self._version = prompt_version
        self._lock = threading.Lock()
        self._captioner: OpenAICaptioner | None = None

    @property
    def identity(self) -> str:
        """The server's, and the prompt's version."""
        return f"{self._server.identity}:{self._version}"

    def caption(self, image: Pixels, facts: str) -> Caption:
        """See `ports.Captioner`."""
        with self._lock:
            if self._captioner is None:
                self._captioner = OpenAICaptioner(
                    self._server.endpoint(), prompt=self._prompt, prompt_version=self._version
                )
        return self._captioner.caption(image, facts)
