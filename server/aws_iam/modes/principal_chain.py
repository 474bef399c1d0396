"""Who may take an administrator's role: its trust policy, the taker's own policies and the organization's, asked together."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aws_iam.account.facts.identity import Role
from aws_iam.errors import InputError
from aws_iam.policy.evaluate import evaluate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_iam.account.facts.identity import User
    from aws_iam.modes.principal_guardrails import Guardrails
    from aws_iam.modes.principal_power import Holdings

Chain = tuple[str, ...]
"""The names of roles that are taken one from the other, the last of them an administrator's."""

MOST = 2_000
"""Requests that are evaluated for one account; some seconds."""
# What may allow sts:AssumeRole at all; most principals have nothing of the kind.
_MAY_ASSUME = re.compile(r'"sts:[^"]*[*?A]|"\*"|"\*:|"NotAction"', re.IGNORECASE)


def takers(
    roles: Iterable[Role],
    others: Iterable[tuple[User | Role, Holdings]],
    over: Guardrails,
) -> tuple[dict[str, tuple[Chain, ...]], bool]:
    """By which roles each of the others comes to one of these, by its ARN; whether all could be asked.

    Who may take one of them directly is told of those; of the rest, who may take a role that gets there, and so on.
    """
    found: dict[str, tuple[Chain, ...]] = {}
    asking = tuple(others)
    targets: list[tuple[Role, Chain]] = [(role, (role.name,)) for role in roles]
    left = MOST
    while targets:
        reached: list[tuple[Role, Chain]] = []
        for one, held in asking:
            if one.arn in found:
                continue
            speaks = any(_MAY_ASSUME.search(text) for text in held.policies)
            wanted = [
                (role, chain)
                for role, chain in targets
                if role.arn != one.arn and (speaks or one.arn in role.trust)
            ]
            if len(wanted) > left:
                return found, False
            left -= len(wanted)
            chains = tuple(chain for role, chain in wanted if _may_take(one, held, role, over))
            if chains:
                found[one.arn] = chains
                if isinstance(one, Role):
                    reached.append((one, (one.name, *chains[0])))
        targets = reached
    return found, True


def _may_take(one: User | Role, held: Holdings, role: Role, over: Guardrails) -> bool:
    """Whether AWS would allow it to somebody who signed in with MFA."""
    layers: dict[str, Any] = {"identity": list(held.policies), "resource": role.trust}
    if held.has_boundary:
        if held.boundary is None:
            return False
        layers["boundary"] = held.boundary
    if held.ceiling:
        layers["scp"] = held.ceiling
    if over.resources:
        layers["rcp"] = over.resources
    request = {
        "principal": one.arn,
        "action": "sts:AssumeRole",
        "resource": role.arn,
        "context": {
            "aws:MultiFactorAuthPresent": "true",
            **({"aws:PrincipalOrgID": over.organization} if over.organization else {}),
        },
    }
    try:
        return evaluate(request, layers).outcome == "Allowed"
    except InputError:
        # A policy that cannot be read is told of where its holder's power is.
        return False
