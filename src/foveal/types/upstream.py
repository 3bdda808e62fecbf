"""Requests and replies of a model server's own wire, which go through Foveal as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

JsonObject = dict[str, object]
"""A parsed JSON object of the OpenAI wire."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamReply:
    """A completion.

    Attributes:
        headers: Of the reply, names in lower case.
        body: With whatever fields the server knows.
    """

    headers: Mapping[str, str]
    body: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamStart:
    """A stream has begun: the server has taken the request.

    Attributes:
        headers: Of the reply, names in lower case.
    """

    headers: Mapping[str, str]
