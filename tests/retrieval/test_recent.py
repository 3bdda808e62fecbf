from __future__ import annotations

from foveal.retrieval.recent import Recent


def test_what_is_missing_is_made_at_once_and_what_was_asked_for_longest_ago_goes() -> None:
    made: list[list[str]] = []

    def lengths(texts: list[str]) -> list[int]:
        made.append(texts)
        return [len(text) for text in texts]

    recent = Recent[str, int](2)
    assert recent.all_of({"a": "a", "bb": "bb"}, lengths) == {"a": 1, "bb": 2}
    assert recent.all_of({"a": "a"}, lengths) == {"a": 1}
    assert recent.one("ccc", lambda: 3) == 3
    assert recent.all_of({"a": "a", "bb": "bb"}, lengths) == {"a": 1, "bb": 2}
    assert made == [["a", "bb"], ["bb"]]


def test_more_than_are_kept_are_all_given() -> None:
    recent = Recent[int, int](1)
    assert recent.all_of({n: n for n in range(3)}, lambda numbers: numbers) == {0: 0, 1: 1, 2: 2}
