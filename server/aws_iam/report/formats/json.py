"""An audit as the JSON that `audit run --json` prints, without the next calls."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.answer import counts, to_json
from aws_iam.report.catalogue import ReportFormat
from aws_iam.report.clean import clean

if TYPE_CHECKING:
    from aws_iam.report.audit_report import AuditReport


def audit_json(report: AuditReport) -> str:
    """The whole answer of `audit run` as JSON text."""
    answer = report.answer
    answer = replace(answer, tool="audit", action="run", counts=counts(answer.findings), next=())
    return json.dumps(to_json(clean(answer)), indent=1) + "\n"


FORMAT = ReportFormat(
    name="json",
    ending=".json",
    language="json",
    used_for="programs",
    notes="the whole answer of `run`",
    audit=audit_json,
)
