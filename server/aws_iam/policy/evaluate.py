"""Whether AWS would allow a request: every layer, in AWS's order, with the statements that decide.

    evaluate({"principal": …, "action": …, "resource": …}, {"identity": […], "scp": [[…]], …})  →  Decision

`judged` is the order itself. Sources: IAM User Guide, reference_policies_evaluation-logic_policy-eval-denyallow and
reference_policies_evaluation-logic-cross-account; Organizations User Guide, orgs_manage_policies_scps_evaluation and
orgs_manage_policies_rcps_evaluation; KMS Developer Guide, policy-evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from aws_iam.answer import Because, Decision
from aws_iam.policy.catalog import catalog
from aws_iam.policy.evaluation.beyond import always_allowed, never_allowed
from aws_iam.policy.evaluation.caller import CallerKind, Grade
from aws_iam.policy.evaluation.layers import LAYERS, Layers, layers_of
from aws_iam.policy.evaluation.matching import Hit, Matcher
from aws_iam.policy.evaluation.request import Request, request_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Outcome = Literal["Allowed", "ExplicitlyDenied", "ImplicitlyDenied", "Unknown"]

_ORGANIZATION = ("rcp", "scp", "vpc_endpoint")
_OWN_IDENTITY = frozenset({CallerKind.USER, CallerKind.SESSION, CallerKind.FEDERATED})
_TRUST = frozenset({"sts:assumerole", "sts:assumerolewithwebidentity", "sts:assumerolewithsaml"})
# These belong to the call that assumes the role, and its trust policy must allow them as well.
_TRUST_COMPANIONS = frozenset({"sts:tagsession", "sts:setsourceidentity", "sts:setcontext"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The outcome with the layers that granted it or refused it, and every layer that blocks."""

    outcome: Outcome
    decided_by: tuple[str, ...]
    blocked_by: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A request among its layers, as the order of evaluation sees it: what denies, what allows, what exists."""

    request: Request
    layers: Layers
    hits: tuple[Hit, ...]
    # Layers whose policies nobody could read count as the friendliest or as the strictest there could be.
    friendly: frozenset[str] = frozenset()

    def applies(self, layer: str) -> bool:
        """Whether the layer exists and binds this caller or this resource."""
        return layer in self.layers and _binds(layer, self.request)

    @property
    def denying(self) -> tuple[str, ...]:
        """Every layer with a Deny that the request meets."""
        found = {hit.placed.layer for hit in self.hits if hit.statement.denies}
        return tuple(layer for layer in LAYERS if layer in found and self.applies(layer))

    def allows(self, layer: str) -> bool:
        """Whether an Allow of the layer meets the request; of an SCP or RCP at every level."""
        if layer in self.layers.unreadable:
            return layer in self.friendly
        levels = {hit.level for hit in self.allowing(layer)}
        return len(levels) == len(self.layers.levels.get(layer, ((),)))

    def allowing(self, layer: str) -> tuple[Hit, ...]:
        """The Allow statements of a layer that the request meets."""
        return tuple(h for h in self.hits if h.placed.layer == layer and h.statement.allows)

    def lacks(self, *layers: str) -> tuple[str, ...]:
        """Those of the layers that bind the request and do not allow it."""
        return tuple(each for each in layers if self.applies(each) and not self.allows(each))

    @property
    def grade(self) -> Grade:
        """The best grade at which the resource's policy allows the caller."""
        if "resource" in self.layers.unreadable:
            return Grade.DIRECT if "resource" in self.friendly else Grade.NONE
        return max((hit.grade for hit in self.allowing("resource")), default=Grade.NONE)

    @property
    def lacking_session(self) -> tuple[str, ...]:
        """`session` when its policies do not allow; a federated user session has no permission without any."""
        kind = self.request.caller.kind
        if kind is CallerKind.FEDERATED and "session" not in self.layers:
            return ("session",)
        return self.lacks("session") if kind in _OWN_IDENTITY else ()

    @property
    def lacking_identity(self) -> tuple[str, ...]:
        """`identity` when no policy of the caller allows; the root user needs none."""
        if self.request.caller.kind is CallerKind.ROOT or self.allows("identity"):
            return ()
        return ("identity",)


def judged(at: Situation) -> Verdict:
    """AWS's flow chart, from the first question to the last."""
    if reason := always_allowed(at.request):
        return Verdict(outcome="Allowed", decided_by=("always",), reason=reason)
    never = never_allowed(at.request)
    missing = _missing(at)
    if denying := at.denying:
        every = tuple(each for each in LAYERS if each in {*denying, *missing})
        return Verdict(
            outcome="ExplicitlyDenied", decided_by=denying[:1], blocked_by=every, reason=never
        )
    if missing or never:
        return Verdict(
            outcome="ImplicitlyDenied", decided_by=missing[:1], blocked_by=missing, reason=never
        )
    return Verdict(outcome="Allowed", decided_by=_granted_by(at))


def _missing(at: Situation) -> tuple[str, ...]:
    """Every layer that had to allow and does not, in the order in which AWS asks them."""
    organization = at.lacks(*_ORGANIZATION)
    if at.request.caller.kind not in {*_OWN_IDENTITY, CallerKind.ROOT}:
        return (*organization, *_owner(at))
    if at.request.crosses_accounts:
        return (*organization, *_own_side(at), *_owner(at))
    return (*organization, *_same_account(at))


def _same_account(at: Situation) -> tuple[str, ...]:
    if at.grade is Grade.DIRECT:
        return ()
    if at.grade is Grade.ROLE:
        return (*at.lacks("boundary"), *at.lacking_session)
    strict = ("resource",) if is_strict(at.request) and not at.grade else ()
    return (*strict, *_own_side(at))


