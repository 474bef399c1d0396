"""What AWS would answer a principal of an account: its own policies, its boundary and the organization's, asked together.

asked = Asked(over)
asked.given(one, held, "iam:PutUserPolicy", user.arn)   →  () it may, ("aws:SourceIp",) it hangs on, None it may not
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aws_iam.engine.evaluate import evaluated
from aws_iam.engine.evaluation.hinges import hinges
from aws_iam.engine.evaluation.layers import Layers, levels_of
from aws_iam.engine.evaluation.request import request_of
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.account.collect.identity.authorization import Role, User
    from aws_iam.engine.evaluation.layers import Placed
    from aws_iam.engine.evaluation.request import Request
    from aws_iam.tools.audit.principals.holdings import Holdings
    from aws_iam.tools.audit.principals.organization_policies import Guardrails

    _Levels = tuple[tuple[Placed, ...], ...]

MOST = 20_000
"""Requests that are evaluated for one account; some seconds."""
# What it takes to ask whether a request hangs on a key, in requests.
_HINGES = 23
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


@dataclass(slots=True)
class Asked:
    """What is asked of the policy engine for one account; each text is read once."""

    over: Guardrails
    left: int = MOST
    """Requests, and questions what a request hangs on, that may still be asked."""
    _read: dict[tuple[str, Any], _Levels | None] = field(default_factory=dict)

    def given(
        self,
        one: User | Role,
        held: Holdings,
        action: str,
        resource: str,
        *,
        trust: str | None = None,
        context: Mapping[str, str] | None = None,
        absent: frozenset[str] = frozenset(),
    ) -> tuple[str, ...] | None:
        """The keys on which it hangs that AWS allows it to somebody who signed in with MFA; None where it never does.

        `trust` is the policy of the role that is the resource; `absent` are keys, in lower case, that the request is
        known not to have.
        """
        self.left -= 1
        try:
            request = self._request(one, action, resource, context or {})
        except InputError:
            # Not an ARN of AWS's: only a snapshot that somebody wrote has such a name.
            return None
        layers = self._layers(held, trust)
        if layers is None:
            return None
        decision = evaluated(request, layers).decision
        if decision.outcome == "Allowed":
            return ()
        never = _SERVICES_ALONE | absent | self._of_no_organization
        if never.issuperset(map(str.lower, decision.missing_keys)):
            return None
        self.left -= _HINGES * len(decision.missing_keys)
        for keys, outcomes in hinges(request, layers, decision).items():
            if "Allowed" in outcomes.values() and never.isdisjoint(keys.lower().split(" and ")):
                return (keys,)
        return None

    def reads(self, held: Holdings) -> bool:
        """Whether the engine takes a principal's policies; AWS would not have stored others."""
        return self._layers(held, None) is not None

    @property
    def _of_no_organization(self) -> frozenset[str]:
        return frozenset({"aws:principalorgid"} if self.over.organization is None else ())

    def _request(
        self, one: User | Role, action: str, resource: str, context: Mapping[str, str]
    ) -> Request:
        known = {"aws:PrincipalOrgID": self.over.organization} if self.over.organization else {}
        return request_of(
            {
                "principal": one.arn,
                "action": action,
                "resource": resource,
                "context": {"aws:MultiFactorAuthPresent": "true", **known, **context},
            }
        )

    def _layers(self, held: Holdings, trust: str | None) -> Layers | None:
        """The policies of the request; None where one is not there or cannot be read."""
        if held.has_boundary and held.boundary is None:
            return None
        texts: dict[str, Any] = {"identity": held.policies}
        if held.boundary is not None:
            texts["boundary"] = held.boundary
        if held.ceiling:
            texts["scp"] = held.ceiling
        if trust is not None:
            texts["resource"] = trust
            texts |= {"rcp": self.over.resources} if self.over.resources else {}
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
