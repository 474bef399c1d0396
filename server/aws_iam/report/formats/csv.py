"""An audit's findings as CSV (RFC 4180, UTF-8): one row per finding of any status, a column per benchmark version and framework.

A control's id is written `CIS 4.10`: a spreadsheet would read a bare `4.10` as the number 4.1, which is another control.
"""

from __future__ import annotations

import csv
import io
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from aws_iam.engine.reference.frameworks import CIS, names
from aws_iam.escape import escaped
from aws_iam.report.catalogue import ReportFormat

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.answer import Finding
    from aws_iam.report.audit_report import AuditReport

MOST_TEXT = 4_000
# Characters that start a formula in a spreadsheet, their full-width forms included.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# In locales with a decimal comma, spreadsheets split cells at semicolons and ignore the quotes around them.
_BEFORE_FORMULA = re.compile(rf"(;\s*)(?=[{re.escape(''.join(_FORMULA_STARTS))}])")


def csv_rows(report: AuditReport) -> Iterator[str]:
    """The table with its header; a cell that a spreadsheet would run as a formula starts with an apostrophe."""
    yield _line(_columns(report))
    for finding in report.findings:
        yield _line([_cell(value) for value in _row(finding, report)])


def _line(cells: Iterable[str]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()


def _columns(report: AuditReport) -> list[str]:
    numbers = [column for column, _ in _ids(None, report)]
    first = ["account", "region", "section", "control", *numbers, "title", "status", "severity"]
    return [*first, "change", "resource", "message", "why_unknown", "fix", "muted", "source"]


def _row(finding: Finding, report: AuditReport) -> Iterator[str | None]:
    yield finding.account
    yield finding.region
    yield report.section_of.get(finding.code)
    yield finding.code
    yield from (cell for _, cell in _ids(finding, report))
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


def _ids(finding: Finding | None, report: AuditReport) -> Iterator[tuple[str, str]]:
    """The columns of ids with the finding's cells: those of the chosen framework, or of all."""
    numbers = (finding and finding.controls) or {}
    others = (finding and finding.frameworks) or {}
    for version in report.versions if report.framework == CIS else ():
        yield f"cis_{version}", f"CIS {numbers[version]}" if version in numbers else ""
    for name in names():
        if name != CIS and report.framework in {CIS, name}:
            ids = ", ".join(others.get(name, ()))
            # A spreadsheet may take a bare `1.2.5` for a day.
            yield name, f"PCI {ids}" if ids and name == "pci" else ids


# Most cells of a column hold one of a few texts.
@lru_cache(maxsize=4_096)
def _cell(text: str | None) -> str:
    shown = _BEFORE_FORMULA.sub(r"\1'", escaped(text or "", MOST_TEXT))
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA_STARTS) else shown


FORMAT = ReportFormat(
    name="csv",
    ending=".csv",
    language="csv",
    used_for="spreadsheets",
    notes="one row per finding, one column per version and framework, with numbers such as `CIS 4.10` that a spreadsheet does not "
    "read as 4.1; no cell can start a formula",
    audit=csv_rows,
)
