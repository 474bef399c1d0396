"""The values that a condition accepts, as a set: texts, ranges of numbers or dates, networks.

    values(condition)        the values that its operator compares with; None when they cannot be parsed
    inside(a, b, effort)     every value of a is one of b
    disjoint(a, b, effort)   no value belongs to both

Every yes is certain. A negated operator accepts all other values.
"""

from __future__ import annotations

import base64
import binascii
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING

from aws_iam.engine.algebra import text_sets
from aws_iam.engine.evaluation.conditions import is_bare_year, moment, number
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.operators import OPERATORS, Family
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from aws_iam.engine.algebra.text_sets import Effort
    from aws_iam.engine.language.document import Condition

_CHEAP = 32
"""The values of a list that are looked up for one unit of effort."""


@slotted
class Words:
    """The texts of a pattern; `folded` ignores case, `fields` compares ARNs field by field."""

    pattern: str
    folded: bool = False
    fields: bool = False


@slotted
class Span:
    """Numbers or dates between two bounds; None means no bound."""

    low: Decimal | None
    high: Decimal | None
    with_low: bool = False
    with_high: bool = False


Network = IPv4Network | IPv6Network
Atom = Words | Span | Network


@slotted
class Values:
    """The union of some atoms; only values of the same family can be compared."""

    family: Family
    atoms: tuple[Atom, ...]

    @property
    def is_everything(self) -> bool:
        """Whether one of the patterns accepts every value."""
        return any(
            isinstance(atom, Words) and text_sets.is_everything(atom.pattern)
            for atom in self.atoms
        )


