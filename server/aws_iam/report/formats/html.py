"""HTML pages that work offline: of an audit, and of who reaches what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.report.catalogue import ReportFormat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.report.access_report import AccessReport
    from aws_iam.report.audit_report import AuditReport


def _audit(report: AuditReport) -> Iterator[str]:
    # Imported here, as below: a server that starts lists the formats, and writes none.
    from aws_iam.report.audit_page import html_page

    yield html_page(report)


def _access(report: AccessReport) -> str:
    from aws_iam.report.access_page import access_page

    return access_page(report)


FORMAT = ReportFormat(
    name="html",
    ending=".html",
    language="html",
    used_for="people",
    notes="one file that loads nothing: search, filters, sorting, fixes to copy; prints; readable without JavaScript",
    audit=_audit,
    access=_access,
    tells_paths=True,
)
