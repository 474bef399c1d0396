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
