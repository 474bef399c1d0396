"""AWS's effects beside the decision of the captured policies, evaluation by evaluation and check by check.

Agreement has three values: True for the same effect, False for another one, None where the record does not settle it. Only an
explicit deny of a captured statement is settled whatever is missing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.answer import Decision
from aws_iam.engine.denied.authorization.applied_policies import applied_policies
from aws_iam.engine.denied.authorization.compared_check import CheckComparison, compared_check
from aws_iam.engine.denied.authorization.decided_evaluation import DecidedEvaluation
from aws_iam.engine.denied.authorization.partial_policies import (
    may_leave_out,
    processing_services,
)
from aws_iam.engine.denied.authorization.record import MOST_EVALUATIONS
from aws_iam.engine.denied.authorization.recorded_request import NamedCaller, recorded_request
from aws_iam.engine.evaluation.evaluate import evaluate_request
from aws_iam.engine.evaluation.matching import Matcher
from aws_iam.engine.evaluation.request import request_of
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.answer import Because
    from aws_iam.engine.denied.authorization.applied_policies import AppliedPolicies
    from aws_iam.engine.denied.authorization.record import (
        AuthorizationEvaluation,
        AuthorizationRecord,
    )
    from aws_iam.engine.evaluation.evaluate import Evaluation
    from aws_iam.engine.evaluation.layers import Layers

_OUTCOMES: Mapping[str, str] = {
    "ALLOW": "Allowed",
    "EXPLICIT_DENY": "ExplicitlyDenied",
    "IMPLICIT_DENY": "ImplicitlyDenied",
}
_DENIALS = ("EXPLICIT_DENY", "IMPLICIT_DENY")


@slotted
class EvaluationComparison:
    """One evaluation: AWS's effect, our decision on the captured policies, and whether they agree.

    `alone` is the decision of what was captured, whatever is missing; `decision` is Unknown where that does not settle it.
    """

    evaluation: AuthorizationEvaluation
    policies: AppliedPolicies
    request: Mapping[str, object] | None
    decision: Decision
    alone: Decision
    agrees: bool | None
    why: tuple[str, ...]
    checks: tuple[CheckComparison, ...]
    # What the record lacks, so that nothing but a captured Deny settles the decision.
    lacks: tuple[str, ...] = ()

    @property
    def is_denied(self) -> bool:
        """Whether AWS denied it."""
        return self.evaluation.effect in _DENIALS

    @property
    def denying_layer(self) -> str:
        """The layer of the check that denied, as AWS gives it; empty where it gives none."""
        for effect in _DENIALS:
            for check in self.evaluation.checks or ():
                if check.effect == effect == self.evaluation.effect and check.layer:
                    return check.layer
        return ""

    @property
    def deciding(self) -> tuple[Because, ...]:
        """The statements that made our outcome."""
        return self.decision.because


@slotted
class RecordComparison:
    """The whole record; `notes` are what is odd or not whole in it, `not_judged` how many evaluations are left."""

    record: AuthorizationRecord
    evaluations: tuple[EvaluationComparison, ...]
    notes: tuple[str, ...]
    not_judged: int = 0

    def that(self, agrees: bool | None) -> tuple[EvaluationComparison, ...]:  # noqa: FBT001 - three values
        """The evaluations of one kind of agreement."""
        return tuple(row for row in self.evaluations if row.agrees is agrees)


def compared_record(
    record: AuthorizationRecord, named: NamedCaller, operation_service: str = ""
) -> RecordComparison:
    """Decide every evaluation of the record on the captured policies, and compare."""
    processing = processing_services(record, operation_service)
    judged = record.evaluations[:MOST_EVALUATIONS]
    known: dict[tuple[object, ...], Layers] = {}
    rows = tuple(_compared(record, evaluation, named, processing, known) for evaluation in judged)
    return RecordComparison(
        record=record,
        evaluations=rows,
        notes=(*record.notes, *_contradictions(judged)),
        not_judged=len(record.evaluations) - len(judged),
    )


def _compared(
    record: AuthorizationRecord,
    evaluation: AuthorizationEvaluation,
    named: NamedCaller,
    processing: frozenset[str],
    known: dict[tuple[object, ...], Layers],
) -> EvaluationComparison:
    policies = applied_policies(record, evaluation)
    asked = recorded_request(record, evaluation, named)
    unknown = Decision(outcome="Unknown")
    if asked.fields is None:
        return EvaluationComparison(
            evaluation=evaluation,
            policies=policies,
            request=None,
            decision=unknown,
            alone=unknown,
            agrees=None,
            why=(f"the request cannot be decided: {asked.lack}",),
            checks=(),
        )
    request = request_of(dict(asked.fields))
    layers = known.get(policies.key) or policies.documents().layers
    known[policies.key] = layers
    found = evaluate_request(request, layers)
    partial = may_leave_out(evaluation.action, processing)
    decided = DecidedEvaluation(
        evaluation=evaluation,
        policies=policies,
        request=request,
        layers=layers,
        hits=Matcher(request_of(dict(asked.fields)), layers).hits(),
        decision=found.decision,
        partial=partial,
    )
    checks = tuple(compared_check(decided, check) for check in evaluation.checks or ())
    lacks = list(_lacks(decided, checks, asked.unread))
    settled = found.decision.outcome == "ExplicitlyDenied" or not lacks
    decision = (
        found.decision
        if settled
        else replace(found.decision, outcome="Unknown", decided_by=(), because=())
    )
    agrees = _agreement(evaluation.effect, decision)
    why = [] if evaluation.effect in _OUTCOMES else [_unusual(evaluation.effect)]
    if decision.outcome == "Unknown":
        why += _why_unknown(found, lacks)
    elif agrees is False:
        why += _why_other(decided, checks)
    return EvaluationComparison(
        evaluation=evaluation,
        policies=policies,
        request=asked.fields,
        decision=decision,
        alone=found.decision,
        agrees=agrees,
        why=tuple(why),
        checks=checks,
        lacks=tuple(lacks),
    )


def _lacks(
    decided: DecidedEvaluation, checks: Sequence[CheckComparison], unread: Sequence[str]
) -> Iterator[str]:
    """What keeps the captured policies from settling the decision."""
    yield from dict.fromkeys(part.why for part in decided.policies.missing)
    if decided.partial:
        yield decided.partial
    consulted = {key.lower() for key in decided.decision.consulted_keys}
    for name in unread:
        if name.lower() in consulted:
            yield f"the record's value of {quoted(name)} is an object, which cannot be compared"
    for row in checks:
        if row.is_left_out:
            yield f"AWS says {row.check.effect} for {row.name} by a policy that is not in the record"


def _agreement(effect: str, decision: Decision) -> bool | None:
    if decision.outcome == "Unknown" or effect not in _OUTCOMES:
        return None
    return _OUTCOMES[effect] == decision.outcome


def _unusual(effect: str) -> str:
    return f"the effect {quoted(effect)} is not known here" if effect else "AWS gives no effect"


def _why_unknown(found: Evaluation, lacks: Sequence[str]) -> Iterator[str]:
    yield from lacks
    if found.reason:
        yield found.reason
    if found.decision.outcome != "Unknown":
        yield f"what was captured alone gives {found.decision.outcome}"


def _why_other(decided: DecidedEvaluation, checks: Sequence[CheckComparison]) -> tuple[str, ...]:
    """Why our outcome is another one than AWS's: by the checks, else what is likely."""
    causes = [row.why for row in checks if row.agrees is False and row.why]
    if causes:
        return tuple(dict.fromkeys(causes))
    effects = {row.check.effect for row in checks}
    implied = next((effect for effect in _DENIALS if effect in effects), "ALLOW")
    if checks and _OUTCOMES[implied] == decided.decision.outcome:
        return ("the record contradicts itself: its checks give our outcome",)
    if decided.decision.missing_keys:
        keys = joined([quoted(key) for key in decided.decision.missing_keys])
        return (f"likely cause: the record has no value of {keys}",)
    return (
        "likely cause: a captured policy is reduced, or we read one of its statements otherwise than AWS",
    )


def _contradictions(evaluations: Sequence[AuthorizationEvaluation]) -> Iterator[str]:
    """Where the record says two things, by AWS's own description of it."""
    for evaluation in evaluations:
        if not evaluation.checks or evaluation.effect not in _OUTCOMES:
            continue
        effects = {check.effect for check in evaluation.checks}
        what = f"{quoted(evaluation.action)} on {quoted(evaluation.resource or '*')}"
        if evaluation.effect in _DENIALS and evaluation.effect not in effects:
            yield f"the record contradicts itself: {what} is {evaluation.effect}, and none of its checks is"
        stronger = effects & set(_DENIALS) - {evaluation.effect}
        if evaluation.effect == "EXPLICIT_DENY":
            stronger = set()
        for effect in sorted(stronger):
            yield f"the record contradicts itself: {what} is {evaluation.effect}, and one of its checks {effect}"
