"""Chat requests of the wire → `ChatRequest`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

from foveal.api import bodies
from foveal.api.azure_openai.data_sources import DEFAULT_CONTEXTS, DataSources, read_sources
from foveal.api.azure_openai.history import queries_after
from foveal.api.azure_openai.schemas import ChatBody, EnhancementsIn, MessageIn, Part
from foveal.api.azure_openai.source_parameters import Context
from foveal.api.azure_openai.video_sources import (
    Open,
    VideoRequestError,
    joined,
    names_videos,
    opener,
    video_sources,
    with_addressed,
)
from foveal.api.engine import Engine
from foveal.api.errors import BodyError, GroundedError
from foveal.api.images import check_count, open_given
from foveal.api.links import Links
from foveal.api.versions import Version
from foveal.errors import FovealError, InvalidRequestError
from foveal.retrieval.regions import part_of
from foveal.types.chat import ChatRequest, Enhancements, ImageInput, Message, Role, Sampling, VideoInput
from foveal.types.upstream import JsonObject

ROLES: dict[str, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
"""Roles that are read. `tool` and `function` messages are what a client was sent, given back: read past."""

DETAILS: dict[str, Literal["auto", "low", "high"]] = {"auto": "auto", "low": "low", "high": "high"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A chat request with what the reply's form depends on.

    Attributes:
        deployment: What the body names as `model`, empty when nothing.
        positions: Of each source, where it stands in `data_sources`.
        failure: What is wrong with its videos, to be told inside the answer.
    """

    request: ChatRequest
    deployment: str = ""
    stream: bool = False
    include_usage: bool = False
    contexts: frozenset[Context] = DEFAULT_CONTEXTS
    positions: tuple[int, ...] = ()
    failure: VideoRequestError | None = None

    @property
    def enhanced(self) -> bool:
        """Whether local eyes add to it."""
        return self.request.enhancements != Enhancements()

    @property
    def grounded(self) -> bool:
        """Whether the answer rests on indexes."""
        return bool(self.request.sources)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A request's body, as it came and as it was understood."""

    value: JsonObject
    body: ChatBody


@contextmanager
def in_envelope(value: object) -> Iterator[None]:
    """Give what is wrong with a request that names data sources the envelope of these.

    Raises:
        GroundedError: For any error in the block, where `value` is such a request.
    """
    try:
        yield
    except FovealError as error:
        if isinstance(value, dict) and any(value.get(key) for key in ("data_sources", "dataSources")):
            raise GroundedError(error) from error
        raise


def read_given(data: bytes) -> Given:
    """Parse and check a request's body.

    Raises:
        GroundedError: Anything is wrong with a request that names data sources.
        FovealError: Anything is wrong with another.
    """
    value = bodies.parse_json(data)
    with in_envelope(value):
        body = bodies.check(ChatBody, value)
    return Given(value=value if isinstance(value, dict) else {}, body=body)


def read_chat(
    given: Given, engine: Engine, *, groups: tuple[str, ...] | None, here: str = "", links: Links | None = None
) -> Asked:
    """What a request asks this engine. It computes (base64, images): call it in a worker thread.

    Args:
        here: As in `read_sources`.
        links: Makes the addresses of videos; none on names of the same server when None.

    Raises:
        GroundedError: Anything is wrong with a request that names data sources.
        FovealError: Anything is wrong with another.
    """
    body = given.body
    with in_envelope(given.value):
        check_served(body)
        try:
            return _asked(body, _messages_of(body, engine, groups, here, links or Links(base="")), engine, groups, here)
        except VideoRequestError as error:
            return replace(_asked(body, (Message(role="user", text=""),), engine, groups, here), failure=error)


def _messages_of(
    body: ChatBody, engine: Engine, groups: tuple[str, ...] | None, here: str, links: Links
) -> tuple[Message, ...]:
    """The conversation with its images and videos."""
    sources = video_sources(body.data_sources, engine, here=here)
    open_video = opener(body, sources, engine, groups=groups, links=links)
    messages = read_messages(body.messages, engine, open_video)
    if not names_videos(body):
        return messages
    return with_addressed(messages, sources, engine, groups=groups, links=links)


