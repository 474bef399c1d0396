"""The values of a condition key that conditions can distinguish, the absent key among them.

An `Atom` is one condition as a value: key, operator, wanted values. Whatever value a request carries, one of the distinct
values makes the same atoms true; so a search over the distinct values covers all values.
"""

from __future__ import annotations

import base64
import time
from collections import deque
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.automaton import (
    DIGITS,
    LETTERS,
    Budget,
    OverBudget,
    Pattern,
    Symbol,
)
from aws_iam.engine.comparison.pattern_combinations import (
    arn_pattern,
    combinations,
    literal_pattern,
    nonempty_text,
    principal_arns,
    wildcard_pattern,
)
from aws_iam.engine.evaluation.conditions import (
    has_wildcards,
    holds_for,
    is_bare_year,
    moment,
    network,
    number,
    positive_operator,
)
from aws_iam.engine.evaluation.context import with_stand_ins, without_stand_ins
from aws_iam.engine.language.operators import OPERATORS, Family
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.reference.catalog import catalog
from aws_iam.frozen import positional

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

# Sets of values of one key that are distinguished; with more the search gives up.
_MOST_SETS = 3_000
# Wanted values that one value is compared with in one step of the budget.
_COMPARED = 4
# Values that are added to a set in one step of the budget.
_SINGLES = 8
_ALWAYS = "always"
_UNRELATED = ("198.51.100.77", "2001:db8:ffff::77")
# Bool compares like text that ignores case.
_TEXTS = (Family.STRING, Family.ARN, Family.BOOL)
_ORDERED = frozenset({Family.NUMERIC, Family.DATE})
# Precision of the arithmetic on bounds: twice the digits of a bound, and some room.
_EXACT = 200
# AWS does not count an address range as public when it is at most /8 (IPv4) or /32 (IPv6).
_NARROW = {4: 8, 6: 32}

# Whole seconds: IAM User Guide, reference_policies_condition-keys; AWS STS API Reference, API_AssumeRole.
_WHOLE = frozenset({"aws:multifactorauthage", "sts:durationseconds"})

Value = tuple[str, ...] | None
"""The values that a request carries for a key; None when the key is absent."""


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
    """A value of a key, and the atoms on the key that it makes true, as bits in their order."""

    value: Value
    true: int


def has_wildcard(pattern: str) -> bool:
    """Whether a pattern matches more than itself."""
    return not is_literal(pattern)


