"""How many days a rotation schedule leaves between two rotations.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.collect.secrets.secrets import Schedule

_RATE = re.compile(r"rate\((\d{1,4}) (hour|day)s?\)", re.ASCII)
_CRON = re.compile(r"cron\((\S{1,40}) (\S{1,80}) (\S{1,80}) (\S{1,80}) (\S{1,80}) \*\)", re.ASCII)
_PART = re.compile(r"(\*|\w{1,3})(?:-(\w{1,3}))?(?:/(\d{1,2}))?", re.ASCII)
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_LAST = "L"
# A leap year is among them.
_FIRST_DAY, _DAYS = date(2027, 1, 1), 3 * 365


def interval_days(schedule: Schedule) -> float | None:
    """The most days between two rotations; None where the schedule does not say."""
    if schedule.days is not None:
        return schedule.days
    expression = schedule.expression or ""
    if found := _RATE.fullmatch(expression):
        return int(found[1]) / (24 if found[2] == "hour" else 1)
    return _cron_days(expression)


@lru_cache(maxsize=256)
def _cron_days(expression: str) -> int | None:
    """The most days between two days of a cron expression; None where it is not understood."""
    found = _CRON.fullmatch(expression)
    if found is None:
        return None
    _, _, month_day, month, week_day = found.groups()
    try:
        months = _numbers(month, 1, 12, _MONTHS)
        days = set() if month_day in {"?", _LAST} else _numbers(month_day, 1, 31)
        week_days = set() if week_day == "?" else _numbers(week_day, 1, 7, _WEEKDAYS)
    except ValueError:
        return None

    def runs(day: date) -> bool:
        if day.month not in months:
            return False
        if month_day == _LAST:
            return (day + timedelta(days=1)).day == 1
        # Of the two fields one is `?`.
        return day.day in days if days else day.isoweekday() % 7 + 1 in week_days

    run_days = [day for day in _calendar() if runs(day)]
    return max(((after - before).days for before, after in pairwise(run_days)), default=None)


def _calendar() -> Iterator[date]:
    return (_FIRST_DAY + timedelta(days=number) for number in range(_DAYS))


def _numbers(field: str, least: int, most: int, names: tuple[str, ...] = ()) -> set[int]:
    """The numbers of a field; ValueError for one that is not understood, such as `15W` or `6#3`."""
    numbers: set[int] = set()
    for part in field.split(","):
        found = _PART.fullmatch(part)
        if found is None:
            raise ValueError
        start, end, step = found.groups()
        first = least if start == "*" else _number(start, names)
        last = most if start == "*" or (step and end is None) else first
        last = _number(end, names) if end else last
        numbers |= set(range(first, last + 1, max(1, int(step or 1))))
    if not numbers or not numbers <= set(range(least, most + 1)):
        raise ValueError
    return numbers


def _number(text: str, names: tuple[str, ...]) -> int:
    return names.index(text.upper()) + 1 if text.upper() in names else int(text)
