"""What a comparison found, as findings: access gained and lost, and what could not be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Finding, Severity, Status
from aws_iam.engine.comparison.change_findings import change_findings
from aws_iam.engine.evaluation.decision_flow import EVALUATION_LOGIC
from aws_iam.tools.policy.evaluate.relation_in_words import unknown_reasons, unread_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aws_iam.engine.comparison.access_changes import AccessChange
    from aws_iam.engine.comparison.compare import ComparedDocuments
    from aws_iam.engine.comparison.compared_policy import ComparedPolicy


def compared_findings(
    found: ComparedDocuments, placed: Callable[[AccessChange], AccessChange] | None = None
) -> tuple[Finding, ...]:
    """The findings, worst first; `placed` gives a change with its place in a file."""
    gained, lost = found.gained, found.lost
    if placed:
        gained, lost = (tuple(map(placed, changes)) for changes in (gained, lost))
    return tuple(sorted((*change_findings(gained, lost), *_open(found)), key=urgency))


def urgency(finding: Finding) -> tuple[int, int]:
    """Worst first."""
    return finding.status.rank, finding.severity.rank


def _open(found: ComparedDocuments) -> Iterator[Finding]:
    """What may be gained or lost, and could not be compared."""
    for compared in found.policies:
        if compared.comparison.relation == "unknown":
            yield _undecided(compared)
    yield from filter(None, (change.finding() for change in found.unjudged))
    if found.comparison.relation == "unknown" and found.broken:
        yield Finding(
            code="ACCESS_GAINED",
            title="Whether access is gained is unknown",
            severity=Severity.HIGH,
            status=Status.UNKNOWN,
            reason=unread_files(found),
            source=EVALUATION_LOGIC,
        )


def _undecided(compared: ComparedPolicy) -> Finding:
    """The finding that access may be gained, or where that is known, that it may be lost."""
    gains = bool(compared.beyond.open)
    return Finding(
        code="ACCESS_GAINED" if gains else "ACCESS_LOST",
        title=f"Whether access is {'gained' if gains else 'lost'} is unknown",
        severity=Severity.HIGH if gains else Severity.INFO,
        status=Status.UNKNOWN,
        reason="; ".join(unknown_reasons(compared)),
        resource=compared.name or None,
        source=EVALUATION_LOGIC,
    )
