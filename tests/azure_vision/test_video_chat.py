"""C7: what a model is shown of a video, links from times, and answers without a model."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from foveal.models.extractive import ExtractiveAnswerer
from foveal.pipeline.chat import collect
from foveal.pipeline.describing import DescribingChat
from foveal.pipeline.time_links import TimeLinks
from foveal.pipeline.video_chat import VideoChat
from foveal.pipeline.video_extracting import documents_of, timed, wants_summary
from foveal.pipeline.video_hits import hits_of
from foveal.pipeline.video_prompting import FrameBudget
from foveal.pipeline.video_summary import summary
from foveal.pipeline.video_timelines import VideoTimeline
from foveal.ports.models import ChatModel
from foveal.retrieval.moments import place_in_words
from foveal.retrieval.passages import whole_sentences
from foveal.retrieval.spreading import spread_order, spread_times
from foveal.retrieval.tokens import TokenCounter
from foveal.testing.fakes_engine import fake_chunk
from foveal.testing.fakes_text import FakeTextEmbedder
from foveal.types.assets import MediaKind
from foveal.types.chat import (
    Answer,
    ChatRequest,
    Finished,
    GroundingOptions,
    ImageInput,
    Message,
    Retrieved,
    Sampling,
    TextDelta,
    VideoInput,
)
from foveal.types.chunks import NO_GENERATION, Chunk, Feature
from foveal.types.content import DetectedObject, Usage
from foveal.types.locators import Box, Locator
from foveal.types.search import Hit, Leg, LegScore, Query, SearchResult
from foveal.types.speech import TimedText
from foveal.types.vectors import Pixels

ADDRESS = "http://here/bytes?signature=s"
MINUTE = 60_000
LINES = [
    (0, "Welcome to the show."),
    (1 * MINUTE, "What is luck?"),
    (1 * MINUTE + 4_000, "Luck is defined as success apparently caused by chance."),
    (3 * MINUTE, "Parrots need a sturdy cage."),
    (9 * MINUTE, "Goodbye and thank you."),
]


def moment(number: int, start_ms: int, feature: Feature, content: str, **more: object) -> Chunk:
    chunk = fake_chunk(f"{feature}{number}", content, kind=MediaKind.VIDEO, media_type="video/mp4", **more)
    return replace(
        chunk,
        document_id=fake_chunk("talk", "").document_id,
        filepath="talk.mp4",
        title="talk.mp4",
        feature=feature,
        locator=Locator(start_ms=start_ms, end_ms=start_ms + 3_000, frame_ms=start_ms),
    )


def timeline_chunks() -> list[Chunk]:
    said = [
        moment(n, at, Feature.SPEECH, text, sentences=(TimedText(text=text, start_ms=at, end_ms=at + 3_000),))
        for n, (at, text) in enumerate(LINES)
    ]
    written = [moment(0, 2 * MINUTE, Feature.SCREEN_TEXT, "JUNE 2018", ocr_text="JUNE 2018")]
    thing = DetectedObject(label="parrot", score=0.9, box=Box(x=0, y=0, width=1, height=1))
    shown = [
        moment(n, n * 15_000, Feature.VISION, "Picture.", composed="Picture.", objects=(thing,) if n == 12 else ())
        for n in range(40)
    ]
    return sorted([*said, *written, *shown], key=lambda chunk: chunk.locator.start_ms or 0)


MOMENTS = timeline_chunks()
VIDEO = VideoInput(index="talks", document_id=MOMENTS[0].document_id, title="talk.mp4", address=ADDRESS)
TIMELINE = VideoTimeline(number=1, video=VIDEO, moments=tuple(MOMENTS))


class Model:
    """Answers `reply` and remembers what it was sent."""

    def __init__(self, reply: str = "Yes [01:04].", *, sees: bool = True, context_tokens: int = 32_000) -> None:
        self.reply = reply
        self.sees = sees
        self.context_tokens = context_tokens
        self.identity = "model/1"
        self.sent: list[Message] = []

    async def stream(self, messages: Sequence[Message], sampling: Sampling):  # type: ignore[no-untyped-def]
        self.sent = list(messages)
        for piece in (self.reply[i : i + 3] for i in range(0, len(self.reply), 3)):
            yield TextDelta(text=piece)
        yield Finished(reason="stop", usage=Usage(), answered=True, model="model")


def search(_: str, query: Query) -> SearchResult:
    words = set(query.text.casefold().strip("?").split()) - {"what", "is", "the", "a"}
    hits = []
    for chunk in MOMENTS:
        shared = len(words & set(chunk.content.casefold().strip(".?").split())) / max(1, len(words))
        if shared:
            leg = LegScore(leg=Leg.KEYWORD, rank=1, score=shared, confidence=shared, contribution=shared)
            hits.append(Hit(chunk=chunk, score=shared, confidence=shared, legs=(leg,)))
    hits.sort(key=lambda hit: -hit.score)
    return SearchResult(index="talks", generation=NO_GENERATION, hits=tuple(hits[: query.top]))


def chat_of(
    model: ChatModel, *, frames: int = 10, full: int = 2, read: list[tuple[int, int]] | None = None
) -> VideoChat:
    embedder, tokens = FakeTextEmbedder(), TokenCounter()

    def frames_at(_: VideoTimeline, times_ms: Sequence[int], long_side_px: int) -> list[Pixels]:
        if read is not None:
            read.extend((at, long_side_px) for at in times_ms)
        return [np.full((long_side_px // 2, long_side_px, 3), at % 251, np.uint8) for at in times_ms]

    return VideoChat(
        moments=lambda video, groups: MOMENTS if groups != ("others",) else [],
        search=search,
        models=lambda _: model,
        answerers=lambda _: ExtractiveAnswerer(embedder, count=tokens.count),
        tokens=tokens,
        embed=embedder.embed_passages,
        detect_language=lambda _: "en",
        frames=FrameBudget(most=frames, full=full),
        read=frames_at,
        may_show=lambda chunk: chunk.locator.frame_ms != 30_000,
    )


def asked(chat: VideoChat, question: str, *, videos: tuple[VideoInput, ...] = (VIDEO,), **more: object) -> str:
    return answer_of(chat, question, videos=videos, **more).text


def answer_of(chat: VideoChat, question: str, *, videos: tuple[VideoInput, ...] = (VIDEO,), **more: object) -> Answer:
    message = Message(role="user", text=question, videos=videos)
    request = ChatRequest(messages=(Message(role="system", text="Be kind."), message), **more)  # type: ignore[arg-type]

    async def all_of_it() -> list[object]:
        return [event async for event in chat.stream(request)]

    events = asyncio.run(all_of_it())
    assert isinstance(events[0], Retrieved)
    assert isinstance(events[-1], Finished)
    return collect(events)  # type: ignore[arg-type]


def test_an_answer_is_cited_by_the_moments_that_the_question_is_about() -> None:
    retrieved = answer_of(chat_of(Model()), "What is luck?").retrieved
    assert retrieved.intents == ("What is luck?",)
    first = retrieved.citations[0]
    assert (first.number, first.index, first.chunk.locator.start_ms, first.text) == (1, "talks", MINUTE, LINES[1][1])
    assert [citation.number for citation in retrieved.citations] == list(range(1, len(retrieved.citations) + 1))


def test_a_moment_that_has_hardly_to_do_with_the_question_is_not_cited() -> None:
    grounding = GroundingOptions(strictness=5)
    question = "Does a parrot welcome minutes of cages that bring luck?"
    cited = answer_of(chat_of(Model()), question, grounding=grounding).retrieved.citations
    assert len(cited) == 5
    assert (cited[0].chunk.locator.start_ms, cited[-1].chunk.locator.start_ms) == (0, 585_000)  # of the whole


def test_a_summary_is_cited_by_moments_over_the_whole_of_every_video() -> None:
    grounding = GroundingOptions(top_n_documents=6)
    other = replace(VIDEO, title="again.mp4")
    for videos in ((VIDEO,), (VIDEO, other)):
        cited = answer_of(chat_of(Model()), "Summarize.", videos=videos, grounding=grounding).retrieved.citations
        assert len(cited) == 6
        starts = [citation.chunk.locator.start_ms or 0 for citation in cited][: 6 // len(videos)]
        assert starts == sorted(starts)
        assert starts[0] == 0
        assert starts[-1] >= 9 * MINUTE


# --- with a model -----------------------------------------------------------------------------------------


def shown_times(model: Model) -> list[str]:
    return [m.text[m.text.index("[") + 1 : m.text.index("]")] for m in model.sent if m.images]


def test_a_model_gets_everything_said_and_written_with_its_times() -> None:
    model = Model()
    asked(chat_of(model), "What is luck?")
    words = next(m.text for m in model.sent if "video 1:" in m.text)
    assert "[01:00] said: What is luck?" in words
    assert "[02:00] on the screen: JUNE 2018" in words
    assert "[09:00] said: Goodbye and thank you." in words
    assert model.sent[0].role == "system"
    assert "Be kind." in model.sent[0].text
    assert model.sent[-1].text == "Question: What is luck?"


def test_frames_are_those_of_the_question_and_others_over_the_whole_video() -> None:
    model, read = Model(), []  # type: ignore[var-annotated]
    asked(chat_of(model, read=read), "What is luck?")
    times = shown_times(model)
    assert len(times) == 10
    assert "01:04" in times
    assert "00:00" in times
    assert times[-1] == "09:45"
    seconds = [int(t[:2]) * 60 + int(t[3:]) for t in times]
    assert seconds == sorted(seconds)
    assert max(b - a for a, b in pairwise(seconds)) <= 150
    full = {at for at, long_side_px in read if long_side_px == 1024}
    assert full == {64_000, 60_000}


def test_frames_of_the_question_are_read_again_in_full_resolution_and_others_small() -> None:
    model = Model()
    asked(chat_of(model), "What is luck?")
    sizes = {m.text: Image.open(io.BytesIO(m.images[0].data)).width for m in model.sent if m.images}
    assert sizes["Frame of video 1 at [01:04]:"] == 1024
    assert sorted(sizes.values())[0] == 512
    details = {m.images[0].detail for m in model.sent if m.images}
    assert details == {"high", "low"}


@pytest.mark.parametrize("most", [1, 20, 30])
def test_the_settings_say_how_many_frames_there_are_and_twenty_is_no_limit(most: int) -> None:
    model = Model(context_tokens=128_000)
    asked(chat_of(model, frames=most, full=0), "Describe this video:")
    assert len(shown_times(model)) == most


def test_a_frame_that_the_content_filter_keeps_back_is_not_shown() -> None:
    model = Model(context_tokens=128_000)
    asked(chat_of(model, frames=500), "Describe this video:")
    assert len(shown_times(model)) == 39
    assert "00:30" not in shown_times(model)


def test_a_model_that_does_not_see_gets_what_was_detected_in_words() -> None:
    model = Model(sees=False)
    asked(chat_of(model), "What is luck?")
    assert shown_times(model) == []
    assert "shown: Picture." in next(m.text for m in model.sent if "video 1:" in m.text)


def test_a_small_window_keeps_what_is_asked_for_and_the_ends() -> None:
    model = Model(context_tokens=1_400, sees=False)
    asked(chat_of(model), "Parrots cage")
    words = next(m.text for m in model.sent if "video 1:" in m.text)
    assert "Parrots need a sturdy cage." in words
    assert "…" in words
    assert TokenCounter().count("".join(m.text for m in model.sent)) < 1_400


def test_words_of_a_video_cannot_leave_their_fence() -> None:
    model = Model()
    asked(chat_of(model), "What is luck?")
    words = next(m.text for m in model.sent if "video 1:" in m.text)
    boundary = words[3:19]
    assert words.count(boundary) == 2
    assert boundary in model.sent[0].text


def test_times_in_the_answer_open_the_video_there() -> None:
    assert asked(chat_of(Model("It is luck [01:04], see (9:00).")), "What is luck?") == (
        f"It is luck [01:04]({ADDRESS}#t=64), see [9:00]({ADDRESS}#t=540)."
    )


def test_several_videos_of_one_question_are_told_apart() -> None:
    other = VideoInput(index="talks", document_id=VIDEO.document_id, title="b.mp4", address="http://b")
    model = Model("First [video 1 00:10], then [Video 2, 01:00], not [00:20].")
    text = asked(chat_of(model, frames=10), "What is luck?", videos=(VIDEO, other))
    assert f"[video 1 00:10]({ADDRESS}#t=10)" in text
    assert "[Video 2, 01:00](http://b#t=60)" in text
    assert text.endswith("not [00:20].")
    assert sum("Frame of video 2" in m.text for m in model.sent) == 5


def test_a_video_that_is_not_for_the_caller_is_not_there() -> None:
    from foveal.errors import NotFoundError
    from foveal.types.chat import GroundingOptions

    with pytest.raises(NotFoundError):
        asked(chat_of(Model()), "What is luck?", grounding=GroundingOptions(groups=("others",)))


# --- links ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("a [00:42] b", f"a [00:42]({ADDRESS}#t=42) b"),
        ("【00:42】", f"[00:42]({ADDRESS}#t=42)"),
        ("[00:42 - 00:50]", f"[00:42 - 00:50]({ADDRESS}#t=42)"),
        ("[0:00:42]", f"[0:00:42]({ADDRESS}#t=42)"),
        ("[50:42]", "[50:42]"),
        ("at 00:42, [note] and [doc1]", "at 00:42, [note] and [doc1]"),
        ("open [", "open ["),
        ("ratio (16:9)", "ratio (16:9)"),
    ],
)
def test_only_times_that_the_video_has_become_links(said: str, expected: str) -> None:
    for size in (1, 2, 100):
        links = TimeLinks([TIMELINE])
        pieces = [links.feed(said[i : i + size]) for i in range(0, len(said), size)]
        assert "".join([*pieces, links.rest()]) == expected


def test_moments_are_spread_and_keep_what_was_taken() -> None:
    times = list(range(0, 100_000, 1000))
    chosen = spread_times(times, [42_000], 5)
    assert len(chosen) == 5
    assert 42_000 in chosen
    assert chosen[-1] == 99_000
    assert chosen[0] == 0
    assert spread_times(times, [], 1) == [0]
    assert spread_times([], [7], 3) == [7]
    assert sorted(spread_order(13)) == list(range(13))
    assert sorted(list(spread_order(16))[:4]) == [0, 4, 8, 12]


# --- without a model --------------------------------------------------------------------------------------


def test_what_subtitles_cut_is_one_sentence_again_and_starts_where_it_starts() -> None:
    cut = [
        TimedText(text="I've spent nearly two decades", start_ms=12_440, end_ms=14_955),
        TimedText(text="observing what makes people luckier.", start_ms=14_979, end_ms=18_532),
        TimedText(text="Really?", start_ms=18_540, end_ms=19_000),
        TimedText(text="no full stop", start_ms=19_000, end_ms=20_000),
        TimedText(text="after a silence", start_ms=25_000, end_ms=26_000),
    ]
    assert [(s.text, s.start_ms, s.end_ms) for s in whole_sentences(cut)] == [
        ("I've spent nearly two decades observing what makes people luckier.", 12_440, 18_532),
        ("Really?", 18_540, 19_000),
        ("no full stop", 19_000, 20_000),
        ("after a silence", 25_000, 26_000),
    ]
    endless = [TimedText(text="on", start_ms=1000 * n, end_ms=1000 * (n + 1)) for n in range(60)]
    assert all(s.end_ms - s.start_ms <= 20_000 for s in whole_sentences(endless))
    assert " ".join(s.text for s in whole_sentences(endless)) == " ".join(["on"] * 60)


def describer() -> DescribingChat:
    def look(_: ImageInput):  # type: ignore[no-untyped-def]
        raise AssertionError("there is no image")

    return DescribingChat(look, classes=lambda: ("parrot", "person", "dog"))


def test_without_a_model_a_question_is_answered_by_what_is_said_with_its_second() -> None:
    assert asked(chat_of(describer()), "sturdy cage parrots") == (
        f"“Parrots need a sturdy cage.” [03:00]({ADDRESS}#t=180)"
    )


def test_a_question_that_is_asked_in_the_video_is_answered_by_what_is_said_next() -> None:
    text = asked(chat_of(describer()), "What is luck?")
    assert "Luck is defined as success apparently caused by chance." in text
    assert f"[01:04]({ADDRESS}#t=64)" in text


def test_without_a_model_a_summary_covers_the_whole_video_however_short_it_is() -> None:
    text = asked(chat_of(describer()), "Describe this video:")
    assert "Luck is defined" in text
    assert "Goodbye and thank you." in text
    assert "JUNE 2018" in text
    assert "I see a parrot." in text
    short = asked(chat_of(describer()), "Describe this video:", sampling=Sampling(max_tokens=60))
    assert f"({ADDRESS}#t=540)" in short
    assert len(short) < len(text)


def test_a_question_that_nothing_answers_is_said_to_have_no_answer_before_what_goes_on_is_told() -> None:
    text = asked(chat_of(describer()), "Who wrote Hamlet?")
    head, *lines = text.splitlines()
    assert head.startswith("I find no answer to that")
    assert any("Luck is defined" in line for line in lines)
    assert "no answer" not in asked(chat_of(describer()), "Describe this video:")


def test_a_summary_of_one_sentence_is_the_one_that_all_is_most_about() -> None:
    text = asked(chat_of(describer()), "Summarize this video in one sentence.")
    assert text.splitlines()[0] == "talk.mp4, 09:48"
    assert len(text.splitlines()) == 2


def test_a_time_in_the_question_is_answered_with_what_is_said_written_and_shown_then() -> None:
    text = asked(chat_of(describer()), "What is going on at 3:00?")
    assert text == f"[03:00]({ADDRESS}#t=180) “Parrots need a sturdy cage.” I see a parrot."
    assert "JUNE 2018" in asked(chat_of(describer()), "And at [02:01]?")
    assert asked(chat_of(describer()), "What about 0:40?") == f"[00:40]({ADDRESS}#t=40) I recognise nothing in it."
    cited = answer_of(chat_of(describer()), "What is going on at 3:00?").retrieved.citations
    assert cited[0].text == "Parrots need a sturdy cage."


def test_a_model_is_given_the_frame_of_a_time_in_the_question_in_full_resolution() -> None:
    model, read = Model(), []  # type: ignore[var-annotated]
    asked(chat_of(model, read=read), "What is shown at 8:15?")
    assert (495_000, 1024) in read


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Is there a parrot?", f"I see a parrot. [03:00]({ADDRESS}#t=180)"),
        ("How many parrots are there?", f"I see a parrot. [03:00]({ADDRESS}#t=180)"),
        ("Can you see a dog or a parrot?", f"I see a parrot. [03:00]({ADDRESS}#t=180)\nI see no dog in it."),
        ("Is there a dog?", "I see no dog in it."),
        ("When does the parrot appear?", f"I see a parrot. [03:00]({ADDRESS}#t=180)"),
        ("When is a dog visible?", "I see no dog in it."),
    ],
)
def test_a_question_about_things_that_are_recognised_is_answered_by_when_they_are_seen(
    question: str, expected: str
) -> None:
    assert asked(chat_of(describer()), question) == expected


def test_what_is_said_of_a_thing_is_not_whether_it_is_seen() -> None:
    assert "sturdy cage" in asked(chat_of(describer()), "Where does she talk about parrots?")


def test_a_title_that_stays_is_not_told_again_and_again() -> None:
    again = moment(91, 7 * MINUTE, Feature.SCREEN_TEXT, "JUNE 2O18", ocr_text="JUNE 2O18")
    timeline = replace(TIMELINE, moments=tuple(sorted((*MOMENTS, again), key=lambda c: c.locator.start_ms or 0)))
    text = summary([timeline], "en", FakeTextEmbedder().embed_passages, tokens=TokenCounter(), most_tokens=None)
    assert text.count("JUNE") == 1


def test_words_on_the_screen_are_quoted_as_they_stand_there_without_the_name_of_a_file() -> None:
    chunk = moment(0, 2 * MINUTE, Feature.SCREEN_TEXT, "JUNE2018\nJUNE 2018", ocr_text="JUNE2018")
    hit = Hit(chunk=chunk, score=1, confidence=1, legs=())
    (document,) = documents_of([TIMELINE], [hit])
    assert document.text == "JUNE2018"
    quoted = f"{place_in_words(chunk)}: “JUNE2018” [doc1]"
    assert timed(quoted, [document], [TIMELINE]) == "“JUNE2018” [02:00]"
    (found,) = hits_of("talks", [hit], {chunk.document_id: "talk"}, dedup=True)
    assert found.text == "JUNE2018"


def test_what_is_written_on_the_screen_is_told_with_its_time() -> None:
    text = asked(chat_of(describer()), "Which year is written on the screen, please?")
    assert f"“JUNE 2018” [02:00]({ADDRESS}#t=120)" in text


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("Describe this video:", True),
        ("Summarize it", True),
        ("What are the main points?", True),
        ("What is this video about?", True),
        ("What happens in the clip?", True),
        ("Worum geht es? Fasse das Video zusammen.", True),
        ("สรุปวิดีโอนี้", True),
        ("", True),
        ("What is luck?", False),
        ("What does the video say about parrots?", False),
        ("When does she laugh?", False),
    ],
)
def test_questions_for_the_whole_are_told_from_others(question: str, wanted: bool) -> None:
    assert wants_summary(question) is wanted
