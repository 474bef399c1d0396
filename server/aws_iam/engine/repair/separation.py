"""The conditions that tell a request from others with the same action and resource.

    separator([(request, other)])   →   StringEquals {"aws:RequestedRegion": "eu-west-1"}, true for the request and for no other

Operators follow the type of the key; a key that the request lacks is told by `Null`, several values by `ForAnyValue`, or, where
the other request has them all, by `ForAllValues` with `Null`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.engine.evaluation.conditions import holds_for
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.repair.requirements import PRINCIPAL_KEY
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.evaluation.request import Request

Values = tuple[str, ...]

_OPERATORS: Mapping[str, str] = {
    "Numeric": "NumericEquals",
    "Date": "DateEquals",
    "Bool": "Bool",
    "ARN": "ArnEquals",
    "IPAddress": "IpAddress",
}
_NEGATIONS: Mapping[str, str] = {
    "StringEquals": "StringNotEquals",
    "StringLike": "StringNotLike",
    "NumericEquals": "NumericNotEquals",
    "DateEquals": "DateNotEquals",
    "ArnEquals": "ArnNotEquals",
    "ArnLike": "ArnNotLike",
    "IpAddress": "NotIpAddress",
}

# Combinations of conditions that are tried.
_MOST_TRIED = 100


@slotted
class Limit:
    """One key under one operator, with its values."""

    operator: str
    key: str
    values: Values

    def escaped(self) -> Limit:
        """The same for a policy in which `${` begins a variable."""
        values = tuple(value.replace("${", "${$}{") for value in self.values)
        return replace(self, values=values)


@slotted
class Separator:
    """Conditions that all hold for a request and not all for another; `negations`: one of them holds when not all do."""

    limits: tuple[Limit, ...]
    negations: tuple[Limit, ...]

    def escaped(self) -> Separator:
        """The same for a policy in which `${` begins a variable."""
        limits, negations = (
            tuple(own.escaped() for own in side) for side in (self.limits, self.negations)
        )
        return Separator(limits=limits, negations=negations)

    def block(self, condition: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The conditions as a Condition element, together with another one."""
        found = {name: dict(keys) for name, keys in (condition or {}).items()}
        for limit in self.limits:
            values = limit.values[0] if len(limit.values) == 1 else list(limit.values)
            found.setdefault(limit.operator, {})[limit.key] = values
        return found

    def joined(self, other: Separator) -> Separator:
        """The conditions of both."""
        can_be_negated = all(own.negations or not own.limits for own in (self, other))
        limits = tuple(dict.fromkeys((*self.limits, *other.limits)))
        negations = tuple(dict.fromkeys((*self.negations, *other.negations)))
        return Separator(limits=limits, negations=negations if can_be_negated else ())

    def without(self, key: str) -> Separator:
        """The conditions on other keys."""
        limits, negations = (
            tuple(own for own in side if own.key.lower() != key.lower())
            for side in (self.limits, self.negations)
        )
        return Separator(limits=limits, negations=negations)


NOTHING = Separator(limits=(), negations=())


def separator(pairs: Sequence[tuple[Request, Request]]) -> Separator | int:
    """Conditions that hold for the first of each pair, which is one request, and for no second; or the pair that fails."""
    failing: list[int] = []
    found = _together(pairs, (), failing)
    if found is None:
        return failing[0]
    limits = dict.fromkeys(limit for own in found for limit in own.limits)
    negations = dict.fromkeys(limit for own in found for limit in own.negations)
    can_be_negated = all(own.negations for own in found)
    return Separator(limits=tuple(limits), negations=tuple(negations) if can_be_negated else ())


def _together(
    pairs: Sequence[tuple[Request, Request]], chosen: tuple[Separator, ...], failing: list[int]
) -> tuple[Separator, ...] | None:
    """One separator for each pair that those before it do not tell apart, no two with one key under one operator.

    `failing` gets the pairs that none was found for; after so many the search ends.
    """
    limits = [limit for own in chosen for limit in own.limits]
    number = next(
        (n for n, (_, other) in enumerate(pairs) if not any(_fails(one, other) for one in limits)),
        None,
    )
    if number is None:
        return chosen
    taken = {(limit.operator, limit.key.lower()) for limit in limits}
    for own in _separators(*pairs[number]):
        if taken.isdisjoint((limit.operator, limit.key.lower()) for limit in own.limits):
            found = _together(pairs, (*chosen, own), failing)
            if found is not None or len(failing) > _MOST_TRIED:
                return found
    failing.append(number)
    return None


