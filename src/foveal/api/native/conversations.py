"""`/v1/conversations`, `/v1/shares`, `/v1/shared`: what a person asked and was answered, kept and shared.

Chat itself keeps nothing: whoever asks also keeps what was said, by these routes. So the wire of chat stays Azure's,
clients that keep their own history are not kept twice, and what failed to be kept never stops an answer.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from foveal.api.auth import Caller, Role, require
from foveal.api.bodies import documented, read_checked
from foveal.api.crowd import Threads
from foveal.api.engine import Engine
from foveal.api.links import Links
from foveal.api.native import conversation_convert as convert
from foveal.api.native.conversation_schemas import (
    ChangeBody,
    ConversationBody,
    ConversationDetails,
    ConversationList,
    ConversationOut,
    DeletedOut,
    FoundList,
    MessagesBody,
    ShareBody,
    ShareList,
    ShareOut,
)
from foveal.errors import ForbiddenError
from foveal.pipeline.history import Reader
from foveal.types.conversations import ConversationId, ShareId

MAX_BODY_BYTES = 16 * 2**20
"""Of messages: ten small pictures each."""
PAGE = 50


def reader_of(request: Request) -> Reader:
    """Who reads and keeps.

    Raises:
        ForbiddenError: The request comes from nobody in particular: with a signed link, from an embedded chat.
    """
    return reader(require(request, Role.READER))


def reader(caller: Caller) -> Reader:
    """A caller as a reader of conversations.

    Raises:
        ForbiddenError: It is nobody in particular.
    """
    if not caller.person:
        raise ForbiddenError("Conversations are kept for people who are signed in.", remedy="Sign in, or use a key.")
    return Reader(person=caller.person, groups=caller.groups)


def router(engine: Engine, threads: Threads) -> APIRouter:
    """All of them."""
    routes = APIRouter()
    _add_reading(routes, engine, threads)
    _add_changing(routes, engine, threads)
    _add_sharing(routes, engine, threads)
    return routes


def _add_reading(routes: APIRouter, engine: Engine, threads: Threads) -> None:
    @routes.get("/conversations")
    async def list_conversations(
        request: Request,
        hidden: bool = False,
        before: Annotated[str | None, Query(max_length=128)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = PAGE,
    ) -> ConversationList:
        """The caller's conversations, the latest first; or those put out of sight."""
        who, after = reader_of(request), None if before is None else ConversationId(before)
        page = await threads.run(engine.people.history.page, who, hidden=hidden, before=after, limit=limit + 1)
        more = page[limit - 1].conversation_id if len(page) > limit else None
        return ConversationList(conversations=[convert.conversation_out(c) for c in page[:limit]], next=more)

    @routes.get("/conversations/search")
    async def find_conversations(
        request: Request,
        q: Annotated[
            str, Query(max_length=1000, description="Words, all of which must be in one message or the name.")
        ],
        limit: Annotated[int, Query(ge=1, le=200)] = PAGE,
    ) -> FoundList:
        """The caller's conversations in which words are, hidden ones too."""
        hits = await threads.run(engine.people.history.find, reader_of(request), q, limit=limit)
        return FoundList(conversations=[convert.found_out(h) for h in hits])

    @routes.get("/conversations/{conversation_id}")
    async def read_conversation(
        request: Request, conversation_id: str, format: convert.Format = "text"
    ) -> ConversationDetails:
        """One of the caller's, with what it cites as it is now."""
        wanted = ConversationId(conversation_id)
        shown = await threads.run(engine.people.history.read, reader_of(request), wanted)
        return await threads.run(convert.details_out, shown, Links.of(request), format)


def _add_changing(routes: APIRouter, engine: Engine, threads: Threads) -> None:
    @routes.post("/conversations", status_code=201, openapi_extra=documented(ConversationBody))
    async def keep_conversation(request: Request) -> ConversationOut:
        """Keep a new conversation, named by its first question."""
        who = reader_of(request)
        body = await read_checked(ConversationBody, request, limit_bytes=MAX_BODY_BYTES)
        said = [convert.said(m) for m in body.messages]
        return convert.conversation_out(await threads.run(engine.people.history.start, who, said, title=body.title))

    @routes.post("/conversations/{conversation_id}/messages", openapi_extra=documented(MessagesBody))
    async def keep_messages(request: Request, conversation_id: str) -> ConversationOut:
        """Keep more of a conversation."""
        who, wanted = reader_of(request), ConversationId(conversation_id)
        body = await read_checked(MessagesBody, request, limit_bytes=MAX_BODY_BYTES)
        said = [convert.said(m) for m in body.messages]
        kept = await threads.run(engine.people.history.append, who, wanted, said, after=body.after, keep=body.keep)
        return convert.conversation_out(kept)

    @routes.patch("/conversations/{conversation_id}", openapi_extra=documented(ChangeBody))
    async def change_conversation(request: Request, conversation_id: str) -> ConversationOut:
        """Rename a conversation, put it out of sight, or back."""
        who, wanted = reader_of(request), ConversationId(conversation_id)
        body = await read_checked(ChangeBody, request, limit_bytes=MAX_BODY_BYTES)
        history = engine.people.history
        changed = await threads.run(history.change, who, wanted, title=body.title, hidden=body.hidden)
        return convert.conversation_out(changed)

    @routes.delete("/conversations/{conversation_id}", status_code=204)
    async def delete_conversation(request: Request, conversation_id: str) -> Response:
        """Delete a conversation, and the links that share it."""
        await threads.run(engine.people.history.delete, reader_of(request), ConversationId(conversation_id))
        return Response(status_code=204)

    @routes.delete("/conversations")
    async def delete_conversations(request: Request) -> DeletedOut:
        """Delete all of the caller's conversations, hidden ones too."""
        return DeletedOut(deleted=await threads.run(engine.people.history.delete_all, reader_of(request)))


def _add_sharing(routes: APIRouter, engine: Engine, threads: Threads) -> None:
    @routes.post("/conversations/{conversation_id}/shares", status_code=201, openapi_extra=documented(ShareBody))
    async def share_conversation(request: Request, conversation_id: str) -> ShareOut:
        """Make a link to what has been said so far, for people who may call this server."""
        who, wanted = reader_of(request), ConversationId(conversation_id)
        body = await read_checked(ShareBody, request, limit_bytes=MAX_BODY_BYTES)
        life = None if body.days is None else timedelta(days=min(body.days, 10_000))
        share = await threads.run(engine.people.history.share, who, wanted, life=life)
        return convert.share_out(share, Links.of(request).base)

    @routes.get("/conversations/{conversation_id}/shares")
    async def list_shares(request: Request, conversation_id: str) -> ShareList:
        """Links to a conversation of the caller that open."""
        who, base = reader_of(request), Links.of(request).base
        shares = await threads.run(engine.people.history.shares, who, ConversationId(conversation_id))
        return ShareList(shares=[convert.share_out(s, base) for s in shares])

    @routes.delete("/shares/{share_id}", status_code=204)
    async def revoke_share(request: Request, share_id: str) -> Response:
        """Have a link of the caller open nothing."""
        await threads.run(engine.people.history.unshare, reader_of(request), ShareId(share_id))
        return Response(status_code=204)

    @routes.get("/shared/{share_id}")
    async def read_shared(request: Request, share_id: str, format: convert.Format = "text") -> ConversationDetails:
        """A conversation that somebody shared, without what the caller may not see."""
        shown = await threads.run(engine.people.history.read_shared, reader_of(request), ShareId(share_id))
        return await threads.run(convert.details_out, shown, Links.of(request), format)
