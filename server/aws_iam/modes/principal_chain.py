"""Who may take an administrator's role: the role's trust policy and the taker's own policies, asked together."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aws_iam.errors import InputError
from aws_iam.policy.evaluate import evaluate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_iam.account.facts.identity import Role, User
    from aws_iam.modes.principal_power import Holdings

MOST = 2_000
"""Requests that are evaluated for one account; some seconds."""
# What may allow sts:AssumeRole at all; most principals have nothing of the kind.
_MAY_ASSUME = re.compile(r'"sts:[^"]*[*?A]|"\*"|"\*:|"NotAction"', re.IGNORECASE)


def takers(
    roles: Iterable[Role], others: Iterable[tuple[User | Role, Holdings]]
) -> tuple[dict[str, tuple[str, ...]], bool]:
    """The names of those roles that each of the others may take, by ARN; whether all could be asked."""
    found: dict[str, tuple[str, ...]] = {}
    left = MOST
    wanted = tuple(roles)
    for one, held in others:
        named: list[str] = []
        speaks = any(_MAY_ASSUME.search(text) for text in held.policies)
        for role in wanted:
            if role.arn == one.arn or not (speaks or one.arn in role.trust):
                continue
            if not left:
                return found, False
            left -= 1
            if _may_take(one, held, role):
                named.append(role.name)
        if named:
            found[one.arn] = tuple(named)
    return found, True


def _may_take(one: User | Role, held: Holdings, role: Role) -> bool:
    """Whether AWS would allow it to somebody who signed in with MFA."""
    layers: dict[str, Any] = {"identity": list(held.policies), "resource": role.trust}
    if held.has_boundary:
        if held.boundary is None:
            return False
        layers["boundary"] = held.boundary
    request = {
        "principal": one.arn,
        "action": "sts:AssumeRole",
        "resource": role.arn,
        "context": {"aws:MultiFactorAuthPresent": "true"},
    }
    try:
        return evaluate(request, layers).outcome == "Allowed"
    except InputError:
        # A policy that cannot be read is told of where its holder's power is.
        return False
