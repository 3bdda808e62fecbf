"""Bodies of `/v1/conversations`, `/v1/shared` and `/v1/feedback`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from foveal.api.native.schemas import ChunkOut
from foveal.types.conversations import Rating, Reason, Speaker

PICTURE_CHARACTERS = 200_000
Picture = Annotated[
    str,
    StringConstraints(
        max_length=PICTURE_CHARACTERS, pattern=r"^data:image/(jpeg|png|webp|gif);base64,[A-Za-z0-9+/=]*$"
    ),
]


class CitationIn(BaseModel):
    """A citation as a chat reply has it. What is of an index here is looked up: these words are then not kept."""

    model_config = ConfigDict(extra="ignore")

    index: str = Field("", max_length=128, description="Its index; may be left out: it is then looked for.")
    chunk_id: str = Field("", max_length=1024)
    title: str | None = Field(None, max_length=4096)
    filepath: str | None = Field(None, max_length=4096)
    url: str | None = Field(None, max_length=8192)
    content: str | None = Field(None, max_length=200_000)


class MessageIn(BaseModel):
    """A question or an answer."""

    model_config = ConfigDict(extra="forbid")

    role: Speaker = Field(description="Who said it.")
    content: str = Field(max_length=200_000, description="What.")
    citations: list[CitationIn] = Field(
        [], max_length=100, description="Of an answer: `context.citations` of its reply, in their order."
    )
    pictures: list[Picture] = Field([], max_length=10, description="Of a question: small copies of its images.")
    id: str = Field("", max_length=128, description="Of an answer: the reply's `id`.")
    stopped: bool = Field(False, description="Of an answer: whether it ended before its end.")


class ConversationBody(BaseModel):
    """A conversation to be kept."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field("", max_length=400, description="Its name; empty: the first question.")
    messages: list[MessageIn] = Field([], max_length=200, description="What was said already.")


class MessagesBody(BaseModel):
    """More of it."""

    model_config = ConfigDict(extra="forbid")

    messages: list[MessageIn] = Field(max_length=200)
    keep: int | None = Field(
        None, ge=0, description="How many messages stay: those after them are taken back, as when one asks again."
    )
    after: int | None = Field(
        None, ge=0, description="How many messages it had when the caller saw it last; 409 when it has others."
    )


class ChangeBody(BaseModel):
    """What shall be otherwise."""

    model_config = ConfigDict(extra="forbid")

    title: str | None = Field(None, min_length=1, max_length=400)
    hidden: bool | None = None


class ConversationOut(BaseModel):
    """A conversation without its messages."""

    id: str
    title: str
    hidden: bool
    messages: int
    created_at: datetime
    updated_at: datetime


class FoundOut(ConversationOut):
    """One in which words were found: in which message, None for its title, and the words around them."""

    message: int | None
    excerpt: str


class ConversationList(BaseModel):
    """Latest first. `next` is given as `before` to have the rest."""

    conversations: list[ConversationOut]
    next: str | None = None


class FoundList(BaseModel):
    """Latest first."""

    conversations: list[FoundOut]


class CitedOut(BaseModel):
    """Something cited, as the caller may see it now.

    Attributes:
        state: `here`; `elsewhere`: not kept here, shown as it was; `removed` since; `withheld`: not for this caller.
        chunk: As it is now, when it is here.
    """

    number: int
    state: Literal["here", "elsewhere", "removed", "withheld"]
    index: str
    chunk_id: str
    title: str
    filepath: str
    media_type: str
    url: str
    content: str
    chunk: ChunkOut | None


class MessageOut(BaseModel):
    """A question or an answer; `withheld`: it rests on something that is not for this caller, and is empty."""

    number: int
    role: Speaker
    content: str
    blocks: list[str] | None = Field(description="Of an answer: cleaned HTML, where it is asked for.")
    citations: list[CitedOut]
    pictures: list[str]
    id: str
    stopped: bool
    answered: bool = Field(description="Of an answer: whether it is more than that the data has none.")
    withheld: bool
    said_at: datetime


class ConversationDetails(ConversationOut):
    """A conversation. `withheld`: how many of its messages the caller may not see."""

    items: list[MessageOut]
    withheld: int


class ShareBody(BaseModel):
    """A link to be made."""

    model_config = ConfigDict(extra="forbid")

    days: float | None = Field(None, gt=0, description="How long it opens; at most `history.share_days`.")


class ShareOut(BaseModel):
    """A link to what had been said when it was made; `url` is the page that shows it."""

    id: str
    url: str
    messages: int
    created_at: datetime
    expires_at: datetime


class ShareList(BaseModel):
    """Links that open, oldest first."""

    shares: list[ShareOut]


class DeletedOut(BaseModel):
    """How many are gone."""

    deleted: int


class FeedbackBody(BaseModel):
    """What somebody thinks of an answer."""

    model_config = ConfigDict(extra="forbid")

    answer_id: str = Field(min_length=1, max_length=128, description="The reply's `id` (`chatcmpl-…`).")
    rating: Rating
    reasons: list[Reason] = Field([], max_length=len(Reason))
    comment: str = Field("", max_length=10_000)
    question: str = Field("", max_length=200_000)
    answer: str = Field("", max_length=200_000)
    citations: list[CitationIn] = Field([], max_length=100)


class FeedbackOut(BaseModel):
    """What somebody said of an answer; `withheld`: it rests on what is not for this caller, and its texts are empty."""

    person: str
    answer_id: str
    rating: Rating
    reasons: list[Reason]
    comment: str
    question: str
    answer: str
    citations: list[str]
    withheld: bool
    at: datetime


class FeedbackList(BaseModel):
    """Oldest first."""

    feedback: list[FeedbackOut]


BODIES = (ConversationBody, MessagesBody, ChangeBody, ShareBody, FeedbackBody)
"""What routes read by themselves."""
