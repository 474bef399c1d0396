"""AWS's order of evaluation: which layer denies, which has to allow and does not, and which grants.

`verdict_on` with `_lacking` is the order itself. Sources: IAM User Guide, reference_policies_evaluation-logic_policy-eval-denyallow
and reference_policies_evaluation-logic-cross-account; Organizations User Guide, orgs_manage_policies_scps_evaluation and
orgs_manage_policies_rcps_evaluation; KMS Developer Guide, policy-evaluation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from aws_iam.engine.evaluation.caller import CallerKind, Grade
from aws_iam.engine.evaluation.fixed_outcomes import always_allowed, never_allowed
from aws_iam.engine.evaluation.layers import LAYERS
from aws_iam.engine.reference.catalog import catalog
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.evaluation.layers import Layers
    from aws_iam.engine.evaluation.matching import Hit
    from aws_iam.engine.evaluation.request import Request


EVALUATION_LOGIC = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html"
)
"""The page that an answer about a decision names as its source."""
# Tuples: comparing members one by one is faster than hashing them.
_OWN_IDENTITY = (CallerKind.USER, CallerKind.SESSION, CallerKind.FEDERATED)
_OF_ACCOUNT = (*_OWN_IDENTITY, CallerKind.ROOT)
_TRUST = frozenset({"sts:assumerole", "sts:assumerolewithwebidentity", "sts:assumerolewithsaml"})
BEYOND_RCPS = frozenset({"kms:retiregrant"})
"""The actions, in lower case, that no RCP restricts, though RCPs apply to their service."""
# Part of the call that assumes the role: the trust policy must allow them, too.
_TRUST_COMPANIONS = frozenset({"sts:tagsession", "sts:setsourceidentity", "sts:setcontext"})
BUCKET_POLICY_ACTIONS = frozenset(
    {"s3:deletebucketpolicy", "s3:getbucketpolicy", "s3:putbucketpolicy"}
)
"""What a bucket policy cannot keep the root user of its account from: Amazon S3 API Reference, API_PutBucketPolicy."""


@slotted
class LayerDecisions:
    """What each layer says to a request: which ones exist, deny and allow."""

    request: Request
    layers: Layers
    hits: tuple[Hit, ...]
    # Unreadable layers that count as allowing everything; the others count as allowing nothing.
    friendly: frozenset[str] = frozenset()

    def applies(self, layer: str) -> bool:
        """Whether the layer exists and applies to this caller or this resource."""
        return layer in self.layers.levels and binds(layer, self.request)

    @property
    def denying(self) -> tuple[str, ...]:
        """Every layer with a Deny that applies to the request."""
        found = {hit.placed.layer for hit in self.hits if hit.statement.denies}
        if not found:
            return ()
        return tuple(layer for layer in LAYERS if layer in found and self.applies(layer))

    def allows(self, layer: str) -> bool:
        """Whether the layer has an Allow that applies to the request; an SCP or RCP needs one at every level."""
        if layer in self.layers.unreadable:
            return layer in self.friendly
        levels = {hit.level for hit in self.allowing(layer)}
        return len(levels) == len(self.layers.levels.get(layer, ((),)))

    def allowing(self, layer: str) -> tuple[Hit, ...]:
        """The Allow statements of a layer that apply to the request."""
        return tuple([h for h in self.hits if h.placed.layer == layer and h.statement.allows])

    def lacks(self, *layers: str) -> tuple[str, ...]:
        """Which of these layers apply to the request and do not allow it."""
        return tuple([layer for layer in layers if self.applies(layer) and not self.allows(layer)])

    @property
    def grade(self) -> Grade:
        """The highest grade at which the resource's policy allows the caller."""
        if "resource" in self.layers.unreadable:
            return Grade.DIRECT if "resource" in self.friendly else Grade.NONE
        hits = self.allowing("resource")
        return max([hit.grade for hit in hits]) if hits else Grade.NONE

    @property
    def is_outsider(self) -> bool:
        """Whether the caller has no policies of its own: a service, an identity of a provider, or anonymous."""
        return self.request.caller.kind not in _OF_ACCOUNT

    @property
    def lacking_resource(self) -> tuple[str, ...]:
        """`resource` when its policy does not allow the caller at any grade."""
        return () if self.grade else ("resource",)

    @property
    def lacking_identity(self) -> tuple[str, ...]:
        """`identity` when no policy of the caller allows the request; the root user needs none."""
        if self.request.caller.kind is CallerKind.ROOT or self.allows("identity"):
            return ()
        return ("identity",)

    @property
    def lacking_session(self) -> tuple[str, ...]:
        """`session` when its policies do not allow; a federated user session has no permissions without one."""
        if self.request.caller.kind is CallerKind.FEDERATED and "session" not in self.layers:
            return ("session",)
        return self.lacks("session")

    @property
    def granted_by(self) -> tuple[str, ...]:
        """For an allowed request: the layers whose Allow was enough, alone or together."""
        resource = ("resource",) if self.grade else ()
        if self.request.caller.kind is CallerKind.ROOT:
            return resource or ("root",)
        own = (*self.lacking_identity, *self.lacks("boundary"), *self.lacking_session)
        return resource if self.is_outsider or own else ("identity", *resource)


