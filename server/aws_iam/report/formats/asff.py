"""An audit's findings in the AWS Security Finding Format (ASFF), a JSON list to import into Security Hub.

    status            Compliance.Status         severity            Severity.Label
    pass              PASSED                    critical            CRITICAL
    fail              FAILED                    high                HIGH
    manual, unknown   WARNING                   medium              MEDIUM
    not_applicable    NOT_AVAILABLE             low                 LOW
                                                info, and passed    INFORMATIONAL

A muted finding has the workflow status SUPPRESSED. The limits are those of the format:
https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format-syntax.html
"""

from __future__ import annotations

import json
import re
from datetime import UTC
from itertools import islice
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Severity, Status
from aws_iam.engine.reference.frameworks import CIS
from aws_iam.escape import escaped
from aws_iam.report.audit_report import ACCOUNT, fix_within, identities, kind_of
from aws_iam.report.catalogue import ReportFormat
from aws_iam.report.json_parts import json_list

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.answer import Finding
    from aws_iam.report.audit_report import AuditReport

MOST_IN_A_CALL = 100
"""https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html."""
MOST_TITLE, MOST_DESCRIPTION, MOST_NOTE, MOST_ID, MOST_FIELD = 256, 1024, 512, 512, 2048
_TYPE = "Software and Configuration Checks/Industry and Regulatory Standards/CIS AWS Foundations Benchmark"
_STATUS = {
    Status.PASS: "PASSED",
    Status.FAIL: "FAILED",
    Status.MANUAL: "WARNING",
    Status.UNKNOWN: "WARNING",
    Status.NOT_APPLICABLE: "NOT_AVAILABLE",
}
MOST_REQUIREMENTS = 32
# As Security Hub writes those that it names itself.
# https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html
_REQUIREMENT = {
    "fsbp": "AWS Foundational Security Best Practices v1.0.0/",
    "pci": "PCI DSS v4.0/",
    "nist": "NIST.800-53.r5 ",
    "soc2": "SOC 2/",
    "iso27001": "ISO/IEC 27001:2022/",
}
_QUIET = frozenset({Status.PASS, Status.NOT_APPLICABLE})
_LABELS = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL")
_NOT_IN_REASON_CODE = re.compile(r"[^A-Z0-9_.-]")
# https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Resource.html
_REGION = re.compile(r"[a-z0-9-]{1,16}")


def asff(report: AuditReport) -> Iterator[str]:
    """The findings as a list in JSON."""
    return json_list(rows(report))


def asff_lines(report: AuditReport) -> Iterator[str]:
    """The findings as lines of JSON, each a list that one call takes."""
    every = rows(report)
    while chunk := [*islice(every, MOST_IN_A_CALL)]:
        yield f"{json.dumps(chunk, separators=(',', ':'))}\n"


def rows(report: AuditReport) -> Iterator[dict[str, Any]]:
    """Each finding in the format, account by account."""
    for findings in report.by_account():
        for identity, finding in zip(identities(findings), findings, strict=True):
            yield _finding(finding, identity, report)


def _finding(finding: Finding, identity: str, report: AuditReport) -> dict[str, Any]:
    account = finding.account or report.account
    moment = report.collected_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    product = (
        f"arn:{report.partition}:securityhub:{report.home}:{account}:product/{account}/default"
    )
    row: dict[str, Any] = {
        "SchemaVersion": "2018-10-08",
        "Id": f"aws-iam/{account}/{finding.code}/{identity}",
        "ProductArn": product,
        "ProductName": "aws-iam",
        "CompanyName": "aws-iam contributors",
        "GeneratorId": f"aws-iam/{finding.code}",
        "AwsAccountId": account,
        "Types": [_TYPE],
        "CreatedAt": moment,
        "UpdatedAt": moment,
        "Severity": {"Label": _label(finding), "Original": finding.severity.value},
        "Title": _text(finding.title or finding.code, MOST_TITLE),
        "Description": _text(_description(finding), MOST_DESCRIPTION),
        "Resources": [_resource(finding, account, report)],
        "Compliance": _compliance(finding, report),
        "ProductFields": _fields(finding, report),
        "Workflow": {"Status": _workflow(finding)},
        "RecordState": "ARCHIVED" if finding.change in {"fixed", "gone"} else "ACTIVE",
    }
    if finding.muted:
        text = _text(f"muted: {finding.muted}", MOST_NOTE)
        row["Note"] = {"Text": text, "UpdatedBy": "aws-iam", "UpdatedAt": moment}
    remediation = _remediation(finding)
    return row | ({"Remediation": {"Recommendation": remediation}} if remediation else {})


