"""Statements with one more condition, so that they apply to fewer requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.engine.evaluation.context import default_of
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.language.variables import variables
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.repair.requirements import bare, listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def with_limit(
    statement: Mapping[str, Any],
    operators: Sequence[str],
    key: str,
    values: Sequence[str],
    *,
    join: bool,
) -> dict[str, Any] | None:
    """The statement with one more condition; `join` adds its values to a list that exists."""
    given = statement.get("Condition", {})
    if not isinstance(given, dict) or not all(isinstance(keys, dict) for keys in given.values()):
        # AWS would reject such a policy.
        return None
    condition = {name: dict(keys) for name, keys in given.items()}
    for operator, keys in condition.items():
        for name in keys:
            if join and operator in operators and name.lower() == key.lower():
                own = listed(keys[name])
                keys[name] = [*own, *(value for value in values if value not in own)]
                return {**statement, "Condition": condition}
    for operator in operators:
        keys = condition.setdefault(operator, {})
        if not any(name.lower() == key.lower() for name in keys):
            keys[key] = bare(values)
            return {**statement, "Condition": {n: k for n, k in condition.items() if k}}
    return None


def with_other_values(
    statement: Mapping[str, Any], resources: Sequence[str]
) -> dict[str, Any] | None:
    """The statement for one entry with a variable, where that stands for anything but what makes one of the resources.

    None where the entry has wildcards besides, so that it stands for other resources with the same value.
    """
    entry = statement["Resource"]
    holes = variables(entry)
    if len(holes) != 1 or not is_literal(entry) or entry.count("${") != 1:
        return None
    (hole,) = holes
    known = catalog().condition_key(hole.name)
    start, end = entry.split(hole.text)
    values = [
        own.removeprefix(start).removesuffix(end)
        for own in resources
        if own.startswith(start) and own.endswith(end) and len(own) > len(start + end)
    ]
    if not values or (known and known.multivalued) or any("${" in own for own in values):
        return None
    narrower = with_limit(statement, ("StringNotEquals",), hole.name, values, join=True)
    if narrower and default_of(hole.text[2:-1]) in values:
        # Without the key the default is in its place.
        return with_limit(narrower, ("Null",), hole.name, ("false",), join=False)
    return narrower
