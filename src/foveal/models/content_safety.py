"""Sensitive content in texts and images, judged by an Azure AI Content Safety endpoint.

`POST {endpoint}/contentsafety/text:analyze` and `image:analyze`, api-version 2024-09-01 (Microsoft's REST reference,
"Text Operations - Analyze Text" and "Image Operations - Analyze Image"). Four categories; texts have severities 0..7
(`EightSeverityLevels`), images 0, 2, 4 or 6, the only levels the service has for them. The service calls 0-1 safe,
2-3 low, 4-5 medium and 6-7 high; a severity of n is the score n/7, which `foveal.models.safety.severity` cuts at
just these places.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from foveal.errors import ModelError
from foveal.models.background_loop import wait
from foveal.models.json_server import JsonServer
from foveal.retrieval.json_replies import JsonValue
from foveal.types.content import SafetyScores
from foveal.types.vectors import Pixels

if TYPE_CHECKING:
    import httpx

API_VERSION = "2024-09-01"
_HIGHEST = 7
_TEXT_CHARACTERS = 10_000
"""Longest text of a call, in code points (REST reference); longer ones are judged in parts."""
_LONGEST_SIDE_PX, _SHORTEST_SIDE_PX = 2048, 50
"""Largest and smallest image sides that every version of the service takes ("What is Azure AI Content Safety?")."""
_AT_ONCE = 4
_FIELDS = {"Hate": "hate", "SelfHarm": "self_harm", "Sexual": "sexual", "Violence": "violence"}
_HARMLESS = SafetyScores(hate=0.0, self_harm=0.0, sexual=0.0, violence=0.0)


class ContentSafetyScorer:
    """A `ports.SafetyScorer` over HTTP. Each call is billed: one an image, one a text of up to 10,000 characters.

    Args:
        endpoint: The resource's address, `https://NAME.cognitiveservices.azure.com`.
        api_key: Sent as `Ocp-Apim-Subscription-Key`.
        timeout_s: Seconds one call may take.
        max_retries: Further attempts after 429, 5xx and lost connections.
    """

    def __init__(self, endpoint: str, *, api_key: str, timeout_s: float = 5.0, max_retries: int = 2) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._server = JsonServer(
            "content safety endpoint",
            self._endpoint,
            settings="safety",
            headers={"ocp-apim-subscription-key": api_key},
            timeout_s=timeout_s,
            max_retries=max_retries,
        )

    @property
    def identity(self) -> str:
        """Address and version of the wire."""
        return f"content-safety:{self._endpoint}@{API_VERSION}"

    def score_images(self, images: Sequence[Pixels]) -> list[SafetyScores]:
        """All four categories of each image.

        Raises:
            ModelError: After retries.
        """
        bodies: list[dict[str, JsonValue]] = [
            {"image": {"content": base64.b64encode(_jpeg(image)).decode()}, "outputType": "FourSeverityLevels"}
            for image in images
        ]
        return wait(self._analyze("image", bodies))

    def score_texts(self, texts: Sequence[str]) -> list[SafetyScores]:
        """All four categories of each text; a blank one is harmless and costs no call.

        Raises:
            ModelError: After retries.
        """
        parts = [(number, part) for number, text in enumerate(texts) for part in _parts(text)]
        bodies: list[dict[str, JsonValue]] = [{"text": part, "outputType": "EightSeverityLevels"} for _, part in parts]
        scored = wait(self._analyze("text", bodies))
        worst = [_HARMLESS] * len(texts)
        for (number, _), scores in zip(parts, scored, strict=True):
            worst[number] = _worse(worst[number], scores)
        return worst

    async def _analyze(self, kind: str, bodies: Sequence[dict[str, JsonValue]]) -> list[SafetyScores]:
        url = f"{self._endpoint}/contentsafety/{kind}:analyze?api-version={API_VERSION}"
        slots = asyncio.Semaphore(_AT_ONCE)

        async def one(body: dict[str, JsonValue]) -> SafetyScores:
            async with slots:
                return self._scores(await self._server.post(url, body))

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(body)) for body in bodies]
        except* ModelError as failures:
            raise failures.exceptions[0] from None
        return [task.result() for task in tasks]

    def _scores(self, response: httpx.Response) -> SafetyScores:
        if not response.is_success:
            raise self._server.refused(response)
        try:
            found = {_FIELDS[item["category"]]: item["severity"] for item in response.json()["categoriesAnalysis"]}
            return SafetyScores(**{name: _score(found[name]) for name in _FIELDS.values()})
        except (ValueError, KeyError, TypeError) as error:
            raise self._server.misunderstood() from error


def _parts(text: str) -> Iterator[str]:
    """The text in pieces that a call takes, cut between words where there are words; no blank ones."""
    while len(text) > _TEXT_CHARACTERS:
        end = max(text.rfind(blank, 0, _TEXT_CHARACTERS) for blank in " \n\t") + 1
        part, text = text[: end or _TEXT_CHARACTERS], text[end or _TEXT_CHARACTERS :]
        if part.strip():
            yield part
    if text.strip():
        yield text


def _score(severity: object) -> float:
    if not isinstance(severity, int) or not 0 <= severity <= _HIGHEST:
        raise ValueError("severity out of range")
    return severity / _HIGHEST


def _worse(one: SafetyScores, other: SafetyScores) -> SafetyScores:
    fields = {name: max(getattr(one, name), getattr(other, name)) for name in _FIELDS.values()}
    return SafetyScores(**fields)


def _jpeg(image: Pixels) -> bytes:
    """The image as the service takes it: within its largest size, and on black where it is under the smallest."""
    from PIL import Image, ImageOps

    picture = Image.fromarray(image)
    picture.thumbnail((_LONGEST_SIDE_PX, _LONGEST_SIDE_PX))
    size = (max(_SHORTEST_SIDE_PX, picture.width), max(_SHORTEST_SIDE_PX, picture.height))
    if size != picture.size:
        picture = ImageOps.pad(picture, size)
    with BytesIO() as encoded:
        picture.save(encoded, format="JPEG", quality=90)
        return encoded.getvalue()
