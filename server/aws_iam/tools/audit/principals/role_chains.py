"""Who may take an administrator's role: its trust policy, the taker's own policies and the organization's, asked together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_iam.account.collect.identity.authorization import Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_iam.account.collect.identity.authorization import User
    from aws_iam.tools.audit.principals.holdings import Holdings
    from aws_iam.tools.audit.principals.simulate import Asked

TAKING = "sts:AssumeRole"
# What may allow sts:AssumeRole at all; most principals have nothing of the kind.
_MAY_ASSUME = re.compile(r'"sts:[^"]*[*?A]|"\*"|"\*:|"NotAction"', re.IGNORECASE)
_NAMES_ANYBODY = re.compile(r'"\*"|"NotPrincipal"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Roles that are taken one from the other, the last of them an administrator's."""

    roles: tuple[str, ...]
    given: tuple[str, ...] = ()
    """The condition keys that it hangs on, of which a snapshot knows nothing."""


def takers(
    roles: Iterable[Role], others: Iterable[tuple[User | Role, Holdings]], asked: Asked
) -> tuple[dict[str, tuple[Chain, ...]], bool]:
    """By which roles each of the others comes to one of these, by its ARN; whether all could be asked.

    Who may take one of them directly is told of those; of the rest, who may take a role that gets there, and so on.
    """
    found: dict[str, tuple[Chain, ...]] = {}
    asking = tuple(others)
    targets: list[tuple[Role, Chain]] = [(role, Chain(roles=(role.name,))) for role in roles]
    while targets:
        reached: list[tuple[Role, Chain]] = []
        for one, held in asking:
            if one.arn in found:
                continue
            wanted = [
                (role, chain)
                for role, chain in targets
                if role.arn != one.arn and may_take_at_all(one, held, role)
            ]
            if len(wanted) > asked.left:
                return found, False
            chains = [
                Chain(roles=chain.roles, given=tuple(dict.fromkeys((*given, *chain.given))))
                for role, chain in wanted
                if (given := asked.given(one, held, TAKING, role.arn, trust=role.trust))
                is not None
            ]
            if chains:
                # The first is the one that goes on, so that a way which hangs on nothing stays one.
                chains.sort(key=lambda chain: len(chain.given))
                found[one.arn] = tuple(chains)
                if isinstance(one, Role):
                    further = (one.name, *chains[0].roles)
                    reached.append((one, Chain(roles=further, given=chains[0].given)))
        targets = reached
    return found, True


def may_take_at_all(one: User | Role, held: Holdings, role: Role) -> bool:
    """Whether it is worth asking: the taker's policies speak of taking roles, or the trust policy of the taker."""
    return (
        any(_MAY_ASSUME.search(text) for text in held.policies)
        or one.arn in role.trust
        or _NAMES_ANYBODY.search(role.trust) is not None
    )
