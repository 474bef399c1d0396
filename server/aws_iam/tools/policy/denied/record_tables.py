"""What `policy denied` says of AWS's record: agreement first, then each evaluation with its checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.answer import Finding, Severity, Status
from aws_iam.engine.denied.authorization.authorization_id import PAGE
from aws_iam.engine.denied.policy_documents import DocumentPlace
from aws_iam.escape import quoted
from aws_iam.report.answer_text import LONGEST_CELL
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.answer import Because
    from aws_iam.engine.denied.authorization.compared_check import CheckComparison
    from aws_iam.engine.denied.authorization.compared_record import (
        EvaluationComparison,
        RecordComparison,
    )
    from aws_iam.engine.denied.authorization.record import RecordedPolicy

DISAGREES = "AUTHORIZATION_RECORD_DISAGREES"
UNSETTLED = "AUTHORIZATION_RECORD_UNSETTLED"
_MOST_NAMED = 3


def agreement(compared: RecordComparison) -> str:
    """Whether AWS and the captured policies agree, in words."""
    rows = compared.evaluations
    agreeing, differing, open_ = (compared.that(kind) for kind in (True, False, None))
    parts = []
    if differing:
        named = [_differing(row) for row in differing]
        parts.append(
            f"AWS and our decision on the captured policies disagree in {_share(differing, rows)}:"
            f" {joined(named, shown=_MOST_NAMED)}."
        )
    elif agreeing:
        parts.append(
            f"AWS's record and our decision on its captured policies agree in {_share(agreeing, rows)}."
        )
    if open_:
        why = open_[0].why[0] if open_[0].why else "the record does not tell enough"
        parts.append(
            f"The record does not settle {counted(len(open_), 'evaluation')}: {_what(open_[0])}, because {why}."
        )
    odd = [
        row for row in (*agreeing, *open_) if any(check.agrees is False for check in row.checks)
    ]
    if odd:
        named = [
            f"{check.name} of {_what(row)} ({check.why})"
            for row in odd
            for check in row.checks
            if check.agrees is False
        ]
        parts.append(f"Single checks differ: {joined(named, shown=_MOST_NAMED)}.")
    if compared.not_judged:
        parts.append(f"{counted(compared.not_judged, 'further evaluation')} were not judged.")
    parts += [f"{note[:1].upper()}{note[1:]}." for note in compared.notes[:_MOST_NAMED]]
    return " ".join(parts)


def _share(part: Sequence[EvaluationComparison], rows: Sequence[EvaluationComparison]) -> str:
    if len(part) < len(rows):
        return f"{len(part)} of {counted(len(rows), 'evaluation')}"
    return "the one evaluation" if len(rows) == 1 else f"all {len(rows):,} evaluations"


def _what(row: EvaluationComparison) -> str:
    evaluation = row.evaluation
    on = f" on {quoted(evaluation.resource)}" if evaluation.resource else ""
    return f"{quoted(evaluation.action)}{on}"


def _differing(row: EvaluationComparison) -> str:
    why = f" ({'; '.join(row.why)})" if row.why else ""
    return (
        f"{_what(row)} is {row.evaluation.effect} by AWS and {row.decision.outcome} by them{why}"
    )


def findings(compared: RecordComparison) -> Iterator[Finding]:
    """One finding for each evaluation in which AWS and the captured policies differ, or that the record does not settle."""
    for row in compared.evaluations:
        checks = [check for check in row.checks if check.agrees is False]
        if row.agrees is False or checks:
            yield Finding(
                code=DISAGREES,
                title="AWS's record and the captured policies disagree",
                severity=Severity.MEDIUM,
                status=Status.FAIL,
                message=_difference(row, checks),
                resource=row.evaluation.resource or None,
                fix="Trust AWS's effect; look whether the statement's condition keys are in the record, and report what is left.",
                source=PAGE,
            )
        if row.agrees is None:
            yield Finding(
                code=UNSETTLED,
                title="The record does not settle the evaluation",
                severity=Severity.LOW,
                status=Status.UNKNOWN,
                message=f"{_what(row)} is {row.evaluation.effect or 'without an effect'} by AWS.",
                reason="; ".join(row.why) or "the record does not tell enough",
                resource=row.evaluation.resource or None,
                source=PAGE,
            )


def _difference(row: EvaluationComparison, checks: list[CheckComparison]) -> str:
    if row.agrees is False:
        named = f", in {joined([check.name for check in checks])}" if checks else ""
        return f"{_differing(row)}{named}."
    named = "; ".join(
        f"{check.name} is {check.check.effect} by AWS and {check.our_effect} by the captured policies ({check.why})"
        for check in checks
    )
    return f"{_what(row)}: {named}."


def record_facts(compared: RecordComparison, where: dict[str, Any]) -> dict[str, Any]:
    """The evaluations and the policies of the record, and what was not judged."""
    rows = sorted(compared.evaluations, key=_rank)
    facts: dict[str, Any] = {
        "evaluations": [_evaluation(row) for row in rows],
        "record": {
            **where,
            "whole": not compared.record.is_cut and not compared.not_judged,
            "policies": [_policy(policy, compared) for policy in compared.record.policies],
        },
    }
    open_ = [f"{_what(row)}: {'; '.join(row.why)}" for row in compared.that(None)]
    left = [f"{compared.not_judged:,} further evaluations"] if compared.not_judged else []
    not_judged = [*compared.notes, *open_, *left]
    return facts | ({"not_judged": not_judged} if not_judged else {})


def _rank(row: EvaluationComparison) -> tuple[int, bool]:
    return ((False, None, True).index(row.agrees), not row.is_denied)


def _evaluation(row: EvaluationComparison) -> dict[str, Any]:
    evaluation = row.evaluation
    of_checks = {check.why for check in row.checks}
    why = [reason for reason in row.why if reason not in of_checks]
    return {
        "action": evaluation.action,
        "resource": evaluation.resource,
        "aws_effect": evaluation.effect,
        "our_outcome": row.decision.outcome,
        "agrees": row.agrees,
        "deciding": [_deciding(row, because) for because in row.deciding],
        **({"why": why} if why else {}),
        **({"checks": [_check(check) for check in row.checks]} if row.checks else {}),
    }


def _deciding(row: EvaluationComparison, because: Because) -> dict[str, Any]:
    place = DocumentPlace.of(because.policy)
    policy = row.policies.places[place.layer][place.level][place.number]
    return {
        "layer": because.layer,
        "policy": policy.uri,
        "at": f"{because.policy}{because.pointer}",
        "effect": because.effect,
    }


def _check(row: CheckComparison) -> dict[str, Any]:
    check = row.check
    return {
        "check": check.type,
        **({"target": check.target} if check.target else {}),
        "aws_effect": check.effect,
        "our_effect": row.our_effect or "unknown",
        "agrees": row.agrees,
        **({"why": row.why} if row.why else {}),
    }


def long_checks(row: EvaluationComparison) -> dict[str, Any]:
    """The checks of one evaluation as a table of their own, where they are too many for a cell of another table."""
    rows = [_check(check) for check in row.checks]
    return {"checks": rows} if len(str(rows)) > LONGEST_CELL else {}


def _policy(policy: RecordedPolicy, compared: RecordComparison) -> dict[str, Any]:
    at = [
        pointer
        for row in compared.evaluations
        for pointer, placed in row.policies.by_pointer().items()
        if placed is policy
    ]
    why = "AWS's own policy, which allows everything" if policy.is_known else policy.lack
    return {
        "uri": policy.uri,
        "type": policy.type,
        **({"attached_to": list(policy.attached_to)} if policy.attached_to else {}),
        **({"at": list(dict.fromkeys(at))} if at else {}),
        **({"source": dict(policy.source)} if policy.source else {}),
        "captured": policy.document is not None and not policy.is_known,
        **({"why": why} if why else {}),
    }
