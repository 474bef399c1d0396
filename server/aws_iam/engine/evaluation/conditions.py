"""Whether a condition holds in a request. Each operator is a value; qualifiers and IfExists wrap any operator.

    condition_holds(condition, context)             True | False | None (not documented, or no such operator)
    holds_for("StringLike", ("a*",), ("ab",))       the same for plain values

Semantics: IAM User Guide, pages reference_policies_elements_condition_operators,
reference_policies_condition-single-vs-multi-valued-context-keys and access-analyzer-reference-policy-checks.
"""

from __future__ import annotations

import base64
import binascii
import operator
import re
import time
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING

from aws_iam.engine.evaluation.context import substituted, with_stand_ins
from aws_iam.engine.language.operators import OPERATORS, QUALIFIERS, Family
from aws_iam.engine.language.pattern import matches
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from decimal import Decimal

    from aws_iam.engine.evaluation.context import Context
    from aws_iam.engine.language.document import Condition

_ARN_FIELDS = 6
# AWS has no longer numbers, and arithmetic on very long ones is slow.
_MOST_DIGITS = 60
_YEAR = 4
# The keys that AWS sets to the time of the request, and the operators that hold until a time.
CLOCKS = frozenset({"aws:currenttime", "aws:epochtime"})
_ENDS = frozenset(
    f"{kind}{name}"
    for kind in ("Date", "Numeric")
    for name in ("Equals", "LessThan", "LessThanEquals")
)
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


@slotted
class Operator:
    """One operator, without qualifier and IfExists: how it compares a value of the policy with one of the request."""

    matches: Callable[[str, str], bool]
    negated: bool = False
    # Whether `*` and `?` in the policy are wildcards; the text that fills a variable must then stay literal.
    wildcards: bool = False

    def accepts(self, wanted: Sequence[str], given: str) -> bool:
        """Whether one value of the request satisfies the operator: a wanted value matches it, or none when negated."""
        return any(self.matches(entry, given) for entry in wanted) is not self.negated


def condition_holds(
    condition: Condition, context: Context, *, variables: bool = True
) -> bool | None:
    """Whether the condition holds; None where AWS has no such operator or qualifier, or where its pages do not settle it.

    Without `variables` (a policy of version 2008-10-17) `${…}` is plain text.
    """
    value = context.get(condition.key.value)
    wanted = tuple(entry.value for entry in condition.values)
    if variables and any("${" in text for text in wanted):
        match OPERATORS.get(condition.base):
            case Family.STRING | Family.ARN:
                escaped = has_wildcards(condition.base)
                wanted = tuple(_with_variables(wanted, context, escaped=escaped))
            case Family.BOOL if value is not None:
                # One page of AWS allows variables here, others do not: see references/policy-design.md.
                return None
            case _:
                pass
    return holds_for(condition.operator.value, wanted, value)


def holds_for(name: str, wanted: Sequence[str], value: tuple[str, ...] | None) -> bool | None:
    """Whether an operator, spelled as in a policy, holds for the values of a key (None: the key is absent)."""
    qualifier, _, rest = name.rpartition(":")
    base = rest.removesuffix("IfExists")
    if qualifier and qualifier not in QUALIFIERS:
        return None
    if base == "Null":
        return None if base != rest else _null(qualifier, wanted, value)
    found = _OPERATORS.get(base)
    if found is None:
        return None
    if value is None:
        return _absent(found, qualifier, if_exists=base != rest)
    given = tuple(map(with_stand_ins, value)) if found.wildcards else value
    if found.matches is arn_like and any(map(is_short_arn, wanted)):
        return _compared_with_short_arns(qualifier, found, wanted, given)
    return _compared(qualifier, found, wanted, given)


def _compared_with_short_arns(
    qualifier: str, found: Operator, wanted: Sequence[str], given: tuple[str, ...]
) -> bool | None:
    """What both readings of ARNs with fewer than six fields share; else None, for AWS describes neither.

    Such an ARN matches nothing, or its missing fields match everything, as in the Resource of an identity policy.
    """
    strictly = _compared(qualifier, found, wanted, given)
    filled = _compared(qualifier, found, list(map(_filled_up, wanted)), given)
    return strictly if strictly is filled else None


def is_short_arn(text: str) -> bool:
    """Whether an ARN of a condition has fewer than six fields."""
    return text.count(":") < _ARN_FIELDS - 1


def _filled_up(arn: str) -> str:
    return arn + ":*" * (_ARN_FIELDS - 1 - arn.count(":"))


def _compared(
    qualifier: str, found: Operator, wanted: Sequence[str], given: tuple[str, ...]
) -> bool:
    match qualifier:
        case "ForAllValues":
            # An empty string counts as no value.
            return all(found.accepts(wanted, value) for value in given if value)
        case "ForAnyValue":
            return any(found.accepts(wanted, value) for value in given)
        case _:
            # AWS does not say what several values mean without a qualifier; here one match is enough.
            met = any(found.matches(entry, value) for entry in wanted for value in given)
            return met is not found.negated


def _absent(found: Operator, qualifier: str, *, if_exists: bool) -> bool:
    """Whether the condition holds without the key: negated operators, IfExists and ForAllValues do, others do not."""
    if if_exists or qualifier == "ForAllValues":
        return True
    return found.negated and qualifier != "ForAnyValue"


