"""Who may assume an administrator's role, directly or through other roles."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_iam.account.collect.identity.authorization import Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_iam.account.collect.identity.authorization import User
    from aws_iam.tools.audit.principals.effective_policies import EffectivePolicies
    from aws_iam.tools.audit.principals.simulate import Simulator

ASSUME_ROLE = "sts:AssumeRole"
# A document without a match cannot allow sts:AssumeRole; most principals have no other.
_ASSUMES = re.compile(r'"sts:[^"]*[*?A]|"\*"|"\*:|"NotAction"', re.IGNORECASE)
_TRUSTS_ANYBODY = re.compile(r'"\*"|"NotPrincipal"')


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleChain:
    """Roles assumed one from another; the last is an administrator."""

    roles: tuple[str, ...]
    conditions: tuple[str, ...] = ()
    """The condition keys that decide whether it works; a snapshot does not know their values."""


def admin_role_chains(
    roles: Iterable[Role],
    others: Iterable[tuple[User | Role, EffectivePolicies]],
    simulator: Simulator,
) -> tuple[dict[str, tuple[RoleChain, ...]], bool]:
    """The chains by which each other identity reaches one of the roles, by its ARN; and whether all could be simulated.

    An identity that may assume some of the roles directly gets only those chains; the search then goes on from the roles
    that do.
    """
    chains_of: dict[str, tuple[RoleChain, ...]] = {}
    candidates = tuple(others)
    targets: list[tuple[Role, RoleChain]] = [
        (role, RoleChain(roles=(role.name,))) for role in roles
    ]
    while targets:
        next_targets: list[tuple[Role, RoleChain]] = []
        for identity, policies in candidates:
            if identity.arn in chains_of:
                continue
            options = [
                (role, chain)
                for role, chain in targets
                if role.arn != identity.arn and _may_assume(identity, policies, role)
            ]
            if len(options) > simulator.requests_left:
                return chains_of, False
            chains = [
                RoleChain(
                    roles=chain.roles, conditions=tuple(dict.fromkeys((*keys, *chain.conditions)))
                )
                for role, chain in options
                if (
                    keys := simulator.allowing_conditions(
                        identity, policies, ASSUME_ROLE, role.arn, trust=role.trust
                    )
                )
                is not None
            ]
            if chains:
                # The longer chains continue the first one, so that an unconditional chain stays unconditional.
                chains.sort(key=lambda chain: len(chain.conditions))
                chains_of[identity.arn] = tuple(chains)
                if isinstance(identity, Role):
                    names = (identity.name, *chains[0].roles)
                    next_targets.append(
                        (identity, RoleChain(roles=names, conditions=chains[0].conditions))
                    )
        targets = next_targets
    return chains_of, True


def _may_assume(identity: User | Role, policies: EffectivePolicies, role: Role) -> bool:
    """Whether the simulation could allow it: a cheap test of the documents' text."""
    return (
        any(_ASSUMES.search(text) for text in policies.documents)
        or identity.arn in role.trust
        or _TRUSTS_ANYBODY.search(role.trust) is not None
    )
