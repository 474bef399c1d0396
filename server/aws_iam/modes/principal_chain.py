"""Who may take an administrator's role: its trust policy, the taker's own policies and the organization's, asked together."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aws_iam.account.facts.identity import Role
from aws_iam.errors import InputError
from aws_iam.policy.evaluate import evaluated
from aws_iam.policy.evaluation.hinges import hinges
from aws_iam.policy.evaluation.layers import Layers, levels_of
from aws_iam.policy.evaluation.request import request_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_iam.account.facts.identity import User
    from aws_iam.modes.principal_guardrails import Guardrails
    from aws_iam.modes.principal_power import Holdings
    from aws_iam.policy.evaluation.layers import Placed
    from aws_iam.policy.evaluation.request import Request

    _Levels = tuple[tuple[Placed, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Roles that are taken one from the other, the last of them an administrator's."""

    roles: tuple[str, ...]
    given: tuple[str, ...] = ()
    """The condition keys that it hangs on, of which a snapshot knows nothing."""


MOST = 20_000
"""Requests that are evaluated for one account; some seconds."""
# What it takes to ask on what a request hangs, in requests.
_HINGES = 20
# Only a service's own call has them: IAM User Guide, reference_policies_condition-keys.
_SERVICES_ALONE = frozenset(
    {
        "aws:sourcearn",
        "aws:sourceaccount",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:principalservicename",
        "aws:principalservicenameslist",
    }
)
# What may allow sts:AssumeRole at all; most principals have nothing of the kind.
_MAY_ASSUME = re.compile(r'"sts:[^"]*[*?A]|"\*"|"\*:|"NotAction"', re.IGNORECASE)
_NAMES_ANYBODY = re.compile(r'"\*"|"NotPrincipal"')


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
    asked = _Asked(over)
    targets: list[tuple[Role, Chain]] = [(role, Chain(roles=(role.name,))) for role in roles]
    while targets:
        reached: list[tuple[Role, Chain]] = []
        for one, held in asking:
            if one.arn in found:
                continue
            speaks = any(_MAY_ASSUME.search(text) for text in held.policies)
            wanted = [
                (role, chain)
                for role, chain in targets
                if role.arn != one.arn and (speaks or _names(role.trust, one.arn))
            ]
            if len(wanted) > asked.left:
                return found, False
            asked.left -= len(wanted)
            chains = [
                Chain(roles=chain.roles, given=tuple(dict.fromkeys((*given, *chain.given))))
                for role, chain in wanted
                if (given := asked.given(one, held, role)) is not None
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


def _names(trust: str, arn: str) -> bool:
    """Whether a trust policy may let somebody in who has no policies."""
    return arn in trust or _NAMES_ANYBODY.search(trust) is not None


@dataclass(slots=True)
class _Asked:
    """What is asked of the policy engine; each text is read once."""

    over: Guardrails
    left: int = MOST
    """Requests, and questions what a request hangs on, that may still be asked."""
    _read: dict[tuple[str, Any], _Levels | None] = field(default_factory=dict)

    def given(self, one: User | Role, held: Holdings, role: Role) -> tuple[str, ...] | None:
        """The keys on which it hangs that AWS allows it to somebody who signed in with MFA; None where it never does."""
        try:
            request = self._request(one, role)
        except InputError:
            # Not an ARN of AWS's: only a snapshot that somebody wrote has such a name.
            return None
        layers = self._layers(held, role)
        if layers is None:
            return None
        decision = evaluated(request, layers).decision
        if decision.outcome == "Allowed":
            return ()
        missing = {key.lower() for key in decision.missing_keys} - self._absent
        if not missing:
            return None
        self.left -= _HINGES
        for keys, outcomes in hinges(request, layers, decision).items():
            if "Allowed" in outcomes.values() and self._absent.isdisjoint(
                keys.lower().split(" and ")
            ):
                return (keys,)
        return None

    def _request(self, one: User | Role, role: Role) -> Request:
        known = {"aws:PrincipalOrgID": self.over.organization} if self.over.organization else {}
        return request_of(
            {
                "principal": one.arn,
                "action": "sts:AssumeRole",
                "resource": role.arn,
                "context": {"aws:MultiFactorAuthPresent": "true", **known},
            }
        )

    @property
    def _absent(self) -> frozenset[str]:
        """The keys that such a request never has."""
        return _SERVICES_ALONE | (
            {"aws:principalorgid"} if self.over.organization is None else frozenset()
        )

    def _layers(self, held: Holdings, role: Role) -> Layers | None:
        """The policies of the request; None where one is not there or cannot be read."""
        if held.has_boundary and held.boundary is None:
            return None
        texts: dict[str, Any] = {"identity": held.policies, "resource": role.trust}
        if held.boundary is not None:
            texts["boundary"] = held.boundary
        if held.ceiling:
            texts["scp"] = held.ceiling
        if self.over.resources:
            texts["rcp"] = self.over.resources
        levels: dict[str, _Levels] = {}
        for layer, text in texts.items():
            read = self._levels(layer, text)
            if read is None:
                return None
            levels[layer] = read
        return Layers(levels=levels)

    def _levels(self, layer: str, text: Any) -> _Levels | None:
        if (layer, text) not in self._read:
            try:
                self._read[layer, text] = levels_of(layer, text)
            except InputError:
                # It is told of where its holder's power is.
                self._read[layer, text] = None
        return self._read[layer, text]
