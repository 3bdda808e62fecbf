"""`/v1/feedback`: what people say of answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from foveal.api.auth import Role, require
from foveal.api.bodies import documented, read_checked
from foveal.api.crowd import Threads
from foveal.api.engine import Engine
from foveal.api.native.conversation_convert import cited
from foveal.api.native.conversation_schemas import FeedbackBody, FeedbackList, FeedbackOut
from foveal.api.native.conversations import reader, reader_of
from foveal.pipeline.history import Reader
from foveal.pipeline.people import People
from foveal.types.conversations import Feedback

MAX_BODY_BYTES = 4 * 2**20


def router(engine: Engine, threads: Threads) -> APIRouter:
    """All of them."""
    routes = APIRouter(prefix="/feedback")

    @routes.put("", status_code=204, openapi_extra=documented(FeedbackBody))
    async def give_feedback(request: Request) -> Response:
        """Say what you think of an answer, in place of what you said of it before."""
        who = reader_of(request)
        body = await read_checked(FeedbackBody, request, limit_bytes=MAX_BODY_BYTES)
        await threads.run(_keep, engine.people, who, body)
        return Response(status_code=204)

    @routes.delete("/{answer_id}", status_code=204)
    async def take_back(request: Request, answer_id: str) -> Response:
        """Take back what you said of an answer."""
        await threads.run(engine.people.feedback.remove, reader_of(request).person, answer_id)
        return Response(status_code=204)

    @routes.get("")
    async def list_feedback(
        request: Request, since: Annotated[datetime | None, Query(description="Only from then on.")] = None
    ) -> FeedbackList:
        """All that people said, for owners; without the texts of answers that rest on what the caller may not see."""
        who = reader(require(request, Role.OWNER))
        return await threads.run(_all, engine.people, who, since)

    return routes


def _keep(people: People, who: Reader, body: FeedbackBody) -> None:
    placed = people.history.placed([cited(c, n) for n, c in enumerate(body.citations, 1)])
    people.feedback.put(
        Feedback(
            person=who.person,
            answer_id=body.answer_id,
            rating=body.rating,
            reasons=tuple(dict.fromkeys(body.reasons)),
            comment=body.comment,
            question=body.question,
            answer=body.answer,
            citations=tuple(f"{item.index}/{item.chunk_id}" for item in placed),
            at=datetime.now(UTC),
        )
    )


def _all(people: People, who: Reader, since: datetime | None) -> FeedbackList:
    return FeedbackList(feedback=[_out(people, who, f) for f in people.feedback.entries(since=since)])


def _out(people: People, who: Reader, feedback: Feedback) -> FeedbackOut:
    withheld = who.groups is not None and not people.history.may_see(who, feedback.citations)
    return FeedbackOut(
        person=feedback.person,
        answer_id=feedback.answer_id,
        rating=feedback.rating,
        reasons=list(feedback.reasons),
        comment="" if withheld else feedback.comment,
        question="" if withheld else feedback.question,
        answer="" if withheld else feedback.answer,
        citations=[] if withheld else list(feedback.citations),
        withheld=withheld,
        at=feedback.at,
    )
