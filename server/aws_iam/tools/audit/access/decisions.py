"""Decides requests of the estate's principals over all that limits them: a verdict, the conditions left open, a proof.

Decider(estate).decide(principal, "s3:GetObject", "arn:aws:s3:::books/2026.csv")   →   Access(verdict="can", conditions=(), …)
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from aws_iam.engine.evaluation.caller import CallerKind
from aws_iam.engine.evaluation.decision_flow import needs_resource_policy
from aws_iam.engine.evaluation.evaluate import evaluate_request
from aws_iam.engine.evaluation.layers import KIND_OF_LAYER, Layers, placed
from aws_iam.engine.evaluation.missing_keys import outcomes_of_missing_keys
from aws_iam.engine.evaluation.request import request_of
from aws_iam.engine.language.usable import refuse_unusable
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.audit.access.held_policies import NamedPolicy
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aws_iam.answer import Decision
    from aws_iam.engine.evaluation.layers import PlacedPolicy
    from aws_iam.engine.evaluation.request import Request
    from aws_iam.tools.audit.access.estate import Estate, Member, Principal

Verdict = Literal["can", "cannot", "unknown"]
_EVERYTHING = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
)
# Only calls by AWS services have these: IAM User Guide, reference_policies_condition-keys.
SERVICE_CALL_KEYS = frozenset(
    {
        "aws:sourcearn",
        "aws:sourceaccount",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:principalservicename",
        "aws:principalservicenameslist",
    }
)
_ORGANIZATION_KEYS = frozenset({"aws:principalorgid", "aws:principalorgpaths"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Whether a caller can do it; `conditions` are what the request must meet besides, `why` says what is not known."""

    verdict: Verdict
    conditions: tuple[str, ...] = ()
    why: str = ""
    proof: Decision | None = None

    @property
    def is_denied(self) -> bool:
        """Whether a Deny decided, which nothing else outweighs."""
        return self.proof is not None and self.proof.outcome == "ExplicitlyDenied"

    @property
    def is_possible(self) -> bool:
        """Whether it can, or nobody knows."""
        return self.verdict != "cannot"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """A layer: its policies by level, or why it cannot be used."""

    levels: tuple[tuple[PlacedPolicy, ...], ...] = ()
    why_unread: str = ""


