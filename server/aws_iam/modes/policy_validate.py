"""`policy validate`: the problems of policies, worst first, under AWS's issue codes and our own."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Finding, Severity, Where
from aws_iam.policy.catalog import catalog
from aws_iam.policy.document import Form, Kind, Policy, Source, Statement, Syntax, read
from aws_iam.rules import POLICY_RULES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.rules.rule import Rule

AT_MOST = 200
"""Findings of one rule in one policy; a document of nothing but faults is cut there, and the answer says so."""

MOST_ROWS = 20
"""Rows about policies of a list; the findings are what one reads, and they name their policy themselves."""

_CHECKS = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html"
)


def validate(document: str | dict[str, Any] | list[Any], kind: str | None = None) -> list[Finding]:
    """The problems of a policy, of a list of them or of the policies of an `Answer`, worst first."""
    return [finding for source in read(document, kind) for finding in _findings(source)]


def validated(document: object, kind: Kind | str | None = None) -> Answer:
    """The problems as an answer: as which kind each policy was read, and whether that was guessed."""
    sources = read(document, kind)
    by_source = [(source, _findings(source)) for source in sources]
    findings = tuple(sorted((f for _, found in by_source for f in found), key=_rank))
    return Answer(
        summary=_summary(by_source, findings),
        findings=findings,
        facts=_facts(by_source),
        sources=tuple(dict.fromkeys((_CHECKS, *(f.source for f in findings[:5] if f.source)))),
        next=_next(by_source),
        as_of=catalog().as_of,
    )


def checked(policy: Policy) -> tuple[Finding, ...]:
    """The problems of one policy, worst first."""
    found = (finding for rule in _rules(policy.kind) for finding in _by_rule(rule, policy))
    return tuple(sorted(found, key=_rank))


def _findings(source: Source) -> tuple[Finding, ...]:
    content = source.content
    if isinstance(content, Policy):
        found = checked(content)
    else:
        found = tuple(finding for rule in _syntax_rules() for finding in rule.check(content))
    return tuple(replace(each, resource=source.name) for each in found) if source.name else found


@cache
def _rules(kind: Kind) -> tuple[Rule[Any], ...]:
    chosen = (rule for rule in POLICY_RULES if rule.on in {Policy, Statement})
    return tuple(rule for rule in chosen if not rule.kinds or kind in rule.kinds)


@cache
def _syntax_rules() -> tuple[Rule[Any], ...]:
    return tuple(rule for rule in POLICY_RULES if rule.on is Syntax)


def _by_rule(rule: Rule[Any], policy: Policy) -> Iterator[Finding]:
    if rule.on is Policy:
        yield from rule.check(policy, at_most=AT_MOST)
        return
    left = AT_MOST
    for statement in policy.statements:
        found = rule.check(statement, at_most=left)
        yield from found
        left -= len(found)
        if not left:
            return


_SEVERITIES = tuple(Severity)
_DIGITS = re.compile(r"(\d+)")


def _rank(finding: Finding) -> tuple[object, ...]:
    """Worst first, then in the order of the documents and of their places."""
    where = finding.where or Where()
    place = (where.line or 0, where.column or 0, _natural(where.pointer))
    return _SEVERITIES.index(finding.severity), _natural(finding.resource or ""), place


def _natural(text: str) -> tuple[tuple[int, str], ...]:
    """A key that sorts numbers as numbers: /Statement/10 comes after /Statement/9."""
    parts = _DIGITS.split(text)
    return tuple((len(part), part) if at % 2 else (0, part) for at, part in enumerate(parts))


def _summary(
    by_source: list[tuple[Source, tuple[Finding, ...]]], findings: tuple[Finding, ...]
) -> str:
    which = _kinds_read(source for source, _ in by_source)
    date = f"judged by service data of {catalog().as_of}"
    if not findings:
        return f"No problems found in {which}; {date}."
    severities = Counter(finding.severity for finding in findings)
    counted = ", ".join(f"{severities[each]} {each}" for each in _SEVERITIES if severities[each])
    floor = "At least " if any(_cut(found) for _, found in by_source) else ""
    return f"{floor}{_plural(len(findings), 'problem')} in {which}: {counted}; {date}."


def _kinds_read(sources: Iterable[Source]) -> str:
    listed = list(sources)
    if len(listed) > 1:
        return f"{len(listed)} policies"
    content = listed[0].content
    if isinstance(content, Syntax):
        return "the text, which is no JSON"
    guessed = " (the kind is guessed)" if content.kind_guessed else ""
    return f"the policy, read as {_NAMES[content.kind]}{guessed}"


_NAMES = {
    Kind.IDENTITY: "an identity policy",
    Kind.RESOURCE: "a resource policy",
    Kind.SCP: "a service control policy",
    Kind.RCP: "a resource control policy",
    Kind.BOUNDARY: "a permissions boundary",
    Kind.SESSION: "a session policy",
    Kind.TRUST: "a role trust policy",
}


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _facts(by_source: list[tuple[Source, tuple[Finding, ...]]]) -> dict[str, Any]:
    if len(by_source) == 1 and not by_source[0][0].name:
        return _fact(*by_source[0])
    # Of one policy among others' artifacts one wants to know as which kind it was read, even when nothing is wrong.
    shown = by_source if len(by_source) == 1 else [each for each in by_source if each[1]]
    rows = [
        {"policy": source.name, **_fact(source, found), "problems": len(found)}
        for source, found in shown[:MOST_ROWS]
    ]
    clean = sum(not found for _, found in by_source)
    facts: dict[str, Any] = {"policies_read": len(by_source), "policies_without_problems": clean}
    if len(shown) > MOST_ROWS:
        facts["more_policies_with_problems"] = len(shown) - MOST_ROWS
    return facts | ({"policies": rows} if rows else {})


def _fact(source: Source, found: tuple[Finding, ...]) -> dict[str, Any]:
    content = source.content
    if isinstance(content, Syntax):
        return {}
    fact: dict[str, Any] = {"kind": content.kind.value, "kind_guessed": content.kind_guessed}
    other = _indistinguishable(content) if content.kind_guessed else ""
    if other:
        fact["could_also_be"] = other
    cut = _cut(found)
    if cut:
        fact["cut_at_200"] = ", ".join(cut)
    return fact


def _cut(found: tuple[Finding, ...]) -> list[str]:
    """The codes of which there may be more problems in the policy than findings."""
    by_code = Counter(finding.code for finding in found)
    return sorted(code for code, number in by_code.items() if number >= AT_MOST)


def _indistinguishable(policy: Policy) -> str:
    """The organization policy that would look the same."""
    if policy.kind is Kind.IDENTITY:
        return Kind.SCP.value
    principals = (statement.node.member("Principal") for statement in policy.statements)
    everyone = all(each and each.form is Form.STRING and each.text == "*" for each in principals)
    denies = all(statement.denies for statement in policy.statements)
    return Kind.RCP.value if policy.kind is Kind.RESOURCE and everyone and denies else ""


def _next(by_source: list[tuple[Source, tuple[Finding, ...]]]) -> tuple[str, ...]:
    calls = []
    for source, found in by_source:
        content = source.content
        if isinstance(content, Policy) and content.kind_guessed:
            other = _indistinguishable(content)
            calls += [f"aws-iam policy validate --document FILE --kind {other}"] if other else []
        calls += filter(None, map(_looked_up, found[:_MOST_CALLS]))
    if not any(found for _, found in by_source):
        calls.append("aws-iam policy guide --topic access-analyzer-before-a-change")
    return tuple(dict.fromkeys(calls))[:_MOST_CALLS]


_MOST_CALLS = 3
_ABOUT_ACTIONS = frozenset({"INVALID_ACTION", "UNSUPPORTED_ACTION_FOR_CONDITION_KEY"})
_SERVICE = re.compile(r"`([a-z0-9-]+):")


def _looked_up(finding: Finding) -> str:
    """The look-up of the service whose action is in question."""
    service = _SERVICE.search(finding.message) if finding.code in _ABOUT_ACTIONS else None
    return f"aws-iam policy lookup --query {service[1]}" if service else ""
