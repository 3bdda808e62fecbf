"""Grounding: what of the instructions, the conversation and the retrieved chunks a model's window has room for.

Sources: "Azure OpenAI on your data" (Microsoft, 2023), its table of token usage (`WINDOWS` below), question and history
"capped at 2000 tokens", "20% of the available tokens are reserved for the model response", an answer's upper limit of
1,500 where nobody asks for another, the rest for the document chunks, cut to fit. The last row is the limit of system
messages for the models of the GPT-4o class (Microsoft, 2024). What is too long is cut, never refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from foveal.retrieval.moments import clock
from foveal.retrieval.tokens import TokenCounter
from foveal.types.chat import Citation, Document, Message
from foveal.types.chunks import Chunk
from foveal.types.search import Hit

WINDOWS = ((8_000, 400, 1_500), (16_000, 1_000, 3_200), (32_000, 2_000, 6_400), (128_000, 4_000, 6_400))
"""Window, most tokens of the system message, most of an answer; a window between two rows has the smaller's."""
HISTORY_TOKENS = 2_000
ANSWER_TOKENS = 1_500
"""Of an answer for which the caller set no limit."""
ANSWER_SHARE = 0.20

DOCUMENT_OVERHEAD_TOKENS = 32
"""Kept free for each document's number, title and fence."""

SMALLEST_DOCUMENT_TOKENS = 48
"""A document that would get less is left out, so that the better ones keep room to say something."""