def needs_resource_policy(request: Request) -> bool:
    """Whether the resource's own policy must allow even callers of its account: KMS keys and role trust policies."""
    action = request.action.lower()
    if request.service == "kms":
        return ":key/" in request.resource
    return action in _TRUST | _TRUST_COMPANIONS and ":role/" in request.resource


def binds(layer: str, request: Request) -> bool:
    """Whether such a layer applies to this caller (scp, boundary, session) or this resource (rcp)."""
    caller = request.caller
    action = request.action.lower()
    match layer:
        case "scp":
            member = caller.account != request.management_account
            return caller.kind in _OF_ACCOUNT and member and not caller.is_service_linked
        case "rcp":
            covered = request.service in catalog().rcp_services
            linked = ":role/aws-service-role/" in request.resource and action in _TRUST
            exempt = linked or action in BEYOND_RCPS or caller.is_service_linked
            managed = request.resource_account and (
                request.resource_account == request.management_account
            )
            return covered and not exempt and not managed
        case "identity" | "boundary" | "session":
            return caller.kind in _OWN_IDENTITY
        case "resource":
            # S3 always lets the root user of the bucket's account repair a policy that locks everybody out.
            own = caller.kind is CallerKind.ROOT and not request.crosses_accounts
            return not (own and action in BUCKET_POLICY_ACTIONS)
        case _:
            return True


Outcome = Literal["Allowed", "ExplicitlyDenied", "ImplicitlyDenied", "Unknown"]


@slotted
class Verdict:
    """The outcome, the layers that granted or refused the request, and every layer that blocks it."""

    outcome: Outcome
    decided_by: tuple[str, ...]
    blocked_by: tuple[str, ...] = ()
    reason: str = ""


def verdict_on(at: LayerDecisions) -> Verdict:
    """AWS's flow chart: any Deny decides; else every layer that has to allow must allow."""
    if reason := always_allowed(at.request):
        return Verdict(outcome="Allowed", decided_by=("always",), reason=reason)
    never = never_allowed(at.request)
    lacking = tuple(_lacking(at))
    if denying := at.denying:
        every = tuple(layer for layer in LAYERS if layer in {*denying, *lacking})
        return Verdict(
            outcome="ExplicitlyDenied", decided_by=denying[:1], blocked_by=every, reason=never
        )
    if lacking or never:
        return Verdict(
            outcome="ImplicitlyDenied", decided_by=lacking[:1], blocked_by=lacking, reason=never
        )
    return Verdict(outcome="Allowed", decided_by=at.granted_by)


def _lacking(at: LayerDecisions) -> Iterator[str]:
    """Every layer that has to allow and does not, in the order of AWS's flow chart."""
    # Do the resource's organization, the caller's organization and the VPC endpoint let the request pass?
    yield from at.lacks("rcp", "scp", "vpc_endpoint")

    # Does the caller have no policies of its own? Then the resource policy decides.
    if at.is_outsider:
        yield from at.lacking_resource
        return

    # Does the resource belong to another account? Then both sides must allow.
    if at.request.crosses_accounts:
        yield from (*at.lacking_identity, *at.lacks("boundary"), *at.lacking_session)
        yield from at.lacking_resource
        return

    # Does the resource policy name the user or the session itself? That is enough.
    if at.grade is Grade.DIRECT:
        return

    # Does it name the role, or the user behind a federated session? Then no identity policy is needed.
    if at.grade is not Grade.ROLE:
        # The policy of a key or a role must allow in any case, at least by naming the account.
        if needs_resource_policy(at.request):
            yield from at.lacking_resource
        yield from at.lacking_identity
    yield from at.lacks("boundary")
    yield from at.lacking_session
