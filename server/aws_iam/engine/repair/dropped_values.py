"""Values of conditions taken out of Allow statements: with each of them all that the statement allows was asked to be denied.

A statement for `s3:prefix` `a/` and `b/` loses `b/` where each of its pairs of action and resource must be denied with that value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.engine.repair.additions import AskedPairs
from aws_iam.engine.repair.joined_values import OPERATORS, value_of
from aws_iam.engine.repair.requirements import EVERYWHERE, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.repair.draft import Draft
    from aws_iam.engine.repair.requirements import Cell

_LISTED = frozenset({"Sid", "Effect", "Principal", "Action", "Resource", "Condition"})


def drop_values(draft: Draft, denied: Sequence[Cell]) -> None:
    """Take out the values, where a statement keeps another value of the key."""
    for part in draft.parts:
        own = part.statement
        if own.get("Effect") != "Allow" or not own.keys() <= _LISTED:
            continue
        for key, value, left in _with_a_value_less(own):
            same = [
                cell
                for cell in denied
                if cell.who.get("Principal") == own.get("Principal")
                and value_of(cell.requirement, key) == value
            ]
            pairs = AskedPairs(same)
            if all(pairs.has(*pair) for pair in _pairs(own)):
                part.serve(*(cell.requirement for cell in same))
                part.statement = left
                break


def kept_keys(draft: Draft, cell: Cell) -> Iterator[str]:
    """The keys of which a statement lost the cell's value, so that others are allowed as before."""
    for part in draft.parts:
        if part.origin is not None and any(r is cell.requirement for r in part.serves.values()):
            before = draft.original(part)
            for key, value, _ in _with_a_value_less(before or {}):
                still = (part.statement.get("Condition") or {}).values()
                gone = not any(value in listed(keys.get(key)) for keys in still)
                if gone and value_of(cell.requirement, key) == value:
                    yield key


def _pairs(statement: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for action in listed(statement.get("Action")):
        for resource in listed(statement.get("Resource")) or [EVERYWHERE]:
            yield action, resource


def _with_a_value_less(
    statement: Mapping[str, Any],
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each key and value of a list of values, with the statement without it."""
    block = statement.get("Condition") or {}
    for operator, keys in block.items():
        if operator.lower() not in OPERATORS:
            continue
        for key, values in keys.items():
            given = listed(values)
            for value in given if len(given) > 1 else ():
                fewer = {**keys, key: [own for own in given if own != value]}
                yield key, value, {**statement, "Condition": {**block, operator: fewer}}
