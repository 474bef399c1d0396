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
from aws_iam.engine.evaluation.layers import Layers
from aws_iam.engine.evaluation.missing_keys import outcomes_of_missing_keys
from aws_iam.engine.evaluation.request import request_of
from aws_iam.engine.language.arn import Arn
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.audit.access.block_public_access import cuts_strangers_off
from aws_iam.tools.audit.access.held_policies import NamedPolicy
from aws_iam.tools.audit.access.key_grants import (
    UNKNOWN,
    as_own_policy,
    as_policy,
    key_grants,
    names_an_account,
)
from aws_iam.tools.audit.access.policy_layers import Layer, PolicyLayers
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_iam.account.collect.kms.grants import Grant
    from aws_iam.answer import Decision
    from aws_iam.engine.evaluation.request import Request
    from aws_iam.tools.audit.access.estate import Estate, Member, Principal
    from aws_iam.tools.audit.access.key_grants import KeyGrants
    from aws_iam.tools.audit.access.resource_policies import KnownPolicy

Verdict = Literal["can", "cannot", "unknown"]
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
# Only principals of an organization have these: IAM User Guide, reference_policies_condition-keys.
_ORGANIZATION_KEYS = frozenset({"aws:principalorgid", "aws:principalorgpaths"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Whether a caller can do it; `conditions` are what the request must meet besides, `why` says what is not known."""

    verdict: Verdict
    conditions: tuple[str, ...] = ()
    why: str = ""
    proof: Decision | None = None

    @property
    def is_possible(self) -> bool:
        """Whether it can, or nobody knows."""
        return self.verdict != "cannot"


class Decider:
    """Decides requests in an estate; each policy is parsed once."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._layers = PolicyLayers()
        self._known_grants: dict[tuple[str, str], KeyGrants] = {}

    def decide(
        self,
        principal: Principal,
        action: str,
        resource: str,
        context: Mapping[str, str] | None = None,
        *,
        session: str = "",
    ) -> Access:
        """Whether a user, or any session of a role, can do it; `session` is the ARN of a single session of the role."""
        held, member = principal.held, principal.member
        layers = {
            "identity": self._layers.identity(held),
            "scp": self._layers.guardrail("scp", member),
        }
        if held.has_boundary:
            layers["boundary"] = self._layers.boundary(held)
        caller = {"principal": session or principal.arn}
        if session:
            caller["principal_role"] = principal.arn
        return self._decided(caller, action, resource, member, context, layers)

    def unread_session(
        self,
        arn: str,
        member: Member,
        action: str,
        resource: str,
        context: Mapping[str, str] | None = None,
    ) -> Access:
        """Whether a session of an account of the estate can do it, whose role or user is not known.

        What a policy of the same account lets the session itself do needs no other policy.
        """
        layers = {
            "identity": Layer(why_unread="whose session it is, is not known"),
            "scp": self._layers.guardrail("scp", member),
        }
        owner = self._estate.owner_of(resource)
        if owner is None or owner is member:
            layers["identity"] = Layer(levels=((),))
        return self._decided({"principal": arn}, action, resource, member, context, layers)

    def outsider(
        self, arn: str, action: str, resource: str, context: Mapping[str, str] | None = None
    ) -> Access:
        """Whether a caller from outside the estate can do it, if its own policies allow it."""
        layers = {"identity": self._layers.own_of_stranger()}
        return self._decided({"principal": arn}, action, resource, None, context, layers)

    def _decided(
        self,
        caller: Mapping[str, str],
        action: str,
        resource: str,
        member: Member | None,
        context: Mapping[str, str] | None,
        own: Mapping[str, Layer],
    ) -> Access:
        try:
            request = self._request(caller, action, resource, member, context)
        except InputError as error:
            # A malformed ARN in a snapshot written by hand, or one of a policy that is longer than any.
            return Access(verdict="unknown", why=error.message)
        return self._decide(request, own, member)

    def _decide(self, request: Request, own: Mapping[str, Layer], member: Member | None) -> Access:
        policy = self._estate.policy_of(request.action, request.resource)
        owner = self._estate.owner_of(request.resource)
        layers = dict(own)
        if owner is not None:
            layers["rcp"] = self._layers.guardrail("rcp", owner)
        texts = [NamedPolicy(policy.arn or request.resource, policy.text)] if policy.text else []
        if policy.why_unread and (needs_resource_policy(request) or request.crosses_accounts):
            # Most such policies leave the decision to the account's own; what is found is called unknown.
            account = request.caller.account or request.resource_account
            texts.append(NamedPolicy("a usual policy", _of_the_account(account)))
        if request.service == "kms":
            found = self._with_grants(request, layers, texts, member)
        else:
            layers |= self._of_resource(texts)
            found = self._verdict_of(request, layers, member)
        if policy.why_unread and found.is_possible:
            unread = f"the policy of {quoted(policy.arn)} is not known: {policy.why_unread}"
            return replace(found, verdict="unknown", why=unread)
        return self._unless_blocked(found, request, policy)

    def _verdict_of(
        self, request: Request, layers: Mapping[str, Layer], member: Member | None
    ) -> Access:
        """The verdict, which is unknown where a layer that is not known may make it another one."""
        open_ = [layer.why_unread for layer in layers.values() if layer.why_unread]
        found = self._verdict(request, layers, member)
        if open_ and found.verdict == "can":
            return replace(found, verdict="unknown", why=joined(open_))
        return found

    def _of_resource(
        self, texts: Sequence[NamedPolicy], unread: Sequence[str] = ()
    ) -> dict[str, Layer]:
        if not texts and not unread:
            return {}
        return {"resource": self._layers.layer("resource", (tuple(texts),), unread=unread)}

    def _with_grants(
        self,
        request: Request,
        layers: Mapping[str, Layer],
        texts: Sequence[NamedPolicy],
        member: Member | None,
    ) -> Access:
        """The verdict on a call of KMS, where a grant of the key may give what no policy does."""
        known = self._grants(request.action, request.resource)
        mine = [own for own in known.grants if own.grantee in request.caller.identities]
        free = [own for own in mine if not own.constraints]

        def decided(grants: Sequence[Grant], unread: Sequence[str] = ()) -> Access:
            own = [as_own_policy(grant) for grant in grants if not names_an_account(grant)]
            own += [UNKNOWN] if unread else []
            with_grants = {
                **layers,
                **self._of_resource([*texts, *map(as_policy, grants)], unread),
                "identity": self._layers.with_policies(
                    layers["identity"], tuple(own), needed=request.crosses_accounts
                ),
            }
            return self._verdict_of(request, with_grants, member)

        found = decided(free)
        if len(mine) > len(free) and not found.is_possible:
            found = decided(mine)
            if found.is_possible:
                kinds = joined(sorted({kind for own in mine for kind in own.constraints}))
                told = (*found.conditions, f"the grant's {kinds} holds")
                found = replace(found, conditions=told)
        if known.why_unread and not found.is_possible:
            unread = f"the grants of {quoted(request.resource)}"
            found = decided((), (unread,))
            if found.is_possible:
                found = replace(
                    found, verdict="unknown", why=f"{unread} are not known: {known.why_unread}"
                )
        return found

    def _grants(self, action: str, key: str) -> KeyGrants:
        if (action, key) not in self._known_grants:
            self._known_grants[action, key] = key_grants(self._estate, action, key)
        return self._known_grants[action, key]

    def _unless_blocked(self, found: Access, request: Request, policy: KnownPolicy) -> Access:
        """What callers of other accounts can do with a bucket, but for Block Public Access."""
        is_stranger = request.caller.kind is not CallerKind.SERVICE and request.crosses_accounts
        if not is_stranger or not found.is_possible or not policy.text:
            return found
        owner = self._estate.owner_of(request.resource)
        blocked = cuts_strangers_off(owner, policy.text, request.resource)
        if blocked is None:
            return replace(
                found,
                verdict="unknown",
                why="whether Block Public Access keeps strangers out is not known",
            )
        return Access(verdict="cannot") if blocked else found

    def _verdict(
        self, request: Request, given: Mapping[str, Layer], member: Member | None
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
        impossible = self._absent_keys(member, request)
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

    def _absent_keys(self, member: Member | None, request: Request) -> frozenset[str]:
        """The keys that no request of such a caller has."""
        if request.caller.kind is CallerKind.SERVICE:
            return _ORGANIZATION_KEYS
        alone = member is not None and member.guardrails.organization is None
        return SERVICE_CALL_KEYS | (_ORGANIZATION_KEYS if alone else frozenset())

    def _request(
        self,
        caller: Mapping[str, str],
        action: str,
        resource: str,
        member: Member | None,
        context: Mapping[str, str] | None,
    ) -> Request:
        owner = self._estate.owner_of(resource)
        known = {**_callers_account(caller["principal"], action), **(context or {})}
        if member and member.guardrails.organization:
            known["aws:PrincipalOrgID"] = member.guardrails.organization
        if owner and owner.guardrails.organization:
            known["aws:ResourceOrgID"] = owner.guardrails.organization
        asked: dict[str, Any] = {
            **caller,
            "action": action,
            "resource": resource,
            "context": known,
        }
        if owner:
            asked["resource_account"] = owner.account.id
        manager = (member or owner) and (member or owner).management_account  # type: ignore[union-attr]
        if manager:
            asked["management_account"] = manager
        return request_of(asked)


def _callers_account(caller: str, action: str) -> dict[str, str]:
    """The key of the service that holds the caller's account; a service and an identity of a provider have none."""
    key = _CALLERS_ACCOUNT.get(action.partition(":")[0].lower())
    found = Arn.of(caller) if key else None
    if key is None or found is None or "-provider/" in found.resource:
        return {}
    return {key: found.account}


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
