"""`AzureOpenAIMultiModal`: ask a vision deployment of Foveal, or of Azure OpenAI, about images.

The names, defaults and behaviour of `llama_index.multi_modal_llms.azure_openai.AzureOpenAIMultiModal` (0.2.0), over the
official `openai` SDK and without llama-index. Its `ImageDocument` and `ChatMessage` objects are taken as they are. Two
differences: any model name is taken, and token counts are really reported.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from importlib import import_module
from threading import Lock
from typing import TYPE_CHECKING, Any, Self, cast

from foveal.clients.image_documents import Detail, image_part
from foveal.clients.responses import (
    Accumulator,
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    completion_of,
    response_of,
)
from foveal.errors import InvalidRequestError

if TYPE_CHECKING:
    from openai import AsyncAzureOpenAI, AzureOpenAI, Stream
    from openai.types.chat import ChatCompletion, ChatCompletionChunk

_SCOPE = "https://cognitiveservices.azure.com/.default"
"""What a Microsoft Entra token is asked for; Azure OpenAI's documentation."""


class AzureOpenAIMultiModal:
    """A vision deployment. The SDK's own errors (`openai.OpenAIError`) are raised as they are.

    Safe in any number of threads. Connections of synchronous calls are kept until `close`.

    Args:
        model: Name of the model, for the reader: on this wire the deployment decides.
        engine: The deployment's name.
        temperature: 0..2.
        max_new_tokens: Longest answer in tokens; None leaves it to the server.
        image_detail: How closely images are looked at, and paid for.
        api_version: By default `OPENAI_API_VERSION`.
        azure_endpoint: Address without a path; by default `AZURE_OPENAI_ENDPOINT`.
        api_key: By default `AZURE_OPENAI_API_KEY`.
        azure_ad_token_provider: Called for a Microsoft Entra token before each request, in place of a key.
        use_azure_ad: Take such tokens from `azure-identity`'s default credential.
        timeout: Seconds one attempt may take.
        max_retries: Further attempts after 429, 5xx and lost connections.
        additional_kwargs: Further members of every request; what the SDK does not know goes into `extra_body`:
            `{"extra_body": {"data_sources": [...]}}`.

    Raises:
        InvalidRequestError: No `engine`, or `use_azure_ad` without azure-identity.
    """

    def __init__(
        self,
        model: str = "gpt-4-vision-preview",
        engine: str | None = None,
        temperature: float = 0.1,
        max_new_tokens: int | None = 300,
        *,
        image_detail: Detail = "low",
        api_version: str | None = None,
        azure_endpoint: str | None = None,
        api_key: str | None = None,
        azure_ad_token_provider: Callable[[], str] | None = None,
        use_azure_ad: bool = False,
        timeout: float = 60.0,
        max_retries: int = 3,
        additional_kwargs: Mapping[str, object] | None = None,
    ) -> None:
        if not engine:
            raise InvalidRequestError("You must specify an `engine`.", remedy="It is the name of the deployment.")
        self.model = model
        self.engine = engine
        self.image_detail = image_detail
        self._options: dict[str, object] = {"model": engine, "temperature": temperature}
        if max_new_tokens is not None:
            self._options["max_tokens"] = max_new_tokens
        self._options |= additional_kwargs or {}
        self._access: dict[str, Any] = {  # the SDK takes what is None from the environment
            "azure_endpoint": azure_endpoint,
            "api_version": api_version,
            "api_key": api_key,
            "azure_ad_token_provider": _default_credential() if use_azure_ad else azure_ad_token_provider,
            "timeout": timeout,
            "max_retries": max_retries,
        }
        self._lock = Lock()
        self._client: AzureOpenAI | None = None

    def complete(self, prompt: str, image_documents: Sequence[object], **kwargs: object) -> CompletionResponse:
        """The answer to a prompt about images.

        Args:
            prompt: What is asked.
            image_documents: `ImageDocument`s, llama_index's, bytes, paths or addresses; may be empty.
            kwargs: Further members of this request.

        Raises:
            ImageError: An image cannot be read.
        """
        return completion_of(self.chat([self._prompt(prompt, image_documents)], **kwargs))

    def stream_complete(
        self, prompt: str, image_documents: Sequence[object], **kwargs: object
    ) -> Iterator[CompletionResponse]:
        """The same as it is written; the request is sent when the first part is asked for."""
        return map(completion_of, self.stream_chat([self._prompt(prompt, image_documents)], **kwargs))

    def chat(self, messages: Sequence[object], **kwargs: object) -> ChatResponse:
        """The next turn of a conversation of `ChatMessage`s, llama_index's, or wire messages."""
        return response_of(self._sync().chat.completions.create(**self._request(messages, kwargs), stream=False))

    def stream_chat(self, messages: Sequence[object], **kwargs: object) -> Iterator[ChatResponse]:
        """The same as it is written."""
        request = self._request(messages, kwargs)
        so_far = Accumulator()
        chunks: Stream[ChatCompletionChunk] = self._sync().chat.completions.create(**request, stream=True)
        with chunks:
            for chunk in chunks:
                yield so_far.add(chunk)

    async def acomplete(self, prompt: str, image_documents: Sequence[object], **kwargs: object) -> CompletionResponse:
        """`complete` in an event loop."""
        return completion_of(await self.achat([self._prompt(prompt, image_documents)], **kwargs))

    async def astream_complete(
        self, prompt: str, image_documents: Sequence[object], **kwargs: object
    ) -> AsyncIterator[CompletionResponse]:
        """`stream_complete` in an event loop: `async for part in await llm.astream_complete(...)`."""
        return self._completions([self._prompt(prompt, image_documents)], kwargs)

    async def achat(self, messages: Sequence[object], **kwargs: object) -> ChatResponse:
        """`chat` in an event loop."""
        request = self._request(messages, kwargs)
        async with self._async() as client:
            reply: ChatCompletion = await client.chat.completions.create(**request, stream=False)
            return response_of(reply)

    async def astream_chat(self, messages: Sequence[object], **kwargs: object) -> AsyncIterator[ChatResponse]:
        """`stream_chat` in an event loop: `async for part in await llm.astream_chat(...)`."""
        return self._parts(messages, kwargs)

    def close(self) -> None:
        """Close what connections are kept; a later call opens new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _parts(self, messages: Sequence[object], kwargs: Mapping[str, object]) -> AsyncIterator[ChatResponse]:
        request = self._request(messages, kwargs)
        so_far = Accumulator()
        async with self._async() as client, await client.chat.completions.create(**request, stream=True) as chunks:
            async for chunk in chunks:
                yield so_far.add(chunk)

    async def _completions(
        self, messages: Sequence[object], kwargs: Mapping[str, object]
    ) -> AsyncIterator[CompletionResponse]:
        async with aclosing(self._parts(messages, kwargs)) as parts:  # type: ignore[type-var]  # a generator has it
            async for part in parts:
                yield completion_of(part)

    def _prompt(self, prompt: str, image_documents: Sequence[object]) -> ChatMessage:
        images = [image_part(document, self.image_detail) for document in image_documents or ()]
        return ChatMessage("user", [{"type": "text", "text": prompt}, *images])

    def _request(self, messages: Sequence[object], kwargs: Mapping[str, object]) -> dict[str, Any]:
        return {"messages": [_wire(message) for message in messages], **self._options, **kwargs}

    def _sync(self) -> AzureOpenAI:
        from openai import AzureOpenAI

        with self._lock:
            if self._client is None:
                self._client = AzureOpenAI(**self._access)
            return self._client

    def _async(self) -> AsyncAzureOpenAI:
        """A client of this call alone: one that is kept would be tied to the event loop it was first used in."""
        from openai import AsyncAzureOpenAI

        return AsyncAzureOpenAI(**self._access)


def _wire(message: object) -> dict[str, object]:
    if isinstance(message, Mapping):
        return dict(message)
    role = getattr(message, "role", "user")
    wire = {"role": getattr(role, "value", role), "content": getattr(message, "content", "")}
    return wire | dict(getattr(message, "additional_kwargs", None) or {})


def _default_credential() -> Callable[[], str]:
    try:
        identity = import_module("azure.identity")
    except ImportError:
        raise InvalidRequestError(
            "Microsoft Entra tokens need the package azure-identity.", remedy="pip install azure-identity"
        ) from None
    return cast("Callable[[], str]", identity.get_bearer_token_provider(identity.DefaultAzureCredential(), _SCOPE))
