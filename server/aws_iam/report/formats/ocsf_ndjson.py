"""An audit's findings as OCSF 1.5.0 Compliance Findings, one on each line: what security lakes take in any number."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aws_iam.report.catalogue import ReportFormat
from aws_iam.report.formats.ocsf import events

if TYPE_CHECKING:
    from aws_iam.report.audit_report import AuditReport


def ocsf_lines(report: AuditReport) -> str:
    """The findings as lines of JSON."""
    return "".join(f"{json.dumps(event, separators=(',', ':'))}\n" for event in events(report))


FORMAT = ReportFormat(
    name="ocsf_ndjson",
    ending=".ocsf.ndjson",
    language="ndjson",
    used_for="security lakes, many accounts",
    notes="the events of `ocsf`, one on each line, in the order in which accounts were read; written account by account",
    audit=ocsf_lines,
    by_line=True,
)