class Decider:
    """Decides requests in an estate; each policy is parsed once."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._placed: dict[tuple[str, str, str], PlacedPolicy | str] = {}

    def decide(
        self,
        principal: Principal,
        action: str,
        resource: str,
        context: Mapping[str, str] | None = None,
    ) -> Access:
        """Whether a user, or any session of a role, can do it."""
        held = principal.held
        member = principal.member
        own = self._layer("identity", (held.policies,))
        unread = [*held.unread, *filter(None, [own.why_unread])]
        layers = {"identity": own, "scp": self._guardrail("scp", member)}
        if held.has_boundary:
            layers["boundary"] = (
                self._layer("boundary", ((held.boundary,),))
                if held.boundary
                else _Layer(why_unread="its permissions boundary was not read")
            )
        request = self._request(principal.arn, action, resource, member, context)
        if request is None:
            return Access(verdict="cannot")
        found = self._decide(request, layers, member)
        return self._without_unread(found, request, layers, member, unread)

    def outsider(
        self, arn: str, action: str, resource: str, context: Mapping[str, str] | None = None
    ) -> Access:
        """Whether a caller from outside the estate can do it, if its own policies allow it."""
        request = self._request(arn, action, resource, None, context)
        if request is None:
            return Access(verdict="cannot")
        everything = self._layer("identity", ((NamedPolicy("its own policies", _EVERYTHING),),))
        return self._decide(request, {"identity": everything}, None)

    def _decide(
        self, request: Request, own: Mapping[str, _Layer], member: Member | None
    ) -> Access:
        policy = self._estate.policy_of(request.action, request.resource)
        layers = dict(own)
        owner = self._estate.owner_of(request.resource)
        if owner is not None:
            layers["rcp"] = self._guardrail("rcp", owner)
        if policy.text is not None:
            name = policy.arn or request.resource
            layers["resource"] = self._layer("resource", ((NamedPolicy(name, policy.text),),))
        elif policy.why_unread and needs_resource_policy(request):
            # Most such policies leave the decision to the account's own; what is found is called unknown.
            usual = NamedPolicy("a usual policy", _of_the_account(request.resource_account))
            layers["resource"] = self._layer("resource", ((usual,),))
        open_ = [layer.why_unread for layer in layers.values() if layer.why_unread]
        found = self._verdict(request, layers, member)
        if policy.why_unread and found.is_possible:
            unread = f"the policy of {quoted(policy.arn)} is not known: {policy.why_unread}"
            return replace(found, verdict="unknown", why=unread)
        if open_ and found.verdict == "can":
            return replace(found, verdict="unknown", why=joined(open_))
        return found

    def _verdict(
        self, request: Request, given: Mapping[str, _Layer], member: Member | None
    ) -> Access:
        layers = Layers(
            levels={name: layer.levels for name, layer in given.items() if layer.levels},
            unreadable=frozenset(
                name for name, layer in given.items() if layer.why_unread and not layer.levels
            ),
        )
        evaluation = evaluate_request(request, layers)
        decision = evaluation.decision
        if decision.outcome == "Allowed":
            return Access(verdict="can", proof=decision)
        is_service = request.caller.kind is CallerKind.SERVICE
        impossible = self._absent_keys(member) | (frozenset() if is_service else SERVICE_CALL_KEYS)
        keys = [key for key in decision.missing_keys if key.lower() not in impossible]
        if keys:
            hinges = outcomes_of_missing_keys(
                request, layers, replace(decision, missing_keys=tuple(keys))
            )
            conditions = tuple(
                _in_words(names, word)
                for names, outcomes in hinges.items()
                for word, outcome in outcomes.items()
                if outcome == "Allowed"
            )
            if conditions:
                return Access(verdict="can", conditions=conditions[:1], proof=decision)
        if decision.outcome == "Unknown":
            return Access(verdict="unknown", why=evaluation.reason, proof=decision)
        return Access(verdict="cannot", proof=decision)

    def _without_unread(
        self,
        found: Access,
        request: Request,
        layers: Mapping[str, _Layer],
        member: Member,
        unread: Iterable[str],
    ) -> Access:
        """The verdict, unless a policy of the principal that was not read may make it another one."""
        missing = tuple(unread)
        if not missing or found.verdict == "unknown":
            return found
        why = f"{joined(missing)} could not be read"
        if found.verdict == "can":
            return replace(found, verdict="unknown", why=why)
        everything = self._layer("identity", ((NamedPolicy("its own policies", _EVERYTHING),),))
        known = layers["identity"].levels
        joint = _Layer(levels=((*(known[0] if known else ()), *everything.levels[0]),))
        at_most = self._decide(request, {**layers, "identity": joint}, member)
        return replace(at_most, verdict="unknown", why=why) if at_most.is_possible else found

    def _absent_keys(self, member: Member | None) -> frozenset[str]:
        """The keys that no request of such a caller has."""
        alone = member is not None and member.guardrails.organization is None
        return _ORGANIZATION_KEYS if alone else frozenset()

    def _request(
        self,
        caller: str,
        action: str,
        resource: str,
        member: Member | None,
        context: Mapping[str, str] | None,
    ) -> Request | None:
        owner = self._estate.owner_of(resource)
        known = dict(context or {})
        if member and member.guardrails.organization:
            known["aws:PrincipalOrgID"] = member.guardrails.organization
        if owner and owner.guardrails.organization:
            known["aws:ResourceOrgID"] = owner.guardrails.organization
        asked: dict[str, Any] = {
            "principal": caller,
            "action": action,
            "resource": resource,
            "context": known,
        }
        if owner:
            asked["resource_account"] = owner.account.id
        manager = (member or owner) and (member or owner).management_account  # type: ignore[union-attr]
        if manager:
            asked["management_account"] = manager
        try:
            return request_of(asked)
        except InputError:
            # The ARN is malformed, which happens only in a snapshot written by hand.
            return None

    def _guardrail(self, layer: Literal["scp", "rcp"], member: Member) -> _Layer:
        found = member.guardrails
        levels = found.scps if layer == "scp" else found.rcps
        return self._layer(
            layer,
            tuple(
                tuple(NamedPolicy(f"{layer} {number}", text) for text in level)
                for number, level in enumerate(levels)
            ),
        )

    def _layer(self, layer: str, levels: tuple[tuple[NamedPolicy, ...], ...]) -> _Layer:
        read = [[self._policy(layer, policy) for policy in level] for level in levels]
        faults = [own for level in read for own in level if isinstance(own, str)]
        return _Layer(
            levels=tuple(
                tuple(own for own in level if not isinstance(own, str)) for level in read
            ),
            why_unread=joined(faults) if faults else "",
        )

    def _policy(self, layer: str, policy: NamedPolicy) -> PlacedPolicy | str:
        """The policy in its layer, or why it cannot be used."""
        key = (layer, policy.name, policy.text)
        if key not in self._placed:
            kind = KIND_OF_LAYER[layer]
            try:
                parsed = one_policy(policy.text, kind)
                refuse_unusable(parsed, policy.name, kind)
                self._placed[key] = placed(parsed, layer, policy.name)
            except InputError as error:
                self._placed[key] = f"{quoted(policy.name)} cannot be read: {error.message}"
        return self._placed[key]


def _of_the_account(account: str) -> str:
    """A policy that leaves the decision to the policies of the resource's account."""
    statement = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _in_words(keys: str, outcome: str) -> str:
    """The condition on a request, such as "`aws:SourceIp` meets the policies' conditions"."""
    names = joined([quoted(key) for key in keys.split(" and ")])
    if outcome == "met":
        return f"the policies' conditions on {names} are met"
    if outcome == "not met":
        return f"the policies' conditions on {names} are not met"
    if outcome.startswith("judged by "):
        return f"{names} is {outcome.removeprefix('judged by ')}"
    return f"the policies' conditions on {names} are {outcome}"
