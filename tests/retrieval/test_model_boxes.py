from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.retrieval.model_boxes import BoxReader, ImageSize, without_places_of
from foveal.types.chat import GroundedSpan

SIZE = ImageSize(width_px=400, height_px=200)
TAGGED = "A <ref>dog</ref><box>(100,200),(300,400)</box> runs after a <ref>ball</ref><box>(0,0),(500,500)</box>."
NEWER = (
    "A <|object_ref_start|>dog<|object_ref_end|><|box_start|>(100,200),(300,400)<|box_end|> runs after a"
    " <|object_ref_start|>ball<|object_ref_end|><|box_start|>(0,0),(500,500)<|box_end|>."
)
LIST = '[{"bbox_2d": [40, 40, 120, 80], "label": "dog"}, {"bbox_2d": [0, 0, 200, 100], "label": "ball"}]'
JSON = f"Here:\n```json\n{LIST}\n```"


def read(answer: str, *cuts: int, images: int = 1) -> tuple[str, list[GroundedSpan]]:
    reader = BoxReader([SIZE] * images)
    edges = [0, *sorted(cut % (len(answer) + 1) for cut in cuts), len(answer)]
    pieces = [reader.feed(answer[a:b]) for a, b in pairwise(edges)]
    return "".join(pieces) + reader.finish(), reader.spans


@pytest.mark.parametrize(
    ("answer", "text"),
    [(TAGGED, "A dog runs after a ball."), (NEWER, "A dog runs after a ball."), (JSON, "Here:\ndog, ball")],
)
def test_boxes_are_taken_out_and_are_places_of_their_words(answer: str, text: str) -> None:
    said, spans = read(answer)
    assert said == text
    assert [said[s.offset : s.offset + s.length] for s in spans] == ["dog", "ball"]
    assert spans[0].polygon[0] == pytest.approx((0.1, 0.2))
    assert spans[0].polygon[2] == pytest.approx((0.3, 0.4))
    assert spans[1].polygon[2] == pytest.approx((0.5, 0.5))


@given(st.sampled_from([TAGGED, NEWER, JSON]), st.lists(st.integers(0, 400), max_size=12))
def test_it_does_not_matter_where_the_stream_is_cut(answer: str, cuts: list[int]) -> None:
    assert read(answer, *cuts) == read(answer)


@given(st.text(alphabet='abc <>|[{"`(),1box/ref_stard\n', max_size=80), st.lists(st.integers(0, 80), max_size=4))
def test_what_only_looks_like_a_box_stays_in_the_text(answer: str, cuts: list[int]) -> None:
    said, spans = read(answer, *cuts)
    if not spans and "<ref>" not in answer:
        assert said == answer or "<box>" in answer


def test_offsets_are_code_points_and_several_boxes_belong_to_one_word() -> None:
    said, spans = read("🐶🐶 <ref>dogs</ref><box>(0,0),(500,500)</box><box>(500,500),(1000,1000)</box>")
    assert said == "🐶🐶 dogs"
    assert [(s.offset, s.length) for s in spans] == [(3, 4), (3, 4)]


def test_a_box_without_words_is_the_place_of_the_word_before_it() -> None:
    said, spans = read("There is a dog <box>(0,0),(500,500)</box> here")
    assert (said, spans[0].text, spans[0].offset) == ("There is a dog here", "dog", 11)


def test_json_about_something_else_and_code_stay() -> None:
    for answer in ('```json\n[{"name": "dog"}]\n```', "```python\nprint([1])\n```", '[{"label": "x"}]'):
        assert read(answer) == (answer, [])


def test_thousandths_in_json_are_told_by_lying_outside_of_the_image() -> None:
    _, spans = read('[{"bbox_2d": [100, 500, 300, 900], "label": "dog"}]')
    assert spans[0].polygon[0] == pytest.approx((0.1, 0.5))


def test_words_after_the_name_of_a_picture_are_about_that_one() -> None:
    _, spans = read("Picture 2 shows a <ref>dog</ref><box>(0,0),(500,500)</box>", images=2)
    assert spans[0].image == 1


def test_the_models_own_places_are_preferred_to_those_of_the_eyes() -> None:
    _, (own, _) = read(TAGGED)
    eyes = [
        GroundedSpan(text="dog", offset=2, length=3, image=0, polygon=((0, 0), (1, 0), (1, 1), (0, 1))),
        GroundedSpan(text="runs", offset=6, length=4, image=0, polygon=((0, 0), (1, 0), (1, 1), (0, 1))),
    ]
    assert without_places_of(eyes, [own]) == (own, eyes[1])
