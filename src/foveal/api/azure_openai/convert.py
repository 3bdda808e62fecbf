"""Chat requests of the wire → `ChatRequest`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from foveal.api import bodies
from foveal.api.azure_openai.data_sources import DEFAULT_CONTEXTS, Context, DataSources, read_sources
from foveal.api.azure_openai.schemas import ChatBody, MessageIn, Part
from foveal.api.engine import Engine
from foveal.api.errors import BodyError, GroundedError
from foveal.api.images import check_count, open_given
from foveal.errors import FovealError, InvalidRequestError
from foveal.types.chat import ChatRequest, ImageInput, Message, Role, Sampling

ROLES: dict[str, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
"""Roles that are read. `tool` and `function` messages are what a client was sent, given back: read past."""

DETAILS: dict[str, Literal["auto", "low", "high"]] = {"auto": "auto", "low": "low", "high": "high"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A chat request with what the reply's form depends on.

    Attributes:
        deployment: What the body names as `model`, empty when nothing.
        positions: Of each index, where its source stands in `data_sources`.
    """

    request: ChatRequest
    deployment: str = ""
    stream: bool = False
    include_usage: bool = False
    contexts: frozenset[Context] = DEFAULT_CONTEXTS
    positions: Mapping[str, int] = field(default_factory=dict)

    @property
    def grounded(self) -> bool:
        """Whether the answer rests on indexes."""
        return bool(self.request.sources)


def read_chat(data: bytes, engine: Engine, *, groups: tuple[str, ...] | None) -> Asked:
    """Read a request's body. It computes (base64, images): call it in a worker thread.

    Raises:
        GroundedError: Anything is wrong with a request that names data sources.
        FovealError: Anything is wrong with another.
    """
    value = bodies.parse_json(data)
    named = isinstance(value, dict) and any(value.get(key) for key in ("data_sources", "dataSources"))
    try:
        return _asked(bodies.check(ChatBody, value), engine, groups)
    except FovealError as error:
        if named:
            raise GroundedError(error) from error
        raise


def _asked(body: ChatBody, engine: Engine, groups: tuple[str, ...] | None) -> Asked:
    check_served(body)
    messages = read_messages(body.messages, engine)
    stop = (body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ())
    asked = Asked(
        request=ChatRequest(
            messages=messages,
            sampling=Sampling(
                max_tokens=body.max_completion_tokens or body.max_tokens,
                temperature=body.temperature,
                top_p=body.top_p,
                stop=stop,
                seed=body.seed,
            ),
        ),
        deployment=body.model or "",
        stream=bool(body.stream),
        include_usage=bool(body.stream_options and body.stream_options.include_usage),
    )
    return _with_sources(asked, read_sources(body.data_sources, engine, groups=groups)) if body.data_sources else asked


def _with_sources(asked: Asked, sources: DataSources) -> Asked:
    request = replace(asked.request, sources=sources.sources, grounding=sources.grounding)
    return replace(asked, request=request, contexts=sources.contexts, positions=sources.positions)


def check_served(body: ChatBody) -> None:
    """Refuse what would change the answer and is not served, rather than answer something else.

    Raises:
        InvalidRequestError: Naming the parameter.
    """
    refused = {
        "n": (body.n or 1) > 1,
        "logprobs": bool(body.logprobs),
        "response_format": body.response_format is not None and body.response_format.type != "text",
        "tools": bool(body.tools) and body.tool_choice != "none",
        "functions": bool(body.functions) and body.function_call != "none",
    }
    faults = [((name,), "Not served by this server: leave it out") for name, is_asked in refused.items() if is_asked]
    if faults:
        raise BodyError(faults)


def read_messages(given: Sequence[MessageIn], engine: Engine) -> tuple[Message, ...]:
    """The conversation, its last message the user's question.

    Raises:
        InvalidRequestError: Nothing is asked, or too many images.
        ImageError: An image cannot be had.
    """
    check_count(sum(1 for message in given for part in message.content if _image_text(part)))
    messages = list(_messages(given, engine))
    # Some clients put the system message last: what is said to the model stays, the question comes last.
    tail = [m for m in messages[_end_of_talk(messages) :] if m.role == "system"]
    messages = messages[: _end_of_talk(messages)]
    if not messages or messages[-1].role != "user":
        raise InvalidRequestError("The last message must be the user's: there is nothing to answer.")
    return (*messages[:-1], *tail, messages[-1])


def _end_of_talk(messages: Sequence[Message]) -> int:
    return next((i for i in range(len(messages), 0, -1) if messages[i - 1].role != "system"), 0)


def _messages(given: Sequence[MessageIn], engine: Engine) -> Iterator[Message]:
    for number, message in enumerate(given):
        role = ROLES.get(message.role)
        if role is None:
            continue
        images = tuple(
            _image(part, engine, ("messages", number, "content", position))
            for position, part in enumerate(message.content)
            if role == "user" and not _is_words(part)
        )
        text = "\n".join(part.text for part in message.content if part.text)
        if text or images or role == "user":
            yield Message(role=role, text=text, images=images)


def _is_words(part: Part) -> bool:
    return not _image_text(part) and (part.text is not None or part.type in {None, "text"})


def _image_text(part: Part) -> str:
    return part.image_url.url if part.image_url else part.image or ""


def _image(part: Part, engine: Engine, where: tuple[str | int, ...]) -> ImageInput:
    if not _image_text(part):
        raise BodyError([(where, f"Content of type {part.type!r} is not served")])
    image = open_given(_image_text(part), engine.open_image)
    wanted = (part.image_url.detail if part.image_url else None) or "auto"
    return replace(image, detail=DETAILS.get(wanted.lower(), "auto"))
