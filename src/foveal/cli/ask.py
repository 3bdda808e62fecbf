"""`foveal ask`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foveal.cli.search import words_of
from foveal.cli.session import NOTHING, open_image, print_json, session

if TYPE_CHECKING:
    from rich.console import Console

    from foveal.runtime import Foveal
    from foveal.types.chat import Answer, ChatRequest


def ask(
    context: typer.Context,
    question: Annotated[str, typer.Argument(help="Your question, in any language.")],
    image: Annotated[
        list[Path] | None, typer.Option(help="An image the question is about.", exists=True, dir_okay=False)
    ] = None,
    filter: Annotated[str | None, typer.Option(metavar="ODATA", help="Answer only from what passes.")] = None,
    index: Annotated[list[str] | None, typer.Option(help="Index to answer from; may be repeated.")] = None,
    documents: Annotated[int | None, typer.Option(min=1, max=50, help="Documents to rest on, at most.")] = None,
    strictness: Annotated[int | None, typer.Option(min=1, max=5, help="1 lax, 5 strict.")] = None,
    deployment: Annotated[
        str, typer.Option(metavar="NAME", help="Deployment that answers; the first there is when not given.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Ask a question and get an answer with citations."""
    from foveal.types.chat import ChatRequest, DataSource, Message

    here = session(context)
    with here.open() as foveal:
        foveal.warm()
        images = tuple(open_image(foveal, p) for p in image or ())
        request = ChatRequest(
            messages=(Message(role="user", text=question, images=images),),
            sources=tuple(
                DataSource(index=name, filter=foveal.parse_filter(filter, name))
                for name in index or (here.settings.index,)
            ),
            grounding=foveal.grounding(top_n_documents=documents, strictness=strictness),
            deployment=deployment,
        )
        answer = asyncio.run(_stream(here.console, foveal, request, quiet=as_json))
    if as_json:
        print_json(answer_json(answer))
    if not answer.finished.answered:
        raise typer.Exit(NOTHING)


async def _stream(console: Console, foveal: Foveal, request: ChatRequest, *, quiet: bool) -> Answer:
    from foveal.types.chat import TextDelta

    def show(text: str) -> None:
        if not quiet:
            console.print(text, end="", markup=False)

    events = []
    async for event in foveal.chat(request):
        events.append(event)
        if isinstance(event, TextDelta):
            show(event.text)
    from foveal.pipeline.chat import collect

    answer = collect(events)
    show("\n")
    if not quiet:
        print_citations(console, answer)
    return answer


def print_citations(console: Console, answer: Answer) -> None:
    """The documents an answer cites, or the nearest ones when the data has no answer."""
    from foveal.retrieval.moments import place_in_words

    cited = [c for c in answer.retrieved.citations if f"[doc{c.number}]" in answer.text]
    for citation in cited:
        chunk = citation.chunk
        console.print(f"  [doc{citation.number}] {place_in_words(chunk)}  ({chunk.source})", markup=False)
    if not answer.finished.answered:
        nearest = [h for r in answer.retrieved.results for h in (*r.hits, *r.rejected)][:3]
        for hit in nearest:
            console.print(f"  nearest: {place_in_words(hit.chunk)}: {words_of(hit)}", markup=False)


def answer_json(answer: Answer) -> dict[str, object]:
    """An answer as JSON values."""
    return {
        "answer": answer.text,
        "answered": answer.finished.answered,
        "model": answer.finished.model,
        "intents": list(answer.retrieved.intents),
        "citations": [
            {
                "number": c.number,
                "index": c.index,
                "chunk_id": c.chunk.chunk_id,
                "filepath": c.chunk.filepath,
                "title": c.chunk.title,
                "page": c.chunk.locator.page,
                "start_ms": c.chunk.locator.start_ms,
                "end_ms": c.chunk.locator.end_ms,
                "text": c.text,
                "cited": f"[doc{c.number}]" in answer.text,
            }
            for c in answer.retrieved.citations
        ],
        "usage": {
            "prompt_tokens": answer.finished.usage.prompt_tokens,
            "completion_tokens": answer.finished.usage.completion_tokens,
        },
    }
