"""IAM Access Analyzer: analyzers and their active findings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class Analyzer:
    """An Access Analyzer analyzer: `ACCOUNT`, `ORGANIZATION`, `…_UNUSED_ACCESS`, `…_INTERNAL_ACCESS`."""

    name: str
    arn: str
    type: str
    status: str


@slotted
class AnalyzerFinding:
    """An active finding of an analyzer."""

    id: str
    type: str
    resource: str = ""
    resource_type: str = ""
    error: str | None = None


@slotted
class AnalyzerFindings:
    """The active findings of one analyzer, without archived and resolved ones; `more`: there are more than were read."""

    analyzer: str
    findings: tuple[AnalyzerFinding, ...] | Miss
    more: bool = False


ANALYZERS = many_in("accessanalyzer.analyzers", Analyzer)
ANALYZER_FINDINGS = many_in("accessanalyzer.findings", AnalyzerFindings)
_LIST_FINDINGS_V2 = "accessanalyzer:ListFindingsV2"
_MAX_FINDINGS = 1000


@collector_in(ANALYZERS, "accessanalyzer:ListAnalyzers")
def analyzers(aws: Aws, region: str) -> tuple[Analyzer, ...]:
    """The analyzers of every type."""
    listed = (
        Analyzer(
            name=analyzer["name"],
            arn=analyzer["arn"],
            type=analyzer.get("type", ""),
            status=analyzer.get("status", ""),
        )
        for analyzer in aws.items("accessanalyzer:ListAnalyzers", "analyzers", region=region)
    )
    return tuple(sorted(listed, key=lambda analyzer: analyzer.arn))


@collector_in(ANALYZER_FINDINGS, _LIST_FINDINGS_V2, after=(ANALYZERS,))
def findings(aws: Aws, region: str) -> tuple[AnalyzerFindings, ...]:
    """The active findings of each working analyzer."""
    active = [
        analyzer for analyzer in aws.fact_in(region, ANALYZERS) if analyzer.status == "ACTIVE"
    ]
    listed = aws.read_each(
        lambda analyzer: _active(aws, region, analyzer.arn), active, _LIST_FINDINGS_V2
    )
    return tuple(
        AnalyzerFindings(analyzer=analyzer.arn, findings=active_findings)
        if isinstance(active_findings, Miss)
        else AnalyzerFindings(
            analyzer=analyzer.arn,
            findings=tuple(active_findings[:_MAX_FINDINGS]),
            more=len(active_findings) > _MAX_FINDINGS,
        )
        for analyzer, active_findings in zip(active, listed, strict=True)
    )


def _active(aws: Aws, region: str, arn: str) -> list[AnalyzerFinding]:
    listed = aws.items(
        _LIST_FINDINGS_V2,
        "findings",
        region=region,
        analyzerArn=arn,
        filter={"status": {"eq": ["ACTIVE"]}},
        PaginationConfig={"MaxItems": _MAX_FINDINGS + 1},
    )
    return sorted(map(_finding, listed), key=lambda finding: finding.id)


def _finding(data: dict[str, Any]) -> AnalyzerFinding:
    return AnalyzerFinding(
        id=data["id"],
        type=data.get("findingType", ""),
        resource=data.get("resource", ""),
        resource_type=data.get("resourceType", ""),
        error=data.get("error"),
    )
