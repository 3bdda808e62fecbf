"""A chat request as a program: what `foveal snippet` prints, for pages."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from foveal.api.bodies import check, documented, parse_json, read_body
from foveal.clients.snippets import (
    NEWEST_GA,
    Language,
    SnippetImage,
    SnippetMessage,
    SnippetRequest,
    SnippetSource,
    snippet,
)

MOST_BYTES = 2**20
FILE = "file:"


class SnippetUrl(BaseModel):
    """An image: its address, or `file:NAME` for a file that the program reads."""

    url: str = Field(max_length=4096)


class SnippetPart(BaseModel):
    """A piece of a message."""

    type: Literal["text", "image_url"]
    text: str = ""
    image_url: SnippetUrl | None = None


class SnippetMessageIn(BaseModel):
    """One turn."""

    role: Literal["system", "user", "assistant"]
    content: str | list[SnippetPart]


class SnippetParameters(BaseModel):
    """Parameters of a data source; others are left out of the program."""

    index_name: str
    top_n_documents: int | None = None
    strictness: int | None = None
    in_scope: bool | None = None
    query_type: str | None = None
    filter: str | None = None
    role_information: str | None = None


class SnippetDataSource(BaseModel):
    """An index that answers."""

    parameters: SnippetParameters


class SnippetBody(BaseModel):
    """A request of `chat/completions` with its deployment as `model`."""

    model_config = ConfigDict(extra="ignore")

    model: str
    messages: list[SnippetMessageIn] = Field(min_length=1)
    data_sources: list[SnippetDataSource] = []
    max_tokens: int | None = None
    temperature: float | None = None
    stream: bool = False


class SnippetOut(BaseModel):
    """The program."""

    text: str


def router() -> APIRouter:
    """The one route."""
    routes = APIRouter(prefix="/v1", tags=["Foveal"])

    @routes.post("/snippet", openapi_extra=documented(SnippetBody))
    async def show_snippet(
        request: Request, language: Annotated[Language, Query(description="What the program is written in.")] = "curl"
    ) -> SnippetOut:
        """A chat request as a program that sends it; its key is read from AZURE_OPENAI_API_KEY when it runs."""
        body = check(SnippetBody, parse_json(await read_body(request, limit_bytes=MOST_BYTES)))
        return SnippetOut(text=snippet(_request(body, str(request.base_url).rstrip("/")), language))

    return routes


def _request(body: SnippetBody, endpoint: str) -> SnippetRequest:
    return SnippetRequest(
        endpoint=endpoint,
        deployment=body.model,
        api_version=NEWEST_GA,
        messages=tuple(_message(message) for message in body.messages),
        sources=tuple(
            SnippetSource(
                index=given.index_name,
                top_n_documents=given.top_n_documents,
                strictness=given.strictness,
                in_scope=given.in_scope,
                query_type=given.query_type,
                filter=given.filter,
                role_information=given.role_information,
            )
            for given in (source.parameters for source in body.data_sources)
        ),
        max_tokens=body.max_tokens,
        temperature=body.temperature,
        stream=body.stream,
    )


def _message(message: SnippetMessageIn) -> SnippetMessage:
    if isinstance(message.content, str):
        return SnippetMessage(role=message.role, text=message.content)
    text = "\n".join(part.text for part in message.content if part.type == "text")
    urls = [part.image_url.url for part in message.content if part.image_url is not None]
    return SnippetMessage(role=message.role, text=text, images=tuple(_image(url) for url in urls))


def _image(url: str) -> SnippetImage:
    return SnippetImage(path=url.removeprefix(FILE)) if url.startswith(FILE) else SnippetImage(url=url)
