"""The values of a condition key that conditions can tell apart: one point for each, absence among them.

An `Atom` is one condition as a value: key, operator, wanted values. The points of a key are such that every value a
request can carry makes the same atoms true as some point does; a search over points is therefore a search over all.
"""

from __future__ import annotations

import base64
from collections import deque
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal, localcontext
from typing import TYPE_CHECKING, Final

from aws_iam.engine.comparison.automaton import LETTERS, Budget, OverBudget, Pattern
from aws_iam.engine.comparison.pattern_combinations import (
    DIGITS,
    arn_pattern,
    combinations,
    literal_pattern,
    nonempty_text,
    wildcard_pattern,
)
from aws_iam.engine.evaluation.conditions import (
    has_wildcards,
    holds_for,
    moment,
    network,
    number,
    positive_operator,
)
from aws_iam.engine.evaluation.context import with_stand_ins, without_stand_ins
from aws_iam.engine.language.frozen import positional
from aws_iam.engine.language.operators import OPERATORS, Family
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.reference.catalog import catalog

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

TRUSTED_KEYS: Final = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceip",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "kms:calleraccount",
        "s3:dataaccesspointaccount",
        "s3:dataaccesspointarn",
    }
)
"""Keys whose fixed values shut strangers out: S3 User Guide, access-control-block-public-access."""

# Sets of values of one key that are told apart; beyond it nothing is claimed.
_MOST_SETS = 3_000
# Wanted values that one value is compared with in one step of work.
_COMPARED = 4
# Values that are added to a set in one step of work.
_SINGLES = 8
_ALWAYS = "always"
_UNRELATED = ("198.51.100.77", "2001:db8:ffff::77")
# Bool compares as texts do that ignore case.
_TEXTS = (Family.STRING, Family.ARN, Family.BOOL)
_ORDERED = frozenset({Family.NUMERIC, Family.DATE})
# Digits that the arithmetic of bounds keeps: twice what a bound may have, and room.
_EXACT = 200
# A range of addresses that AWS takes for closed is no wider than this: /8 and /32.
_NARROW = {4: 8, 6: 32}

Value = tuple[str, ...] | None
"""The values a request carries for a key; None when it is absent."""


@positional
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


@positional
class DistinctValue:
    """A value of a key, and which of the atoms on it are true there, as bits in their order."""

    value: Value
    true: int


