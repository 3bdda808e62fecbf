"""A small honest model server for tests: the OpenAI wire, Azure's addresses, and `/rerank`, on loopback.

Answers come from the fakes, computed from the request; faults are set by the test. It is the judge of what reaches a
server: every request is kept.

Example:
    >>> with OpenAIServer() as server:
    ...     server.faults = Faults(overloaded=2)
    ...     model = OpenAIChatModel(Endpoint(base_url=server.base_url, model="fake"))
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Literal, Self

import numpy as np
import uvicorn
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from PIL import Image
from pydantic import BaseModel
from starlette.datastructures import UploadFile

from foveal.testing.fakes_remote import FakeCaptioner, FakeChatModel, overlap
from foveal.testing.fakes_speech import FakeTranscriber, transcription
from foveal.testing.fakes_text import FakeTextEmbedder
from foveal.types.chat import Finished, ImageInput, Message, Role, Sampling, TextDelta

JsonObject = dict[str, object]
_Answer = Callable[[JsonObject], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What goes wrong, counted from when it is set.

    Attributes:
        overloaded: So many calls are answered 429 with `retry-after`.
        retry_after_s: Seconds in that header.
        broken: So many calls are answered 500.
        hang_s: Seconds before anything is answered.
        trickle_s: Seconds between the pieces of a stream, and between the bytes of a `/rerank` reply.
        status: Every call is answered with this status, `code` and `param`.
        code: `error.code` of such an answer.
        param: `error.param` of such an answer.
        filtered: Every call is refused by the content filter: 400 `content_filter`, as Azure does.
        disconnect_after: The connection drops after so many pieces of a stream.
        error_after: A stream ends after so many pieces with an error event.
        unfinished: Streams end without a finish reason.
        untaken: Parameters answered 400 `unsupported_parameter`.
        no_usage: Usage is not reported.
        garbage: Every call is answered 200 with a page of HTML.
        reply: What the chat model says, in place of the fake's words.
    """

    overloaded: int = 0
    retry_after_s: float = 0.01
    broken: int = 0
    hang_s: float = 0.0
    trickle_s: float = 0.0
    status: int | None = None
    code: str = "none"
    param: str | None = None
    filtered: bool = False
    disconnect_after: int | None = None
    error_after: int | None = None
    unfinished: bool = False
    untaken: frozenset[str] = frozenset()
    no_usage: bool = False
    garbage: bool = False
    reply: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as it came."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: JsonObject


