"""Decides requests of the estate's principals over all that limits them: a verdict, the conditions left open, a proof.

Decider(estate).decide(principal, "s3:GetObject", "arn:aws:s3:::books/2026.csv")   →   Access(verdict="can", conditions=(), …)
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.engine.evaluation.caller import CallerKind
from aws_iam.engine.evaluation.decision_flow import needs_resource_policy
from aws_iam.engine.evaluation.layers import Layers
from aws_iam.engine.evaluation.request import request_of
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.tools.audit.access.block_public_access import cuts_strangers_off
from aws_iam.tools.audit.access.endpoint_limits import known_endpoints
from aws_iam.tools.audit.access.held_policies import NamedPolicy
from aws_iam.tools.audit.access.key_grants import (
    UNKNOWN,
    as_own_policy,
    as_policy,
    key_grants,
    names_an_account,
)
from aws_iam.tools.audit.access.known_tags import KnownTags
from aws_iam.tools.audit.access.partial_evaluation import partial_verdict
from aws_iam.tools.audit.access.policy_layers import Layer, PolicyLayers
from aws_iam.tools.audit.access.request_keys import RequestKeys, only_region
from aws_iam.tools.audit.access.resource_policies import KnownPolicy, lists_kind
from aws_iam.tools.audit.access.resource_samples import ResourceSamples, Samples, pattern_groups
from aws_iam.tools.audit.access.verdicts import Access, Verdicts
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from aws_iam.account.collect.kms.grants import Grant
    from aws_iam.engine.evaluation.request import Request
    from aws_iam.engine.language.document import Statement
    from aws_iam.tools.audit.access.asked_resources import ResourcePattern
    from aws_iam.tools.audit.access.estate import Estate, Member, Principal
    from aws_iam.tools.audit.access.key_grants import KeyGrants

# kms:CallerAccount: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html. The default policy of a topic
# lets in everyone whose aws:SourceOwner is the topic's account: https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
_CALLERS_ACCOUNT = {"kms": "kms:CallerAccount", "sns": "aws:SourceOwner"}
_REGION = 3
_READING = frozenset({"List", "Read"})
# A path is no parameter, and parameters below it may exist.
_OF_PATHS = frozenset({"ssm:GetParametersByPath"})


@slotted
class _OfResource:
    """What a resource adds to a decision: its policy as it is known, the layers, and the policies of its own layer."""

    policy: KnownPolicy
    layers: Mapping[str, Layer]
    texts: tuple[NamedPolicy, ...]


class Decider:
    """Decides requests in an estate; each policy is parsed once. Tags that are not `known` are conditions left open."""

    def __init__(self, estate: Estate, known: KnownTags | None = None) -> None:
        self._estate = estate
        self._tags = known or KnownTags()
        self._layers = PolicyLayers()
        self.keys = RequestKeys(estate)
        self._known_grants: dict[tuple[str, str], KeyGrants] = {}
        self._of_resources: dict[tuple[str, str, str, str], _OfResource] = {}
        self._resources = ResourceSamples()
        # Resources of patterns that no account has: they have no policy either.
        self._made_up: set[str] = set()
        dates = [int(own.account.collected_at.timestamp()) for own in estate.members.values()]
        self._verdicts = Verdicts(min(dates, default=0), known_endpoints(estate, self._layers))

    def decide(
        self,
        principal: Principal,
        action: str,
        resource: str,
        context: Mapping[str, str] | None = None,
        *,
        session: str = "",
        absent: frozenset[str] = frozenset(),
    ) -> Access:
        """Whether a user, or any session of a role, can do it; `session` is the ARN of a single session of the role.

        `absent` are keys, in lower case, that the request lacks.
        """
        caller, layers = self._caller(principal, session), self.own_layers(principal)
        return self._decided(caller, action, resource, principal.member, context, layers, absent)

    def decide_supposing(
        self,
        principal: Principal,
        action: str,
        resource: str,
        context: Mapping[str, str],
        *,
        absent: frozenset[str] = frozenset(),
        trust: str | None = None,
        session: str = "",
    ) -> Access:
        """The same where the role that is meant had the trust policy `trust`; `absent` are keys that the request lacks."""
        layers = self.own_layers(principal)
        try:
            request = self._request(
                self._caller(principal, session), action, resource, principal.member, context
            )
        except InputError as error:
            return Access(verdict="unknown", why=error.message)
        if trust is None:
            layers |= self._of_resource(request).layers
        else:
            owner = self._estate.owner_of(resource)
            layers |= {"rcp": self._layers.guardrail("rcp", owner)} if owner else {}
            layers |= self._resource_layer([NamedPolicy(resource, trust)])
        return self._verdict_of(request, layers, principal.member, absent)

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
        self,
        arn: str,
        action: str,
        resource: str,
        context: Mapping[str, str] | None = None,
        *,
        absent: frozenset[str] = frozenset(),
    ) -> Access:
        """Whether a caller from outside the estate can do it, if its own policies allow it."""
        layers = {"identity": self._layers.own_of_stranger()}
        return self._decided({"principal": arn}, action, resource, None, context, layers, absent)

    def outsider_supposing(self, arn: str, action: str, resource: str, trust: str) -> Access:
        """The same where the role that is meant had the trust policy `trust`."""
        layers = {"identity": self._layers.own_of_stranger()}
        try:
            request = self._request({"principal": arn}, action, resource, None, None)
        except InputError as error:
            return Access(verdict="unknown", why=error.message)
        owner = self._estate.owner_of(resource)
        layers |= {"rcp": self._layers.guardrail("rcp", owner)} if owner else {}
        layers |= self._resource_layer([NamedPolicy(resource, trust)])
        return self._verdict_of(request, layers, None)

    def samples(
        self, principal: Principal, action: str, pattern: ResourcePattern, *, session: str = ""
    ) -> Samples:
        """Resources of a pattern on which the principal's access may differ; none where it has access to none."""
        caller = self._caller(principal, session)
        return self._samples(caller, action, pattern, principal.member, self.own_layers(principal))

    def samples_of_outsider(self, arn: str, action: str, pattern: ResourcePattern) -> Samples:
        """Resources of a pattern on which the access of a caller from outside the estate may differ."""
        own = {"identity": self._layers.own_of_stranger()}
        return self._samples({"principal": arn}, action, pattern, None, own)

    def _samples(
        self,
        caller: Mapping[str, str],
        action: str,
        pattern: ResourcePattern,
        member: Member | None,
        own: Mapping[str, Layer],
    ) -> Samples:
        try:
            request = self._request(caller, action, pattern.text, member, None)
        except InputError:
            # The decision on it says why.
            return Samples((pattern.text,))
        if set("*?") & set(request.resource.split(":")[_REGION]):
            request = request.without_key("aws:RequestedRegion")
        layers = {**own, **self._of_resource(request).layers}
        is_open = self._openness(request, member)
        verdict, hits = partial_verdict(request, _as_layers(layers), is_open)
        if verdict.outcome not in {"Allowed", "Unknown"}:
            return Samples(())
        alike = verdict.outcome == "Allowed"
        taking = [] if alike else [(hit.statement, hit.placed.has_variables) for hit in hits]
        return self._combined(request, pattern, taking, is_open)

    def samples_of_anyone(self, action: str, pattern: ResourcePattern) -> Samples:
        """Resources of a pattern that the policies of the resource tell apart."""
        request = self._request({"principal": "*"}, action, pattern.text, None, None)
        layers = self._of_resource(request).layers
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

    def is_made_up(self, resource: str) -> bool:
        """Whether it is a sample of a pattern that no account has."""
        return resource in self._made_up

    def reads_nothing(self, action: str, resource: str) -> bool:
        """Whether the action only reads, and the resource is a sample that no account has."""
        known = catalog().action(action)
        is_reading = known is not None and known.level in _READING and action not in _OF_PATHS
        return is_reading and self.is_made_up(resource) and lists_kind(resource)

    def policy_of(self, action: str, resource: str) -> KnownPolicy:
        """What is known of the policy of a resource; a sample that no account has has none."""
        policy = self._estate.policy_of(action, resource)
        return KnownPolicy() if policy.text is None and self.is_made_up(resource) else policy

    def _caller(self, principal: Principal, session: str) -> dict[str, str]:
        if not session:
            return {"principal": principal.arn}
        return {"principal": session, "principal_role": principal.arn}

    def own_layers(self, principal: Principal) -> dict[str, Layer]:
        """The layers that bind a principal, whatever the resource."""
        held = principal.held
        layers = {
            "identity": self._layers.identity(held),
            "scp": self._layers.guardrail("scp", principal.member),
        }
        if held.has_boundary:
            layers["boundary"] = self._layers.boundary(held)
        if principal.session is not None:
            layers["session"] = self._layers.session(principal.session)
        return layers

    def _decided(
        self,
        caller: Mapping[str, str],
        action: str,
        resource: str,
        member: Member | None,
        context: Mapping[str, str] | None,
        own: Mapping[str, Layer],
        absent: frozenset[str] = frozenset(),
    ) -> Access:
        try:
            request = self._request(caller, action, resource, member, context)
        except InputError as error:
            # A malformed ARN in a snapshot written by hand, or one of a policy that is longer than any.
            return Access(verdict="unknown", why=error.message)
        return self._decide(request, own, member, absent)

    def _decide(
        self,
        request: Request,
        own: Mapping[str, Layer],
        member: Member | None,
        absent: frozenset[str],
    ) -> Access:
        added = self._of_resource(request)
        policy, layers = added.policy, {**own, **added.layers}
        found = (
            self._with_grants(request, layers, added.texts, member)
            if request.service == "kms"
            else self._verdict_of(request, layers, member, absent)
        )
        if policy.why_unread and found.is_possible:
            unread = f"the policy of {quoted(policy.arn)} is not known: {policy.why_unread}"
            return replace(found, verdict="unknown", why=unread)
        return self._unless_blocked(found, request, policy)

    def _of_resource(self, request: Request) -> _OfResource:
        """What the resource adds, which is the same for all callers of an account."""
        account = request.caller.account
        asked = (request.action, request.resource, request.resource_account, account)
        if asked not in self._of_resources:
            self._of_resources[asked] = self._read_of_resource(request)
        return self._of_resources[asked]

    def _read_of_resource(self, request: Request) -> _OfResource:
        policy = self.policy_of(request.action, request.resource)
        owner = self._estate.owner_of(request.resource)
        texts = [NamedPolicy(policy.arn or request.resource, policy.text)] if policy.text else []
        if policy.why_unread and (needs_resource_policy(request) or request.crosses_accounts):
            # Most such policies leave the decision to the account's own; what is found is called unknown.
            account = request.caller.account or request.resource_account
            texts.append(NamedPolicy("a usual policy", _of_the_account(account)))
        layers = {"rcp": self._layers.guardrail("rcp", owner)} if owner else {}
        layers |= self._resource_layer(texts)
        return _OfResource(policy=policy, layers=layers, texts=tuple(texts))

    def _verdict_of(
        self,
        request: Request,
        layers: Mapping[str, Layer],
        member: Member | None,
        absent: frozenset[str] = frozenset(),
    ) -> Access:
        """The verdict, which is unknown where a layer that is not known may make it another one."""
        open_ = [layer.why_unread for layer in layers.values() if layer.why_unread]
        is_open = self._openness(request, member, absent)
        found = self._verdicts.of(request, _as_layers(layers), is_open)
        if open_ and found.verdict == "can":
            return replace(found, verdict="unknown", why=joined(open_))
        return found

    def _resource_layer(
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
                **self._resource_layer([*texts, *map(as_policy, grants)], unread),
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

    def _openness(
        self, request: Request, member: Member | None, lacking: frozenset[str] = frozenset()
    ) -> Callable[[str], bool]:
        """Whether a key may have any value in such a request; `lacking` are keys that it has not."""
        lacks = self.keys.lacking(request, member)
        whose = (request.caller.role or request.caller.arn, request.action, request.resource)

        def is_open(key: str) -> bool:
            lower = key.lower()
            is_settled = lower in lacking or request.context.has(key) or lacks(lower)
            return not (is_settled or self._tags.settles(lower, *whose))

        return is_open

    def _request(
        self,
        caller: Mapping[str, str],
        action: str,
        resource: str,
        member: Member | None,
        context: Mapping[str, str] | None,
    ) -> Request:
        owner = self._estate.owner_of(resource)
        who = caller.get("principal_role", caller["principal"])
        known = {**self._tags.keys(who, action, resource), **(context or {})}
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
        request = request_of(asked)
        key = _CALLERS_ACCOUNT.get(request.service)
        if key and request.caller.account and request.caller.kind is not CallerKind.IDENTITY:
            request = request.with_key(key, request.caller.account)
        region = only_region(request.service, request.caller.partition)
        if region and not request.context.has("aws:RequestedRegion"):
            request = request.with_key("aws:RequestedRegion", region)
        # A service may call on behalf of the caller.
        return request.without_key("aws:ViaAWSService")


def _of_the_account(account: str) -> str:
    """A policy that leaves the decision to the policies of the resource's account."""
    statement = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _as_layers(given: Mapping[str, Layer]) -> Layers:
    return Layers(
        levels={name: layer.levels for name, layer in given.items() if layer.levels},
        unreadable=frozenset(
            name for name, layer in given.items() if layer.why_unread and not layer.levels
        ),
    )
