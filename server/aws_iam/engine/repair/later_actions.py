"""Actions that AWS adds later and that escape a Deny whose pattern became names.

escaping(before, after)   →   Escaping(patterns=("s3:Delete*",), principals=()); None where no pattern is gone
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.engine.language.pattern import covers, is_literal
from aws_iam.engine.repair.draft import statements_of
from aws_iam.engine.repair.narrowed_deny import IS
from aws_iam.engine.repair.requirements import PRINCIPAL_KEY, listed
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping

    Statement = Mapping[str, Any]


@slotted
class Escaping:
    """The patterns of which later actions are no longer denied, and to whom; to everyone if no principals are named."""

    patterns: tuple[str, ...]
    principals: tuple[str, ...]


def escaping(before: Statement, after: Statement) -> Escaping | None:
    """The patterns of changed Denies that no new Deny has, for everyone or for the callers that have Denies of their own."""
    old, new = statements_of(before), statements_of(after)
    given = [
        entry
        for own in old
        if own not in new and own.get("Effect") == "Deny"
        for entry in listed(own.get("Action"))
        if not is_literal(entry)
    ]
    by_principals: dict[tuple[str, ...], list[Statement]] = {(): []}
    for own in new:
        if own not in old and own.get("Effect") == "Deny":
            by_principals.setdefault(_named(own), []).append(own)
    patterns: dict[str, None] = {}
    principals: list[tuple[str, ...]] = []
    for named, denies in by_principals.items():
        gone = [entry for entry in given if not any(_keeps(one, entry) for one in denies)]
        if gone:
            patterns |= dict.fromkeys(gone)
            principals.append(named)
    if not patterns:
        return None
    whom = () if () in principals else tuple(arn for named in principals for arn in named)
    return Escaping(patterns=tuple(patterns), principals=whom)


def _named(statement: Statement) -> tuple[str, ...]:
    """The callers that the conditions of a statement name."""
    condition = statement.get("Condition")
    blocks = condition.items() if isinstance(condition, dict) else ()
    return tuple(
        arn
        for operator, keys in blocks
        if operator in IS and isinstance(keys, dict)
        for key, values in keys.items()
        if key.lower() == PRINCIPAL_KEY.lower()
        for arn in listed(values)
    )


def _keeps(statement: Statement, entry: str) -> bool:
    return "NotAction" in statement or any(
        covers(own, entry, ignore_case=True) for own in listed(statement.get("Action"))
    )
