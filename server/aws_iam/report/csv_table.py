"""An audit's findings as CSV (RFC 4180, UTF-8): one finding a row, every status, a column for each version's number.

The number is written `CIS 4.10`: a reader that takes cells for numbers would make 4.1, another control, of `4.10`.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

from aws_iam.escape import escaped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.answer import Finding
    from aws_iam.report.audited import Audited

MOST_TEXT = 4_000
# What spreadsheets read as the beginning of a formula, in the full-width forms too.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# Where the comma is the decimal sign, spreadsheets split at the semicolon and know no quotes around it.
_SPLIT = re.compile(rf"(;\s*)(?=[{re.escape(''.join(_FORMULA))}])")


def csv_table(run: Audited) -> str:
    """The table with its header; a cell that a spreadsheet would run begins with an apostrophe."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_columns(run))
    writer.writerows([_cell(each) for each in _row(finding, run)] for finding in run.findings)
    return out.getvalue()


def _columns(run: Audited) -> list[str]:
    numbers = [f"cis_{version}" for version in run.versions]
    first = ["account", "region", "section", "control", *numbers, "title", "status", "severity"]
    return [*first, "change", "resource", "message", "why_unknown", "fix", "muted", "source"]


def _row(finding: Finding, run: Audited) -> Iterator[str | None]:
    numbers = finding.controls or {}
    yield finding.account
    yield finding.region
    yield run.section_of.get(finding.code)
    yield finding.code
    yield from (
        f"CIS {numbers[version]}" if version in numbers else None for version in run.versions
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
    shown = _SPLIT.sub(r"\1'", escaped(text or "", MOST_TEXT))
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown
