"""The risks of identity policies as findings of the validator, with AWS's severities.

What a policy that is public or passes any role risks, the rules report. A grant that is as narrow as it can be written is
left to `policy explain`; `escalations_on_named_targets` says where it is one of privilege escalation.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.answer import Finding, Severity, Status, Where
from aws_iam.engine.explain.escalation_risks import MANY_WAYS
from aws_iam.engine.explain.policy_risks import policy_risks
from aws_iam.engine.explain.statement_risk import ESCALATION
from aws_iam.engine.language.document import Kind
from aws_iam.errors import InputError
from aws_iam.rules.document_findings import is_unresolved

if TYPE_CHECKING:
    from aws_iam.engine.language.document import Policy, Source, Statement

NOT_JUDGED = "RISKS_NOT_JUDGED"
"""The code for a policy that is too complex to judge its risks."""
_LEFT = "escalations left to explain"
_SEVERITIES = {
    Severity.CRITICAL: Severity.SECURITY_WARNING,
    Severity.HIGH: Severity.SECURITY_WARNING,
    Severity.MEDIUM: Severity.WARNING,
    Severity.LOW: Severity.SUGGESTION,
    Severity.INFO: Severity.SUGGESTION,
}


def certain_risks(source: Source, policy: Policy) -> tuple[Finding, ...]:
    """The risks of a source that remain whatever its values are that are known only at deployment."""
    risks = risk_findings(policy, source.unresolved)
    for other in source.variants if risks else ():
        theirs = risk_findings(other, source.unresolved)
        # One finding on the whole policy stands for those on its statements.
        broad = any(f.code == "ADMINISTRATOR" or f.title == MANY_WAYS for f in theirs)
        places = {_pointer(finding) for finding in theirs}
        risks = tuple(finding for finding in risks if broad or _pointer(finding) in places)
    return risks


def _pointer(finding: Finding) -> str:
    return finding.where.pointer if finding.where else ""


def risk_findings(policy: Policy, unresolved: frozenset[str] = frozenset()) -> tuple[Finding, ...]:
    """The risks of one policy; `unresolved` are the pointers of values that are known only at deployment.

    A policy that is too complex to judge has one unknown finding.
    """
    if policy.kind is not Kind.IDENTITY or not any(s.allows for s in policy.statements):
        return ()
    known = without_unknown_exclusions(policy, unresolved)
    try:
        risks = policy_risks(known, unresolved_resources(policy, unresolved)).findings
    except InputError as error:
        return (_not_judged(error),)
    policy.derived[_LEFT] = len([r for r in risks if r.routine and r.finding.code == ESCALATION])
    return tuple([_of_validator(risk.finding) for risk in risks if not risk.routine])


def _of_validator(risk: Finding) -> Finding:
    # Every policy has some, and `replace` takes three times as long.
    return Finding(
        code=risk.code,
        title=risk.title,
        severity=_SEVERITIES[risk.severity],
        status=risk.status,
        message=risk.message,
        where=risk.where,
        fix=risk.fix,
        source=risk.source,
        confidence=risk.confidence,
    )


def escalations_on_named_targets(policy: Policy) -> int:
    """The number of statements of a judged policy that open a path on named targets, and are no finding here."""
    left: int = policy.derived.get(_LEFT, 0)
    return left


def _not_judged(error: InputError) -> Finding:
    return Finding(
        code=NOT_JUDGED,
        title="The risks of the policy were not judged",
        severity=Severity.SUGGESTION,
        status=Status.UNKNOWN,
        message="the policy may allow privilege escalation or expose data",
        reason=error.message,
        where=Where(),
        fix="Use fewer and broader patterns, or split the policy.",
    )


def unresolved_resources(policy: Policy, unresolved: frozenset[str]) -> frozenset[str]:
    """The resources that are known only at deployment, as their sample values."""
    if not unresolved:
        return frozenset()
    return frozenset(
        pattern.value
        for statement in policy.statements
        for pattern in (*statement.resources, *statement.not_resources)
        if is_unresolved(pattern.where.pointer, unresolved)
    )


def unresolved_actions(statement: Statement, unresolved: frozenset[str]) -> frozenset[str]:
    """The entries of the action element that are sample values for the deployment's."""
    return frozenset(
        action.value
        for action in (*statement.actions, *statement.not_actions)
        if unresolved and _fills_in(action.where.pointer, unresolved)
    )


def _fills_in(pointer: str, unresolved: frozenset[str]) -> bool:
    return pointer in unresolved or pointer.rpartition("/")[0] in unresolved


def without_unknown_exclusions(policy: Policy, unresolved: frozenset[str]) -> Policy:
    """The policy without statements whose NotAction is known only at deployment.

    Such a NotAction would otherwise count as one that excludes nothing.
    """
    if not unresolved:
        return policy
    known = tuple(
        s for s in policy.statements if not (s.not_actions and unresolved_actions(s, unresolved))
    )
    return policy if known == policy.statements else replace(policy, statements=known)
