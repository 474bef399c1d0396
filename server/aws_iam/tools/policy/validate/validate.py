"""`policy validate`: the problems of policies, worst first, with AWS's issue codes and our own."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Finding, NextCall, Status, next_call
from aws_iam.engine.language.document import Form, Kind, Policy, Source, Syntax, may_be_scp
from aws_iam.engine.reference.attachment_types import VPC_ENDPOINT
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.repair.correctable import CORRECTABLE
from aws_iam.engine.sources.gather import gathered, one_policy
from aws_iam.engine.sources.gathered import Unread
from aws_iam.rules.check import AT_MOST
from aws_iam.rules.ignores import ignores_of
from aws_iam.rules.policy.catalogue import ENDED_EARLY
from aws_iam.rules.policy.risk_findings import escalations_on_named_targets
from aws_iam.rules.policy.run import (
    SEVERITIES,
    finding_rank,
    policy_findings,
    source_findings,
    with_places,
)
from aws_iam.tools.kit import policy_inputs
from aws_iam.tools.policy.muting import begun_list, with_ignores
from aws_iam.tools.policy.validate.access_analyzer import AnalyzedPolicies, with_access_analyzer
from aws_iam.tools.policy.validate.attached_policies import JudgedAttachments
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aws_iam.tools.kit.parameters import Connection
    from aws_iam.tools.kit.tool import Progress
    from aws_iam.tools.policy.validate.report_file import Report


_CHECKS = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html"
)


def validate_policies(
    document: object,
    kind: Kind | str | None = None,
    resource_type: str | None = None,
    *,
    aws: tuple[Connection, Progress] | None = None,
    report: Report | None = None,
    begins_list: bool = False,
) -> Answer:
    """The problems of each policy, the kind it was read as, and whether that was guessed.

    `begins_list`: today's problems become entries of the settings file, which is the answer's file.
    """
    ignores = ignores_of(document)
    gathered_policies = gathered(document, kind, resource_type)
    by_document = tuple((source, source_findings(source)) for source in gathered_policies.sources)
    analyzed = (
        with_access_analyzer(by_document, *aws)
        if aws
        else AnalyzedPolicies(by_document=by_document)
    )
    attached = JudgedAttachments.of(gathered_policies)
    judged = (*with_places(analyzed.by_document), *attached.judged)
    settings = None
    if begins_list:
        settings = begun_list(document, ignores, [f for _, own in judged for f in own])
        ignores = ignores_of(settings.document)
    muted = tuple((source, ignores.muted(found)) for source, found in judged)
    answer = _answer(replace(analyzed, by_document=muted), attached, report)
    return with_ignores(answer, ignores, settings)


def _answer(
    analyzed: AnalyzedPolicies, attached: JudgedAttachments, report: Report | None
) -> Answer:
    gathered_policies = attached.input
    by_source = list(analyzed.by_document)
    broken = (
        policy_inputs.not_judged(place) for place in gathered_policies.unread if place.broken
    )
    found = (finding for _, several in by_source for finding in several)
    problems = tuple(sorted((*found, *broken), key=finding_rank))
    findings = (*problems, *analyzed.unknown)
    partly = tuple(_partly_judged(by_source))
    complete = not partly and not analyzed.unknown and policy_inputs.is_complete(gathered_policies)
    left = _left_to_explain(source for source, _ in by_source)
    sentences = (
        _summary(by_source, problems, complete=complete),
        left,
        policy_inputs.partly_judged_note(partly),
        policy_inputs.not_judged_note(gathered_policies),
        attached.note,
        analyzed.sentence,
    )
    artifacts = (
        (report.artifact(by_source, analyzed.unknown, gathered_policies.unread),) if report else ()
    )
    return Answer(
        summary=" ".join(filter(None, sentences)),
        findings=findings,
        artifacts=artifacts,
        facts=_facts(by_source, whole=bool(gathered_policies.formats))
        | policy_inputs.input_facts(
            gathered_policies, (*partly, *policy_inputs.attached(gathered_policies))
        )
        | policy_inputs.managed_policy_facts(attached.arns)
        | analyzed.facts,
        sources=tuple(dict.fromkeys((_CHECKS, *(f.source for f in findings[:5] if f.source)))),
        next=_next(by_source, left),
        as_of=catalog().as_of,
    )


def _partly_judged(by_source: list[tuple[Source, tuple[Finding, ...]]]) -> Iterator[Unread]:
    """The policies in which a search for problems ended early, once for each reason."""
    for source, found in by_source:
        place = policy_inputs.place_of(source)
        for finding in found:
            if _says_not_judged(finding):
                why = f"{finding.code}: {finding.reason or finding.message}"
                yield Unread(place=place, why=why, file=source.file)
        for code in _cut(found):
            why = f"{code}: the search ended after {AT_MOST} findings"
            yield Unread(place=place, why=why, file=source.file)


def _says_not_judged(finding: Finding) -> bool:
    return finding.status is Status.UNKNOWN or finding.code in ENDED_EARLY


def _summary(
    by_source: list[tuple[Source, tuple[Finding, ...]]],
    findings: tuple[Finding, ...],
    *,
    complete: bool,
) -> str:
    which = _kinds_read(source for source, _ in by_source)
    date = f"service data of {catalog().as_of}"
    told = [finding for finding in findings if not _says_not_judged(finding)]
    problems = [finding for finding in told if finding.muted is None]
    if not problems:
        scope = f"in {which}" if complete else f"in what was judged of {which}"
        found = "No problems found" if complete and not told else "No problems"
        return f"{found}{' that are not muted' if told else ''} {scope}; {date}."
    severities = Counter(finding.severity for finding in problems)
    severity_counts = ", ".join(
        f"{severities[severity]} {severity}" for severity in SEVERITIES if severities[severity]
    )
    floor = "" if complete else "At least "
    return f"{floor}{counted(len(problems), 'problem')} in {which}: {severity_counts}; {date}."


def _kinds_read(sources: Iterable[Source]) -> str:
    listed = list(sources)
    if not listed:
        return "the files, which hold no policy"
    if len(listed) > 1:
        return f"{len(listed)} policies"
    content = listed[0].content
    if isinstance(content, Syntax):
        return "the text, which is not JSON"
    endpoint = content.resource_type == VPC_ENDPOINT
    name = "the policy of a VPC endpoint" if endpoint else KIND_NAMES[content.kind]
    return f"the policy, read as {name}{policy_inputs.how_guessed(content, listed[0].file)}"


KIND_NAMES = {
    Kind.IDENTITY: "an identity policy",
    Kind.RESOURCE: "a resource policy",
    Kind.SCP: "a service control policy",
    Kind.RCP: "a resource control policy",
    Kind.BOUNDARY: "a permissions boundary",
    Kind.SESSION: "a session policy",
    Kind.TRUST: "a role trust policy",
}


def _facts(
    by_source: list[tuple[Source, tuple[Finding, ...]]], *, whole: bool = False
) -> dict[str, Any]:
    if len(by_source) == 1 and not by_source[0][0].name:
        return _fact(*by_source[0])
    # For policies found in a template or file show the kind of each, even if nothing is wrong.
    all_ = len(by_source) == 1 or whole
    shown = by_source if all_ else [row for row in by_source if row[1]]
    several = len({source.file for source, _ in by_source}) > 1
    rows = [
        {
            **policy_inputs.policy_columns(source, several=several),
            **_fact(source, found),
            "problems": len(found),
        }
        for source, found in shown
    ]
    clean = sum(not found for _, found in by_source)
    facts: dict[str, Any] = {"policies_read": len(by_source), "policies_without_problems": clean}
    return facts | ({"policies": rows} if rows else {})


def _fact(source: Source, found: tuple[Finding, ...]) -> dict[str, Any]:
    content = source.content
    if isinstance(content, Syntax):
        return {}
    fact: dict[str, Any] = {"kind": content.kind.value, "kind_guessed": content.kind_guessed}
    other = _indistinguishable(content, found) if content.kind_guessed else ""
    if other:
        fact["could_also_be"] = other
    cut = _cut(found)
    if cut:
        fact["cut_at_200"] = ", ".join(cut)
    edits = _edits(content, found) if not source.name else []
    return fact | ({"edits": edits} if edits else {})


def _edits(policy: Policy, found: tuple[Finding, ...]) -> list[dict[str, Any]]:
    """The edits that correct findings, one after the other."""
    if CORRECTABLE.isdisjoint(finding.code for finding in found):
        return []
    # Imported here: it loads the engine of comparisons, which few policies need.
    from aws_iam.engine.repair.corrections import corrections

    def judged(document: Mapping[str, Any]) -> tuple[Policy, tuple[Finding, ...]]:
        read = one_policy(dict(document), policy.kind)
        corrected = replace(read, resource_type=policy.resource_type)
        return corrected, policy_findings(corrected)

    return corrections(found, policy, judged)


def _cut(found: tuple[Finding, ...]) -> list[str]:
    """The codes whose findings were cut: the policy may have more such problems."""
    by_code = Counter(finding.code for finding in found)
    return sorted(code for code, number in by_code.items() if number >= AT_MOST)


def _indistinguishable(policy: Policy, found: tuple[Finding, ...]) -> str:
    """The kind of policy that would look the same; empty when it would have the same problems."""
    if policy.resource_type == VPC_ENDPOINT:
        of_resource = policy_findings(replace(policy, resource_type=None))
        is_public = any(finding.code == "PUBLIC_ACCESS_ALLOWED" for finding in of_resource)
        return Kind.RESOURCE.value if is_public else ""
    if may_be_scp(policy):
        as_scp = policy_findings(replace(policy, kind=Kind.SCP))
        return "" if _places(as_scp) == _places(found) else Kind.SCP.value
    principals = (statement.node.member("Principal") for statement in policy.statements)
    everyone = all(
        principal and principal.form is Form.STRING and principal.text == "*"
        for principal in principals
    )
    denies = all(statement.denies for statement in policy.statements)
    return Kind.RCP.value if policy.kind is Kind.RESOURCE and everyone and denies else ""


def _places(findings: Iterable[Finding]) -> set[tuple[str, str]]:
    return {(f.code, f.where.pointer if f.where else "") for f in findings}


def _left_to_explain(sources: Iterable[Source]) -> str:
    """A sentence on what is no problem as it is written, and may be one all the same."""
    policies = (source.content for source in sources if isinstance(source.content, Policy))
    number = sum(map(escalations_on_named_targets, policies))
    if not number:
        return ""
    verb, those = ("makes", "it") if number == 1 else ("make", "them")
    return (
        f"{counted(number, 'statement')} {verb} privilege escalation possible if the named targets have stronger"
        f" permissions; `policy explain` shows {those}."
    )


def _next(by_source: list[tuple[Source, tuple[Finding, ...]]], left: str) -> tuple[NextCall, ...]:
    services: dict[str, None] = {}
    kinds: dict[str, None] = {}
    for source, found in by_source:
        content = source.content
        if isinstance(content, Policy) and content.kind_guessed:
            kinds |= dict.fromkeys(filter(None, [_indistinguishable(content, found)]))
        services |= dict.fromkeys(filter(None, map(_service_of, found)))
    calls = []
    if len(by_source) == 1 and not by_source[0][0].unresolved and _is_long(by_source[0][1]):
        why = "the same access in fewer characters, or in several policies"
        calls.append(next_call("policy", "shrink", why, ("document", "kind", "resource_type")))
    calls += [
        next_call("policy", "lookup", f"the actions and keys of {name}", query=name)
        for name in services
    ]
    if left:
        calls.append(
            next_call("policy", "explain", "what the grants make possible", ("document", "kind"))
        )
    if len(by_source) == 1:
        calls += (
            next_call("policy", "validate", f"if it is meant as {kind}", ("document",), kind=kind)
            for kind in kinds
        )
    return tuple(calls)[:_MOST_CALLS]


def _is_long(found: Iterable[Finding]) -> bool:
    """Whether the policy exceeds its quota, or nearly does."""
    return any(
        finding.status is Status.FAIL and finding.muted is None and _LONG.match(finding.code)
        for finding in found
    )


_MOST_CALLS = 3
_LONG = re.compile("POLICY_SIZE_EXCEEDS|TOO_LONG_FOR|POLICY_NEAR_SIZE")
_ABOUT_ACTIONS = frozenset({"INVALID_ACTION", "KEY_NOT_SUPPORTED_BY_ACTION"})
_SERVICE = re.compile(r"`([a-z0-9-]+):")


def _service_of(finding: Finding) -> str:
    """The service whose action the finding is about."""
    service = _SERVICE.search(finding.message) if finding.code in _ABOUT_ACTIONS else None
    return service[1] if service else ""
