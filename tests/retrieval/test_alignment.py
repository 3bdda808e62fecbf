"""Words of an answer get the places of what they name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.models.labels import coco_labels
from foveal.retrieval.alignment import Seen, align, polygon_of
from foveal.retrieval.object_words import SYNONYMS
from foveal.retrieval.object_words_abroad import names_of
from foveal.types.chat import GroundedSpan
from foveal.types.content import DetectedObject, OcrLine
from foveal.types.locators import Box

LINE = ((0.0, 0.8), (1.0, 0.8), (1.0, 0.9), (0.0, 0.9))


def thing(label: str, score: float, x: float) -> DetectedObject:
    return DetectedObject(label=label, score=score, box=Box(x=x, y=0.1, width=0.1, height=0.2))


def line(text: str) -> OcrLine:
    return OcrLine(text=text, score=0.9, polygon=LINE)


DOGS = Seen(objects=(thing("dog", 0.6, 0.5), thing("dog", 0.9, 0.1), thing("dog", 0.4, 0.8)))
PARTY = Seen(objects=(thing("person", 0.9, 0.0), thing("person", 0.7, 0.3), thing("sports ball", 0.8, 0.6)))


def words(answer: str, *images: Seen) -> list[str]:
    return [span.text for span in align(answer, images)]


def lefts(spans: tuple[GroundedSpan, ...]) -> list[float]:
    return [span.polygon[0][0] for span in spans]


def test_two_dogs_are_two_spans_the_surest_two_and_dogs_are_all_of_them() -> None:
    assert lefts(align("I see two dogs.", [DOGS])) == [0.1, 0.5]
    assert lefts(align("2 large brown dogs", [DOGS])) == [0.1, 0.5]
    assert lefts(align("The dogs play.", [DOGS])) == [0.1, 0.5, 0.8]
    assert lefts(align("A dog.", [DOGS])) == [0.1]


def test_one_and_then_another_are_different_ones_and_the_one_is_the_same() -> None:
    assert lefts(align("A dog barks, another dog sleeps; the dog wakes.", [DOGS])) == [0.1, 0.5, 0.5]
    assert lefts(align("A man throws a ball to a woman.", [PARTY])) == [0.0, 0.6, 0.3]


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ("A Puppy runs.", ["puppy"]),
        ("People at play", ["people", "people"]),
        ("two persons", ["persons", "persons"]),
        ("a crowd", ["crowd", "crowd"]),
        ("A hot dog on a plate.", []),
        ("He waits at the dog park.", []),
        ("There are no dogs here, without any people.", []),
        ("dogmatic underdogs", []),
    ],
)
def test_synonyms_and_plurals_are_the_thing_and_look_alikes_are_not(answer: str, named: list[str]) -> None:
    assert words(answer, Seen(objects=(*DOGS.objects[:1], *PARTY.objects))) == named


def test_a_class_without_synonyms_goes_by_its_own_name() -> None:
    assert words("Two theodolites and a theodolite", Seen(objects=(thing("theodolite", 0.9, 0.1),))) == [
        "theodolites",
        "theodolite",
    ]


def test_repeated_text_points_at_its_part_of_the_line() -> None:
    (span,) = align("It says “Profile in courage”.", [Seen(lines=(line("THE PROFILE IN COURAGE"),))])
    assert span.text == "profile in courage"
    assert span.polygon[0] == pytest.approx((4 / 22, 0.8))
    assert span.polygon[2] == pytest.approx((1.0, 0.9))


def test_a_common_word_does_not_quote_every_line_that_holds_it() -> None:
    seen = Seen(lines=(line("the end of the road"), line("STOP"), line("no")))
    assert words("the road is long, so there is no stop", seen) == ["the road"]
    assert words("It reads STOP.", seen) == ["stop"]
    assert words("12:30 departs", Seen(lines=(line("Train 12:30 Rome"),))) == ["12:30"]


def test_every_image_is_grounded_unless_a_line_says_which_it_is_about() -> None:
    both = [(span.offset, span.image) for span in align("A dog.", [DOGS, DOGS])]
    assert both == [(2, 0), (2, 1)]
    answer = "Picture 1: a dog.\nPicture 2: a dog and a ball."
    assert [(answer[s.offset : s.offset + s.length], s.image) for s in align(answer, [DOGS, Seen()])] == [("dog", 0)]
    assert [s.image for s in align(answer, [PARTY, PARTY])] == [1]


def test_offsets_count_code_points() -> None:
    (span,) = align("🐕🐕 e\u0301 a dog", [DOGS])
    assert span.offset == 8


@given(
    st.lists(
        st.sampled_from(("two", "a", "another", "the", "no", "İ", "👩", "stop 12", ".", "\n", *SYNONYMS)), max_size=30
    ),
    st.lists(st.sampled_from(("dog", "person", "hot dog", "bus", "sheep")), max_size=6),
    st.lists(st.text(min_size=1, max_size=12), max_size=3),
)
def test_a_span_slices_the_answer_to_its_own_words(said: list[str], seen: list[str], read: list[str]) -> None:
    answer = " ".join([*said, *read])
    objects = tuple(thing(label, 0.5, place / 10) for place, label in enumerate(seen))
    image = Seen(objects=objects, lines=tuple(map(line, read)))
    spans = align(answer, [image, image])
    for span in spans:
        sliced = answer[span.offset : span.offset + span.length]
        assert sliced
        assert sliced.lower() == span.text.lower()
        assert len(span.polygon) == 4
    assert [s.offset for s in spans] == sorted(s.offset for s in spans)


def test_a_box_s_corners_go_clockwise_from_top_left() -> None:
    corners = polygon_of(Box(x=0.25, y=0.5, width=0.5, height=0.25))
    assert corners == ((0.25, 0.5), (0.75, 0.5), (0.75, 0.75), (0.25, 0.75))


UNSURE = Seen(
    objects=(thing("dog", 0.9, 0.1),),
    doubtful=(thing("dog", 0.38, 0.5), thing("dog", 0.3, 0.8), thing("sports ball", 0.3, 0.6), thing("cat", 0.22, 0.2)),
)


def test_what_the_answer_names_is_found_even_where_the_detector_is_not_sure() -> None:
    assert lefts(align("Two dogs and a ball", [UNSURE])) == [0.1, 0.5, 0.6]
    assert lefts(align("A dog", [UNSURE])) == [0.1]


def test_a_plural_means_the_likely_ones_and_what_is_hardly_seen_is_never_pointed_at() -> None:
    assert lefts(align("Dogs", [UNSURE])) == [0.1, 0.5]
    assert align("A cat", [UNSURE]) == ()


def test_a_doubtful_object_that_is_a_sure_one_again_is_not_counted_twice() -> None:
    again = DetectedObject(label="dog", score=0.4, box=Box(x=0.11, y=0.1, width=0.1, height=0.2))
    seen = Seen(objects=(thing("dog", 0.9, 0.1),), doubtful=(again,))
    assert lefts(align("Two dogs", [seen])) == [0.1]


def test_an_answer_that_counts_two_gets_the_one_behind_unless_it_is_the_first_again() -> None:
    first, behind = (
        thing("dog", 0.9, 0.1),
        DetectedObject(label="dog", score=0.4, box=Box(x=0.13, y=0.1, width=0.1, height=0.2)),
    )
    seen = Seen(objects=(first,), doubtful=(behind,))
    assert lefts(align("Two dogs", [seen])) == [0.1, 0.13]
    assert lefts(align("A dog and another dog", [seen])) == [0.1, 0.13]
    assert lefts(align("The dogs", [seen])) == [0.1]


PETS = Seen(
    objects=(thing("dog", 0.9, 0.1), thing("dog", 0.8, 0.3), thing("cat", 0.7, 0.5), thing("person", 0.6, 0.7)),
)


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ("Auf dem Bild sind zwei Hunde und eine Katze.", [("hunde", 0.1), ("hunde", 0.3), ("katze", 0.5)]),
        ("Ein Mann mit einem Hund", [("mann", 0.7), ("hund", 0.1)]),
        ("Der Hund und ein weiterer Hund", [("hund", 0.1), ("hund", 0.3)]),
        ("Das sind keine Hunde, nur eine Katze", [("katze", 0.5)]),
        ("Hay dos perros con un gato", [("perros", 0.1), ("perros", 0.3), ("gato", 0.5)]),
        ("La mujer está sin perro", [("mujer", 0.7)]),
        ("สุนัขสองตัวกับแมว", [("สุนัข", 0.1), ("สุนัข", 0.3), ("แมว", 0.5)]),
        ("2匹の犬と猫がいます", [("犬", 0.1), ("犬", 0.3), ("猫", 0.5)]),
        ("犬はいません。猫です", [("猫", 0.5)]),
        ("图中有一只狗和一只猫", [("狗", 0.1), ("猫", 0.5)]),
        ("没有狗，有猫", [("猫", 0.5)]),
        ("Two kinds of dogs", [("dogs", 0.1), ("dogs", 0.3)]),
    ],
)
def test_names_in_other_languages_get_places_too(answer: str, named: list[tuple[str, float]]) -> None:
    assert [(span.text, span.polygon[0][0]) for span in align(answer, [PETS])] == named


@pytest.mark.parametrize("language", ["de", "es", "th", "ja", "zh"])
def test_every_class_has_a_name_in_every_language(language: str) -> None:
    assert {label for label, _ in names_of(language).values()} == set(coco_labels())