def of_condition(condition: Mapping[str, Mapping[str, Any]]) -> Separator:
    """The conditions of a statement as what tells its requests from others."""
    limits = [
        Limit(operator=operator, key=key, values=(own,) if isinstance(own, str) else tuple(own))
        for operator, keys in condition.items()
        for key, own in keys.items()
    ]
    negations = [
        other
        for own in limits
        for other in _negated(own, _NEGATIONS.get(own.operator, ""), own.values, own.values)
    ]
    complete = len(negations) == len(limits)
    return Separator(limits=tuple(limits), negations=tuple(negations) if complete else ())


def differs(request: Request, other: Request) -> bool:
    """Whether a condition can tell the requests apart."""
    return next(_separators(request, other), None) is not None


def _fails(limit: Limit, request: Request) -> bool:
    return (
        holds_for(limit.operator, limit.values, request.context.peek(limit.key.lower())) is False
    )


def _separators(request: Request, other: Request) -> Iterator[Separator]:
    for key in _keys(request, other):
        lower = key.lower()
        mine, theirs = request.context.peek(lower), other.context.peek(lower)
        if mine == theirs:
            continue
        yield from _ways(key, mine, theirs)


def _keys(request: Request, other: Request) -> Iterator[str]:
    """The keys of both requests: those that the caller gave first, then who calls, then what follows from it."""
    named = [str(key) for own in (request, other) for key in own.given.get("context", {})]
    derived = [*request.derived, *other.derived]
    ordered = (*named, PRINCIPAL_KEY, *derived)
    spelled: dict[str, str] = {}
    for key in ordered:
        spelled.setdefault(key.lower(), key)
    yield from spelled.values()


def _ways(key: str, mine: Values | None, theirs: Values | None) -> Iterator[Separator]:
    """The conditions on a key that hold for the one value and not for the other."""
    present, absent = (Limit(operator="Null", key=key, values=(t,)) for t in ("false", "true"))
    if mine is None:
        yield Separator(limits=(absent,), negations=(present,))
        return
    known = catalog().condition_key(key)
    several = bool(known and known.multivalued) or max(len(mine), len(theirs or ())) > 1
    for operator in _operators(known.value_type if known else "", mine):
        opposite = _NEGATIONS.get(operator, "")
        if not several:
            plain = Limit(operator=operator, key=key, values=mine)
            if _tells(plain, mine, theirs):
                others = tuple(_negated(plain, opposite, mine, theirs))
                yield Separator(limits=(plain,), negations=others)
            continue
        for value in mine:
            one = Limit(operator=f"ForAnyValue:{operator}", key=key, values=(value,))
            if _tells(one, mine, theirs):
                negation = Limit(operator=f"ForAllValues:{opposite}", key=key, values=(value,))
                yield Separator(limits=(one,), negations=(negation,) if opposite else ())
        every = Limit(operator=f"ForAllValues:{operator}", key=key, values=mine)
        if _tells(every, mine, theirs):
            other = Limit(operator=f"ForAnyValue:{opposite}", key=key, values=mine)
            yield Separator(limits=(every, present), negations=(other, absent) if opposite else ())


def _negated(plain: Limit, opposite: str, mine: Values, theirs: Values | None) -> Iterator[Limit]:
    if opposite:
        yield Limit(operator=opposite, key=plain.key, values=mine)
    elif plain.operator == "Bool" and mine[0].lower() in {"true", "false"}:
        # Without the key the request is another one, too.
        other = "false" if mine[0].lower() == "true" else "true"
        yield Limit(operator="BoolIfExists", key=plain.key, values=(other,))
    elif theirs is None:
        yield Limit(operator="Null", key=plain.key, values=("true",))


def _operators(type_: str, values: Values) -> Iterator[str]:
    """The operator for the type of the key, then the one that compares any text."""
    own = _OPERATORS.get(type_, "StringEquals")
    # `*` and `?` would be wildcards, and a variable cannot be escaped in every operator.
    plain = all(is_literal(value) and "${" not in value for value in values)
    if own != "StringEquals" and plain:
        yield own
    yield "StringEquals"


def _tells(limit: Limit, mine: Values, theirs: Values | None) -> bool:
    return (
        holds_for(limit.operator, limit.values, mine) is True
        and holds_for(limit.operator, limit.values, theirs) is False
    )