def _label(finding: Finding) -> str:
    return _LABELS[Severity.INFO.rank if finding.status in _QUIET else finding.severity.rank]


def _description(finding: Finding) -> str:
    text = finding.message or finding.title or finding.code
    return f"{text} ({finding.reason})" if finding.reason else text


def _resource(finding: Finding, account: str, report: AuditReport) -> dict[str, Any]:
    kind = kind_of(finding)
    resource = f"AWS::::Account:{account}" if kind == ACCOUNT else finding.resource or account
    # The format refuses a Region of any other form.
    place = {"Region": region} if _REGION.fullmatch(region := finding.region or "") else {}
    return {"Type": kind, "Id": _text(resource, MOST_ID), "Partition": report.partition, **place}


def _compliance(finding: Finding, report: AuditReport) -> dict[str, Any]:
    compliance: dict[str, Any] = {
        "Status": _STATUS[finding.status],
        "SecurityControlId": finding.code,
    }
    if related := list(_requirements(finding, report)):
        compliance["RelatedRequirements"] = related[:MOST_REQUIREMENTS]
    if finding.status in {Status.MANUAL, Status.UNKNOWN}:
        code = _NOT_IN_REASON_CODE.sub("_", finding.status.value.upper())
        reason = _text(finding.reason or finding.message or finding.title, MOST_FIELD)
        compliance["StatusReasons"] = [{"ReasonCode": code, "Description": reason}]
    return compliance


def _requirements(finding: Finding, report: AuditReport) -> Iterator[str]:
    """The ids of the chosen framework, or of all; the longest lists last, because the format takes only so many."""
    ids = finding.frameworks or {}
    if report.framework == CIS:
        for version, number in (finding.controls or {}).items():
            yield f"CIS AWS Foundations Benchmark v{version}/{number}"
    for name in sorted(_REQUIREMENT, key=lambda name: len(ids.get(name, ()))):
        if report.framework in {CIS, name}:
            yield from (f"{_REQUIREMENT[name]}{own}" for own in ids.get(name, ()))


def _fields(finding: Finding, report: AuditReport) -> dict[str, str]:
    fields = {
        "aws-iam/Control": finding.code,
        "aws-iam/Status": finding.status.value,
        "aws-iam/Benchmark": report.benchmark,
        "aws-iam/Number": report.number(finding),
        **{
            f"aws-iam/Framework/{name}": ", ".join(ids)
            for name, ids in (finding.frameworks or {}).items()
            if name != CIS and report.framework in {CIS, name}
        },
        "aws-iam/Resource": finding.resource or "",
        "aws-iam/Change": finding.change or "",
        "aws-iam/Version": report.version,
    }
    return {name: _text(value, MOST_FIELD) for name, value in fields.items() if value}


def _workflow(finding: Finding) -> str:
    if finding.muted:
        return "SUPPRESSED"
    return "RESOLVED" if finding.status in _QUIET else "NEW"


def _remediation(finding: Finding) -> dict[str, str]:
    remediation = {"Text": fix_within(finding, MOST_NOTE)} if finding.fix else {}
    if finding.source and finding.source.startswith("https://"):
        remediation["Url"] = _text(finding.source, MOST_FIELD)
    return remediation


def _text(text: str, limit: int) -> str:
    """The text in at most `limit` characters, the ellipsis of a cut included."""
    return escaped(text, limit - 1)[:limit]


FORMAT = ReportFormat(
    name="asff",
    ending=".asff.json",
    language="json",
    used_for="Security Hub CSPM",
    notes="a JSON list; a fix longer than the format's 512 characters is not cut but replaced by where to find it; of more than 32 "
    "related requirements the rest stands in `ProductFields`; with `--ndjson` on each line a list of at most 100 findings of "
    "one account, which one `batch-import-findings` takes",
    audit=asff,
    audit_lines=asff_lines,
)
