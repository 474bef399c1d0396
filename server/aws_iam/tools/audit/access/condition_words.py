"""What a request must meet, in words: a condition of a policy that has to hold, or one of a Deny that must not.

in_words(condition, holds=False)   →   "`aws:SourceIp` is not in `192.0.2.0/24` (or the key is absent)"
"""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING

from aws_iam.engine.explain.conditions import condition as described
from aws_iam.engine.language.document import Form, Text
from aws_iam.frozen import positional
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aws_iam.engine.comparison.distinct_values import Atom
    from aws_iam.engine.language.document import Condition

_MOST_WAYS = 3

_OPPOSITES = {
    "StringEquals": "StringNotEquals",
    "StringEqualsIgnoreCase": "StringNotEqualsIgnoreCase",
    "StringLike": "StringNotLike",
    "NumericEquals": "NumericNotEquals",
    "DateEquals": "DateNotEquals",
    "IpAddress": "NotIpAddress",
    "ArnEquals": "ArnNotEquals",
    "ArnLike": "ArnNotLike",
    "NumericLessThan": "NumericGreaterThanEqualsIfExists",
    "NumericLessThanEquals": "NumericGreaterThanIfExists",
    "NumericGreaterThan": "NumericLessThanEqualsIfExists",
    "NumericGreaterThanEquals": "NumericLessThanIfExists",
    "DateLessThan": "DateGreaterThanEqualsIfExists",
    "DateLessThanEquals": "DateGreaterThanIfExists",
    "DateGreaterThan": "DateLessThanEqualsIfExists",
    "DateGreaterThanEquals": "DateLessThanIfExists",
}
_OPPOSITES |= {
    negated: positive for positive, negated in _OPPOSITES.items() if "IfExists" not in negated
}
_OF_BOUNDS = ("LessThan", "GreaterThan")
_OTHER_TRUTH = {"true": "false", "false": "true"}


@positional
class Need:
    """What one key of the request must meet: a condition that holds or does not; of a variable, `value` in words."""

    atom: Atom
    holds: bool = True
    condition: Condition | None = field(default=None, compare=False)
    value: str = field(default="", compare=False)

    @property
    def words(self) -> str:
        """The need as a sentence without a full stop."""
        return in_words(self.condition, holds=self.holds) if self.condition else self.value


Needs = frozenset[Need]


def conditions_of(alternatives: Sequence[Needs], *, complete: bool) -> tuple[str, ...]:
    """What the request must meet, one text each; where there are several ways, they stand in one text."""
    # Unless all ways are known, what these share may not be needed.
    in_all = alternatives[0].intersection(*alternatives) if complete else Needs()
    conditions = _sorted(in_all)
    ways = [_sorted(own - in_all) for own in alternatives]
    if all(ways):
        told = [joined(way, shown=len(way)) for way in ways[:_MOST_WAYS]]
        if len(ways) > _MOST_WAYS or not complete:
            told.append("in other ways")
        conditions.append(f"either {', or '.join(told)}")
    return tuple(conditions)


def _sorted(needs: Iterable[Need]) -> list[str]:
    return sorted({need.words for need in needs})


def in_words(condition: Condition, *, holds: bool) -> str:
    """The condition, or its opposite, as a sentence without a full stop."""
    if holds:
        return described(condition)
    opposite = _opposite(condition)
    return described(opposite) if opposite else f"it is not so that {described(condition)}"


def _opposite(condition: Condition) -> Condition | None:
    """The condition that holds exactly where this one does not; None where no operator says that."""
    if condition.qualifier or not condition.values:
        return None
    base = condition.base
    if base in {"Null", "Bool"} and len(condition.values) == 1:
        (value,) = condition.values
        other = _OTHER_TRUTH.get(value.value.lower())
        if other is None:
            return None
        # Neither `true` nor absent is `false`; what IfExists accepts when absent is excluded by the opposite.
        operator = "Null" if base == "Null" else "Bool" if condition.if_exists else "BoolIfExists"
        return _with(replace(condition, values=(_text(value, other),)), operator)
    several_bounds = len(condition.values) > 1 and any(word in base for word in _OF_BOUNDS)
    found = _OPPOSITES.get(base)
    if found is None or several_bounds:
        return None
    if condition.if_exists:
        # Its opposite asks for the key, as the opposite of a Not form does by itself.
        found = found.removesuffix("IfExists")
        return None if "Not" in found else _with(condition, found)
    return _with(condition, found)


def _with(condition: Condition, operator: str) -> Condition:
    return replace(condition, operator=_text(condition.operator, operator))


def _text(place: Text, value: str) -> Text:
    return Text(Form.STRING, place.stand, value)
