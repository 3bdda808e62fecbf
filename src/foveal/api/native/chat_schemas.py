"""Events of a native chat: what an answer rests on, in full, then its words, then its end."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from foveal.api.native.schemas import BoxOut, ChunkOut, ExtractOut, HitOut, LegOut
from foveal.types.relations import RelationKind


class RelationOut(BaseModel):
    """How an image of the question relates to a picture."""

    kind: RelationKind
    score: float
    reason: str
    boxes: list[BoxOut] = Field(description="What to point at in the picture.")
    shown_boxes: list[BoxOut] = Field(
        description="What of the image of the question that is, for `same_object` box by box; empty: all of it."
    )
    image: int = Field(description="Which image of the question, from 0.")


class ChatCitationOut(ChunkOut):
    """A document that the answer may rest on: `[doc<number>]`."""

    number: int
    index: str
    text: str = Field(description="What of it was given to the model.")
    extract: ExtractOut | None = Field(description="The stretch that speaks for it, if there is one.")
    relations: list[RelationOut]
    confidence: float
    legs: list[LegOut] = Field(description="Which searches found it, and how strongly.")


class NearestOut(HitOut):
    """Something near the question that was not good enough for an answer."""

    index: str


class RetrievedEvent(BaseModel):
    """First, when there are data sources."""

    type: Literal["retrieved"] = "retrieved"
    intents: list[str]
    citations: list[ChatCitationOut]
    nearest: list[NearestOut] = Field(description="Best first: what was found and fell below the strictness.")


class TextEvent(BaseModel):
    """Some more words."""

    type: Literal["text"] = "text"
    text: str


class BlockEvent(BaseModel):
    """With `format=html`: a paragraph, list or table of the answer, in place of what it had before."""

    type: Literal["block"] = "block"
    block: int = Field(description="Its number, from 0.")
    html: str = Field(description="Cleaned HTML; `[docN]` is a button with `data-doc`.")


class FinishedEvent(BaseModel):
    """Last."""

    type: Literal["finished"] = "finished"
    id: str = Field(description="Of the answer, for what people say of it.")
    reason: Literal["stop", "length", "content_filter"]
    answered: bool = Field(description="False: the data has no answer, and the words are the refusal.")
    model: str
    prompt_tokens: int
    completion_tokens: int


ChatEventOut = RetrievedEvent | TextEvent | BlockEvent | FinishedEvent
EVENTS = (RetrievedEvent, TextEvent, BlockEvent, FinishedEvent)
