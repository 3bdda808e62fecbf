"""Re-ranking by a chat model that is asked for scores as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from foveal.errors import ModelUnavailableError
from foveal.models.background_loop import wait
from foveal.ports.models import ChatModel
from foveal.retrieval.fencing import Fence
from foveal.retrieval.json_replies import JsonValue, json_values
from foveal.types.chat import Message, Sampling, TextDelta
from foveal.types.search import Passage, Reranked

_BATCH = 20
_BEST_SCORE = 4.0
_TOKENS_A_PASSAGE = 16
_SPARE_TOKENS = 64
_PASSAGE_CHARACTERS = 4000


class ChatReranker:
    """A `ports.Reranker` over a `ports.ChatModel`.

    Args:
        chat: The model that judges.
        prompt: System prompt that asks for `{"scores": [..]}`, with `{boundary}` for the fence's boundary;
            Foveal's own is `pipeline/prompts/rerank.md`.
        prompt_version: Changes with the prompt; part of the identity.
    """

    def __init__(self, chat: ChatModel, *, prompt: str, prompt_version: str) -> None:
        self._chat = chat
        self._prompt = prompt
        self._version = prompt_version

    @property
    def identity(self) -> str:
        """Chat model and prompt version."""
        return f"chat-rerank:{self._chat.identity}:{self._version}"

    def rerank(self, query: str, passages: Sequence[Passage]) -> list[Reranked]:
        """See `ports.Reranker`; no extracts. Costs one call for every 20 passages.

        Raises:
            ModelUnavailableError: The reply holds no score for every passage.
            ModelError: The chat model failed.
        """
        batches = [passages[start : start + _BATCH] for start in range(0, len(passages), _BATCH)]
        return [judged for batch in batches for judged in self._judge(query, batch)]

    def _judge(self, query: str, passages: Sequence[Passage]) -> list[Reranked]:
        reply = wait(self._ask(query, passages))
        scores = _scores(reply, len(passages))
        if scores is None:
            raise ModelUnavailableError(
                f"{self._chat.identity} did not give {len(passages)} scores as JSON.",
                remedy="Use a `/rerank` server or the local re-ranker (`rerank.kind`), or a stronger model.",
            )
        return [
            Reranked(chunk_id=passage.chunk_id, score=score) for passage, score in zip(passages, scores, strict=True)
        ]

    async def _ask(self, query: str, passages: Sequence[Passage]) -> str:
        fence = Fence()
        fenced = [
            fence.around(passage.text[:_PASSAGE_CHARACTERS], label=f"passage{number}")
            for number, passage in enumerate(passages, start=1)
        ]
        messages = (
            Message(role="system", text=self._prompt.replace("{boundary}", fence.boundary)),
            Message(role="user", text="\n\n".join([*fenced, f"Question: {query}"])),
        )
        limit = _SPARE_TOKENS + _TOKENS_A_PASSAGE * len(passages)
        events = self._chat.stream(messages, Sampling(max_tokens=limit, temperature=0.0))
        return "".join([event.text async for event in events if isinstance(event, TextDelta)])


def _scores(reply: str, count: int) -> list[float] | None:
    """One score 0..4 a passage, None when the reply has no such list.

    Taken are `{"scores": [3, 0]}`, a bare `[3, 0]`, `[{"passage": 1, "score": 3}, …]` in any order, and `{"1": 3}`.
    """
    for value in json_values(reply):
        listed = value.get("scores", value) if isinstance(value, dict) else value
        scores = _from_list(listed) if isinstance(listed, list) else _from_object(listed)
        if sorted(scores) == list(range(1, count + 1)):
            return [scores[number] for number in range(1, count + 1)]
    return None


def _from_list(listed: list[JsonValue]) -> dict[int, float]:
    scores: dict[int, float] = {}
    for position, item in enumerate(listed, start=1):
        number: JsonValue = position
        score = item
        if isinstance(item, dict):
            number = next((item[key] for key in ("passage", "index", "id", "number") if key in item), position)
            score = item.get("score")
        _put(scores, number, score)
    return scores


def _from_object(listed: JsonValue) -> dict[int, float]:
    scores: dict[int, float] = {}
    for name, score in listed.items() if isinstance(listed, dict) else ():
        _put(scores, name, score)
    return scores


def _put(scores: dict[int, float], number: JsonValue, score: JsonValue) -> None:
    """Keep a score under its number (`1`, `"1"`, `"passage1"`) if both are what they should be."""
    digits = "".join(filter(str.isdigit, str(number)))
    if digits.isascii() and digits and isinstance(score, int | float) and not isinstance(score, bool):
        scores[int(digits)] = min(max(float(score), 0.0), _BEST_SCORE)