def distinct_values(
    key: str,
    atoms: Sequence[Atom],
    *,
    owners: frozenset[str] | None = None,
    present: bool = False,
    budget: Budget | None = None,
) -> tuple[DistinctValue, ...]:
    """The points of a key, absence first and then the simplest. Raises OverBudget when there are too many.

    With `owners`, the texts that name the owner's own, the key has no value that one of them stands for: it is asked
    about callers whom nobody knows. With `present` it is never absent.
    """
    allowed = budget or Budget()
    found: dict[int, Value] = {}
    if not present and not _is_always_present(key):
        found[_true_atoms(atoms, None)] = None
    singles: dict[int, tuple[str, ...]] = {}
    compared = sum(len(atom.wanted) for atom in atoms)
    for one in _single_values(key, atoms, allowed):
        allowed.spend(1 + compared // _COMPARED)
        if owners is None or not _is_fixed_by_owner(one, atoms, owners):
            singles.setdefault(_true_atoms(atoms, (one,)), (one,))
    for true, value in (*singles.items(), *_value_sets(key, atoms, singles, allowed)):
        found.setdefault(true, value)
    return tuple(DistinctValue(value, true) for true, value in found.items())


def distinct_value(atoms: Sequence[Atom], value: Value) -> DistinctValue:
    """The point of a value that is settled."""
    return DistinctValue(value, _true_atoms(atoms, value))


def _true_atoms(atoms: Sequence[Atom], value: Value) -> int:
    return sum(
        1 << at for at, atom in enumerate(atoms) if holds_for(atom.operator, atom.wanted, value)
    )


def _is_always_present(key: str) -> bool:
    known = catalog().condition_key(key)
    return known is not None and known.presence_rule == _ALWAYS


def _value_sets(
    key: str, atoms: Sequence[Atom], singles: Mapping[int, tuple[str, ...]], budget: Budget
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """What several values together make true, each with a smallest set of them."""
    known = catalog().condition_key(key)
    if not (known.multivalued if known else any(atom.qualifier for atom in atoms)):
        return
    some = sum(1 << at for at, atom in enumerate(atoms) if _needs_one(atom))
    seen = set(singles)
    waiting = deque(singles.items())
    while waiting:
        true, chosen = waiting.popleft()
        budget.spend(1 + len(singles) // _SINGLES)
        for single, value in singles.items():
            both = (true | single) & some | true & single
            if both not in seen:
                if len(seen) >= _MOST_SETS:
                    raise OverBudget(
                        f"the conditions on `{key}` tell too many sets of values apart"
                    )
                seen.add(both)
                waiting.append((both, (*chosen, *value)))
                yield both, (*chosen, *value)


def _needs_one(atom: Atom) -> bool:
    """Whether one of several values satisfies the condition; the others need every value to."""
    if atom.qualifier:
        return atom.qualifier == "ForAnyValue"
    return positive_operator(atom.base) == atom.base


def _is_fixed_by_owner(one: str, atoms: Iterable[Atom], owners: frozenset[str]) -> bool:
    """Whether the value is one that the policy gives as fixed: in full, or as a narrow range of addresses."""
    for atom in atoms:
        name = positive_operator(atom.base)
        for wanted in atom.wanted:
            if wanted not in owners:
                continue
            range_ = network(wanted) if name == "IpAddress" else None
            if range_ is not None:
                narrow = range_.is_private or range_.prefixlen >= _NARROW[range_.version]
            else:
                narrow = not has_wildcards(atom.base) or is_literal(wanted)
            if narrow and holds_for(name, (wanted,), (one,)):
                return True
    return False


def _single_values(key: str, atoms: Sequence[Atom], budget: Budget) -> list[str]:
    """One value for every way in which single values meet the atoms."""
    by_family: dict[Family, list[Atom]] = {}
    for atom in atoms:
        by_family.setdefault(OPERATORS[atom.base], []).append(atom)
    by_family.pop(Family.NULL, None)
    if set(by_family) == {Family.BOOL}:
        return ["true", "false", *_value_of_no_family(key, by_family)]
    texts = [atom for family in _TEXTS for atom in by_family.pop(family, [])]
    if not by_family:
        return list(_texts(key, texts, budget))
    if set(by_family) <= _ORDERED:
        made: tuple[str, ...] = _ordered(by_family)
    elif len(by_family) == 1:
        ((family, listed),) = by_family.items()
        made = tuple(_FAMILIES[family](_wanted(listed)))
    else:
        raise OverBudget(f"the conditions on `{key}` read its value in several ways")
    if not texts:
        # A value of another shape satisfies none of them; only a key of the operator's own type has no such value.
        return list(dict.fromkeys((*made, *_value_of_no_family(key, by_family))))
    return _mixed_values(key, texts, made, budget)


def _wanted(atoms: Iterable[Atom]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for atom in atoms for value in atom.wanted))


def _value_of_no_family(key: str, families: Iterable[Family]) -> Iterator[str]:
    known = catalog().condition_key(key)
    if known is None or not known.type or known.value_type not in set(families):
        yield "x"


def _mixed_values(
    key: str, texts: Sequence[Atom], made: tuple[str, ...], budget: Budget
) -> list[str]:
    """The values of a key whose value is compared as text and as something else, where texts are given in full."""
    spelled_out = all(
        is_literal(value) or value == "*" or not has_wildcards(atom.base)
        for atom in texts
        for value in atom.wanted
    )
    numeric = all(number(text) is not None for text in made)
    if not spelled_out or not numeric:
        raise OverBudget(f"the conditions on `{key}` read its value in several ways")
    # A number can be written in ways that no text of the policies is.
    others = [f"{'-' * (text[:1] == '-')}000{text.lstrip('-')}" for text in made]
    return list(dict.fromkeys((*made, *others, *_wanted(texts), *_texts(key, texts, budget))))


def _texts(key: str, atoms: Sequence[Atom], budget: Budget) -> Iterator[str]:
    patterns = tuple(dict.fromkeys(pattern_of(atom, v) for atom in atoms for v in atom.wanted))
    inside, fresh = _SHAPES.get(key, ((), LETTERS))
    found = combinations(patterns, inside=inside, fresh=fresh, budget=budget)
    yield from (without_stand_ins(text) for text in sorted(filter(None, found.values()), key=len))
    empty = next((met for met, text in found.items() if not text), None)
    if empty is not None:
        # The empty text is a value like no other; what else meets the same patterns reads better, so it comes first.
        yield from filter(None, [without_stand_ins(nonempty_text(patterns, empty, budget))])
        yield ""


_ACCOUNT = "????????????"
_SHAPES: Mapping[str, tuple[tuple[Pattern, ...], str]] = {
    "aws:principalarn": (
        tuple(
            arn_pattern(f"arn:aws*:{service}::{_ACCOUNT}:{name}")
            for service, name in (
                ("iam", "user/?*"),
                ("iam", "role/?*"),
                ("iam", "root"),
                ("sts", "federated-user/?*"),
            )
        ),
        DIGITS,
    ),
    **{
        key: ((wildcard_pattern(_ACCOUNT),), DIGITS)
        for key in ("aws:principalaccount", "aws:resourceaccount", "aws:sourceaccount")
    },
}
"""Keys whose values have a shape of their own, and which characters stand for any other in it."""


def pattern_of(atom: Atom, value: str) -> Pattern:
    """A wanted value of a text operator as a pattern of the values that match it."""
    name = positive_operator(atom.base)
    if name in {"ArnEquals", "ArnLike"}:
        return arn_pattern(value)
    if name == "StringLike":
        return wildcard_pattern(value)
    # Where wildcards are read, a literal `*` stands as another character; here it does as well, so that both meet.
    return literal_pattern(
        with_stand_ins(value), ignore_case=name in {"StringEqualsIgnoreCase", "Bool"}
    )


def _numbers(wanted: Iterable[str]) -> Iterator[str]:
    bounds = sorted({n for n in map(number, wanted) if n is not None})
    yield from (_digits(n) for n in _around(bounds, Decimal(1)))


def _moments(wanted: Iterable[str]) -> Iterator[str]:
    bounds = sorted({n for n in map(moment, wanted) if n is not None})
    yield from (_date(n) for n in _around(bounds, Decimal(1)))


def _ordered(by_family: Mapping[Family, Sequence[Atom]]) -> tuple[str, ...]:
    """Numbers and points in time: seconds are both."""
    numbers = _wanted(by_family.get(Family.NUMERIC, ()))
    dates = _wanted(by_family.get(Family.DATE, ()))
    if not numbers or not dates:
        return tuple(_numbers(numbers) if Family.NUMERIC in by_family else _moments(dates))
    bounds = {n for n in (*map(number, numbers), *map(moment, dates)) if n is not None}
    seconds = (_digits(n) for n in _around(sorted(bounds), Decimal(1)))
    return (*seconds, *_moments(dates))


def _date(value: Decimal) -> str:
    """The moment as a date where the calendar reaches it and no fraction is lost, else as seconds."""
    whole = value.to_integral_value(rounding=ROUND_CEILING)
    try:
        text = datetime.fromtimestamp(int(value), UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, OSError, ValueError):
        return _digits(value)
    return text if whole == value and moment(text) == value else _digits(value)


def _around(bounds: Sequence[Decimal], step: Decimal) -> Iterator[Decimal]:
    """Every bound, and a number in each gap beside them."""
    with localcontext(prec=_EXACT):
        if not bounds:
            return iter((step,))
        found = [bounds[0] - step]
        for low, high in zip(bounds, (*bounds[1:], None), strict=True):
            found += (low, low + step if high is None else (low + high) / 2)
        return iter(found)


def _digits(value: Decimal) -> str:
    text = f"{value:f}"
    if number(text) != value:
        raise OverBudget("a bound of a condition has more digits than can be searched")
    return text


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
    held = set(wanted)
    yield next(text for n in range(len(held) + 1) if (text := _bytes(n)) not in held)


def _bytes(number_: int) -> str:
    """Eight bytes that no policy is likely to hold, in the one way to write them."""
    return base64.b64encode((0xFEEDFACE << 32 | number_).to_bytes(8)).decode()


_FAMILIES = {Family.IP: _addresses, Family.BINARY: _binaries}