def _asked(
    body: ChatBody, messages: tuple[Message, ...], engine: Engine, groups: tuple[str, ...] | None, here: str
) -> Asked:
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
            enhancements=_enhancements(body.enhancements),
        ),
        deployment=body.model or "",
        stream=bool(body.stream),
        include_usage=bool(body.stream_options and body.stream_options.include_usage),
    )
    if not body.data_sources:
        return asked
    # A question about videos is answered from these; a source of documents beside them is read past.
    given = [] if names_videos(body) else body.data_sources
    return _with_sources(asked, read_sources(given, engine, groups=groups, here=here))


def _enhancements(given: EnhancementsIn | None) -> Enhancements:
    if given is None:
        return Enhancements()
    ocr, grounding = given.ocr, given.grounding
    return Enhancements(ocr=bool(ocr and ocr.enabled), grounding=bool(grounding and grounding.enabled))


def _with_sources(asked: Asked, sources: DataSources) -> Asked:
    request = replace(asked.request, sources=sources.sources, grounding=sources.grounding)
    return replace(asked, request=request, contexts=sources.contexts, positions=sources.positions)


def of_version(asked: Asked, version: Version) -> Asked:
    """With what the version of the wire says of an answer's wording and of limits."""
    grounding = replace(asked.request.grounding, refusal=version.refusal, role_tokens=version.role_tokens)
    return replace(asked, request=replace(asked.request, grounding=grounding))


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


def no_videos(name: str) -> VideoInput:
    """Opens none."""
    raise VideoRequestError(f"There is no video {name!r}.", wire_code=404)


def read_messages(given: Sequence[MessageIn], engine: Engine, open_video: Open = no_videos) -> tuple[Message, ...]:
    """The conversation, its last message the user's question.

    Raises:
        InvalidRequestError: Nothing is asked, or too many images.
        ImageError: An image cannot be had.
    """
    check_count(sum(1 for message in given for part in message.content if image_text(part)))
    messages = joined(list(_messages(given, engine, open_video)))
    # Some clients put the system message last: what is said to the model stays, the question comes last.
    tail = [m for m in messages[_end_of_talk(messages) :] if m.role == "system"]
    messages = messages[: _end_of_talk(messages)]
    if not messages or messages[-1].role != "user":
        raise InvalidRequestError("The last message must be the user's: there is nothing to answer.")
    return (*messages[:-1], *tail, messages[-1])


def _end_of_talk(messages: Sequence[Message]) -> int:
    return next((i for i in range(len(messages), 0, -1) if messages[i - 1].role != "system"), 0)


def _messages(given: Sequence[MessageIn], engine: Engine, open_video: Open) -> Iterator[Message]:
    for number, message in enumerate(given):
        role = ROLES.get(message.role)
        if role is None:
            continue
        images = tuple(
            open_part(part, engine, ("messages", number, "content", position))
            for position, part in enumerate(message.content)
            if role == "user" and not _is_words(part) and not part.acv_document_id
        )
        named = [part.acv_document_id for part in message.content if part.acv_document_id and role == "user"]
        videos = tuple(map(open_video, named))
        text = "\n".join(part.text for part in message.content if part.text)
        if text or images or videos or role == "user":
            searched = queries_after(given, number) if role == "user" else ()
            yield Message(role=role, text=text, images=images, videos=videos, searched=searched)


def _is_words(part: Part) -> bool:
    return not image_text(part) and (part.text is not None or part.type in {None, "text"})


def image_text(part: Part) -> str:
    """The URL or base64 of an image part, empty for other parts."""
    return part.image_url.url if part.image_url else part.image or ""


def open_part(part: Part, engine: Engine, where: tuple[str | int, ...]) -> ImageInput:
    """The image of a content part.

    Raises:
        BodyError: It is no image; `where` says which part.
        ImageError: It cannot be had.
        TooLargeError: Over a limit.
    """
    if not image_text(part):
        raise BodyError([(where, f"Content of type {part.type!r} is not served")])
    image = open_given(image_text(part), engine)
    box = part.image_url.box if part.image_url else None
    if box is not None:
        image = part_of(image, (box.x, box.y, box.width, box.height))
    wanted = (part.image_url.detail if part.image_url else None) or "auto"
    return replace(image, detail=DETAILS.get(wanted.lower(), "auto"))
