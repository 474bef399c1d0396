"""Values of requests' contexts that join a condition of an Allow statement, which keeps all else that it asks for.

A statement for `s3:prefix` `a/` takes the value `b/` where each of its pairs of action and resource was asked with that value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aws_iam.engine.repair.requirements import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.engine.repair.requirements import Requirement

OPERATORS: Final = frozenset(
    {
        "arnequals",
        "arnlike",
        "stringequals",
        "stringequalsignorecase",
        "stringlike",
    }
)
"""Those that a request meets by one value of the key that is among those of the condition; in lower case."""
# With these, and nothing special in the values, no other value of the key is taken.
_EXACT: Final = OPERATORS | {"binaryequals", "bool", "dateequals", "ipaddress", "numericequals"}
# In a condition these stand for more than the text.
_SPECIAL: Final = ("*", "?", "${")


def value_of(requirement: Requirement, key: str) -> str | None:
    """The only value of a key in the context that the call gives a request; None where it gives none, or several."""
    if requirement.is_pattern or requirement.request is None:
        return None
    context = requirement.request.given.get("context") or {}
    found = [
        own
        for name, value in context.items()
        if name.lower() == key.lower()
        for own in listed(value)
    ]
    return found[0] if len(found) == 1 else None


def is_of_value(condition: Mapping[str, Any] | None, key: str, value: str | None) -> bool:
    """Whether a condition asks for no more than one value of a key."""
    return all(
        operator.lower() in OPERATORS and name.lower() == key.lower() and listed(values) == [value]
        for operator, keys in (condition or {}).items()
        for name, values in keys.items()
    )


def values_of(requirement: Requirement, key: str) -> set[str]:
    """All values of a key in the context that the call gives a request, in lower case."""
    if requirement.is_pattern or requirement.request is None:
        return set()
    context = requirement.request.given.get("context") or {}
    return {
        str(own).lower()
        for name, value in context.items()
        if name.lower() == key.lower()
        for own in (value if isinstance(value, list) else [value])
    }


def takes_others(condition: Mapping[str, Any] | None, key: str, values: set[str]) -> bool:
    """Whether a condition on a key may hold for other values than these, given in lower case, or without the key."""
    return not any(
        operator.lower().rpartition(":")[2] in _EXACT
        and name.lower() == key.lower()
        and {str(own).lower() for own in (given if isinstance(given, list) else [given])} <= values
        for operator, keys in (condition or {}).items()
        for name, given in keys.items()
    )


def with_value(
    statement: Mapping[str, Any], requirement: Requirement
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The statement with the request's value in one of its conditions, each after the key of that."""
    block = statement.get("Condition") or {}
    for operator, keys in block.items():
        if operator.lower() not in OPERATORS:
            continue
        for key, values in keys.items():
            value, given = value_of(requirement, key), listed(values)
            if value is None or value in given or any(own in value for own in _SPECIAL):
                continue
            wider = {**keys, key: [*given, value]}
            yield key, {**statement, "Condition": {**block, operator: wider}}
