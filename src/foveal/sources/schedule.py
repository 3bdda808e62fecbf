"""When a source is read again: intervals in words, cron expressions, and the time they give."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from foveal.errors import InvalidRequestError
from foveal.types.sources import Schedule

SHORTEST_S = 60
"""A minute, as with cron: less would be a watch, not a schedule."""
LONGEST_S = 366 * 86_400
WORDS = {"hourly": 3600, "daily": 86_400, "weekly": 7 * 86_400}
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}

_INTERVAL = re.compile(r"(\d{1,9})\s*([smhdw])")
_REMEDY = "Give an interval such as 30m, 6h, 1d or daily, or five fields of cron such as '0 3 * * *' (UTC)."


def read_schedule(every: str, cron: str) -> Schedule:
    """A schedule from words; none from none.

    Raises:
        InvalidRequestError: Both are given, one does not parse, or the interval is too short or too long.
    """
    every, cron = every.strip().lower(), cron.strip()
    if every and cron:
        raise InvalidRequestError("A schedule is an interval or a cron expression, not both.", remedy=_REMEDY)
    if cron:
        _check_cron(cron)
        return Schedule(cron=cron)
    return Schedule(every_s=_seconds(every)) if every else Schedule()


def next_run(schedule: Schedule, after: datetime) -> datetime | None:
    """The first time after `after` (aware) that a schedule gives; None when it gives none."""
    if schedule.every_s is not None:
        return after + timedelta(seconds=schedule.every_s)
    if not schedule.cron:
        return None
    from cronsim import CronSim

    return next(CronSim(schedule.cron, after.astimezone(UTC)), None)


def first_run(schedule: Schedule, now: datetime) -> datetime | None:
    """When a source that never ran is due: at once with an interval, at the time that cron names otherwise."""
    return now if schedule.every_s is not None else next_run(schedule, now)


def _seconds(every: str) -> int:
    match = _INTERVAL.fullmatch(every)
    seconds = WORDS.get(every) or (int(match[1]) * UNITS[match[2]] if match else None)
    if seconds is None:
        raise InvalidRequestError(f"{every[:40]!r} is no interval.", remedy=_REMEDY)
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise InvalidRequestError(f"An interval is between a minute and a year, not {every}.", remedy=_REMEDY)
    return seconds


def _check_cron(cron: str) -> None:
    from cronsim import CronSim, CronSimError

    try:
        found = len(cron.split()) == 5 and next(CronSim(cron, datetime.now(UTC)), None)
    except CronSimError:
        found = None
    if not found:
        raise InvalidRequestError(f"{cron[:60]!r} is no cron expression with a time to come.", remedy=_REMEDY)