class OpenAIServer:
    """The server; a context manager that serves from a thread while it is entered.

    Args:
        api_key: When set, calls without it (bearer or `api-key`) are answered 401.

    Attributes:
        faults: What goes wrong; set it at any time.
        calls: Every request, in order of arrival.
        most_at_once: Most requests that were under way together.
    """

    def __init__(self, *, api_key: str = "") -> None:
        self._api_key = api_key
        self._faults = Faults()
        self._since = 0
        self._under_way = 0
        self.calls: list[Call] = []
        self.most_at_once = 0
        self.chat = FakeChatModel()
        self.captioner = FakeCaptioner()
        self.embedder = FakeTextEmbedder()
        self.transcriber = FakeTranscriber()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._server = uvicorn.Server(uvicorn.Config(self._app(), log_level="critical", lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)

    @property
    def address(self) -> str:
        """`http://127.0.0.1:<port>`; what Azure clients take as the endpoint."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    @property
    def base_url(self) -> str:
        """What OpenAI clients take."""
        return f"{self.address}/v1"

    @property
    def faults(self) -> Faults:
        """What goes wrong."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._faults = faults
        self._since = len(self.calls)

    def __enter__(self) -> Self:
        self._socket.bind(("127.0.0.1", 0))
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            threading.Event().wait(0.005)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(timeout=10)
        self._socket.close()

    def _app(self) -> FastAPI:
        app = FastAPI(openapi_url=None)
        for prefix in ("/v1", "/openai/deployments/{deployment}", ""):
            app.include_router(self._routes(), prefix=prefix)
        app.add_api_route("/texts/rerank", self._rerank_texts, methods=["POST"], response_model=None)
        return app

    def _routes(self) -> APIRouter:
        router = APIRouter()
        router.add_api_route("/chat/completions", self._chat, methods=["POST"], response_model=None)
        router.add_api_route("/embeddings", self._embeddings, methods=["POST"], response_model=None)
        router.add_api_route("/rerank", self._rerank, methods=["POST"], response_model=None)
        router.add_api_route("/audio/transcriptions", self._transcriptions, methods=["POST"], response_model=None)
        return router

    async def _chat(self, request: Request) -> Response:
        return await self._serve(request, self._complete)

    async def _embeddings(self, request: Request) -> Response:
        return await self._serve(request, self._embed)

    async def _transcriptions(self, request: Request) -> Response:
        return await self._serve(request, self._listen)

    async def _listen(self, body: JsonObject) -> Response:
        return JSONResponse(transcription(self.transcriber, body))

    async def _rerank(self, request: Request) -> Response:
        return await self._serve(request, self._judge)

    async def _rerank_texts(self, request: Request) -> Response:
        return await self._serve(request, self._judge_texts)

    async def _serve(self, request: Request, answer: _Answer) -> Response:
        body: JsonObject = await _body(request)
        self.calls.append(
            Call(
                path=request.url.path,
                query=dict(request.query_params),
                headers=dict(request.headers),
                body=body,
            )
        )
        number = len(self.calls) - self._since
        self._under_way += 1
        self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            await _hang(request, self._faults.hang_s)
            return self._refusal(request, body, number) or await answer(body)
        finally:
            self._under_way -= 1

    def _refusal(self, request: Request, body: JsonObject, number: int) -> Response | None:
        faults = self._faults
        given = request.headers.get("api-key") or request.headers.get("authorization", "").removeprefix("Bearer ")
        if self._api_key and given != self._api_key:
            return _error(401, "invalid_api_key")
        if number <= faults.overloaded:
            return _error(429, "rate_limit_exceeded", headers={"retry-after": str(faults.retry_after_s)})
        if number <= faults.overloaded + faults.broken:
            return _error(500, "server_error")
        if faults.status is not None:
            return _error(faults.status, faults.code, param=faults.param)
        if faults.filtered:
            return JSONResponse({"error": _FILTERED}, status_code=400)
        if untaken := sorted(faults.untaken & body.keys()):
            return _error(400, "unsupported_parameter", param=untaken[0])
        return Response("<html>Welcome</html>", media_type="text/html") if faults.garbage else None

    async def _complete(self, body: JsonObject) -> Response:
        chat = ChatBody.model_validate(body)
        pieces, finished = await self._spoken(chat)
        if not chat.stream:
            return JSONResponse(self._completion(chat, "".join(pieces), finished))
        return StreamingResponse(self._events(chat, pieces, finished), media_type="text/event-stream")

    async def _spoken(self, chat: ChatBody) -> tuple[list[str], Finished]:
        """What the fake says: a caption for a lone request to describe an image, else the chat model's words."""
        messages = chat.to_messages()
        events = [event async for event in self.chat.stream(messages, chat.to_sampling())]
        deltas = [event.text for event in events if isinstance(event, TextDelta)]
        finished = next(event for event in events if isinstance(event, Finished))
        if self._faults.reply is not None:
            return [self._faults.reply[at : at + 3] for at in range(0, len(self._faults.reply), 3)], finished
        if len(messages) == 1 and messages[0].images and messages[0].text.startswith("Describe the image"):
            caption = self.captioner.caption(messages[0].images[0].pixels, messages[0].text)
            return [f"{caption.text}\n\nTags: {', '.join(caption.tags)}"], replace(finished, usage=caption.usage)
        return deltas, finished

    def _completion(self, chat: ChatBody, text: str, finished: Finished) -> JsonObject:
        message: JsonObject = {"role": "assistant", "content": text}
        if name := chat.called():
            call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": "{}"}}
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
        reason = "tool_calls" if chat.called() else finished.reason
        choices = [{"index": number, "finish_reason": reason, "message": message} for number in range(chat.n)]
        reply: JsonObject = {**_HEAD, "object": "chat.completion", "model": chat.model, "choices": choices}
        return reply if self._faults.no_usage else {**reply, "usage": _usage(finished)}

    async def _events(self, chat: ChatBody, pieces: list[str], finished: Finished) -> AsyncIterator[str]:
        faults = self._faults
        head: JsonObject = {**_HEAD, "object": "chat.completion.chunk", "model": chat.model}
        for number, piece in enumerate(pieces):
            if number == faults.disconnect_after:
                raise ConnectionAbortedError("the fault asked for")
            if number == faults.error_after:
                yield _event({"error": {"message": "fault", "code": faults.code, "type": "server_error"}})
                return
            await asyncio.sleep(faults.trickle_s)
            yield _event({**head, "choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]})
        if not faults.unfinished:
            yield _event({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": finished.reason}]})
        if chat.stream_options.get("include_usage") and not faults.no_usage:
            yield _event({**head, "choices": [], "usage": _usage(finished)})
        yield "data: [DONE]\n\n"

    async def _embed(self, body: JsonObject) -> Response:
        asked = EmbeddingBody.model_validate(body)
        texts = [asked.input] if isinstance(asked.input, str) else asked.input
        if not all(texts):
            return _error(400, "invalid_request_error", param="input")
        rows = self.embedder.embed_passages(texts)[:, : asked.dimensions]
        as_text = asked.encoding_format == "base64"
        data = [
            {
                "object": "embedding",
                "index": index,
                # Scaled, so that a client that forgets to normalise is found out.
                "embedding": base64.b64encode((3 * row).tobytes()).decode() if as_text else (3 * row).tolist(),
            }
            for index, row in enumerate(rows)
        ]
        tokens = sum(len(text.split()) for text in texts)
        # Last first: the wire promises an index, not an order.
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return JSONResponse({"object": "list", "data": data[::-1], "model": asked.model, "usage": usage})

    async def _judge(self, body: JsonObject) -> Response:
        asked = RerankBody.model_validate(body)
        scores = sorted(((overlap(asked.query, text), -i) for i, text in enumerate(asked.documents)), reverse=True)
        results = [{"index": -index, "relevance_score": score} for score, index in scores[: asked.top_n]]
        reply = JSONResponse({"id": "rerank-fake", "model": asked.model, "results": results})
        if not self._faults.trickle_s:
            return reply
        return StreamingResponse(_trickle(bytes(reply.body), self._faults.trickle_s), media_type="application/json")

    async def _judge_texts(self, body: JsonObject) -> Response:
        """As text-embeddings-inference answers: 422 to the other dialect."""
        texts = body.get("texts")
        if not isinstance(texts, list):
            return _error(422, "missing field `texts`")
        scores = [overlap(str(body["query"]), str(text)) for text in texts]
        return JSONResponse([{"index": index, "score": score} for index, score in enumerate(scores)])


class ImageUrl(BaseModel):
    """The address of an image part; only data URLs are served."""

    url: str
    detail: Literal["auto", "low", "high"] = "auto"


class Part(BaseModel):
    """One part of a message."""

    type: Literal["text", "image_url"]
    text: str = ""
    image_url: ImageUrl | None = None


class WireMessage(BaseModel):
    """One message."""

    role: Role | Literal["tool", "developer"]
    content: str | list[Part] | None = None

    def to_message(self) -> Message:
        """The same in Foveal's types; what a tool says counts as the user's."""
        role: Role = "user" if self.role == "tool" else "system" if self.role == "developer" else self.role
        if not isinstance(self.content, list):
            return Message(role=role, text=self.content or "")
        text = "\n\n".join(part.text for part in self.content if part.type == "text")
        images = tuple(_decoded(part.image_url) for part in self.content if part.image_url is not None)
        return Message(role=role, text=text, images=images)


class ChatBody(BaseModel):
    """`POST /chat/completions`."""

    model: str
    messages: list[WireMessage]
    stream: bool = False
    stream_options: dict[str, bool] = {}
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stop: str | list[str] | None = None
    n: int = 1
    tools: list[JsonObject] = []
    tool_choice: object = None

    def to_messages(self) -> list[Message]:
        """The messages in Foveal's types."""
        return [message.to_message() for message in self.messages]

    def to_sampling(self) -> Sampling:
        """The options in Foveal's types."""
        stop = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        return Sampling(max_tokens=self.max_tokens or self.max_completion_tokens, stop=stop)

    def called(self) -> str:
        """Name of the tool that the answer calls: the first, where one must be called."""
        function = self.tools[0].get("function") if self.tools and self.tool_choice == "required" else None
        return str(function.get("name")) if isinstance(function, dict) else ""


class EmbeddingBody(BaseModel):
    """`POST /embeddings`."""

    model: str
    input: str | list[str]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = None


class RerankBody(BaseModel):
    """`POST /rerank`."""

    query: str
    documents: list[str]
    model: str = ""
    top_n: int | None = None


_HEAD: JsonObject = {"id": "chatcmpl-fake", "created": 0}


async def _body(request: Request) -> JsonObject:
    """JSON, or the fields of a form: a field that comes more than once is a list, a file its bytes."""
    if not request.headers.get("content-type", "").startswith("multipart/"):
        body: JsonObject = await request.json()
        return body
    async with request.form() as form:
        fields = {name: [await _field(value) for value in form.getlist(name)] for name in form}
    return {name: values if name.endswith("[]") else values[0] for name, values in fields.items()}


async def _field(value: UploadFile | str) -> str | bytes:
    return value if isinstance(value, str) else await value.read()


async def _hang(request: Request, seconds: float) -> None:
    """Wait, but not longer than the client does."""
    if seconds > 0:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while (await request.receive())["type"] != "http.disconnect":
                    pass


async def _trickle(body: bytes, seconds: float) -> AsyncIterator[bytes]:
    for place in range(len(body)):
        await asyncio.sleep(seconds)
        yield body[place : place + 1]


def _decoded(image: ImageUrl) -> ImageInput:
    head, _, encoded = image.url.partition(",")
    data = base64.b64decode(encoded, validate=True)
    with Image.open(io.BytesIO(data)) as picture:
        pixels = np.asarray(picture.convert("RGB"), dtype=np.uint8)
    media_type = head.removeprefix("data:").removesuffix(";base64")
    return ImageInput(data=data, media_type=media_type, pixels=pixels, detail=image.detail)


def _usage(finished: Finished) -> JsonObject:
    prompt, completion = finished.usage.prompt_tokens, finished.usage.completion_tokens
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _event(data: JsonObject) -> str:
    return f"data: {json.dumps(data)}\n\n"


_FILTERED: JsonObject = {
    "message": "The response was filtered.",
    "type": None,
    "param": "prompt",
    "code": "content_filter",
    "status": 400,
    "innererror": {
        "code": "ResponsibleAIPolicyViolation",
        "content_filter_result": {"violence": {"filtered": True, "severity": "medium"}},
    },
}


def _error(
    status: int, code: str, *, param: str | None = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    error = {"message": f"fault {code}", "type": "fault", "param": param, "code": code}
    return JSONResponse({"error": error}, status_code=status, headers=dict(headers or {}))
