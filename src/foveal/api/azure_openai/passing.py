"""Requests that a model server answers: what it is sent.

Only what their sender cannot know is changed: images are checked and carry their true types, and fields of our own and
of Foveal's replies, which clients send back, are left out.
"""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass

from foveal.api.azure_openai.convert import ROLES, Given, image_text, open_part
from foveal.api.azure_openai.schemas import ChatBody, Part
from foveal.api.azure_openai.video_sources import names_videos
from foveal.api.engine import Engine
from foveal.api.errors import BodyError
from foveal.api.images import check_count
from foveal.errors import TooLargeError
from foveal.ports.models import Upstream
from foveal.types.chat import ChatRequest, ImageInput, Message
from foveal.types.status import Deployment
from foveal.types.upstream import JsonObject

MAX_IMAGE_BYTES = 20 * 2**20
"""Longest image of a request (contract notes, section 4.1)."""
SENT_AS_THEY_ARE = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})
"""Types that OpenAI's vision models read; others become JPEG."""
_OURS = frozenset({"data_sources", "dataSources", "enhancements", "deployment", "user_security_context"})
"""Fields of a request that are for the service in front of a model, not for the model's server."""
_REPLIED = frozenset({"id", "date", "index", "context", "end_turn", "recipient"})
"""Fields of messages that clients send back as they got them, and that servers refuse."""
_JPEG_QUALITY = 92


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A request that a model server answers.

    Attributes:
        body: What it is sent.
        request: The same in our own words, for whoever judges it.
        deployment: What it was sent to here.
    """

    upstream: Upstream
    body: JsonObject
    request: ChatRequest
    deployment: Deployment

    @property
    def stream(self) -> bool:
        """Whether the reply comes as events."""
        return self.body.get("stream") is True


def is_passed(body: ChatBody) -> bool:
    """Whether a model server can answer this alone: nothing of this home is asked for, or tools are, and these win over
    data sources (contract notes, section 3.1).
    """
    tools = (body.tools and body.tool_choice != "none") or (body.functions and body.function_call != "none")
    given = body.enhancements
    enhanced = given is not None and any(one is not None and one.enabled for one in (given.ocr, given.grounding))
    if names_videos(body):
        return False
    return bool(tools) if body.data_sources else not enhanced


def passed(given: Given, deployment: Deployment, upstream: Upstream, engine: Engine) -> Passed:
    """The request as the model server is to get it. It computes (images): call it in a worker thread.

    Raises:
        BodyError: The deployment does not take what is asked for.
        InvalidRequestError: Too many images.
        ImageError: An image cannot be had.
        TooLargeError: One is too large.
    """
    check_taken(given.body, deployment)
    check_count(sum(1 for message in given.body.messages for part in message.content if image_text(part)))
    sending = _Sending(deployment, engine)
    messages = list(sending.messages(given))
    kept = {name: value for name, value in given.value.items() if value is not None and name not in _OURS}
    said = tuple(
        Message(
            role=ROLES.get(message.role, "user"),
            text="\n".join(part.text for part in message.content if part.text),
            images=tuple(sending.images.get(number, ())),
        )
        for number, message in enumerate(given.body.messages)
    )
    request = ChatRequest(messages=said, deployment=deployment.name)
    return Passed(upstream=upstream, body={**kept, "messages": messages}, request=request, deployment=deployment)


def check_taken(body: ChatBody, deployment: Deployment) -> None:
    """Refuse what the deployment does not take.

    Raises:
        BodyError: Naming the parameter.
    """
    images = any(image_text(part) for message in body.messages for part in message.content)
    faults = {
        "tools": bool(body.tools) and not deployment.tools,
        "functions": bool(body.functions) and not deployment.tools,
        "response_format": body.response_format is not None
        and body.response_format.type != "text"
        and not deployment.json_mode,
        "messages": images and not deployment.sees,
    }
    found = [((name,), f"Not supported with the deployment {deployment.name}") for name, bad in faults.items() if bad]
    if found:
        raise BodyError(found)


class _Sending:
    """Makes the messages that are sent.

    Attributes:
        images: Those opened, by number of message.
    """

    def __init__(self, deployment: Deployment, engine: Engine) -> None:
        self._deployment = deployment
        self._engine = engine
        self.images: dict[int, list[ImageInput]] = {}

    def messages(self, given: Given) -> Iterator[JsonObject]:
        """In order; the service's own tool messages are left out."""
        raw = given.value.get("messages")
        for number, parsed in enumerate(given.body.messages):
            message = raw[number] if isinstance(raw, list) else None
            if not isinstance(message, dict) or (parsed.role == "tool" and not message.get("tool_call_id")):
                continue  # citations of On Your Data, given back: no tool of this conversation said them
            kept = {name: value for name, value in message.items() if name not in _REPLIED}
            content = message.get("content")
            if isinstance(content, list):
                pairs = enumerate(zip(content, parsed.content, strict=True))
                kept["content"] = [self._part(part, read, (number, place)) for place, (part, read) in pairs]
            yield kept

    def _part(self, raw: object, part: Part, place: tuple[int, int]) -> object:
        where = ("messages", place[0], "content", place[1])
        if isinstance(raw, str):
            return {"type": "text", "text": raw}
        text = image_text(part)
        if not text:
            return raw
        detail = part.image_url.detail if part.image_url else None
        shown: JsonObject = {"detail": detail} if detail else {}
        if self._deployment.passes_image_urls and text.lower().startswith(("http://", "https://")):
            return {"type": "image_url", "image_url": {"url": text, **shown}}
        image = open_part(part, self._engine, where)
        if len(image.data) > MAX_IMAGE_BYTES:
            raise TooLargeError(f"An image has {len(image.data)} bytes; the maximum is {MAX_IMAGE_BYTES}.")
        self.images.setdefault(place[0], []).append(image)
        return {"type": "image_url", "image_url": {"url": _data_url(image), **shown}}


def _data_url(image: ImageInput) -> str:
    data, media_type = image.data, image.media_type
    if media_type not in SENT_AS_THEY_ARE:
        data, media_type = _jpeg(image), "image/jpeg"
    return f"data:{media_type};base64,{b64encode(data).decode('ascii')}"


def _jpeg(image: ImageInput) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image.pixels).save(file, format="JPEG", quality=_JPEG_QUALITY)
    return file.getvalue()
