"""Access Analyzer: which analyzers each Region has, what they found, and how to add what is missing."""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, TypeVar

from aws_iam.account.collect.detection.access_analyzer import ANALYZER_FINDINGS, ANALYZERS
from aws_iam.account.collect.fact import Miss
from aws_iam.answer import Answer, Artifact, Status
from aws_iam.engine.language.arn import Arn
from aws_iam.escape import escaped, hides
from aws_iam.report.page import by_urgency
from aws_iam.tools.audit.controls import benchmark as catalogue
from aws_iam.tools.audit.controls.judge import judge, needs
from aws_iam.tools.kit.account_source import command
from aws_iam.tools.kit.unread_facts import misses_of, reasons, rows

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
    from aws_iam.tools.kit.parameters import Source

T = TypeVar("T")
_UNKNOWN = "unknown"
_KEY = "access_analyzer"
_TYPE = "ACCOUNT"
_NAME = "external"
_PAGE = "references/compliance-checklist.md#access-analyzer"
_AWS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-findings.html"


def needed() -> tuple[Fact[Any], ...]:
    """The facts that the answer reads."""
    wanted: tuple[Fact[Any], ...] = (ANALYZERS, ANALYZER_FINDINGS, *needs(controls=(_KEY,)))
    return tuple({fact.name: fact for fact in wanted}.values())


def answer(account: Account, source: Source) -> Answer:
    """The analyzers of every Region with their active findings."""
    found = by_urgency(judge(account, controls=(_KEY,)))
    table = [row for region in account.regions.read for row in _rows(account, region)]
    active = [row for region in account.regions.read for row in _active(account, region)]
    missing = [
        finding.region for finding in found if finding.status is Status.FAIL and finding.region
    ]
    unjudged = [
        finding.region for finding in found if finding.status is Status.UNKNOWN and finding.region
    ]
    missed = misses_of(account, (ANALYZERS, ANALYZER_FINDINGS))
    return Answer(
        summary=_summary(account, table, active, found),
        findings=found,
        facts={
            "benchmark": catalogue.benchmark().version,
            "account": account.id,
            "regions": str(account.regions),
            "regions_without_external_access_analyzer": _or_unknown(missing, unjudged),
            **({"regions_not_judged": unjudged} if unjudged else {}),
            "findings_by_type": _or_unknown(_by_type(account, active), missed),
            "analyzers": table,
            "active_findings": _or_unknown(active, missed),
            **({"not_read": rows(missed)} if missed else {}),
        },
        artifacts=_commands(account, missing),
        sources=(_PAGE, _AWS),
        next=(f"aws-iam audit control --id {_KEY}", command(source, "run")),
        as_of=catalogue.as_of(),
    )


def _or_unknown(found: T, unread: Sequence[object]) -> T | str:
    """Nothing found is an answer only where everything was read."""
    return found if found or not unread else _UNKNOWN


def _rows(account: Account, region: str) -> Iterator[dict[str, Any]]:
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
            _count(account, region, analyzer),
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


def _count(account: Account, region: str, analyzer: Analyzer) -> int | str:
    held = _findings(account, region)
    if isinstance(held, Miss):
        return f"{_UNKNOWN}: {held}"
    mine = next(
        (listing for listing in held if listing.analyzer in {analyzer.arn, analyzer.name}), None
    )
    if mine is None:
        return "not read"
    if isinstance(mine.findings, Miss):
        return f"{_UNKNOWN}: {mine.findings}"
    return f"more than {len(mine.findings)}" if mine.more else len(mine.findings)


def _active(account: Account, region: str) -> Iterator[dict[str, Any]]:
    held = _findings(account, region)
    for list_of_analyzer in () if isinstance(held, Miss) else held:
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
    """The findings of each type; of a list that was cut, further ones may be of any type in it."""
    cut = {finding.type for findings in _cut(account) for finding in findings}
    counted = Counter(row["type"] for row in active)
    return {kind: f"at least {n}" if kind in cut else n for kind, n in counted.items()}


def _cut(account: Account) -> list[tuple[AnalyzerFinding, ...]]:
    """The lists of findings that were cut."""
    held = (_findings(account, region) for region in account.regions.read)
    every = (
        analyzer_findings
        for found in held
        if not isinstance(found, Miss)
        for analyzer_findings in found
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
    found: Sequence[Finding],
) -> str:
    parts = _gaps(account)
    count = sum(row["analyzer"] not in {None, _UNKNOWN} for row in table)
    if count or not parts:
        words = f"{count} analyzer{'' if count == 1 else 's'}"
        seen = f"more than {len(active)}" if _cut(account) else len(active)
        parts.append(f"{words} with {seen} active findings" if active or not parts else words)
    by_status: dict[Status, list[str]] = defaultdict(list)
    for finding in found:
        by_status[finding.status].append(finding.region or "the account")
    if missing := by_status[Status.FAIL]:
        parts.append(f"no external-access analyzer is active in {', '.join(missing)}")
    if unread := by_status[Status.UNKNOWN]:
        parts.append(f"whether one is active in {', '.join(unread)} is unknown")
    if not missing and not unread:
        parts.append("every Region that was read has an active external-access analyzer")
    return f"{'; '.join(parts)}."


def _gaps(account: Account) -> list[str]:
    """What could not be read stands first."""
    parts: list[str] = []
    for fact, words in ((ANALYZERS, "the analyzers"), (ANALYZER_FINDINGS, "their findings")):
        missed = misses_of(account, (fact,))
        if missed and not (parts and set(missed) <= set(misses_of(account, (ANALYZERS,)))):
            where = ", ".join(dict.fromkeys(miss.region for miss in missed if miss.region))
            place = f" in {where}" if where else ""
            parts.append(f"{words} could not be read{place}: {reasons(missed)}")
    return [parts[0][:1].upper() + parts[0][1:], *parts[1:]] if parts else []


def _commands(account: Account, missing: Sequence[str]) -> tuple[Artifact, ...]:
    lines = [_command(account, region) for region in missing if not hides(region)]
    if not lines:
        return ()
    content = "\n".join(["#!/usr/bin/env bash", "set -euo pipefail", *lines]) + "\n"
    return (Artifact(name="create-analyzers.sh", language="bash", content=content),)


def _command(account: Account, region: str) -> str:
    """The command that adds an analyzer, or why there can be none."""
    held = account.get_in(region, ANALYZERS)
    own = [] if isinstance(held, Miss) else [a for a in held if _is_own(account, a)]
    # AWS takes one analyzer of the account of each type in a Region, also where that one is disabled:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-quotas.html
    if idle := next((analyzer for analyzer in own if analyzer.type == _TYPE), None):
        name, status = escaped(idle.name, 120), escaped(idle.status, 120)
        return (
            f"# {escaped(region, 120)}: analyzer {name} is {status}, and AWS takes no second one of type {_TYPE}:"
            " delete it first if it does not come back; its findings and archive rules go with it."
        )
    taken = {analyzer.name for analyzer in own}
    # As many names as there are analyzers, and one more: one of them is free.
    names = (_NAME, *(f"{_NAME}-{number}" for number in range(2, len(taken) + 2)))
    free = next(name for name in names if name not in taken)
    place = f"--region {shlex.quote(region)}"
    return f"aws accessanalyzer create-analyzer {place} --analyzer-name {free} --type {_TYPE}"


def _is_own(account: Account, analyzer: Analyzer) -> bool:
    """An analyzer of the organization may be another account's, which holds no name and no place here."""
    arn = Arn.of(analyzer.arn)
    return arn is None or arn.account == account.id
