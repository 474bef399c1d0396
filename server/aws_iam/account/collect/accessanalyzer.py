"""IAM Access Analyzer: analyzers and what they found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.facts.fact import Miss
from aws_iam.account.facts.governance import (
    ANALYZER_FINDINGS,
    ANALYZERS,
    Analyzer,
    AnalyzerFinding,
    AnalyzerFindings,
)

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws

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
