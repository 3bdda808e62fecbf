"""Conversations between the wire and what is kept."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import quote, unquote, urlsplit

from foveal.api import markdown
from foveal.api.links import Links
from foveal.api.native.conversation_schemas import (
    CitationIn,
    CitedOut,
    ConversationDetails,
    ConversationOut,
    FoundOut,
    MessageIn,
    MessageOut,
    ShareOut,
)
from foveal.api.native.convert import chunk_out
from foveal.pipeline.generate import is_refusal
from foveal.pipeline.history import Hit, Shown, ShownItem, ShownTurn
from foveal.types.conversations import CitedItem, Conversation, Said, Share, Speaker

Format = Literal["text", "html"]
SHARED = "/shared/"
"""Path of the page that shows a shared conversation, its id after it."""

_OWN_PLACE = re.compile(r"/v1/indexes/([^/]+)/chunks/([^/]+)/")


def said(message: MessageIn) -> Said:
    """A message as it is kept: citations with answers, pictures with questions only."""
    answers = message.role is Speaker.ASSISTANT
    return Said(
        speaker=message.role,
        text=message.content,
        citations=tuple(cited(c, n) for n, c in enumerate(message.citations, 1)) if answers else (),
        pictures=() if answers else tuple(message.pictures),
        answer_id=message.id if answers else "",
        stopped=message.stopped and answers,
    )


def cited(citation: CitationIn, number: int) -> CitedItem:
    """A citation as it is kept; its index out of its address where it is not given."""
    place = _OWN_PLACE.search(urlsplit(citation.url or "").path)
    named = unquote(place[1]) if place and unquote(place[2]) == citation.chunk_id else ""
    return CitedItem(
        number=number,
        index=citation.index or named,
        chunk_id=citation.chunk_id,
        title=citation.title or "",
        filepath=citation.filepath or "",
        url="" if place or not _is_web(citation.url or "") else citation.url or "",
        excerpt=citation.content or "",
    )


def _is_web(url: str) -> bool:
    return url.startswith(("https://", "http://"))  # a page makes links of them


def conversation_out(conversation: Conversation) -> ConversationOut:
    """Without its messages."""
    return ConversationOut(
        id=conversation.conversation_id,
        title=conversation.title,
        hidden=conversation.hidden,
        messages=conversation.turns,
        created_at=conversation.created_at,
        updated_at=conversation.updated_at,
    )


def found_out(hit: Hit) -> FoundOut:
    """One in which words were found."""
    of = conversation_out(hit.conversation)
    return FoundOut(**of.model_dump(), message=hit.turn, excerpt=hit.excerpt)


def details_out(shown: Shown, links: Links, format: Format = "text") -> ConversationDetails:
    """With its messages; the addresses in it are signed for the reader."""
    items = [_message(turn, links, html=format == "html") for turn in shown.turns]
    return ConversationDetails(
        **conversation_out(shown.conversation).model_dump(),
        items=items,
        withheld=sum(item.withheld for item in items),
    )


def share_out(share: Share, base: str) -> ShareOut:
    """A link."""
    return ShareOut(
        id=share.share_id,
        url=f"{base}{SHARED}{quote(share.share_id, safe='')}",
        messages=share.turns,
        created_at=share.created_at,
        expires_at=share.expires_at,
    )


def _message(shown: ShownTurn, links: Links, *, html: bool) -> MessageOut:
    said = shown.turn.said
    rendered = html and said.speaker is Speaker.ASSISTANT
    return MessageOut(
        number=shown.turn.number,
        role=said.speaker,
        content=said.text,
        blocks=[block for _, block in markdown.render_blocks(said.text, 0)] if rendered else None,
        citations=[_cited(item, links) for item in shown.citations],
        pictures=list(said.pictures),
        id=said.answer_id,
        stopped=said.stopped,
        answered=said.speaker is not Speaker.ASSISTANT or said.stopped or not is_refusal(said.text),
        withheld=shown.withheld,
        said_at=shown.turn.said_at,
    )


def _cited(shown: ShownItem, links: Links) -> CitedOut:
    item, chunk = shown.item, shown.chunk
    return CitedOut(
        number=item.number,
        state=shown.state.value,
        index=item.index,
        chunk_id=item.chunk_id,
        title=chunk.title if chunk else item.title,
        filepath=chunk.filepath if chunk else item.filepath,
        media_type=chunk.media_type if chunk else item.media_type,
        url=(chunk.url or links.bytes(item.index, chunk)) if chunk else item.url,
        content=chunk.shown_text if chunk else item.excerpt,
        chunk=chunk_out(chunk, item.index, links) if chunk else None,
    )
