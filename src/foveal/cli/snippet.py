"""`foveal snippet`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from foveal.cli.session import session
from foveal.clients.snippets import NEWEST_GA

if TYPE_CHECKING:
    from foveal.clients.snippets import SnippetImage
    from foveal.settings import Settings


def snippet(
    context: typer.Context,
    question: Annotated[str, typer.Option(help="What is asked.")] = "",
    language: Annotated[str, typer.Option(help="curl, python or javascript.")] = "curl",
    image: Annotated[
        list[str] | None, typer.Option(metavar="FILE|URL", help="An image to ask about; again for more.")
    ] = None,
    system: Annotated[str, typer.Option(help="Instructions, as a system message.")] = "",
    index: Annotated[str | None, typer.Option(help="Index that answers; by default that of the settings.")] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Ask the model without data.")] = False,
    top: Annotated[int | None, typer.Option(min=1, help="Documents given to the model (top_n_documents).")] = None,
    strictness: Annotated[int | None, typer.Option(min=1, max=5, help="1 lax, 5 strict.")] = None,
    in_scope: Annotated[
        bool | None, typer.Option("--in-scope/--any-scope", help="Whether only the data may answer.")
    ] = None,
    query_type: Annotated[
        str | None, typer.Option(help="simple, semantic, vector, vector_simple_hybrid or vector_semantic_hybrid.")
    ] = None,
    filter: Annotated[str | None, typer.Option(metavar="ODATA", help="As in `foveal search`.")] = None,
    deployment: Annotated[str, typer.Option(help="Deployment that answers.")] = "foveal",
    endpoint: Annotated[
        str | None, typer.Option(help="Address of the server; by default where `foveal serve` listens.")
    ] = None,
    api_version: Annotated[str, typer.Option(help="Version of the wire.")] = NEWEST_GA,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Longest answer.")] = None,
    stream: Annotated[bool, typer.Option("--stream", help="Get the answer as it is written.")] = False,
) -> None:
    """Print a question as a program that asks it over HTTP; its key is read from AZURE_OPENAI_API_KEY."""
    from foveal.clients.snippets import Language, SnippetMessage, SnippetRequest, SnippetSource
    from foveal.clients.snippets import snippet as written
    from foveal.errors import InvalidRequestError

    match language:
        case "curl" | "python" | "javascript":
            wanted: Language = language
        case _:
            choices = ", ".join(get_args(Language))
            raise InvalidRequestError(f"There is no snippet in {language}.", remedy=f"Take one of {choices}.")
    if not question and not image:
        raise InvalidRequestError("There is nothing to ask.", remedy="Give --question or --image.")
    settings = session(context).settings
    source = SnippetSource(
        index=index or settings.index,
        top_n_documents=top,
        strictness=strictness,
        in_scope=in_scope,
        query_type=query_type,
        filter=filter,
    )
    asked = SnippetMessage(text=question, images=tuple(_image(given) for given in image or ()))
    request = SnippetRequest(
        endpoint=endpoint or _own_address(settings),
        deployment=deployment,
        api_version=api_version,
        messages=((SnippetMessage(role="system", text=system),) if system else ()) + (asked,),
        sources=() if plain else (source,),
        max_tokens=max_tokens,
        stream=stream,
    )
    print(written(request, wanted), end="")


def _image(given: str) -> SnippetImage:
    from foveal.clients.snippets import SnippetImage

    return SnippetImage(url=given) if re.match(r"(?i)(https?|data):", given) else SnippetImage(path=given)


def _own_address(settings: Settings) -> str:
    """Where `foveal serve` can be reached on this machine with the same settings."""
    serving = settings.serve
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(serving.host, serving.host)  # noqa: S104  # compared, not bound
    scheme = "https" if serving.tls or serving.ssl_certfile else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{serving.port}"
