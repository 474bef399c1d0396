"""The rotation schedule of a secret, with checks that the API of Secrets Manager makes late or not at all.

https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotationRulesType.html
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import pairwise

from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.wording import counted

_LONGEST_DAYS = 1000
_LEAST_HOURS = 4
_DAY = 24
_FIELDS = 6
_RATE = re.compile(r"rate\(([1-9][0-9]{0,3}) (hours?|days?)\)", re.ASCII)
_DAYS = re.compile(r"(?:every )?([0-9]{1,9})(?: ?d(?:ays?)?)?", re.ASCII)
_PERIODS = re.compile(
    r"(?:every )?([1-9][0-9]{0,2}) ?(weeks?|months?|quarters?|years?)|every (day|week|month|quarter|year)",
    re.ASCII,
)
_WORDS = {
    "daily": 1,
    "weekly": 7,
    "fortnightly": 14,
    "monthly": 30,
    "quarterly": 90,
    "yearly": 365,
    "annually": 365,
}
_DAYS_IN = {"day": 1, "week": 7, "month": 30, "quarter": 90, "year": 365}
_CRON = re.compile(r"cron\(([^()]{1,120})\)", re.ASCII)
_FIELD = re.compile(r"[0-9A-Za-z*?,/#-]+", re.ASCII)
_HINT = "give days such as `30`, `weekly` or `every 3 months`, `rate(12 hours)`, or `cron(0 16 1,15 * ? *)` in UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Either days or an expression, and the window in which the rotation may run."""

    days: int | None = None
    expression: str | None = None
    window: str | None = None

    @property
    def text(self) -> str:
        """The schedule in words: `every 30 days, within 3h`."""
        days = "day" if self.days == 1 else f"{self.days} days"
        every = f"every {days}" if self.days else f"by {self.expression} (UTC)"
        return f"{every}, within {self.window}" if self.window else every

    @property
    def rules(self) -> dict[str, int | str]:
        """`RotationRules` as the API takes them."""
        rules: dict[str, int | str | None] = {
            "AutomaticallyAfterDays": self.days,
            "ScheduleExpression": self.expression,
            "Duration": self.window,
        }
        return {name: value for name, value in rules.items() if value is not None}

    @property
    def json(self) -> str:
        """The rules as JSON, which is valid YAML too."""
        return json.dumps(self.rules)

    @property
    def terraform(self) -> str:
        """The lines of Terraform's `rotation_rules` block."""
        names = {
            "AutomaticallyAfterDays": "automatically_after_days",
            "ScheduleExpression": "schedule_expression",
            "Duration": "duration",
        }
        width = max(len(names[name]) for name in self.rules)
        return "\n".join(
            f"    {names[name]:<{width}} = {json.dumps(value)}"
            for name, value in self.rules.items()
        )


def parse_schedule(text: str, window: str | None = None) -> Schedule:
    """Parse a schedule; InputError for one that Secrets Manager does not accept."""
    days = _days(text.strip().lower())
    if days is not None:
        if not 1 <= days <= _LONGEST_DAYS:
            raise InputError(f"`schedule` must be 1 to {_LONGEST_DAYS:,} days, not {days}")
        return Schedule(days=days, window=_window(window, _DAY))
    if found := _RATE.fullmatch(text):
        hours = int(found[1]) * (_DAY if found[2].startswith("day") else 1)
        _refuse_too_often(hours, text)
        return Schedule(expression=text, window=_window(window, min(hours, _DAY)))
    if found := _CRON.fullmatch(text):
        hours = _cron(found[1].split())
        return Schedule(expression=text, window=_window(window, hours))
    raise InputError(f"`schedule` {quoted(text, 80)} is not valid", hint=_HINT)


def _days(text: str) -> int | None:
    """The days of a number, of `weekly` and of `every 3 months`; a month is 30 days, a quarter 90."""
    if found := _DAYS.fullmatch(text):
        return int(found[1])
    if found := _PERIODS.fullmatch(text):
        return int(found[1] or 1) * _DAYS_IN[(found[2] or found[3]).removesuffix("s")]
    return _WORDS.get(text)


def understood_schedule(text: str | None) -> list[str]:
    """How a number or a word for a schedule was understood."""
    days = _days((text or "").strip().lower())
    if days is None:
        return []
    return [f"`schedule` {quoted(text or '')} as every {counted(days, 'day')}"]


def _cron(fields: list[str]) -> int:
    """The fewest hours between two runs, as far as the expression shows them."""
    if len(fields) != _FIELDS or not all(map(_FIELD.fullmatch, fields)):
        raise InputError(
            "`schedule`: cron() needs six fields of letters, digits and *?,/#-", hint=_HINT
        )
    minutes, hours, month_day, _, week_day, year = fields
    if minutes != "0" or year != "*":
        raise InputError(
            "`schedule`: in cron() the minutes must be `0` and the year `*`", hint=_HINT
        )
    if "?" not in (month_day, week_day):
        raise InputError(
            "`schedule`: in cron() either the day of the month or the day of the week must be `?`",
            hint=_HINT,
        )
    between = _hours_between_runs(hours)
    _refuse_too_often(between, f"cron with the hours {hours}")
    return between


def _hours_between_runs(hours: str) -> int:
    step = hours.partition("/")[2]
    if step.isdigit():
        return int(step)
    if hours == "*":
        return 1
    if "-" in hours:
        return 1
    listed = sorted(int(hour) for hour in hours.split(",") if hour.isdigit())
    if len(listed) < 2:  # noqa: PLR2004 - one run a day
        return _DAY
    round_trip = [*listed, listed[0] + _DAY]
    return min(after - before for before, after in pairwise(round_trip))


def _refuse_too_often(hours: int, text: str) -> None:
    if hours < _LEAST_HOURS:
        raise InputError(
            f"`schedule` {quoted(text, 80)} rotates more often than every {_LEAST_HOURS} hours",
            hint=f"Secrets Manager rotates at most every {_LEAST_HOURS} hours",
        )


def _window(window: str | None, most: int) -> str | None:
    if window is None:
        return None
    found = re.fullmatch(r"([1-9][0-9]?)h", window, re.ASCII)
    if found is None:
        raise InputError(
            f"`window` {quoted(window, 20)} is not valid", hint="give hours such as `3h`"
        )
    if int(found[1]) > most:
        raise InputError(
            f"`window` {window} extends into the next rotation or the next day (UTC)",
            hint=f"give at most {most}h for this schedule",
        )
    return window
