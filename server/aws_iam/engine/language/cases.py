"""The cases in which a policy is as it was read, where conditions that nobody can decide yet choose its parts.

    {Prod is true}   →   Cases(own={{Prod: "true"}}, others={{Prod: "false"}})

A policy that is the same in every case has none of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_iam.frozen import positional, slotted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

TRUE, FALSE = "true", "false"
_FEW = 3


@positional
class Assumed:
    """What is assumed of a condition: its name, its value, and a digest of its definition, where it has one."""

    name: str
    value: str
    says: str = ""


Case = frozenset[Assumed]


@slotted
class Cases:
    """The cases of a policy, and those in which another one stands in its place, or none."""

    own: frozenset[Case] = frozenset()
    others: frozenset[Case] = frozenset()

    def __bool__(self) -> bool:
        """Whether there is a case without the policy."""
        return bool(self.others)

    @property
    def every(self) -> frozenset[Case]:
        """All cases that are told apart."""
        return self.own | self.others

    def covers(self, case: Case) -> bool:
        """Whether the policy is there whenever the case is."""
        return not self or any(together(case, own) == case for own in self.own)


ALWAYS: Final = Cases()


def cases_of(own: Iterable[Case], every: Iterable[Case]) -> Cases:
    """The cases of a policy among all of them."""
    mine = frozenset(own)
    others = frozenset(every) - mine
    return Cases(own=mine, others=others) if others else ALWAYS


def in_order(cases: Iterable[Case]) -> list[Case]:
    """The cases in which conditions hold first."""
    return sorted(
        cases,
        key=lambda case: sorted((own.name, own.value != TRUE, own.value) for own in case),
    )


def together(one: Case, other: Case) -> Case | None:
    """Both cases at once, None where they contradict each other; a condition is known by its name, else by what it says."""
    values = {own.name: own.value for own in one}
    meant = {own.says: own.value for own in one if own.says}
    added: list[Assumed] = []
    for own in other:
        known = values.get(own.name, meant.get(own.says))
        if known is None:
            added.append(own)
        elif known != own.value:
            return None
    return one.union(added)


def have_common_conditions(one: Iterable[Case], other: Iterable[Case]) -> bool:
    """Whether some condition decides about both, by its name or by what it says."""
    sides = ([own for case in side for own in case] for side in (one, other))
    mine, theirs = ({own.name for own in side} | {own.says for own in side} for side in sides)
    return not (mine & theirs) <= {""}


def in_words(case: Case) -> str:
    """What a case is called beside the name of a policy: the few conditions that do not hold, or that do."""
    false = sorted(own.name for own in case if own.value == FALSE)
    true = sorted(own.name for own in case if own.value == TRUE)
    if len(false) + len(true) < len(case):
        return "other conditions"
    return name_of_case(true, false)


def name_of_case(true: Collection[str], false: Collection[str]) -> str:
    """The same by the conditions that hold and those that do not; empty where too many do either."""
    if not false:
        return "conditions true"
    if not true:
        return "conditions false"
    if len(false) <= _FEW:
        return f"{', '.join(false)} false"
    return f"{', '.join(true)} true" if len(true) <= _FEW else ""
