"""Decides requests of the estate's principals over all that limits them: a verdict, the conditions left open, a proof.

Decider(estate).decide(principal, "s3:GetObject", "arn:aws:s3:::books/2026.csv")   →   Access(verdict="can", conditions=(), …)
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from aws_iam.engine.comparison.automaton import Budget
from aws_iam.engine.evaluation.caller import CallerKind
from aws_iam.engine.evaluation.decision_flow import needs_resource_policy
from aws_iam.engine.evaluation.evaluate import evaluate_request
from aws_iam.engine.evaluation.layers import KIND_OF_LAYER, Layers, placed
from aws_iam.engine.evaluation.request import request_of
from aws_iam.engine.language.usable import refuse_unusable
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.audit.access.condition_search import ConditionSearch, Values
from aws_iam.tools.audit.access.condition_words import conditions_of
from aws_iam.tools.audit.access.held_policies import NamedPolicy
from aws_iam.tools.audit.access.partial_evaluation import partial_verdict
from aws_iam.tools.audit.access.resource_policies import KnownPolicy
from aws_iam.tools.audit.access.resource_samples import ResourceSamples, Samples, pattern_groups
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from aws_iam.answer import Decision
    from aws_iam.engine.evaluation.decision_flow import Outcome
    from aws_iam.engine.evaluation.layers import PlacedPolicy
    from aws_iam.engine.evaluation.request import Request
    from aws_iam.engine.language.document import Statement
    from aws_iam.tools.audit.access.asked_resources import ResourcePattern
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
# kms:CallerAccount: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html. The default policy of a topic
# lets in everyone whose aws:SourceOwner is the topic's account: https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
_CALLERS_ACCOUNT = {"kms": "kms:CallerAccount", "sns": "aws:SourceOwner"}
_REGION = 3
# Steps of all searches over condition keys in one question.
_MOST_STEPS = 5_000_000
# The root user of another account stands for whomever that account lets in.
_WITH_USER_NAME = frozenset({CallerKind.USER, CallerKind.ROOT})
_VERDICTS: Mapping[Outcome, Verdict] = {
    "Allowed": "can",
    "ImplicitlyDenied": "cannot",
    "ExplicitlyDenied": "cannot",
    "Unknown": "unknown",
}
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
        self._of_resources: dict[tuple[str, str, str], tuple[KnownPolicy, dict[str, _Layer]]] = {}
        self._values: Values = {}
        self._budget = Budget(_MOST_STEPS)
        self._resources = ResourceSamples()
        # Resources of patterns that no account has: they have no policy either.
        self._made_up: set[str] = set()
        self._now = min(
            (int(own.account.collected_at.timestamp()) for own in estate.members.values()),
            default=0,
        )

    def decide(
        self,
        principal: Principal,
        action: str,
        resource: str,
        context: Mapping[str, str] | None = None,
    ) -> Access:
        """Whether a user, or any session of a role, can do it."""
        member = principal.member
        layers = self._own_layers(principal)
        unread = [*principal.held.unread, *filter(None, [layers["identity"].why_unread])]
        request = self._request(principal.arn, action, resource, member, context)
        if request is None:
            return Access(verdict="cannot")
        found = self._decide(request, layers, member)
        return self._without_unread(found, request, layers, member, unread)

    def samples(self, principal: Principal, action: str, pattern: ResourcePattern) -> Samples:
        """Resources of a pattern on which the principal's access may differ; none where it has access to none."""
        layers = self._own_layers(principal)
        if principal.held.unread or layers["identity"].why_unread:
            layers["identity"] = self._with_everything(layers["identity"])
        request = self._request(principal.arn, action, pattern.text, principal.member, None)
        return self._samples(request, layers, principal.member, pattern)

    def outside_samples(self, action: str, pattern: ResourcePattern) -> Samples:
        """Resources of a pattern that the policies of the resource tell apart."""
        request = self._request("*", action, pattern.text, None, None)
        if request is None:
            return Samples(())
        _, layers = self._with_resource(request, {})
        taking = [
            (own.statement, placed.has_variables)
            for layer in layers.values()
            for level in layer.levels
            for placed in level
            for own in placed.statements
            if own.takes(action.lower())
        ]
        # Whose keys they are is not known: any text may stand for a variable.
        return self._combined(request, pattern, taking, lambda key: not request.context.has(key))

    def outsider(
        self, arn: str, action: str, resource: str, context: Mapping[str, str] | None = None
    ) -> Access:
        """Whether a caller from outside the estate can do it, if its own policies allow it."""
        request = self._request(arn, action, resource, None, context)
        if request is None:
            return Access(verdict="cannot")
        return self._decide(request, {"identity": self._with_everything(_Layer())}, None)

    def _own_layers(self, principal: Principal) -> dict[str, _Layer]:
        """The layers that bind a principal, whatever the resource."""
        held = principal.held
        layers = {
            "identity": self._layer("identity", (held.policies,)),
            "scp": self._guardrail("scp", principal.member),
        }
        if held.has_boundary:
            layers["boundary"] = (
                self._layer("boundary", ((held.boundary,),))
                if held.boundary
                else _Layer(why_unread="its permissions boundary was not read")
            )
        return layers

    def _with_everything(self, identity: _Layer) -> _Layer:
        """The identity policies with one that allows everything."""
        everything = self._layer("identity", ((NamedPolicy("its own policies", _EVERYTHING),),))
        known = identity.levels
        return _Layer(levels=((*(known[0] if known else ()), *everything.levels[0]),))

    def _decide(
        self, request: Request, own: Mapping[str, _Layer], member: Member | None
    ) -> Access:
        policy, layers = self._with_resource(request, own)
        open_ = [layer.why_unread for layer in layers.values() if layer.why_unread]
        found = self._verdict(request, layers, member)
        if policy.why_unread and found.is_possible:
            unread = f"the policy of {quoted(policy.arn)} is not known: {policy.why_unread}"
            return replace(found, verdict="unknown", why=unread)
        if open_ and found.verdict == "can":
            return replace(found, verdict="unknown", why=joined(open_))
        return found

    def policy_of(self, action: str, resource: str) -> KnownPolicy:
        """What is known of the policy of a resource; a sample that no account has has none."""
        policy = self._estate.policy_of(action, resource)
        return KnownPolicy() if policy.text is None and resource in self._made_up else policy

    def _with_resource(
        self, request: Request, own: Mapping[str, _Layer]
    ) -> tuple[KnownPolicy, dict[str, _Layer]]:
        """The layers with those that the resource adds, and what is known of its policy."""
        asked = (request.action, request.resource, request.resource_account)
        if asked not in self._of_resources:
            self._of_resources[asked] = self._resource_layers(request)
        policy, layers = self._of_resources[asked]
        return policy, {**own, **layers}

    def _resource_layers(self, request: Request) -> tuple[KnownPolicy, dict[str, _Layer]]:
        """The layers of the resource, which are the same for all callers."""
        policy = self.policy_of(request.action, request.resource)
        layers = {}
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
        return policy, layers

    def _verdict(
        self, request: Request, given: Mapping[str, _Layer], member: Member | None
    ) -> Access:
        layers = _as_layers(given)
        evaluation = evaluate_request(request, layers)
        decision = evaluation.decision
        is_open = self._openness(request, member)
        if not any(map(is_open, decision.missing_keys)):
            found: Verdict = _VERDICTS[decision.outcome]
            return Access(verdict=found, why=evaluation.reason, proof=decision)
        whole, hits = partial_verdict(request, layers, is_open)
        if whole.outcome == "Allowed":
            return Access(verdict="can", proof=decision)
        if whole.outcome != "Unknown":
            return Access(verdict="cannot", proof=decision)
        search = ConditionSearch(
            request=request,
            layers=layers,
            hits=hits,
            is_open=is_open,
            now=self._now,
            values=self._values,
            budget=self._budget,
        )
        openings = search.found()
        if openings.request is not None:
            opened = evaluate_request(openings.request, layers).decision
            if opened.outcome == "Allowed":
                return Access(
                    verdict="can",
                    conditions=conditions_of(openings.alternatives, complete=openings.complete),
                    proof=opened,
                )
        at_most = replace(search, friendly=True).found()
        if openings.complete and at_most.complete and at_most.request is None:
            return Access(verdict="cannot", proof=decision)
        why = evaluation.reason or openings.why or at_most.why or whole.reason
        return Access(verdict="unknown", why=why, proof=decision)

    def _samples(
        self,
        request: Request | None,
        own: Mapping[str, _Layer],
        member: Member | None,
        pattern: ResourcePattern,
    ) -> Samples:
        if request is None:
            return Samples(())
        if set("*?") & set(request.resource.split(":")[_REGION]):
            request = request.without_key("aws:RequestedRegion")
        _, layers = self._with_resource(request, own)
        is_open = self._openness(request, member)
        verdict, hits = partial_verdict(request, _as_layers(layers), is_open)
        if verdict.outcome not in {"Allowed", "Unknown"}:
            return Samples(())
        alike = verdict.outcome == "Allowed"
        taking = [] if alike else [(hit.statement, hit.placed.has_variables) for hit in hits]
        return self._combined(request, pattern, taking, is_open)

    def _combined(
        self,
        request: Request,
        pattern: ResourcePattern,
        statements: Iterable[tuple[Statement, bool]],
        is_open: Callable[[str], bool],
    ) -> Samples:
        """A resource for each set of the statements' patterns that one can match."""
        groups, exact = pattern_groups(statements, request, is_open)
        found = self._resources.of(pattern.text, pattern.formats, groups)
        if pattern.lists_existing:
            self._made_up.update(
                arn
                for arn in found.arns
                if not any(arn in own.resources for own in self._estate.members.values())
            )
        return Samples(found.arns, complete=exact and found.complete)

    def _openness(self, request: Request, member: Member | None) -> Callable[[str], bool]:
        """Whether a key may have any value in such a request."""
        absent = self._absent_keys(request.caller.kind, member)
        return lambda key: key.lower() not in absent and not request.context.has(key)

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
        joint = self._with_everything(layers["identity"])
        at_most = self._decide(request, {**layers, "identity": joint}, member)
        return replace(at_most, verdict="unknown", why=why) if at_most.is_possible else found

    def _absent_keys(self, kind: CallerKind, member: Member | None) -> frozenset[str]:
        """The keys that no request of such a caller has."""
        alone = member is not None and member.guardrails.organization is None
        is_service = kind is CallerKind.SERVICE
        absent = frozenset() if is_service else SERVICE_CALL_KEYS
        if alone or is_service:
            absent |= _ORGANIZATION_KEYS
        return absent if kind in _WITH_USER_NAME else absent | {"aws:username"}

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
            request = request_of(asked)
        except InputError:
            # The ARN is malformed, which happens only in a snapshot written by hand.
            return None
        key = _CALLERS_ACCOUNT.get(request.service)
        if key and request.caller.account and request.caller.kind is not CallerKind.IDENTITY:
            request = request.with_key(key, request.caller.account)
        # A service may call on behalf of the caller.
        return request.without_key("aws:ViaAWSService")

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


def _as_layers(given: Mapping[str, _Layer]) -> Layers:
    return Layers(
        levels={name: layer.levels for name, layer in given.items() if layer.levels},
        unreadable=frozenset(
            name for name, layer in given.items() if layer.why_unread and not layer.levels
        ),
    )
