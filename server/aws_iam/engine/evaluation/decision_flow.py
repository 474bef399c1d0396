"""A request among its layers, as the order of evaluation sees it: what binds, what denies, what allows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from aws_iam.engine.evaluation.beyond import always_allowed, never_allowed
from aws_iam.engine.evaluation.caller import CallerKind, Grade
from aws_iam.engine.evaluation.layers import LAYERS
from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.reference.catalog import catalog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.evaluation.layers import Layers
    from aws_iam.engine.evaluation.matching import Hit
    from aws_iam.engine.evaluation.request import Request


# Compared one by one, which is quicker than the hash of an enumeration's member.
_OWN_IDENTITY = (CallerKind.USER, CallerKind.SESSION, CallerKind.FEDERATED)
_OF_ACCOUNT = (*_OWN_IDENTITY, CallerKind.ROOT)
_TRUST = frozenset({"sts:assumerole", "sts:assumerolewithwebidentity", "sts:assumerolewithsaml"})
# These belong to the call that assumes the role, and its trust policy must allow them as well.
_TRUST_COMPANIONS = frozenset({"sts:tagsession", "sts:setsourceidentity", "sts:setcontext"})
# Amazon S3 API Reference, API_DeleteBucketPolicy, API_GetBucketPolicy, API_PutBucketPolicy.
_BUCKET_POLICY = frozenset({"s3:deletebucketpolicy", "s3:getbucketpolicy", "s3:putbucketpolicy"})


# Not slotted, so that what is asked again and again is found out once.
@dataclass(frozen=True, kw_only=True)
class LayerDecisions:
    """A request among its layers, as the order of evaluation sees it: what denies, what allows, what exists."""

    request: Request
    layers: Layers
    hits: tuple[Hit, ...]
    # Layers whose policies nobody could read count as the friendliest or as the strictest there could be.
    friendly: frozenset[str] = frozenset()

    def applies(self, layer: str) -> bool:
        """Whether the layer exists and binds this caller or this resource."""
        return layer in self.layers.levels and binds(layer, self.request)

    @property
    def denying(self) -> tuple[str, ...]:
        """Every layer with a Deny that the request meets."""
        found = {hit.placed.layer for hit in self.hits if hit.statement.denies}
        if not found:
            return ()
        return tuple(layer for layer in LAYERS if layer in found and self.applies(layer))

    def allows(self, layer: str) -> bool:
        """Whether an Allow of the layer meets the request; of an SCP or RCP at every level."""
        if layer in self.layers.unreadable:
            return layer in self.friendly
        levels = {hit.level for hit in self.allowing(layer)}
        return len(levels) == len(self.layers.levels.get(layer, ((),)))

    def allowing(self, layer: str) -> tuple[Hit, ...]:
        """The Allow statements of a layer that the request meets."""
        return tuple([h for h in self.hits if h.placed.layer == layer and h.statement.allows])

    def lacks(self, *layers: str) -> tuple[str, ...]:
        """Those of the layers that bind the request and do not allow it."""
        return tuple([layer for layer in layers if self.applies(layer) and not self.allows(layer)])

    @cached_property
    def grade(self) -> Grade:
        """The best grade at which the resource's policy allows the caller."""
        if "resource" in self.layers.unreadable:
            return Grade.DIRECT if "resource" in self.friendly else Grade.NONE
        return max((hit.grade for hit in self.allowing("resource")), default=Grade.NONE)

    @property
    def is_outsider(self) -> bool:
        """Whether the caller has no policies of its own: a service, a provider's identity, nobody known."""
        return self.request.caller.kind not in _OF_ACCOUNT

    @property
    def lacking_resource(self) -> tuple[str, ...]:
        """`resource` when its policy does not allow the caller, in any grade."""
        return () if self.grade else ("resource",)

    @property
    def lacking_identity(self) -> tuple[str, ...]:
        """`identity` when no policy of the caller allows; the root user needs none."""
        if self.request.caller.kind is CallerKind.ROOT or self.allows("identity"):
            return ()
        return ("identity",)

    @property
    def lacking_session(self) -> tuple[str, ...]:
        """`session` when its policies do not allow; a federated user session has no permission without any."""
        if self.request.caller.kind is CallerKind.FEDERATED and "session" not in self.layers:
            return ("session",)
        return self.lacks("session")

    @property
    def granted_by(self) -> tuple[str, ...]:
        """Of a request that is allowed: the layers whose Allow was enough, alone or together."""
        resource = ("resource",) if self.grade else ()
        if self.request.caller.kind is CallerKind.ROOT:
            return resource or ("root",)
        own = (*self.lacking_identity, *self.lacks("boundary"), *self.lacking_session)
        return resource if self.is_outsider or own else ("identity", *resource)


def is_strict(request: Request) -> bool:
    """Whether the resource's own policy must allow even callers of its account: KMS keys and role trust."""
    action = request.action.lower()
    if request.service == "kms":
        return ":key/" in request.resource
    return action in _TRUST | _TRUST_COMPANIONS and ":role/" in request.resource


def binds(layer: str, request: Request) -> bool:
    """Whether such a layer binds this caller (scp, boundary, session) or this resource (rcp)."""
    caller = request.caller
    action = request.action.lower()
    match layer:
        case "scp":
            member = caller.account != request.management_account
            return caller.kind in _OF_ACCOUNT and member and not caller.is_service_linked
        case "rcp":
            covered = request.service in catalog().rcp_services
            linked = ":role/aws-service-role/" in request.resource and action in _TRUST
            exempt = linked or action == "kms:retiregrant" or caller.is_service_linked
            managed = request.resource_account and (
                request.resource_account == request.management_account
            )
            return covered and not exempt and not managed
        case "identity" | "boundary" | "session":
            return caller.kind in _OWN_IDENTITY
        case "resource":
            # S3 keeps the root user of the bucket's account able to mend a policy that locks everybody out.
            own = caller.kind is CallerKind.ROOT and not request.crosses_accounts
            return not (own and action in _BUCKET_POLICY)
        case _:
            return True


Outcome = Literal["Allowed", "ExplicitlyDenied", "ImplicitlyDenied", "Unknown"]


@slotted
class Verdict:
    """The outcome with the layers that granted it or refused it, and every layer that blocks."""

    outcome: Outcome
    decided_by: tuple[str, ...]
    blocked_by: tuple[str, ...] = ()
    reason: str = ""


def verdict_on(at: LayerDecisions) -> Verdict:
    """AWS's flow chart: one Deny ends it; else every layer that has to allow must allow."""
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
    """Every layer that has to allow and does not, question by question as AWS's flow chart asks."""
    # Do the organization of the resource, that of the caller, and the endpoint on the way let the request pass?
    yield from at.lacks("rcp", "scp", "vpc_endpoint")

    # Does the caller have no policies of its own? Then the resource's policy decides.
    if at.is_outsider:
        yield from at.lacking_resource
        return

    # Is the resource of another account? Then both sides must allow.
    if at.request.crosses_accounts:
        yield from (*at.lacking_identity, *at.lacks("boundary"), *at.lacking_session)
        yield from at.lacking_resource
        return

    # Does the resource's policy name the user or the session itself? That is enough.
    if at.grade is Grade.DIRECT:
        return

    # Does it name the role, or the user behind a federated session? Then no identity policy is needed.
    if at.grade is not Grade.ROLE:
        # A key's or a role's own policy must allow, be it only by naming the account.
        if is_strict(at.request):
            yield from at.lacking_resource
        yield from at.lacking_identity
    yield from at.lacks("boundary")
    yield from at.lacking_session
