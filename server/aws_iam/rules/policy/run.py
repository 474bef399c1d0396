"""Runs the rules on a policy, each where one of its gates is open; the worst finding comes first."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Finding, Severity, Where
from aws_iam.engine.language.document import Kind, Policy, Source, Statement, Syntax
from aws_iam.engine.language.memo import memo_of_reference
from aws_iam.engine.sources.gather import sources_of
from aws_iam.rules.gates import Gates
from aws_iam.rules.policy.catalogue import POLICY_RULES
from aws_iam.rules.policy.risk_findings import certain_risks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_iam.rules.check import Check

    Judged = tuple[tuple[Source, tuple[Finding, ...]], ...]
from aws_iam.rules.document_findings import (
    certain_findings,
    unknown_names,
    with_location,
    with_written_values,
    without_repeats,
    without_unknown_names,
)


def validate(
    document: str | dict[str, Any] | list[Any],
    kind: str | None = None,
    resource_type: str | None = None,
) -> list[Finding]:
    """The problems of a policy, of a list of them or of the policies of an `Answer`, worst first."""
    judged = tuple(
        (source, source_findings(source)) for source in sources_of(document, kind, resource_type)
    )
    return [finding for _, findings in with_places(judged) for finding in findings]


# AWS's own managed policies are longer than it lets customers' be.
_OF_AWS = re.compile(r"arn:[^:]+:iam::aws:policy/")
_PUBLIC = "PUBLIC_ACCESS_ALLOWED"
_KEY_LOCKOUT = "KEY_WITHOUT_ADMINISTRATOR"
# A document by itself, or one of a list.
_WHOLE = ("", "/")
# Whether something uses it says nothing of whether there is one.
_DOCUMENT = "aws_iam_policy_document"
_OFF = "only if it is switched on: with the values that are known there is no such resource"
_QUOTAS = frozenset({"POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA", "TOO_LONG_FOR_MANAGED_POLICY"})


def source_findings(source: Source) -> tuple[Finding, ...]:
    """The findings on one policy of a document, or on a text that is not JSON, with their places in the document."""
    content = source.content
    if isinstance(content, Policy):
        problems = _of_whole(
            certain_findings(_unordered(content), source, policy_findings), source
        )
        in_vpc = source.holder.in_vpc
        if in_vpc:
            problems = tuple(map(_within_vpc, worst_first(problems)))
        is_off = source.holder.in_force is False and source.holder.type != _DOCUMENT
        if _OF_AWS.match(source.name):
            problems = tuple(found for found in problems if found.code not in _QUOTAS)
        risks = certain_risks(source, content)
        findings = worst_first((*problems, *risks)) if risks or not in_vpc else problems
        findings = without_unknown_names(findings, unknown_names(content, source.unresolved))
        findings = tuple(map(_switched_off, findings)) if is_off else findings
        findings = with_written_values(findings, source)
    else:
        findings = tuple(finding for rule in _syntax_rules() for finding in rule.findings(content))
    return with_location(findings, source)


def _of_whole(findings: tuple[Finding, ...], source: Source) -> tuple[Finding, ...]:
    """The findings, without what is guessed of a whole key policy: a part of a larger document is more often a part of a policy."""
    if source.name[:1] in _WHOLE:
        return findings
    return tuple(own for own in findings if own.code != _KEY_LOCKOUT or own.confidence is None)


def _switched_off(finding: Finding) -> Finding:
    """A finding on a resource that there is not with the values that are known."""
    if finding.message is None:
        return finding
    return replace(finding, message=f"{finding.message}; {_OFF}")


def _within_vpc(finding: Finding) -> Finding:
    """A finding on a resource that only its VPC reaches: whom the policy lets in must be there."""
    if finding.code != _PUBLIC:
        return finding
    message = f"{finding.message}, from within the VPC of the resource"
    return replace(finding, severity=Severity.WARNING, message=message)


def rule_findings(source: Source) -> tuple[Finding, ...]:
    """The findings of the rules on one policy, without the risks of its grants."""
    content = source.content
    if not isinstance(content, Policy):
        return ()
    return _of_whole(certain_findings(policy_findings(content), source, policy_findings), source)


def policy_findings(policy: Policy) -> tuple[Finding, ...]:
    """The findings on one policy, worst first."""
    return worst_first(_unordered(policy))


def _unordered(policy: Policy) -> list[Finding]:
    """The findings on one policy, rule by rule."""
    possible, by_statement = _gates().open(policy)
    pairs = list(zip(policy.statements, by_statement, strict=True))
    findings: list[Finding] = []
    for rule, bit in _rules(policy.kind, possible):
        if rule.on is Policy:
            findings += rule.findings(policy)
        else:
            findings += rule.findings(*[statement for statement, rules in pairs if rules & bit])
    return findings


# The gates keep what they found out about texts.
@memo_of_reference(1)
def _gates() -> Gates:
    return Gates([rule.gates for rule in POLICY_RULES])


@lru_cache(maxsize=4096)
def _rules(kind: Kind, possible: int) -> tuple[tuple[Check[Any], int], ...]:
    """The rules of a set that apply to policies of this kind, each with its bit."""
    return tuple(
        (rule, 1 << at)
        for at, rule in enumerate(POLICY_RULES)
        if possible >> at & 1
        and rule.on in {Policy, Statement}
        and (not rule.kinds or kind in rule.kinds)
    )


@cache
def _syntax_rules() -> tuple[Check[Any], ...]:
    return tuple(rule for rule in POLICY_RULES if rule.on is Syntax)


SEVERITIES = tuple(Severity)


_DIGITS = re.compile(r"(\d+)")


def worst_first(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings in the order in which they are shown."""
    return tuple(sorted(findings, key=finding_rank) if len(findings) > 1 else findings)


def finding_rank(finding: Finding) -> tuple[object, ...]:
    """Worst first, then in the order of the documents and of their places."""
    where = finding.where or Where()
    place = (where.line or 0, where.column or 0, _natural(where.pointer))
    name = (_natural(where.file or ""), _natural(finding.resource or ""))
    return SEVERITIES.index(finding.severity), *name, place


@lru_cache(maxsize=4096)
def _natural(text: str) -> tuple[tuple[int, str], ...]:
    """A key that sorts numbers as numbers: /Statement/10 comes after /Statement/9."""
    parts = _DIGITS.split(text)
    return tuple((len(part), part) if at % 2 else (0, part) for at, part in enumerate(parts))


def with_places(judged: Judged) -> Judged:
    """Each finding with its policy and file, and once if both sides of a template's condition have it."""
    return without_repeats(
        (source, with_location(findings, source)) for source, findings in judged
    )