def _null(qualifier: str, wanted: Sequence[str], value: tuple[str, ...] | None) -> bool:
    if qualifier:
        return qualifier == "ForAllValues"
    absent = "true" if value is None else "false"
    return any(word.lower() == absent for word in wanted)


def has_wildcards(base: str) -> bool:
    """Whether `*` and `?` are wildcards for an operator, given without qualifier and IfExists."""
    found = _OPERATORS.get(base)
    return found is not None and found.wildcards


def _with_variables(values: Iterable[str], context: Context, *, escaped: bool) -> Iterator[str]:
    """The policy's values with variables filled in; a value whose variable is empty matches nothing and is left out."""
    filled = (substituted(value, context, escaped=escaped) for value in values)
    return (text for text in filled if text is not None)


def _ignoring_case(wanted: str, given: str) -> bool:
    return wanted.lower() == given.lower()


def _like(wanted: str, given: str) -> bool:
    return matches(wanted, given)


def arn_like(wanted: str, given: str) -> bool:
    """Whether an ARN matches a pattern field by field: `*` does not cross a colon, except in the last field."""
    given_fields = given.split(":", _ARN_FIELDS - 1)
    fields = wanted.split(":", _ARN_FIELDS - 1)
    return len(fields) == len(given_fields) and all(map(matches, fields, given_fields))


def number(text: str) -> Decimal | None:
    """A number of a condition, integer or decimal; None for other text."""
    # Imported here: few policies compare numbers or dates, and `decimal` takes a twentieth of the engine's import time.
    from decimal import Decimal

    fits = len(text) <= _MOST_DIGITS and _NUMBER.fullmatch(text.strip())
    return Decimal(text.strip()) if fits else None


def moment(text: str) -> Decimal | None:
    """A date, in ISO 8601 or epoch seconds, as seconds since 1970; None for other text."""
    from datetime import UTC, datetime
    from decimal import Decimal

    seconds = number(text)
    if seconds is not None:
        return seconds
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return Decimal(str((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()))


def is_bare_year(text: str) -> bool:
    """Whether the text may be a year, a date for ISO 8601, while AWS reads numbers as seconds."""
    return len(text) <= _YEAR


def has_passed(base: str, bound: str) -> bool:
    """Whether an operator on one of the CLOCKS asks for a time that has passed.

    False for what is_bare_year() is.
    """
    end = None if is_bare_year(bound) else moment(bound)
    return end is not None and base in _ENDS and end < int(time.time())


# Without the memo a decision with three ranges takes 1.3 times as long.
@lru_cache(maxsize=4096)
def network(text: str) -> IPv4Network | IPv6Network | None:
    """An address or a range, whose host bits are ignored; None for other text."""
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        return None


def _in_network(wanted: str, given: str) -> bool:
    outer, inner = network(wanted), network(given)
    if isinstance(outer, IPv4Network) and isinstance(inner, IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(outer, IPv6Network) and isinstance(inner, IPv6Network):
        return inner.subnet_of(outer)
    return False


def truth(text: str) -> bool | None:
    """True or False for `true` and `false` in any case; None for other text."""
    return {"true": True, "false": False}.get(text.lower())


def _boolean(wanted: str, given: str) -> bool:
    return truth(wanted) is not None and truth(wanted) is truth(given)


def _binary(wanted: str, given: str) -> bool:
    decoded = _decoded(wanted)
    return decoded is not None and decoded == _decoded(given)


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _parsed(
    parse: Callable[[str], Decimal | None], compare: Callable[[Decimal, Decimal], bool]
) -> Callable[[str, str], bool]:
    """A comparison of parsed values; text that does not parse never matches."""

    def met(wanted: str, given: str) -> bool:
        bound, value = parse(wanted), parse(given)
        return bound is not None and value is not None and compare(value, bound)

    return met


_ORDER: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}

POSITIVE: dict[str, Operator] = {
    "StringEquals": Operator(matches=operator.eq),
    "StringEqualsIgnoreCase": Operator(matches=_ignoring_case),
    "StringLike": Operator(matches=_like, wildcards=True),
    **{f"Numeric{n}": Operator(matches=_parsed(number, by)) for n, by in _ORDER.items()},
    **{f"Date{n}": Operator(matches=_parsed(moment, by)) for n, by in _ORDER.items()},
    "Bool": Operator(matches=_boolean),
    "BinaryEquals": Operator(matches=_binary),
    "IpAddress": Operator(matches=_in_network),
    "ArnEquals": Operator(matches=arn_like, wildcards=True),
    "ArnLike": Operator(matches=arn_like, wildcards=True),
}


def positive_operator(base: str) -> str:
    """The operator that a Not form negates; any other operator unchanged."""
    return base if base in POSITIVE else base.replace("Not", "", 1)


def _operator(name: str) -> Operator:
    """The operator of this name; a Not form is the positive form, negated."""
    if name in POSITIVE:
        return POSITIVE[name]
    positive = POSITIVE[positive_operator(name)]
    return Operator(matches=positive.matches, negated=True, wildcards=positive.wildcards)


_OPERATORS = {
    name: _operator(name) for name, family in OPERATORS.items() if family is not Family.NULL
}
