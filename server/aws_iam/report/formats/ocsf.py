"""An audit's findings as OCSF 1.5.0 Compliance Findings (class 2003), one JSON list.

    status            compliance.status_id          severity            severity_id
    pass              1  Pass                       critical            5
    unknown           2  Warning                    high                4
    fail              3  Fail                       medium              3
    manual            99 `manual`                   low                 2
    not_applicable    99 `not_applicable`           info                1

A muted finding has the event status 3, Suppressed.
https://schema.ocsf.io/1.5.0/classes/compliance_finding
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Severity, Status
from aws_iam.engine.reference.frameworks import CIS, framework, names
from aws_iam.escape import escaped
from aws_iam.report.audit_report import identities, kind_of, parts_of
from aws_iam.report.catalogue import ReportFormat
from aws_iam.report.json_parts import json_list

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.answer import Finding
    from aws_iam.report.audit_report import AuditReport

MOST_TEXT = 4_000
_VERSION = "1.5.0"
_CLASS, _CATEGORY, _CREATE = 2003, 2, 1
_OTHER = 99
_NEW, _SUPPRESSED, _RESOLVED = (1, "New"), (3, "Suppressed"), (4, "Resolved")
_AWS_ACCOUNT = 10
_STATUS = {
    Status.PASS: (1, "Pass"),
    Status.UNKNOWN: (2, "Warning"),
    Status.FAIL: (3, "Fail"),
    Status.MANUAL: (_OTHER, Status.MANUAL.value),
    Status.NOT_APPLICABLE: (_OTHER, Status.NOT_APPLICABLE.value),
}
_SEVERITY = {
    Severity.CRITICAL: (5, "Critical"),
    Severity.HIGH: (4, "High"),
    Severity.MEDIUM: (3, "Medium"),
    Severity.LOW: (2, "Low"),
    Severity.INFO: (1, "Informational"),
}


def ocsf(report: AuditReport) -> Iterator[str]:
    """The findings as a list in JSON."""
    return json_list(events(report))


def ocsf_lines(report: AuditReport) -> Iterator[str]:
    """The findings as lines of JSON."""
    return (f"{json.dumps(event, separators=(',', ':'))}\n" for event in events(report))


def events(report: AuditReport) -> Iterator[dict[str, Any]]:
    """An event for each finding, account by account."""
    for findings in report.by_account():
        for uid, finding in zip(identities(findings), findings, strict=True):
            yield _event(finding, uid, report)


def _event(finding: Finding, uid: str, report: AuditReport) -> dict[str, Any]:
    moment = int(report.collected_at.timestamp() * 1000)
    severity_id, severity = _SEVERITY.get(finding.severity, (_OTHER, finding.severity.value))
    status_id, status = _event_status(finding)
    return _present(
        {
            "activity_id": _CREATE,
            "activity_name": "Create",
            "category_uid": _CATEGORY,
            "category_name": "Findings",
            "class_uid": _CLASS,
            "class_name": "Compliance Finding",
            "type_uid": _CLASS * 100 + _CREATE,
            "type_name": "Compliance Finding: Create",
            "time": moment,
            "severity_id": severity_id,
            "severity": severity,
            "status_id": status_id,
            "status": status,
            "status_detail": _text(finding.muted),
            "message": _text(finding.message or finding.title),
            "metadata": _metadata(report),
            "finding_info": _info(finding, uid, report, moment),
            "compliance": _compliance(finding, report),
            "remediation": _remediation(finding),
            "resources": [_resource(finding, report)],
            "cloud": _present(
                {
                    "provider": "AWS",
                    "region": _text(finding.region),
                    "account": {
                        "uid": finding.account or report.account,
                        "type_id": _AWS_ACCOUNT,
                        "type": "AWS Account",
                    },
                }
            ),
            "unmapped": _unmapped(finding),
        }
    )


def _event_status(finding: Finding) -> tuple[int, str]:
    if finding.muted:
        return _SUPPRESSED
    return _RESOLVED if finding.change in {"fixed", "gone"} else _NEW


def _metadata(report: AuditReport) -> dict[str, Any]:
    product = {"name": "aws-iam", "vendor_name": "aws-iam contributors", "version": report.version}
    return {"version": _VERSION, "product": product, "profiles": ["cloud"]}


def _info(finding: Finding, uid: str, report: AuditReport, moment: int) -> dict[str, Any]:
    return _present(
        {
            "uid": uid,
            "title": _text(finding.title) or finding.code,
            "desc": _text(report.whys.get(finding.code)),
            "created_time": moment,
            "src_url": _url(finding.source),
            "types": ["Software and Configuration Checks/Industry and Regulatory Standards/CIS"],
        }
    )


def _compliance(finding: Finding, report: AuditReport) -> dict[str, Any]:
    status_id, status = _STATUS[finding.status]
    standards, requirements = _requirements(finding, report)
    return _present(
        {
            "control": finding.code,
            "desc": _text(finding.title),
            "standards": standards,
            "requirements": requirements or None,
            "status_id": status_id,
            "status": status,
            "status_detail": _text(finding.reason),
        }
    )


def _requirements(finding: Finding, report: AuditReport) -> tuple[list[str], list[str]]:
    """The framework of the report with the finding's bare ids; if it is CIS the others too, whose ids begin with their name.

    What has no id in the framework of the report is none of its requirements, but one of CIS.
    """
    shown = report.standard
    if not shown.ids(finding):
        shown = framework(CIS, report.benchmark)
        return [shown.title], list(shown.ids(finding))
    standards, requirements = [shown.title], list(shown.ids(finding))
    if shown.name == CIS:
        for name in names():
            other = framework(name, report.benchmark)
            if name != CIS and (ids := other.ids(finding)):
                standards.append(other.title)
                requirements += [f"{other.title}: {own}" for own in ids]
    return standards, requirements


def _remediation(finding: Finding) -> dict[str, Any] | None:
    if not finding.fix:
        return None
    source = _url(finding.source)
    return _present({"desc": _text(finding.fix), "references": [source] if source else None})


def _resource(finding: Finding, report: AuditReport) -> dict[str, Any]:
    parts = parts_of(finding.resource or "")
    return _present(
        {
            "uid": _text(finding.resource)
            or f"AWS::::Account:{finding.account or report.account}",
            "name": _text(parts[2]) if parts else None,
            "type": kind_of(finding),
            "region": _text(finding.region),
            "cloud_partition": report.partition,
        }
    )


def _unmapped(finding: Finding) -> dict[str, Any] | None:
    """What the schema has no field for: the ids in other versions and by framework, the change, the confidence."""
    fields = {
        "controls": dict(finding.controls) if finding.controls else None,
        "frameworks": {name: list(ids) for name, ids in (finding.frameworks or {}).items()}
        or None,
        "change": finding.change,
        "confidence": finding.confidence,
    }
    return _present(fields) or None


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, "")}


def _text(text: str | None) -> str:
    return escaped(text or "", MOST_TEXT)


def _url(source: str | None) -> str | None:
    return escaped(source, MOST_TEXT) if source and source.startswith("https://") else None


FORMAT = ReportFormat(
    name="ocsf",
    ending=".ocsf.json",
    language="json",
    used_for="security lakes",
    notes="[Compliance Finding](https://schema.ocsf.io/1.5.0/classes/compliance_finding) of OCSF 1.5.0, a JSON list; "
    "with `--ndjson` an event on each line",
    audit=ocsf,
    audit_lines=ocsf_lines,
)
