"""The values of a condition key that conditions can tell apart: one point for each, absence among them.

An `Atom` is one condition as a value: key, operator, wanted values. The points of a key are such that every value a
request can carry makes the same atoms true as some point does; a search over points is therefore a search over all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal
from itertools import combinations
from typing import TYPE_CHECKING

from aws_iam.policy import venn
from aws_iam.policy.catalog import catalog
from aws_iam.policy.conditions import holds_for, moment, network, number, positive_name
from aws_iam.policy.operators import OPERATORS, Family
from aws_iam.policy.venn import Budget, OverBudget

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

# Sets of values of one key that are tried; beyond it nothing is claimed.
_MOST_SETS = 3_000
_SET_COST = 5
_ALWAYS = "always"
_UNRELATED = ("198.51.100.77", "2001:db8:ffff::77")
_TEXTS = frozenset({Family.STRING, Family.ARN})

Value = tuple[str, ...] | None
"""The values a request carries for a key; None when it is absent."""


@dataclass(frozen=True, slots=True)
class Atom:
    """One condition: the key in lower case, the operator as written, the wanted values in order."""

    key: str
    operator: str
    wanted: tuple[str, ...]

    @property
    def qualifier(self) -> str:
        """`ForAllValues`, `ForAnyValue` or nothing."""
        return self.operator.rpartition(":")[0]

    @property
    def base(self) -> str:
        """The operator without qualifier and IfExists."""
        return self.operator.rpartition(":")[2].removesuffix("IfExists")


@dataclass(frozen=True, slots=True)
class Point:
    """A value of a key, and which of the atoms on it are true there, as bits in their order."""

    value: Value
    true: int

    def spread(self, bits: Sequence[int]) -> Point:
        """The point with its atoms as bits of a larger set: bit i becomes `bits[i]`."""
        return Point(self.value, sum(bit for at, bit in enumerate(bits) if self.true >> at & 1))


def points(
    key: str, atoms: Sequence[Atom], *, strangers: bool = False, budget: Budget | None = None
) -> tuple[Point, ...]:
    """The points of a key, absence first and then the simplest. Raises OverBudget when there are too many.

    With `strangers` the key has no value that names the owner's own, as for a caller whom nobody knows.
    """
    found: dict[int, Value] = {}
    for value in _values(key, atoms, budget or Budget(), strangers=strangers):
        found.setdefault(_true(atoms, value), value)
    return tuple(Point(value, true) for true, value in found.items())


def point(atoms: Sequence[Atom], value: Value) -> Point:
    """The point of a value that is settled."""
    return Point(value, _true(atoms, value))


def _true(atoms: Sequence[Atom], value: Value) -> int:
    return sum(
        1 << at for at, atom in enumerate(atoms) if holds_for(atom.operator, atom.wanted, value)
    )


def _values(
    key: str, atoms: Sequence[Atom], budget: Budget, *, strangers: bool
) -> Iterator[Value]:
    known = catalog().condition_key(key)
    if known is None or known.presence_rule != _ALWAYS:
        yield None
    singles = [
        one for one in _singles(key, atoms, budget) if not (strangers and _is_owners(one, atoms))
    ]
    for one in singles:
        yield (one,)
    several = known.multivalued if known else any(atom.qualifier for atom in atoms)
    if not several:
        return
    # Each atom that some element must satisfy, or fail, needs at most one element of its own.
    tried = 0
    for size in range(2, min(len(atoms), len(singles)) + 1):
        for chosen in combinations(singles, size):
            tried += 1
            budget.spend(_SET_COST)
            if tried > _MOST_SETS:
                raise OverBudget
            yield chosen


def _is_owners(one: str, atoms: Iterable[Atom]) -> bool:
    """Whether the value is one that a policy spells out in full."""
    return any(
        wanted == one for atom in atoms for wanted in atom.wanted if not set("*?") & set(wanted)
    )


def _singles(key: str, atoms: Sequence[Atom], budget: Budget) -> list[str]:
    """One value for every way in which single values meet the atoms."""
    by_family: dict[Family, list[Atom]] = {}
    for atom in atoms:
        by_family.setdefault(OPERATORS[atom.base], []).append(atom)
    by_family.pop(Family.NULL, None)
    found: dict[str, None] = {}
    texts = [atom for family in _TEXTS for atom in by_family.pop(family, [])]
    for family, listed in by_family.items():
        wanted = dict.fromkeys(value for atom in listed for value in atom.wanted)
        found |= dict.fromkeys(_FAMILIES[family](tuple(wanted)))
    if texts or not found:
        # Values of the other families are texts, too: each is told apart from the rest.
        found |= dict.fromkeys(_texts(key, texts, tuple(found), budget))
    return list(found)


def _texts(
    key: str, atoms: Sequence[Atom], beside: tuple[str, ...], budget: Budget
) -> Iterator[str]:
    patterns = [_read(atom, value) for atom in atoms for value in atom.wanted]
    patterns += [venn.literal(each) for each in beside]
    inside, fresh = _SHAPES.get(key, ((), venn.LETTERS))
    found = venn.cells(tuple(dict.fromkeys(patterns)), inside=inside, fresh=fresh, budget=budget)
    texts = sorted(found.values(), key=len)
    # A text that meets what the empty text meets reads better; the empty one is a value, too.
    yield from (text for text in texts if text)
    if "" in texts:
        whole = venn.cells((*patterns, venn.pattern("?*")), budget=budget)
        yield from filter(None, [whole.get(1 << len(patterns))])
        yield ""


_ACCOUNT = "????????????"
_SHAPES: Mapping[str, tuple[tuple[venn.Pattern, ...], str]] = {
    "aws:principalarn": (
        tuple(
            venn.arn_pattern(f"arn:aws*:{service}::{_ACCOUNT}:{name}")
            for service, name in (
                ("iam", "user/?*"),
                ("iam", "role/?*"),
                ("iam", "root"),
                ("sts", "federated-user/?*"),
            )
        ),
        venn.DIGITS,
    ),
    **{
        key: ((venn.pattern(_ACCOUNT),), venn.DIGITS)
        for key in ("aws:principalaccount", "aws:resourceaccount", "aws:sourceaccount")
    },
}
"""Keys whose values have a shape of their own, and which characters stand for any other in it."""


def _read(atom: Atom, value: str) -> venn.Pattern:
    name = positive_name(atom.base)
    if name in {"ArnEquals", "ArnLike"}:
        return venn.arn_pattern(value)
    if name == "StringLike":
        return venn.pattern(value)
    return venn.literal(value, ignore_case=name == "StringEqualsIgnoreCase")


def _numbers(wanted: Iterable[str]) -> Iterator[str]:
    bounds = sorted({n for n in map(number, wanted) if n is not None})
    yield from (_digits(n) for n in _around(bounds, Decimal(1)))


def _moments(wanted: Iterable[str]) -> Iterator[str]:
    bounds = sorted({n for n in map(moment, wanted) if n is not None})
    yield from (_date(n) for n in _around(bounds, Decimal(1)))


def _date(value: Decimal) -> str:
    """The moment as a date where the calendar reaches it and no fraction is lost, else as seconds."""
    whole = value.to_integral_value(rounding=ROUND_CEILING)
    try:
        text = datetime.fromtimestamp(int(value), UTC).isoformat()
    except (OverflowError, OSError, ValueError):
        return _digits(value)
    return text.replace("+00:00", "Z") if whole == value else _digits(value)


def _around(bounds: Sequence[Decimal], step: Decimal) -> Iterator[Decimal]:
    """Every bound, and a number in each gap beside them."""
    if not bounds:
        yield step
        return
    yield bounds[0] - step
    for low, high in zip(bounds, (*bounds[1:], None), strict=True):
        yield low
        yield low + step if high is None else (low + high) / 2


def _digits(value: Decimal) -> str:
    return f"{value:f}"


def _booleans(_wanted: Iterable[str]) -> Iterator[str]:
    yield from ("true", "false")


def _addresses(wanted: Iterable[str]) -> Iterator[str]:
    for text in wanted:
        found = network(text)
        if found is None:
            continue
        first, last = found.network_address, found.broadcast_address
        yield str(first)
        yield str(last)
        if int(first):
            yield str(first - 1)
        if int(last) < 2**found.max_prefixlen - 1:
            yield str(last + 1)
    yield from _UNRELATED


def _binaries(wanted: Iterable[str]) -> Iterator[str]:
    yield from wanted
    yield "AAECAwQFBgc="


_FAMILIES = {
    Family.NUMERIC: _numbers,
    Family.DATE: _moments,
    Family.BOOL: _booleans,
    Family.IP: _addresses,
    Family.BINARY: _binaries,
}

__all__ = ["Atom", "OverBudget", "Point", "Value", "point", "points"]
