"""The callers that a statement lists: the names of its only type of principals, or the ARNs in a condition on `aws:PrincipalArn`.

Several values of either are any of them, so that a statement for two callers is one statement for each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.engine.repair.requirements import PRINCIPAL_KEY, bare, listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ARN = "ArnEquals"


def callers_of(who: Mapping[str, Any]) -> Sequence[str]:
    """The callers that a statement, or its elements Principal and Condition, list; none where they name them otherwise."""
    principal = who.get("Principal")
    if isinstance(principal, dict):
        return listed(next(iter(principal.values()))) if len(principal) == 1 else ()
    condition = who.get("Condition")
    # AWS would reject a policy where either is of another form.
    arns = condition.get(_ARN) if isinstance(condition, dict) else None
    return listed(arns.get(PRINCIPAL_KEY)) if isinstance(arns, dict) else ()


def for_callers(who: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The same statement, or elements, for other callers in the place of those that it lists."""
    principal = who.get("Principal")
    if isinstance(principal, dict):
        (type_,) = principal
        return {**who, "Principal": {type_: bare(names)}}
    condition = who["Condition"]
    return {
        **who,
        "Condition": {**condition, _ARN: {**condition[_ARN], PRINCIPAL_KEY: bare(names)}},
    }
