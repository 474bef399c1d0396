"""IAM Access Analyzer: analyzers and their active findings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@dataclass(frozen=True, slots=True, kw_only=True)
class Analyzer:
    """An Access Analyzer analyzer: `ACCOUNT`, `ORGANIZATION`, `…_UNUSED_ACCESS`, `…_INTERNAL_ACCESS`."""

    name: str
    arn: str
    type: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzerFinding:
    """An active finding of an analyzer."""

    id: str
    type: str
    resource: str = ""
    resource_type: str = ""
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzerFindings:
    """The active findings of one analyzer (archived and resolved ones left out); `more`: the list was cut."""

    analyzer: str
    findings: tuple[AnalyzerFinding, ...] | Miss
    more: bool = False


ANALYZERS = many_in("accessanalyzer.analyzers", Analyzer)
ANALYZER_FINDINGS = many_in("accessanalyzer.findings", AnalyzerFindings)
FINDINGS = "accessanalyzer:ListFindingsV2"
_MOST = 1000


@collector_in(ANALYZERS, "accessanalyzer:ListAnalyzers")
def analyzers(aws: Aws, region: str) -> tuple[Analyzer, ...]:
    """The analyzers of every type."""
    found = (
        Analyzer(
            name=analyzer["name"],
            arn=analyzer["arn"],
            type=analyzer.get("type", ""),
            status=analyzer.get("status", ""),
        )
        for analyzer in aws.pages("accessanalyzer:ListAnalyzers", "analyzers", region=region)
    )
    return tuple(sorted(found, key=lambda each: each.arn))


@collector_in(ANALYZER_FINDINGS, FINDINGS, after=(ANALYZERS,))
def findings(aws: Aws, region: str) -> tuple[AnalyzerFindings, ...]:
    """The active findings of each working analyzer."""
    active = [each for each in aws.fact_in(region, ANALYZERS) if each.status == "ACTIVE"]
    read = aws.each(lambda each: _active(aws, region, each.arn), active, FINDINGS)
    return tuple(
        AnalyzerFindings(analyzer=analyzer.arn, findings=found)
        if isinstance(found, Miss)
        else AnalyzerFindings(
            analyzer=analyzer.arn, findings=tuple(found[:_MOST]), more=len(found) > _MOST
        )
        for analyzer, found in zip(active, read, strict=True)
    )


def _active(aws: Aws, region: str, arn: str) -> list[AnalyzerFinding]:
    listed = aws.pages(
        FINDINGS,
        "findings",
        region=region,
        analyzerArn=arn,
        filter={"status": {"eq": ["ACTIVE"]}},
        PaginationConfig={"MaxItems": _MOST + 1},
    )
    return sorted(map(_finding, listed), key=lambda each: each.id)


def _finding(data: dict[str, Any]) -> AnalyzerFinding:
    return AnalyzerFinding(
        id=data["id"],
        type=data.get("findingType", ""),
        resource=data.get("resource", ""),
        resource_type=data.get("resourceType", ""),
        error=data.get("error"),
    )
