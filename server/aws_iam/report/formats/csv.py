"""An audit's findings as CSV (RFC 4180, UTF-8): one row per finding of any status, one column per benchmark version.

A control's id is written `CIS 4.10`: a spreadsheet would read a bare `4.10` as the number 4.1, which is another control.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

from aws_iam.escape import escaped
from aws_iam.report.catalogue import ReportFormat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.answer import Finding
    from aws_iam.report.audit_report import AuditReport

MOST_TEXT = 4_000
# Characters that start a formula in a spreadsheet, their full-width forms included.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# In locales with a decimal comma, spreadsheets split cells at semicolons and ignore the quotes around them.
_BEFORE_FORMULA = re.compile(rf"(;\s*)(?=[{re.escape(''.join(_FORMULA_STARTS))}])")


def csv_table(report: AuditReport) -> str:
    """The table with its header; a cell that a spreadsheet would run as a formula starts with an apostrophe."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_columns(report))
    writer.writerows(
        [_cell(value) for value in _row(finding, report)] for finding in report.findings
    )
    return out.getvalue()


def _columns(report: AuditReport) -> list[str]:
    numbers = [f"cis_{version}" for version in report.versions]
    first = ["account", "region", "section", "control", *numbers, "title", "status", "severity"]
    return [*first, "change", "resource", "message", "why_unknown", "fix", "muted", "source"]


def _row(finding: Finding, report: AuditReport) -> Iterator[str | None]:
    numbers = finding.controls or {}
    yield finding.account
    yield finding.region
    yield report.section_of.get(finding.code)
    yield finding.code
    yield from (
        f"CIS {numbers[version]}" if version in numbers else None for version in report.versions
    )
    yield finding.title
    yield finding.status.value
    yield finding.severity.value
    yield finding.change
    yield finding.resource
    yield finding.message
    yield finding.reason
    yield finding.fix
    yield finding.muted
    yield finding.source


def _cell(text: str | None) -> str:
    shown = _BEFORE_FORMULA.sub(r"\1'", escaped(text or "", MOST_TEXT))
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA_STARTS) else shown


FORMAT = ReportFormat(
    name="csv",
    ending=".csv",
    language="csv",
    used_for="spreadsheets",
    notes="one row per finding, one column per version, with numbers such as `CIS 4.10` that a spreadsheet does not "
    "read as 4.1; no cell can start a formula",
    audit=csv_table,
)
