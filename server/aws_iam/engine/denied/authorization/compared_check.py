"""One check of AWS's record beside what the captured policies of its layer say.

    ALLOW          a statement allows the request, or, within one account, that of the resource does
    EXPLICIT_DENY  a Deny applies
    IMPLICIT_DENY  the request needs an Allow here, and there is none
    NO_IMPACT      nothing matches, and another path allows the request

Source: IAM Toolbox API Reference, API_Check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.evaluation.caller import Grade
from aws_iam.engine.evaluation.layers import LEVELLED
from aws_iam.engine.reference.catalog import catalog
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from aws_iam.engine.denied.authorization.decided_evaluation import DecidedEvaluation
    from aws_iam.engine.denied.authorization.record import AuthorizationCheck
    from aws_iam.engine.evaluation.matching import Hit

ALLOW, NO_IMPACT = "ALLOW", "NO_IMPACT"
IMPLICIT_DENY, EXPLICIT_DENY = "IMPLICIT_DENY", "EXPLICIT_DENY"
_KNOWN = frozenset({ALLOW, NO_IMPACT, IMPLICIT_DENY, EXPLICIT_DENY})
# What an Allow of the resource's own policy replaces within one account, by its grade.
_REPLACED = {
    "identity": Grade.ROLE,
    "boundary": Grade.DIRECT,
    "session": Grade.DIRECT,
}


@slotted
class CheckComparison:
    """A check, our effect (empty where the record does not settle it), whether both agree, and why not.

    `is_left_out`: AWS's effect comes from a policy that the record does not have.
    """

    check: AuthorizationCheck
    our_effect: str
    agrees: bool | None
    why: str = ""
    is_left_out: bool = False

    @property
    def name(self) -> str:
        """The check in words, with its target."""
        return (
            f"{self.check.type} {quoted(self.check.target)}"
            if self.check.target
            else self.check.type
        )


def compared_check(decided: DecidedEvaluation, check: AuthorizationCheck) -> CheckComparison:
    """Compare one check with the captured policies of its layer."""
    if not check.layer or check.effect not in _KNOWN:
        unknown = check.type if not check.layer else check.effect
        return CheckComparison(
            check=check, our_effect="", agrees=None, why=f"{quoted(unknown)} is not known here"
        )
    effects, open_ = _effects(decided, check)
    unapplied = list(decided.unapplied(check))
    if not effects:
        return CheckComparison(check=check, our_effect="", agrees=None, why="; ".join(open_))
    if check.effect in effects:
        remark = "; ".join(unapplied)
        return CheckComparison(check=check, our_effect=check.effect, agrees=True, why=remark)
    ours = effects[0]
    if not check.matched and _is_weaker(ours, check.effect):
        why = (
            "AWS leaves a matching policy out of its list, and no captured one explains the effect"
        )
        return CheckComparison(check=check, our_effect="", agrees=None, why=why, is_left_out=True)
    why = "; ".join(unapplied) or _cause(decided, check, ours)
    return CheckComparison(check=check, our_effect=ours, agrees=False, why=why)


def _is_weaker(ours: str, theirs: str) -> bool:
    """Whether a policy that was left out could turn our effect into AWS's: it can add a match, and take none away."""
    return theirs in {ALLOW, EXPLICIT_DENY} and ours in {NO_IMPACT, IMPLICIT_DENY, ALLOW}


def _effects(
    decided: DecidedEvaluation, check: AuthorizationCheck
) -> tuple[tuple[str, ...], list[str]]:
    """Our effect, first, and others that mean the same; or none, and what keeps the record from settling it."""
    layer = check.layer
    own = decided.hits_of(layer, check.target)
    beside = decided.hits_of("resource") if _includes_resource(decided, check) else ()
    if any(hit.sure and hit.statement.denies for hit in (*own, *beside)):
        return (EXPLICIT_DENY,), []
    open_ = list(dict.fromkeys(_open(decided, check, (*own, *beside))))
    if open_:
        return (), open_
    allows = any(hit.statement.allows for hit in own)
    return ((ALLOW,) if allows else _without_allow(decided, layer)), []


def _without_allow(decided: DecidedEvaluation, layer: str) -> tuple[str, ...]:
    """The effect of a check in which no statement matches."""
    if layer == "session" and layer not in decided.policies.places:
        # A session without session policies passes.
        return (ALLOW, NO_IMPACT)
    if decided.own_grade >= _REPLACED.get(layer, Grade.DIRECT + 1):
        return (NO_IMPACT, ALLOW)
    if decided.policies.missing or decided.decision.outcome == "Unknown":
        # Whether another path allows it is open.
        return (IMPLICIT_DENY, NO_IMPACT)
    return (IMPLICIT_DENY,) if layer in decided.decision.blocked_by else (NO_IMPACT,)


def _includes_resource(decided: DecidedEvaluation, check: AuthorizationCheck) -> bool:
    """Whether the resource's own policy is part of the check: it is where AWS does not ask the owner separately."""
    named = "RESOURCE_BASED_POLICY" in check.policy_types and check.layer in _REPLACED
    alone = check.layer == "identity" and not decided.evaluation.checks_of("resource")
    return named or alone


def _open(
    decided: DecidedEvaluation, check: AuthorizationCheck, hits: tuple[Hit, ...]
) -> list[str]:
    target = check.target if check.layer in LEVELLED else ""
    found = list(decided.missing(check.layer, target))
    if _includes_resource(decided, check):
        found += decided.missing("resource", "")
    found += [f"{hit.placed.pointer}: {hit.doubt}" for hit in hits if hit.doubt]
    return found


def _cause(decided: DecidedEvaluation, check: AuthorizationCheck, ours: str) -> str:
    """Why our effect is another one where no statement that AWS names explains it."""
    kind = "denies" if ours == EXPLICIT_DENY else "allows"
    layers = {check.layer, *(["resource"] if _includes_resource(decided, check) else [])}
    applying = [
        f"{quoted(decided.policy_at(hit.placed.pointer).uri)} at {hit.placed.pointer}{hit.statement.node.where.pointer}"
        for hit in decided.hits
        if hit.placed.layer in layers
        and (hit.statement.denies if kind == "denies" else hit.statement.allows)
    ]
    if ours in {ALLOW, EXPLICIT_DENY} and applying:
        text = f"by our reading a statement of {joined(applying, shown=3)} {kind} it"
        if check.layer == "rcp" and decided.request.service not in catalog().rcp_services:
            text += f"; RCPs do not cover {quoted(decided.request.service)} by our data"
        return text
    if ours == NO_IMPACT and decided.decision.outcome == "Allowed":
        by = joined([quoted(layer) for layer in decided.decision.decided_by])
        return f"by our reading it needs no Allow here, because the layer {by} allows it"
    if decided.decision.missing_keys:
        keys = joined([quoted(key) for key in decided.decision.missing_keys])
        return f"likely cause: the record has no value of {keys}"
    return "by our reading no statement of the captured policies does that"
