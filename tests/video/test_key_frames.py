from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from foveal.readers.key_frames import KeyFrame, KeyFrames, Look
from foveal.readers.sound import Stretch, Stretches
from foveal.testing.videos import silence, tone


def look(at_s: float, *, shift: int = 0, contrast: float = 1.0, seed: int = 0) -> Look:
    """Noise in large blocks, moved to the right, more or less sharp."""
    blocks = np.random.default_rng(seed).integers(0, 255, (18, 32))
    small = np.repeat(np.repeat(blocks, 10, axis=0), 10, axis=1)
    gray = (128 + (np.roll(small, shift, axis=1) - 128) * contrast).astype(np.uint8)
    return Look(at_s=at_s, small=gray, pixels=np.repeat(gray[..., None], 3, axis=2))


def key_frames(looks: Iterable[Look], *, static_s: float = 30.0, end_s: float) -> list[KeyFrame]:
    keys = KeyFrames(static_s)
    found = [key for one in looks for key in keys.see(one)]
    return [*found, *keys.end(end_s)]


def test_the_sharpest_look_of_the_first_seconds_stands_for_a_still_shot() -> None:
    looks = [look(number / 2, contrast=0.9 if number == 3 else 0.85) for number in range(20)]
    (key,) = key_frames(looks, end_s=10.0)
    assert (key.start_s, key.end_s, key.look.at_s) == (0.0, 10.0, 1.5)


def test_another_frame_is_taken_where_the_picture_changes_and_none_where_it_does_not() -> None:
    looks = [look(number / 2, seed=number // 12) for number in range(36)]
    keys = key_frames(looks, end_s=18.0)
    assert [(key.start_s, key.end_s) for key in keys] == [(0.0, 6.0), (6.0, 12.0), (12.0, 18.0)]


def test_a_picture_that_never_rests_gives_fewer_and_fewer_frames() -> None:
    looks = [look(number / 2, shift=7 * number) for number in range(240)]
    keys = key_frames(looks, end_s=120.0)
    assert 3 <= len(keys) <= 40


def test_a_still_shot_gives_one_frame_every_so_many_seconds() -> None:
    keys = key_frames([look(number / 2) for number in range(200)], static_s=20, end_s=100.0)
    assert len(keys) == 5


def test_two_titles_with_a_blank_between_them_are_two_moments_however_alike_and_soon() -> None:
    titles = [look(0.0), look(0.5, contrast=0.0), look(1.0, contrast=0.0), look(1.5), look(2.0), look(2.5)]
    keys = key_frames(titles, end_s=3.0)
    assert [(key.start_s, key.end_s) for key in keys] == [(0.0, 0.5), (1.5, 3.0)]


def test_a_cut_ends_a_moment_and_begins_another() -> None:
    keys = KeyFrames(30.0)
    first = [key for number in range(3) for key in keys.see(look(number / 2))]
    first += keys.cut(1.5)
    second = list(keys.see(look(1.5, seed=3)))
    second += keys.end(2.0)
    assert [(key.start_s, key.end_s) for key in first] == [(0.0, 1.5)]
    assert [(key.start_s, key.end_s) for key in second] == [(1.5, 2.0)]


def stretches(pieces: Iterable[tuple[float, np.ndarray]]) -> list[Stretch]:
    found = Stretches()
    return [*(s for at_s, piece in pieces for s in found.add(at_s, piece)), *found.end()]


def test_sound_is_cut_where_it_is_quiet_and_nothing_is_lost() -> None:
    sound = np.concatenate([tone(100), silence(1), tone(100)])
    pieces = [(start / 16_000, sound[start : start + 40_000]) for start in range(0, len(sound), 40_000)]
    first, second = stretches(pieces)
    assert 100.0 < first.end_s < 101.0
    assert second.start_s == first.end_s
    assert np.array_equal(np.concatenate([first.samples, second.samples]), sound)


def test_a_gap_in_the_sound_begins_a_stretch_at_the_time_of_the_container() -> None:
    first, second = stretches([(0.5, tone(2)), (10.0, tone(1))])
    assert (first.start_s, first.end_s) == (0.5, 2.5)
    assert second.start_s == pytest.approx(10.0)
