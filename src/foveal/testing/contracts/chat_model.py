"""What every `ChatModel` must do. Subclass it in your tests and give the fixture `chat`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from foveal.ports.models import ChatModel
from foveal.testing.pictures import jpeg
from foveal.types.chat import Finished, ImageInput, Message, Sampling, TextDelta

_HELLO = (Message(role="user", text="Say something about the harbour at night."),)


async def events_of(
    chat: ChatModel, messages: Sequence[Message], sampling: Sampling | None = None
) -> list[TextDelta | Finished]:
    """All events of one answer."""
    return [event async for event in chat.stream(messages, sampling or Sampling())]


class ChatModelContract:
    """The specification of `foveal.ports.ChatModel` as tests."""

    @pytest.fixture
    def chat(self) -> ChatModel:
        """The model under test."""
        raise pytest.UsageError("a subclass of ChatModelContract gives the fixture `chat`")

    def test_an_answer_is_deltas_and_then_exactly_one_finished(self, chat: ChatModel) -> None:
        """Nothing follows `Finished`, and words came before it."""
        *deltas, last = asyncio.run(events_of(chat, _HELLO))
        assert isinstance(last, Finished)
        assert all(isinstance(event, TextDelta) and event.text for event in deltas)
        assert "".join(event.text for event in deltas if isinstance(event, TextDelta)).strip()
        assert last.reason == "stop"
        assert last.answered
        assert last.model

    def test_tokens_read_and_written_are_counted(self, chat: ChatModel) -> None:
        """Both counts are positive."""
        last = asyncio.run(events_of(chat, _HELLO))[-1]
        assert isinstance(last, Finished)
        assert last.usage.prompt_tokens > 0
        assert last.usage.completion_tokens > 0

    def test_an_answer_that_reaches_its_limit_says_so(self, chat: ChatModel) -> None:
        """`length`, and not more than was asked for."""
        events = asyncio.run(events_of(chat, _HELLO, Sampling(max_tokens=2)))
        last = events[-1]
        assert isinstance(last, Finished)
        assert last.reason == "length"
        assert last.usage.completion_tokens <= 2

    def test_the_system_message_and_earlier_turns_may_come_before_the_question(self, chat: ChatModel) -> None:
        """Roles of a whole conversation are taken, neighbours of one role too."""
        messages = (
            Message(role="system", text="Be brief."),
            Message(role="user", text="Hello."),
            Message(role="assistant", text="Hello, what can I do?"),
            Message(role="user", text="The harbour."),
            Message(role="user", text="What is it like at night?"),
        )
        assert isinstance(asyncio.run(events_of(chat, messages))[-1], Finished)

    def test_a_model_that_sees_takes_images(self, chat: ChatModel) -> None:
        """Several images in one message."""
        if not chat.sees:
            pytest.skip("this model does not see")
        pixels = np.full((20, 30, 3), 200, dtype=np.uint8)
        image = ImageInput(data=jpeg(pixels), media_type="image/jpeg", pixels=pixels, detail="low")
        message = Message(role="user", text="What is in these pictures?", images=(image, image))
        assert isinstance(asyncio.run(events_of(chat, (message,)))[-1], Finished)

    def test_answers_under_way_together_do_not_mix(self, chat: ChatModel) -> None:
        """Four at once on one loop equal four in turn, in what they read."""

        async def together() -> list[list[TextDelta | Finished]]:
            asked = [(Message(role="user", text=f"Tell me about boat number {n}."),) for n in range(4)]
            return await asyncio.gather(*(events_of(chat, messages) for messages in asked))

        for events in asyncio.run(together()):
            assert isinstance(events[-1], Finished)
            assert sum(isinstance(event, Finished) for event in events) == 1

    def test_an_answer_can_be_left_early(self, chat: ChatModel) -> None:
        """Leaving after the first event disturbs neither this answer's loop nor the next answer."""

        async def first_only() -> object:
            stream = chat.stream(_HELLO, Sampling())
            return await anext(aiter(stream))

        assert asyncio.run(first_only())
        assert isinstance(asyncio.run(events_of(chat, _HELLO))[-1], Finished)

    def test_it_says_how_much_it_reads_and_who_it_is(self, chat: ChatModel) -> None:
        """Constants that budgets and cache keys rest on."""
        assert chat.context_tokens > 0
        assert chat.identity
        assert chat.identity == chat.identity