DESCRIPTION_LABEL = "Description by a person"
CAPTION_LABEL = "Caption by a model"
COMPOSED_LABEL = "Detected by Foveal"
OCR_LABEL = "Text in the image"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Shares of a model's window, in tokens.

    Attributes:
        system_tokens: For the operator's instructions.
        history_tokens: For the question and the turns before it.
        answer_tokens: For the answer, within the fifth of the window that is kept for it.
        documents_tokens: For the documents: what the others leave.
    """

    system_tokens: int
    history_tokens: int
    answer_tokens: int
    documents_tokens: int


def budget(context_tokens: int, *, prompt_tokens: int = 0, max_answer_tokens: int | None = None) -> Budget:
    """The shares of a window.

    In windows under 8,000 tokens instructions and history shrink to the share that they have at 8,000 (5 % and
    25 %), so that documents always get something.

    Args:
        context_tokens: Size of the window.
        prompt_tokens: What the answerer's own prompt and the question's images take (`image_tokens`).
        max_answer_tokens: What the caller asked for, up to the table's limit; 1,500 when nothing.
    """
    smallest, *_ = WINDOWS
    _, system, longest = next((row for row in reversed(WINDOWS) if row[0] <= context_tokens), smallest)
    reserved = int(context_tokens * ANSWER_SHARE)
    answer = min(reserved, longest, max_answer_tokens or ANSWER_TOKENS)
    system = min(system, context_tokens * system // smallest[0])
    history = min(HISTORY_TOKENS, context_tokens * HISTORY_TOKENS // smallest[0])
    rest = context_tokens - reserved - system - history - prompt_tokens
    return Budget(system_tokens=system, history_tokens=history, answer_tokens=answer, documents_tokens=max(0, rest))


def cut_role_information(
    text: str,
    limit: int,
    counter: TokenCounter,
    *,
    messages: Sequence[Message] = (),
    own_limit: int | None = None,
) -> str:
    """The operator's instructions, cut to `limit` tokens.

    Args:
        text: The role information of the request.
        limit: In tokens.
        counter: Counts and cuts.
        messages: The conversation; its system messages are instructions too and follow the role information.
        own_limit: Tokens of `text` alone, when it has a lower limit than all instructions together.
    """
    role = text if own_limit is None else counter.cut(text, own_limit)
    system = (message.text for message in messages if message.role == "system")
    return counter.cut("\n\n".join(part for part in (role, *system) if part.strip()), limit)


def trim_history(messages: Sequence[Message], limit: int, counter: TokenCounter) -> tuple[Message, ...]:
    """The newest turns whose text fits `limit` tokens, oldest first, the question always among them.

    Older turns are dropped whole. The question, the last message, is cut only when it alone is over the limit; its
    images stay. An answer whose question was dropped is dropped too. System messages are instructions, not history:
    they are left out (see `cut_role_information`).
    """
    turns = [message for message in messages if message.role != "system"]
    if not turns:
        return ()
    question = replace(turns[-1], text=counter.cut(turns[-1].text, limit))
    left = limit - counter.count(question.text)
    kept: list[Message] = []
    for message in reversed(turns[:-1]):
        left -= counter.count(message.text)
        if left < 0:
            break
        kept.insert(0, message)
    while kept and kept[0].role == "assistant":
        kept.pop(0)
    return (*kept, question)


def document_text(chunk: Chunk) -> str:
    """What an answerer reads of a chunk.

    For text it is its content; for what is said in a video every sentence after its time. For a picture it is every
    text there is, the person's words first, each under a label that says whose words they are; text seen in the image
    is given apart only when nothing composed contains it.
    """
    if chunk.sentences:
        return "\n".join(f"[{clock(sentence.start_ms)}] {sentence.text}" for sentence in chunk.sentences)
    if not chunk.is_picture:
        return chunk.shown_text
    parts = (
        (DESCRIPTION_LABEL, chunk.description),
        (CAPTION_LABEL, chunk.caption),
        (COMPOSED_LABEL, chunk.composed),
        (OCR_LABEL, "" if chunk.ocr_text in chunk.composed else chunk.ocr_text),
    )
    return "\n".join(f"{label}: {text.strip()}" for label, text in parts if text.strip()) or chunk.content


def select_documents(hits: Sequence[tuple[str, Hit]], *, tokens: int, counter: TokenCounter) -> tuple[Document, ...]:
    """The hits as numbered documents that together fit `tokens`, in their order.

    When they do not all fit, the longest are cut first, all to one common length, so that short documents stay
    whole; if that length is under `SMALLEST_DOCUMENT_TOKENS`, documents are left out from the end.

    Args:
        hits: Name of the index and hit, best first.
        tokens: Room for all of them, `DOCUMENT_OVERHEAD_TOKENS` each included; what their images take of a window
            (`image_tokens`) is the caller's to subtract.
        counter: Counts and cuts.
    """
    texts = [document_text(hit.chunk) for _, hit in hits]
    lengths = [counter.count(text) for text in texts]
    kept, limit = _common_length(lengths, tokens)
    return tuple(
        Document(number=number, index=index, hit=hit, text=counter.cut(text, limit))
        for number, ((index, hit), text) in enumerate(zip(hits[:kept], texts, strict=False), start=1)
    )


def _common_length(lengths: Sequence[int], tokens: int) -> tuple[int, int]:
    """How many documents are kept, and the length to which longer ones are cut."""
    for kept in range(len(lengths), 0, -1):
        room = tokens - kept * DOCUMENT_OVERHEAD_TOKENS
        limit = _water_level(sorted(lengths[:kept]), room)
        if room >= 0 and limit >= min(SMALLEST_DOCUMENT_TOKENS, max(lengths[:kept])):
            return kept, limit
    return 0, 0


def _water_level(ascending: Sequence[int], room: int) -> int:
    """The largest L, at most the largest length, with Σ min(length, L) ≤ room."""
    for place, length in enumerate(ascending):
        share = room // (len(ascending) - place)
        if length > share:
            return max(share, 0)
        room -= length
    return ascending[-1]


def citations(documents: Sequence[Document]) -> tuple[Citation, ...]:
    """What a client shows of the documents, in the order of their numbers: all of them, cited or not."""
    return tuple(
        Citation(
            number=document.number,
            index=document.index,
            chunk=document.hit.chunk,
            text=document.text,
            extract=document.hit.extract,
            relations=document.relations,
        )
        for document in documents
    )
