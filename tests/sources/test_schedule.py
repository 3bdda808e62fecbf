from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.errors import InvalidRequestError
from foveal.sources.schedule import first_run, next_run, read_schedule
from foveal.types.sources import Schedule

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "seconds"),
    [("30m", 1800), ("6h", 21600), (" 1 D ", 86400), ("2w", 1209600), ("90s", 90), ("hourly", 3600), ("daily", 86400)],
)
def test_an_interval_is_read_from_words(words: str, seconds: int) -> None:
    schedule = read_schedule(words, "")
    assert schedule == Schedule(every_s=seconds)
    assert next_run(schedule, NOON) == NOON + timedelta(seconds=seconds)
    assert first_run(schedule, NOON) == NOON


def test_a_cron_expression_names_minutes_in_utc() -> None:
    schedule = read_schedule("", " 30 3 * * 1-5 ")
    sunday_noon = NOON
    assert next_run(schedule, sunday_noon) == datetime(2026, 3, 2, 3, 30, tzinfo=UTC)
    assert first_run(schedule, sunday_noon) == datetime(2026, 3, 2, 3, 30, tzinfo=UTC)
    berlin = sunday_noon.astimezone(timezone(timedelta(hours=1)))
    assert next_run(schedule, berlin) == datetime(2026, 3, 2, 3, 30, tzinfo=UTC)


def test_without_words_nothing_is_ever_due() -> None:
    assert read_schedule("", " ") == Schedule()
    assert next_run(Schedule(), NOON) is None
    assert first_run(Schedule(), NOON) is None


@pytest.mark.parametrize(
    ("every", "cron"),
    [
        ("6h", "0 3 * * *"),
        ("soon", ""),
        ("0m", ""),
        ("30s", ""),
        ("60w", ""),
        ("-1h", ""),
        ("", "61 * * * *"),
        ("", "0 0 31 2 *"),
        ("", "* * * * * *"),
        ("", "@daily"),
    ],
)
def test_what_is_no_schedule_is_refused(every: str, cron: str) -> None:
    with pytest.raises(InvalidRequestError):
        read_schedule(every, cron)


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_words_are_a_schedule_or_an_invalid_request(every: str, cron: str) -> None:
    try:
        schedule = read_schedule(every, cron)
    except InvalidRequestError:
        return
    due = next_run(schedule, NOON)
    assert due is None or due > NOON