def _own_side(at: Situation) -> tuple[str, ...]:
    """What the caller's own account must allow: identity policies, boundary, session policies."""
    boundary = at.lacks("boundary") if at.request.caller.kind in _OWN_IDENTITY else ()
    return (*at.lacking_identity, *boundary, *at.lacking_session)


def _owner(at: Situation) -> tuple[str, ...]:
    """What the owner of the resource must allow a stranger: its policy, in any grade."""
    return () if at.grade else ("resource",)


def _granted_by(at: Situation) -> tuple[str, ...]:
    """The layers whose Allow was enough, alone or together."""
    resource = ("resource",) if at.grade else ()
    if at.request.caller.kind is CallerKind.ROOT:
        return resource or ("root",)
    if at.request.caller.kind in _OWN_IDENTITY and not _own_side(at):
        return ("identity", *resource)
    return resource


def is_strict(request: Request) -> bool:
    """Whether the resource's own policy must allow even callers of its account: KMS keys and role trust."""
    action = request.action.lower()
    if request.service == "kms":
        return ":key/" in request.resource
    return action in _TRUST | _TRUST_COMPANIONS and ":role/" in request.resource


def _binds(layer: str, request: Request) -> bool:
    """Whether such a layer binds this caller (scp, boundary, session) or this resource (rcp)."""
    caller = request.caller
    match layer:
        case "scp":
            member = caller.account != request.management_account
            return (
                caller.kind in {*_OWN_IDENTITY, CallerKind.ROOT}
                and member
                and not caller.is_service_linked
            )
        case "rcp":
            covered = request.service in catalog().rcp_services
            exempt = request.action.lower() == "kms:retiregrant" or caller.is_service_linked
            return (
                covered and not exempt and request.resource_account != request.management_account
            )
        case "identity" | "boundary" | "session":
            return caller.kind in _OWN_IDENTITY
        case _:
            return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """A decision, and why where no statement tells."""

    decision: Decision
    reason: str = ""


def evaluate(request: object, policies: object) -> Decision:
    """The decision on a request; what cannot be used raises InputError."""
    return evaluated(request_of(request), layers_of(policies)).decision


def evaluated(
    request: Request, layers: Layers, *, forced: Mapping[str, bool] | None = None
) -> Evaluation:
    """The decision with its reason; `forced` settles the conditions on keys, given in lower case."""
    hits = Matcher(request, layers, forced or {}).hits()
    certain = all(hit.sure for hit in hits) and not layers.unreadable
    if certain:
        verdict = judged(Situation(request=request, layers=layers, hits=hits))
    else:
        verdict = _of_extremes(request, layers, hits)
    asked = request.context.asked
    return Evaluation(
        decision=Decision(
            outcome=verdict.outcome,
            decided_by=verdict.decided_by,
            blocked_by=verdict.blocked_by,
            because=tuple(_because(verdict, hits, request)),
            consulted_keys=tuple(asked.values()),
            missing_keys=tuple(n for lower, n in asked.items() if not request.context.has(lower)),
        ),
        reason=verdict.reason,
    )


def hinges(request: Request, layers: Layers, decision: Decision) -> dict[str, dict[str, Outcome]]:
    """The missing keys on which the outcome hangs: what it were if the conditions on the key were met, or not met."""
    found = {}
    for key in decision.missing_keys:
        outcomes: dict[str, Outcome] = {}
        for word, met in (("met", True), ("not met", False)):
            forced = {key.lower(): met}
            outcome = evaluated(request, layers, forced=forced).decision.outcome
            if outcome != decision.outcome:
                outcomes[word] = outcome
        if outcomes:
            found[key] = outcomes
    return found


def _of_extremes(request: Request, layers: Layers, hits: tuple[Hit, ...]) -> Verdict:
    """The verdict that the friendliest and the strictest reading of what is unsure share, else Unknown."""
    friendly = judged(
        Situation(
            request=request,
            layers=layers,
            hits=tuple(hit for hit in hits if hit.sure or hit.statement.allows),
            friendly=layers.unreadable,
        )
    )
    strict = judged(
        Situation(
            request=request,
            layers=layers,
            hits=tuple(hit for hit in hits if hit.sure or hit.statement.denies),
        )
    )
    if friendly.outcome != "Allowed":
        # Refused even so; the reading that refuses least names what certainly blocks.
        return friendly
    if strict.outcome == "Allowed":
        return strict
    return Verdict(
        outcome="Unknown",
        decided_by=(),
        blocked_by=strict.blocked_by,
        reason="it hangs on what cannot be read: " + ", ".join(_unsure(layers, hits)),
    )


def _unsure(layers: Layers, hits: Iterable[Hit]) -> list[str]:
    unread = [f"the layer {layer}" for layer in LAYERS if layer in layers.unreadable]
    places = (h.placed.pointer + h.statement.node.where.pointer for h in hits if not h.sure)
    return [*unread, *dict.fromkeys(places)]


def _because(verdict: Verdict, hits: Iterable[Hit], request: Request) -> Iterable[Because]:
    """The statements that decided: the Denies, or the Allows of the layers that granted and of those that let pass."""
    explicit = verdict.outcome == "ExplicitlyDenied"
    if not explicit and verdict.outcome != "Allowed":
        return
    for hit in hits:
        layer = hit.placed.layer
        if not _binds(layer, request) or hit.statement.denies is not explicit:
            continue
        yield Because(
            layer=layer,
            policy=hit.placed.pointer,
            pointer=hit.statement.node.where.pointer,
            effect="Deny" if explicit else "Allow",
        )