def distinct_values(  # noqa: PLR0913 - what is known of the key and its values
    key: str,
    atoms: Sequence[Atom],
    *,
    owners: frozenset[str] | None = None,
    admits: Callable[[str], bool] = has_wildcard,
    present: bool = False,
    budget: Budget | None = None,
) -> tuple[DistinctValue, ...]:
    """The distinct values of a key, absence first, then the simplest. Raises OverBudget when there are too many.

    `owners` are texts in the policies that name the owner's own callers: strangers have none of these values, except for
    patterns that also admit strangers. With `present` the key is never absent.
    """
    allowed = budget or Budget()
    found: dict[int, Value] = {}
    if not present and not _is_always_present(key):
        found[_true_atoms(atoms, None)] = None
    singles: dict[int, tuple[str, ...]] = {}
    compared = sum(len(atom.wanted) for atom in atoms)
    for single in _single_values(key, atoms, allowed):
        allowed.spend(1 + compared // _COMPARED)
        if owners is None or not _is_fixed_by_owner(single, atoms, owners, admits):
            singles.setdefault(_true_atoms(atoms, (single,)), (single,))
    for true, value in (*singles.items(), *_value_sets(key, atoms, singles, allowed)):
        found.setdefault(true, value)
    return tuple(DistinctValue(value, true) for true, value in found.items())


def distinct_value(atoms: Sequence[Atom], value: Value) -> DistinctValue:
    """A given value with the atoms that it makes true."""
    return DistinctValue(value, _true_atoms(atoms, value))


def _true_atoms(atoms: Sequence[Atom], value: Value) -> int:
    return sum(
        1 << at for at, atom in enumerate(atoms) if holds_for(atom.operator, atom.wanted, value)
    )


def from_now_on(
    atoms: Sequence[Atom], values: Iterable[DistinctValue], now: int | None = None
) -> tuple[DistinctValue, ...]:
    """The values of a clock (see CLOCKS) that a request can still carry; all of them beside a bare year.

    `now` is in seconds since 1970, the present time if it is not given.
    """
    if any(is_bare_year(text) for atom in atoms for text in atom.wanted):
        return tuple(values)
    now = int(time.time()) if now is None else now
    current = distinct_value(atoms, (str(now),))
    later = (
        point
        for point in values
        if point.true != current.true
        and point.value
        and (at := moment(point.value[0])) is not None
        and at > now
    )
    return (current, *later)


def _is_always_present(key: str) -> bool:
    known = catalog().condition_key(key)
    return known is not None and known.presence_rule == _ALWAYS


def _value_sets(
    key: str, atoms: Sequence[Atom], singles: Mapping[int, tuple[str, ...]], budget: Budget
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Which atoms several values together make true, each with a smallest set of values."""
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
                        f"the conditions on `{key}` distinguish too many sets of values"
                    )
                seen.add(both)
                waiting.append((both, (*chosen, *value)))
                yield both, (*chosen, *value)


def _needs_one(atom: Atom) -> bool:
    """Whether one of several values is enough for the condition; otherwise every value must satisfy it."""
    if atom.qualifier:
        return atom.qualifier == "ForAnyValue"
    return positive_operator(atom.base) == atom.base


def _is_fixed_by_owner(
    value: str, atoms: Iterable[Atom], owners: frozenset[str], admits: Callable[[str], bool]
) -> bool:
    """Whether a policy fixes the value: it spells it out, or gives a narrow range of addresses around it."""
    for atom in atoms:
        name = positive_operator(atom.base)
        if name == "Null":
            # It asks for some value, and compares none.
            continue
        for wanted in atom.wanted:
            if wanted not in owners:
                continue
            range_ = network(wanted) if name == "IpAddress" else None
            if range_ is not None:
                narrow = range_.is_private or range_.prefixlen >= _NARROW[range_.version]
            else:
                ordinary = has_wildcard(wanted) and not has_wildcards(atom.base)
                narrow = ordinary or not admits(wanted)
            if narrow and holds_for(name, (wanted,), (value,)):
                return True
    return False


def _single_values(key: str, atoms: Sequence[Atom], budget: Budget) -> list[str]:
    """One value for every set of atoms that a single value can make true."""
    by_family: dict[Family, list[Atom]] = {}
    for atom in atoms:
        by_family.setdefault(OPERATORS[atom.base], []).append(atom)
    by_family.pop(Family.NULL, None)
    if set(by_family) == {Family.BOOL}:
        return ["true", "false", *_value_of_no_family(key, by_family)]
    if by_family and set(by_family) <= set(_TEXTS) and _is_bool(key):
        # AWS sends one of these two, spelled like this.
        return ["true", "false"]
    texts = [atom for family in _TEXTS for atom in by_family.pop(family, [])]
    if not by_family:
        return list(_texts(key, texts, budget))
    if set(by_family) <= _ORDERED:
        values: tuple[str, ...] = _ordered(by_family)
        if key in _WHOLE and set(by_family) == {Family.NUMERIC}:
            values = tuple(_whole_numbers(values))
    elif len(by_family) == 1:
        ((family, listed),) = by_family.items()
        values = tuple(_FAMILIES[family](_wanted(listed)))
    else:
        raise OverBudget(f"the conditions on `{key}` compare its value as several types")
    if not texts:
        # A value of another type satisfies none of them; only a key of the operator's own type has no such value.
        return list(dict.fromkeys((*values, *_value_of_no_family(key, by_family))))
    return _mixed_values(key, texts, values, budget)


def _wanted(atoms: Iterable[Atom]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for atom in atoms for value in atom.wanted))


def _value_of_no_family(key: str, families: Iterable[Family]) -> Iterator[str]:
    known = catalog().condition_key(key)
    if known is None or not known.type or known.value_type not in set(families):
        yield "x"


def _mixed_values(
    key: str, texts: Sequence[Atom], values: tuple[str, ...], budget: Budget
) -> list[str]:
    """The values of a key that is compared both as text without wildcards and as numbers."""
    spelled_out = all(
        is_literal(value) or value == "*" or not has_wildcards(atom.base)
        for atom in texts
        for value in atom.wanted
    )
    numeric = all(number(text) is not None for text in values)
    if not spelled_out or not numeric:
        raise OverBudget(f"the conditions on `{key}` compare its value as several types")
    # A number can be written in ways that the policies do not spell.
    others = [f"{'-' * (text[:1] == '-')}000{text.lstrip('-')}" for text in values]
    return list(dict.fromkeys((*values, *others, *_wanted(texts), *_texts(key, texts, budget))))


def _texts(key: str, atoms: Sequence[Atom], budget: Budget) -> Iterator[str]:
    patterns = tuple(dict.fromkeys(pattern_of(atom, v) for atom in atoms for v in atom.wanted))
    inside, fresh = _SHAPES.get(key, ((), LETTERS))
    found = combinations(patterns, inside=inside, fresh=fresh, budget=budget)
    yield from (without_stand_ins(text) for text in sorted(filter(None, found.values()), key=len))
    empty = next((met for met, text in found.items() if not text), None)
    if empty is not None:
        # The empty text is a distinct value; another text that matches the same patterns reads better and comes first.
        yield from filter(None, [without_stand_ins(nonempty_text(patterns, empty, budget))])
        yield ""


_ACCOUNT = "????????????"
_SHAPES: Mapping[str, tuple[tuple[Pattern, ...], str]] = {
    "aws:principalarn": (
        tuple(
            shape
            for service, start in (
                ("iam", "user/"),
                ("iam", "role/"),
                ("iam", "root"),
                ("sts", "federated-user/"),
            )
            for shape in principal_arns("aws*", service, start)
        ),
        DIGITS,
    ),
    # IAM User Guide, reference_policies_iam-condition-keys: the principal of a service.
    "iam:passedtoservice": (
        tuple(
            Pattern((Symbol.ONE_IN_NAME, Symbol.MANY_IN_NAME, *end))
            for end in (".amazonaws.com", ".amazonaws.com.cn", ".aws.internal")
        ),
        LETTERS,
    ),
    **{
        key: ((wildcard_pattern(_ACCOUNT),), DIGITS)
        for key in ("aws:principalaccount", "aws:resourceaccount", "aws:sourceaccount")
    },
}
"""Keys whose values have a fixed shape, and the characters to fill it with."""


def pattern_of(atom: Atom, value: str) -> Pattern:
    """A wanted value of a text operator as a pattern of the values that match it."""
    name = positive_operator(atom.base)
    if name in {"ArnEquals", "ArnLike"}:
        return arn_pattern(value)
    if name == "StringLike":
        return wildcard_pattern(value)
    # Patterns replace a literal `*` by a stand-in character; so must plain text, to be compared with them.
    return literal_pattern(
        with_stand_ins(value), ignore_case=name in {"StringEqualsIgnoreCase", "Bool"}
    )


def _is_bool(key: str) -> bool:
    known = catalog().condition_key(key)
    return known is not None and known.value_type == Family.BOOL


def _whole_numbers(values: Iterable[str]) -> Iterator[str]:
    """The values that are whole numbers, and in the place of any other the one before and after it."""
    for text in values:
        exact = Decimal(text)
        near = (exact.to_integral_value(ROUND_FLOOR), exact.to_integral_value(ROUND_CEILING))
        yield from (_digits(own) for own in dict.fromkeys(near) if own >= 0)


def _numbers(wanted: Iterable[str]) -> Iterator[str]:
    bounds = sorted({n for n in map(number, wanted) if n is not None})
    yield from (_digits(n) for n in _around(bounds, Decimal(1)))


def _moments(wanted: Iterable[str]) -> Iterator[str]:
    bounds = sorted({n for n in map(moment, wanted) if n is not None})
    yield from (_date(n) for n in _around(bounds, Decimal(1)))


def _ordered(by_family: Mapping[Family, Sequence[Atom]]) -> tuple[str, ...]:
    """Numbers and dates together: seconds since 1970 are both."""
    numbers = _wanted(by_family.get(Family.NUMERIC, ()))
    dates = _wanted(by_family.get(Family.DATE, ()))
    if not numbers or not dates:
        return tuple(_numbers(numbers) if Family.NUMERIC in by_family else _moments(dates))
    bounds = {n for n in (*map(number, numbers), *map(moment, dates)) if n is not None}
    seconds = (_digits(n) for n in _around(sorted(bounds), Decimal(1)))
    return (*seconds, *_moments(dates))


def _date(value: Decimal) -> str:
    """The value as a date where the calendar has it and no fraction is lost, else as seconds."""
    whole = value.to_integral_value(rounding=ROUND_CEILING)
    try:
        text = datetime.fromtimestamp(int(value), UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, OSError, ValueError):
        return _digits(value)
    return text if whole == value and moment(text) == value else _digits(value)


def _around(bounds: Sequence[Decimal], step: Decimal) -> Iterator[Decimal]:
    """Every bound, and a number in each gap between and around them."""
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
        raise OverBudget("a number in a condition has too many digits to search")
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
    """Eight bytes that no policy is likely to contain, in base64."""
    return base64.b64encode((0xFEEDFACE << 32 | number_).to_bytes(8)).decode()


_FAMILIES = {Family.IP: _addresses, Family.BINARY: _binaries}


def renumbered(true: int, bits: Sequence[int]) -> int:
    """Atoms that are true, numbered anew: bit i becomes `bits[i]`."""
    return sum(bit for at, bit in enumerate(bits) if true >> at & 1)
