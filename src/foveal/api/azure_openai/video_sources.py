"""Videos of a chat request: `acv_document_id` parts, and the data source that says which index they are in.

Observed of the source (contract notes, 4.4; client observations): `computerVisionBaseUrl` with and without
`/computervision`, or `endpoint`; `indexName`; `videoUrls`; snake and camel case; nested or flat. Its credentials are
read past: an index of this server is guarded by this server's own keys.

What is wrong comes back inside the answer, as the service had it: a tool message with `ErrorMessage` and `ErrorCode`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import JsonValue

from foveal.api.azure_openai.data_sources import VIDEO, is_elsewhere, kinds_of, service_host
from foveal.api.azure_openai.schemas import ChatBody
from foveal.api.azure_openai.source_parameters import leaves, squashed
from foveal.api.engine import Engine
from foveal.api.links import Links
from foveal.errors import InvalidRequestError, NotFoundError
from foveal.types.chat import Message, VideoInput
from foveal.types.locators import Locator

_WITHOUT_SOURCE = (
    "Video enhancement is enabled, but no data source of type AzureComputerVisionVideoIndex was found in the request."
)


class VideoRequestError(InvalidRequestError):
    """What a request says of videos cannot be done.

    Attributes:
        wire_code: The number that clients look at.
    """

    def __init__(self, message: str, *, remedy: str = "", wire_code: int = 400) -> None:
        super().__init__(message, remedy=remedy)
        self.wire_code = wire_code

    @property
    def tool_content(self) -> str:
        """What the tool message holds, a JSON string."""
        return json.dumps({"ErrorMessage": str(self), "ErrorCode": self.wire_code}, ensure_ascii=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoSource:
    """A data source of videos: its index here, and addresses of videos in it."""

    index: str
    urls: tuple[str, ...] = ()


Open = Callable[[str], VideoInput]
"""A video by the id that its caller gave it."""


def names_videos(body: ChatBody) -> bool:
    """Whether a request is about videos."""
    return _switched_on(body) or any(part.acv_document_id for m in body.messages for part in m.content)


def video_sources(
    given: Sequence[Mapping[str, JsonValue]] | None, engine: Engine, *, here: str
) -> tuple[VideoSource, ...]:
    """The sources of videos among a request's data sources.

    Args:
        here: As in `data_sources.read_sources`.

    Raises:
        VideoRequestError: One names no index, or one of a service elsewhere.
        BodyError: A data source is of no known type.
    """
    sources = given or ()
    pairs = zip(kinds_of(sources), sources, strict=True)
    return tuple(_source(source, engine, here) for kind, source in pairs if kind == VIDEO)


def other_sources(given: Sequence[Mapping[str, JsonValue]]) -> list[Mapping[str, JsonValue]]:
    """The sources that are none of videos."""
    return [source for kind, source in zip(kinds_of(given), given, strict=True) if kind != VIDEO]


def opener(
    body: ChatBody, sources: Sequence[VideoSource], engine: Engine, *, groups: tuple[str, ...] | None, links: Links
) -> Open:
    """What opens the videos of a request, in the first source that has them.

    Raises:
        VideoRequestError: The request is about videos and has no source of them.
    """
    if names_videos(body) and not sources:
        raise VideoRequestError(_WITHOUT_SOURCE)

    def open_video(name: str) -> VideoInput:
        return _opened([(source.index, name, "") for source in sources], engine, groups, links)

    return open_video


def with_addressed(
    messages: tuple[Message, ...],
    sources: Sequence[VideoSource],
    engine: Engine,
    *,
    groups: tuple[str, ...] | None,
    links: Links,
) -> tuple[Message, ...]:
    """The messages with the videos that only a source's `videoUrls` name, where no message names one."""
    if any(message.videos for message in messages):
        return messages
    addressed = [(source.index, "", url) for source in sources for url in source.urls]
    if not addressed:
        return messages
    found = dict.fromkeys(_opened([one], engine, groups, links) for one in addressed)
    return (*messages[:-1], replace(messages[-1], videos=tuple(found)))


def joined(messages: Sequence[Message]) -> list[Message]:
    """Videos in a message of their own go with the words of their neighbour: the next of the user's, else the last."""
    kept: list[Message] = []
    waiting: tuple[VideoInput, ...] = ()
    for message in messages:
        if message.videos and not message.text and not message.images:
            waiting += message.videos
        elif waiting and message.role == "user":
            kept.append(replace(message, videos=(*waiting, *message.videos)))
            waiting = ()
        else:
            kept.append(message)
    if waiting and kept and kept[-1].role == "user":
        kept[-1] = replace(kept[-1], videos=(*kept[-1].videos, *waiting))
    elif waiting:
        kept.append(Message(role="user", text="", videos=waiting))
    return kept


def _switched_on(body: ChatBody) -> bool:
    video = body.enhancements.video if body.enhancements else None
    return bool(video and video.enabled)


def _source(source: Mapping[str, JsonValue], engine: Engine, here: str) -> VideoSource:
    values = dict(_values(source))
    index = next((str(values[name]) for name in ("indexname", "index") if values.get(name)), "")
    service = next((str(values[name]) for name in ("computervisionbaseurl", "endpoint") if values.get(name)), "")
    if not index:
        raise VideoRequestError("The data source AzureComputerVisionVideoIndex has no indexName.")
    host = service_host(service)
    mapped = engine.mapped_index(host, index)
    if mapped is None and is_elsewhere(host, here):
        raise VideoRequestError(
            f"The video index {index} of {host} cannot be reached: this server answers from its own indexes.",
            remedy=f'Name this server as computerVisionBaseUrl, or map "{host}/{index}" under [sources].',
        )
    return VideoSource(index=mapped or index, urls=tuple(_urls(values)))


def _values(source: Mapping[str, JsonValue]) -> Iterator[tuple[str, JsonValue]]:
    """Parameters by squashed name; of one that is given twice the innermost."""
    seen: set[str] = set()
    for key, value in leaves(source):
        name = squashed(key)
        if name not in seen and value not in (None, "", []):
            seen.add(name)
            yield name, value


def _urls(values: Mapping[str, JsonValue]) -> Iterator[str]:
    for name in ("videourls", "videourl"):
        given = values.get(name)
        for url in given if isinstance(given, list) else [given]:
            if isinstance(url, str) and url.strip():
                yield url.strip()


def _opened(
    places: Sequence[tuple[str, str, str]], engine: Engine, groups: tuple[str, ...] | None, links: Links
) -> VideoInput:
    failure: NotFoundError | None = None
    for index, name, url in places:
        try:
            chunk = engine.vision.open_video(index, name, url, groups)
        except NotFoundError as error:
            failure = failure or error
            continue
        address = links.bytes(index, replace(chunk, locator=Locator()))
        title = chunk.filepath.rpartition("/")[2]
        return VideoInput(index=index, document_id=chunk.document_id, title=title, address=address)
    message, remedy = (failure.message, failure.remedy) if failure else ("There is no such video.", "")
    raise VideoRequestError(message, remedy=remedy, wire_code=404)
