"""`audit access_analyzer`: each Region's analyzers, their findings, and the commands that add missing analyzers."""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, TypeVar

from aws_iam.account.collect.detection.access_analyzer import ANALYZER_FINDINGS, ANALYZERS
from aws_iam.account.collect.fact import Miss
from aws_iam.answer import Answer, Artifact, Status, next_call
from aws_iam.engine.language.arn import Arn
from aws_iam.escape import escaped, has_invisible_characters
from aws_iam.report.order import by_urgency
from aws_iam.tools.audit.controls import benchmark as catalogue
from aws_iam.tools.audit.controls.judge import judge, needs
from aws_iam.tools.kit.account_source import audit_call
from aws_iam.tools.kit.unread_facts import misses_of, unread_reasons, unread_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.account.collect.detection.access_analyzer import (
        Analyzer,
        AnalyzerFinding,
        AnalyzerFindings,
    )
    from aws_iam.account.collect.fact import Fact
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.answer import Finding

T = TypeVar("T")
_UNKNOWN = "unknown"
_CONTROL = "access_analyzer"
_ANALYZER_TYPE = "ACCOUNT"
_ANALYZER_NAME = "external"
_PAGE = "references/compliance-checklist.md#access-analyzer"
_AWS_PAGE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-findings.html"


def needed_facts() -> tuple[Fact[Any], ...]:
    """The facts that the answer needs."""
    wanted: tuple[Fact[Any], ...] = (ANALYZERS, ANALYZER_FINDINGS, *needs(controls=(_CONTROL,)))
    return tuple({fact.name: fact for fact in wanted}.values())


def analyzers_answer(account: Account) -> Answer:
    """The analyzers of every Region with their active findings."""
    findings = by_urgency(judge(account, controls=(_CONTROL,)))
    table = [row for region in account.regions.read for row in _analyzer_rows(account, region)]
    active = [row for region in account.regions.read for row in _finding_rows(account, region)]
    missing = [
        finding.region for finding in findings if finding.status is Status.FAIL and finding.region
    ]
    unjudged = [
        finding.region
        for finding in findings
        if finding.status is Status.UNKNOWN and finding.region
    ]
    misses = misses_of(account, (ANALYZERS, ANALYZER_FINDINGS))
    return Answer(
        summary=_summary(account, table, active, findings),
        findings=findings,
        facts={
            "benchmark": catalogue.benchmark().version,
            "account": account.id,
            **({"nothing_evaluated": True} if _is_unread(account) else {}),
            "regions": str(account.regions),
            "regions_without_external_access_analyzer": _or_unknown(missing, unjudged),
            **({"regions_not_judged": unjudged} if unjudged else {}),
            "findings_by_type": _or_unknown(_by_type(account, active), misses),
            "analyzers": table,
            "active_findings": _or_unknown(active, misses),
            **({"not_read": unread_table(misses)} if misses else {}),
        },
        artifacts=_script(account, missing),
        sources=(_PAGE, _AWS_PAGE),
        next=(
            next_call(
                "audit", "control", "what the control checks and what mends it", id=_CONTROL
            ),
            audit_call("run", "all controls of the benchmark"),
        ),
        as_of=catalogue.as_of(),
    )


def _is_unread(account: Account) -> bool:
    """Whether no Region told its analyzers."""
    return all(isinstance(analyzers, Miss) for _, analyzers in account.in_each(ANALYZERS))


def _or_unknown(value: T, unread: Sequence[object]) -> T | str:
    """`unknown` for an empty value if not everything was read."""
    return value if value or not unread else _UNKNOWN


def _analyzer_rows(account: Account, region: str) -> Iterator[dict[str, Any]]:
    analyzers = account.get_in(region, ANALYZERS)
    if isinstance(analyzers, Miss):
        yield _row(region, _UNKNOWN, _UNKNOWN, _UNKNOWN, str(analyzers))
        return
    for analyzer in analyzers:
        yield _row(
            region,
            analyzer.name,
            analyzer.type,
            analyzer.status,
            _count_of(account, region, analyzer),
        )
    if not analyzers:
        yield _row(region, None, None, "no analyzer", None)


def _row(
    region: str, name: str | None, kind: str | None, status: str, active: int | str | None
) -> dict[str, Any]:
    return {
        "region": region,
        "analyzer": name,
        "type": kind,
        "status": status,
        "active_findings": active,
    }


def _count_of(account: Account, region: str, analyzer: Analyzer) -> int | str:
    listings = _findings(account, region)
    if isinstance(listings, Miss):
        return f"{_UNKNOWN}: {listings}"
    listing = next(
        (listing for listing in listings if listing.analyzer in {analyzer.arn, analyzer.name}),
        None,
    )
    if listing is None:
        return "not read"
    if isinstance(listing.findings, Miss):
        return f"{_UNKNOWN}: {listing.findings}"
    return f"more than {len(listing.findings)}" if listing.more else len(listing.findings)


