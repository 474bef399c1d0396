"""An audit's findings in the AWS Security Finding Format, on each line as many as one BatchImportFindings takes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aws_iam.report.catalogue import ReportFormat
from aws_iam.report.formats.asff import rows

if TYPE_CHECKING:
    from aws_iam.report.audit_report import AuditReport

MOST_IN_A_CALL = 100
"""https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html."""


def asff_lines(report: AuditReport) -> str:
    """The findings in lists of one account, each a line of JSON."""
    every = list(rows(report))
    chunks = (every[at : at + MOST_IN_A_CALL] for at in range(0, len(every), MOST_IN_A_CALL))
    return "".join(f"{json.dumps(chunk, separators=(',', ':'))}\n" for chunk in chunks)


FORMAT = ReportFormat(
    name="asff_ndjson",
    ending=".asff.ndjson",
    language="ndjson",
    used_for="Security Hub CSPM, many accounts",
    notes="on each line a JSON list of at most 100 findings of one account, which one `batch-import-findings` takes; written account by account",
    audit=asff_lines,
    by_line=True,
)
