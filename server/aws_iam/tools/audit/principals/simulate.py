"""Simulates a principal's requests against its policies, its boundary and the organization's policies together.

simulator = Simulator(guardrails)
simulator.allowing_conditions(identity, policies, "iam:PutUserPolicy", user.arn)
    →  () allowed, ("aws:SourceIp",) allowed under a condition on that key, None denied
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aws_iam.engine.evaluation.evaluate import evaluate_request
from aws_iam.engine.evaluation.layers import Layers, levels_of
from aws_iam.engine.evaluation.missing_keys import outcomes_of_missing_keys
from aws_iam.engine.evaluation.request import request_of
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.account.collect.identity.authorization import Role, User
    from aws_iam.engine.evaluation.layers import PlacedPolicy
    from aws_iam.engine.evaluation.request import Request
    from aws_iam.tools.audit.principals.effective_policies import EffectivePolicies
    from aws_iam.tools.audit.principals.organization_policies import Guardrails

    _Levels = tuple[tuple[PlacedPolicy, ...], ...]

MOST_REQUESTS = 20_000
"""Requests that are evaluated for one account; they take some seconds."""
# The cost, in requests, of finding out whether a missing key decides a request.
_REQUESTS_PER_KEY = 23
# Only calls by AWS services have these: IAM User Guide, reference_policies_condition-keys.
_SERVICE_CALL_KEYS = frozenset(
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
class Simulator:
    """Evaluates requests in one account, within a budget; each policy is parsed once."""

    guardrails: Guardrails
    requests_left: int = MOST_REQUESTS
    """How many more requests may be evaluated."""
    _parsed: dict[tuple[str, Any], _Levels | None] = field(default_factory=dict)

    def allowing_conditions(
        self,
        identity: User | Role,
        policies: EffectivePolicies,
        action: str,
        resource: str,
        *,
        trust: str | None = None,
        context: Mapping[str, str] | None = None,
        absent: frozenset[str] = frozenset(),
    ) -> tuple[str, ...] | None:
        """The condition keys that decide whether AWS allows the request with MFA: none if always, None if never.

        `trust` is the trust policy when the resource is a role; `absent` are lower-case keys that the request certainly lacks.
        """
        self.requests_left -= 1
        try:
            request = self._request(identity, action, resource, context or {})
        except InputError:
            # The ARN is malformed, which happens only in a snapshot written by hand.
            return None
        layers = self._layers(policies, trust)
        if layers is None:
            return None
        decision = evaluate_request(request, layers).decision
        if decision.outcome == "Allowed":
            return ()
        impossible = _SERVICE_CALL_KEYS | absent | self._organization_keys
        if impossible.issuperset(map(str.lower, decision.missing_keys)):
            return None
        self.requests_left -= _REQUESTS_PER_KEY * len(decision.missing_keys)
        for keys, outcomes in outcomes_of_missing_keys(request, layers, decision).items():
            if "Allowed" in outcomes.values() and impossible.isdisjoint(
                keys.lower().split(" and ")
            ):
                return (keys,)
        return None

    def can_read(self, policies: EffectivePolicies) -> bool:
        """Whether the engine can parse the principal's policies."""
        return self._layers(policies, None) is not None

    @property
    def _organization_keys(self) -> frozenset[str]:
        """The keys that no request has in an account without an organization."""
        return frozenset({"aws:principalorgid"} if self.guardrails.organization is None else ())

    def _request(
        self, identity: User | Role, action: str, resource: str, context: Mapping[str, str]
    ) -> Request:
        known = (
            {"aws:PrincipalOrgID": self.guardrails.organization}
            if self.guardrails.organization
            else {}
        )
        return request_of(
            {
                "principal": identity.arn,
                "action": action,
                "resource": resource,
                "context": {"aws:MultiFactorAuthPresent": "true", **known, **context},
            }
        )

    def _layers(self, policies: EffectivePolicies, trust: str | None) -> Layers | None:
        """The policies that decide the request; None where one is missing or cannot be parsed."""
        if policies.has_boundary and policies.boundary is None:
            return None
        texts: dict[str, Any] = {"identity": policies.documents}
        if policies.boundary is not None:
            texts["boundary"] = policies.boundary
        if policies.scps:
            texts["scp"] = policies.scps
        if trust is not None:
            texts["resource"] = trust
            texts |= {"rcp": self.guardrails.rcps} if self.guardrails.rcps else {}
        levels: dict[str, _Levels] = {}
        for layer, text in texts.items():
            parsed = self._levels(layer, text)
            if parsed is None:
                return None
            levels[layer] = parsed
        return Layers(levels=levels)

    def _levels(self, layer: str, text: Any) -> _Levels | None:
        if (layer, text) not in self._parsed:
            try:
                self._parsed[layer, text] = levels_of(layer, text)
            except InputError:
                # AdminLevels reports the policy on its principal.
                self._parsed[layer, text] = None
        return self._parsed[layer, text]