def inside(a: Values, b: Values, effort: Effort) -> bool:
    """Whether every value of `a` is one of `b`."""
    if a.family is not b.family or not effort.spend(len(a.atoms) // _CHEAP):
        return False
    known = frozenset(b.atoms)
    others = tuple(atom for atom in a.atoms if atom not in known)
    return effort.spend(_cost(others, b.atoms)) and all(
        any(_within(one, other) for other in b.atoms) for one in others
    )


def disjoint(a: Values, b: Values, effort: Effort) -> bool:
    """Whether no value belongs to both."""
    if a.family is not b.family or not effort.spend(_cost(a.atoms, b.atoms)):
        return False
    return all(_apart(one, other) for one in a.atoms for other in b.atoms)


def _cost(a: Sequence[Atom], b: Sequence[Atom]) -> int:
    """The highest cost of comparing both."""
    return sum(map(_size, a)) * len(b) + sum(map(_size, b)) * len(a)


def _size(atom: Atom) -> int:
    return (
        1 + len(atom.pattern) * (1 + atom.pattern.count("*")) // 128
        if isinstance(atom, Words)
        else 1
    )


def values(condition: Condition) -> Values | None:
    """The values of the condition; None unless all of them can be parsed and compared."""
    family = OPERATORS.get(condition.base)
    if family is None or family is Family.NULL or not condition.values:
        return None
    atoms = [_atom(condition.base, family, value.value) for value in condition.values]
    known = tuple(atom for atom in atoms if atom is not None)
    # String operators are used on ARN keys, too, so both families compare.
    group = Family.STRING if family is Family.ARN else family
    return Values(family=group, atoms=known) if len(known) == len(atoms) else None


def _atom(base: str, family: Family, text: str) -> Atom | None:
    if family in {Family.STRING, Family.ARN}:
        return _words(base, text) if text_sets.is_plain(text) else None
    return None if "${" in text else _READERS[family](base, text)


def _words(base: str, text: str) -> Words | None:
    if base.startswith("Arn"):
        # AWS does not document which values an incomplete ARN, `*` included, accepts.
        return Words(pattern=text, fields=True) if Arn.of(text) else None
    if "Like" in base:
        return Words(pattern=text)
    if base.endswith("IgnoreCase"):
        # Beyond ASCII the lower case can be longer than the text.
        plain = text.isascii() and "${" not in text
        return (
            Words(pattern=text_sets.literal_pattern(text.lower()), folded=True) if plain else None
        )
    return Words(pattern=text_sets.literal_pattern(text))


def _bool(_base: str, text: str) -> Words | None:
    word = text.lower()
    return Words(pattern=word) if word in {"true", "false"} else None


def _binary(_base: str, text: str) -> Words | None:
    try:
        return Words(pattern=base64.b64decode(text, validate=True).hex())
    except (binascii.Error, ValueError):
        return None


def _network(_base: str, text: str) -> Network | None:
    if not set(text) <= set("0123456789abcdefABCDEF:./"):
        return None
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _span(base: str, text: str) -> Span | None:
    is_date = base.startswith("Date")
    point = None if is_date and is_bare_year(text) else (moment if is_date else number)(text)
    if point is None:
        return None
    if "LessThan" in base:
        return Span(low=None, high=point, with_high=base.endswith("ThanEquals"))
    if "GreaterThan" in base:
        return Span(low=point, high=None, with_low=base.endswith("ThanEquals"))
    return Span(low=point, high=point, with_low=True, with_high=True)


_READERS: dict[Family, Callable[[str, str], Atom | None]] = {
    Family.BOOL: _bool,
    Family.BINARY: _binary,
    Family.IP: _network,
    Family.NUMERIC: _span,
    Family.DATE: _span,
}


def _within(a: Atom, b: Atom) -> bool:
    if isinstance(a, Words):
        return isinstance(b, Words) and _words_within(a, b)
    if isinstance(a, Span):
        return isinstance(b, Span) and _reaches(b, a)
    if isinstance(a, IPv4Network):
        return isinstance(b, IPv4Network) and a.subnet_of(b)
    return isinstance(b, IPv6Network) and a.subnet_of(b)


def _apart(a: Atom, b: Atom) -> bool:
    if isinstance(a, Words) and isinstance(b, Words):
        return _words_apart(a, b)
    if isinstance(a, Span) and isinstance(b, Span):
        return _before(a, b) or _before(b, a)
    if isinstance(a, IPv4Network) and isinstance(b, IPv4Network):
        return not a.overlaps(b)
    if isinstance(a, IPv6Network) and isinstance(b, IPv6Network):
        return not a.overlaps(b)
    # IPv4 and IPv6 addresses are never equal.
    return True


def _words_within(a: Words, b: Words) -> bool:
    if a == b or text_sets.is_everything(b.pattern):
        return True
    if b.folded:
        return a.pattern.isascii() and text_sets.contains(b.pattern, a.pattern.lower())
    if a.folded and a.pattern.upper() != a.pattern.lower():
        return False
    if not b.fields:
        return text_sets.contains(b.pattern, a.pattern)
    return _fields_contain(b.pattern, a.pattern)


def _fields_contain(wide: str, narrow: str) -> bool:
    outer, inner = Arn.of(wide), Arn.of(narrow)
    if outer is None or inner is None:
        return False
    pairs = zip(_fields(outer), _fields(inner), strict=True)
    return all(text_sets.contains(one, other) for one, other in pairs)


def _fields(arn: Arn) -> tuple[str, ...]:
    return (arn.partition, arn.service, arn.region, arn.account, arn.resource)


def _words_apart(a: Words, b: Words) -> bool:
    if a.folded or b.folded:
        plain = a.pattern.isascii() and b.pattern.isascii()
        return plain and text_sets.apart(a.pattern.lower(), b.pattern.lower())
    return text_sets.apart(a.pattern, b.pattern)


def _reaches(outer: Span, inner: Span) -> bool:
    """Whether the outer range contains the inner one."""
    return _no_later(outer, inner) and _no_earlier(outer, inner)


def _no_later(outer: Span, inner: Span) -> bool:
    if outer.low is None or inner.low is None:
        return outer.low is None
    return outer.low < inner.low or (
        outer.low == inner.low and (outer.with_low or not inner.with_low)
    )


def _no_earlier(outer: Span, inner: Span) -> bool:
    if outer.high is None or inner.high is None:
        return outer.high is None
    return outer.high > inner.high or (
        outer.high == inner.high and (outer.with_high or not inner.with_high)
    )


def _before(first: Span, second: Span) -> bool:
    """Whether the first range ends before the second one starts."""
    if first.high is None or second.low is None:
        return False
    return first.high < second.low or (
        first.high == second.low and not (first.with_high and second.with_low)
    )
