"""An audit, or who reaches what, as the JSON that `--json` prints, without the next calls; the problems of policies, one by one."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from aws_iam.answer import Answer, to_json
from aws_iam.report.catalogue import ReportFormat
from aws_iam.report.clean import clean
from aws_iam.report.json_parts import json_object

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.report.access_report import AccessReport
    from aws_iam.report.audit_report import AuditReport
    from aws_iam.report.policy_report import PolicyReport


def audit_json(report: AuditReport) -> Iterator[str]:
    """The whole answer of `audit run` as JSON text."""
    some = tuple(islice(report.findings, 1))
    # One finding stands for all of them, in the place where the others are written.
    answer = replace(
        report.answer, tool="audit", action="run", counts=report.counts, next=(), findings=some
    )
    found = (to_json(clean(finding)) for finding in report.findings)
    return json_object(to_json(clean(answer)), "findings", found)


def access_json(report: AccessReport) -> str:
    """The whole answer as JSON text."""
    answer = replace(report.answer, tool="audit", action="access", next=())
    return json.dumps(to_json(clean(answer)), indent=1) + "\n"


def policies_json(report: PolicyReport) -> str:
    """The findings of each policy, what no policy has, and the places that were not judged."""
    rows = [
        {
            **{name: value for name, value in (("policy", own.name), ("file", own.file)) if value},
            "findings": to_json(clean(Answer(summary="", findings=own.findings))).get(
                "findings", []
            ),
        }
        for own in report.policies
    ]
    beside = to_json(clean(Answer(summary="", findings=tuple(report.online)))).get("findings", [])
    skipped = [{"file": own.file, "place": own.place, "why": own.why} for own in report.skipped]
    content = {"policies": rows, "findings": beside, "not_judged": skipped}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


FORMAT = ReportFormat(
    name="json",
    ending=".json",
    language="json",
    used_for="programs",
    notes="the whole answer of `run` or `access`; of policies the findings of each",
    audit=audit_json,
    policies=policies_json,
    access=access_json,
)