def _finding_rows(account: Account, region: str) -> Iterator[dict[str, Any]]:
    listings = _findings(account, region)
    for list_of_analyzer in () if isinstance(listings, Miss) else listings:
        for finding in (
            () if isinstance(list_of_analyzer.findings, Miss) else list_of_analyzer.findings
        ):
            yield {
                "type": finding.type,
                "resource": finding.resource,
                "resource_type": finding.resource_type,
                "region": region,
                "analyzer": list_of_analyzer.analyzer.rpartition("/")[2],
                "id": finding.id,
                "error": finding.error,
            }


def _by_type(account: Account, active: Sequence[dict[str, Any]]) -> dict[str, int | str]:
    """How many findings of each type; a truncated list may hold more of every type in it."""
    cut = {finding.type for findings in _truncated(account) for finding in findings}
    counted = Counter(row["type"] for row in active)
    return {kind: f"at least {n}" if kind in cut else n for kind, n in counted.items()}


def _truncated(account: Account) -> list[tuple[AnalyzerFinding, ...]]:
    """The truncated lists of findings."""
    listings = (_findings(account, region) for region in account.regions.read)
    every = (
        analyzer_findings
        for findings in listings
        if not isinstance(findings, Miss)
        for analyzer_findings in findings
    )
    return [
        analyzer_findings.findings
        for analyzer_findings in every
        if analyzer_findings.more and not isinstance(analyzer_findings.findings, Miss)
    ]


def _findings(account: Account, region: str) -> tuple[AnalyzerFindings, ...] | Miss:
    return account.get_in(region, ANALYZER_FINDINGS)


def _summary(
    account: Account,
    table: Sequence[dict[str, Any]],
    active: Sequence[dict[str, Any]],
    findings: Sequence[Finding],
) -> str:
    parts = _unread_parts(account)
    count = sum(row["analyzer"] not in {None, _UNKNOWN} for row in table)
    if count or not parts:
        words = f"{count} analyzer{'' if count == 1 else 's'}"
        seen = f"more than {len(active)}" if _truncated(account) else len(active)
        parts.append(f"{words} with {seen} active findings" if active or not parts else words)
    by_status: dict[Status, list[str]] = defaultdict(list)
    for finding in findings:
        by_status[finding.status].append(finding.region or "the account")
    if missing := by_status[Status.FAIL]:
        parts.append(f"no external-access analyzer is active in {', '.join(missing)}")
    if unread := by_status[Status.UNKNOWN]:
        parts.append(f"whether one is active in {', '.join(unread)} is unknown")
    if not missing and not unread:
        parts.append("every Region that was read has an active external-access analyzer")
    return f"{'; '.join(parts)}."


def _unread_parts(account: Account) -> list[str]:
    """What could not be read, for the beginning of the summary."""
    parts: list[str] = []
    for fact, words in ((ANALYZERS, "the analyzers"), (ANALYZER_FINDINGS, "their findings")):
        misses = misses_of(account, (fact,))
        if misses and not (parts and set(misses) <= set(misses_of(account, (ANALYZERS,)))):
            where = ", ".join(dict.fromkeys(miss.region for miss in misses if miss.region))
            place = f" in {where}" if where else ""
            parts.append(f"{words} could not be read{place}: {unread_reasons(misses)}")
    return [parts[0][:1].upper() + parts[0][1:], *parts[1:]] if parts else []


def _script(account: Account, missing: Sequence[str]) -> tuple[Artifact, ...]:
    lines = [
        _command(account, region) for region in missing if not has_invisible_characters(region)
    ]
    if not lines:
        return ()
    content = "\n".join(["#!/usr/bin/env bash", "set -euo pipefail", *lines]) + "\n"
    return (Artifact(name="create-analyzers.sh", language="bash", content=content),)


def _command(account: Account, region: str) -> str:
    """The command that adds an analyzer, or a comment on why none can be added."""
    listings = account.get_in(region, ANALYZERS)
    own_analyzers = (
        [] if isinstance(listings, Miss) else [a for a in listings if _is_own(account, a)]
    )
    # A Region takes one analyzer of each type per account, and a disabled one counts:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-quotas.html
    if existing := next(
        (analyzer for analyzer in own_analyzers if analyzer.type == _ANALYZER_TYPE), None
    ):
        name, status = escaped(existing.name, 120), escaped(existing.status, 120)
        return (
            f"# {escaped(region, 120)}: analyzer {name} is {status}, and AWS allows no second one of type {_ANALYZER_TYPE}."
            " If it stays that way, delete it first; its findings and archive rules are deleted with it."
        )
    taken_names = {analyzer.name for analyzer in own_analyzers}
    # One more candidate than there are names in use, so that one is free.
    names = (
        _ANALYZER_NAME,
        *(f"{_ANALYZER_NAME}-{number}" for number in range(2, len(taken_names) + 2)),
    )
    free = next(name for name in names if name not in taken_names)
    place = f"--region {shlex.quote(region)}"
    return f"aws accessanalyzer create-analyzer {place} --analyzer-name {free} --type {_ANALYZER_TYPE}"


def _is_own(account: Account, analyzer: Analyzer) -> bool:
    """Whether the analyzer belongs to the account; an organization's analyzer may be in another account, where it uses up no name."""
    arn = Arn.of(analyzer.arn)
    return arn is None or arn.account == account.id
