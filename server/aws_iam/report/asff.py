"""An audit's findings in the AWS Security Finding Format, a JSON list for the user to import.

    status            Compliance.Status         severity            Severity.Label
    pass              PASSED                    critical            CRITICAL
    fail              FAILED                    high                HIGH
    manual, unknown   WARNING                   medium              MEDIUM
    not_applicable    NOT_AVAILABLE             low                 LOW
                                                info, and passed    INFORMATIONAL

A muted finding is SUPPRESSED in its workflow. The limits are those of the format:
https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format-syntax.html
"""

from __future__ import annotations

import json
import re
from datetime import UTC
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Severity, Status
from aws_iam.escape import escaped
from aws_iam.report.audited import ACCOUNT, fix_within, identities, kind_of

if TYPE_CHECKING:
    from aws_iam.answer import Finding
    from aws_iam.report.audited import Audited

MOST_TITLE, MOST_DESCRIPTION, MOST_NOTE, MOST_ID, MOST_FIELD = 256, 1024, 512, 512, 2048
_TYPE = "Software and Configuration Checks/Industry and Regulatory Standards/CIS AWS Foundations Benchmark"
_STATUS = {
    Status.PASS: "PASSED",
    Status.FAIL: "FAILED",
    Status.MANUAL: "WARNING",
    Status.UNKNOWN: "WARNING",
    Status.NOT_APPLICABLE: "NOT_AVAILABLE",
}
_QUIET = frozenset({Status.PASS, Status.NOT_APPLICABLE})
_LABELS = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL")
_NO_CODE = re.compile(r"[^A-Z0-9_.-]")
# https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Resource.html
_REGION = re.compile(r"[a-z0-9-]{1,16}")


def asff(run: Audited) -> str:
    """The findings as JSON text."""
    named = zip(identities(run.findings), run.findings, strict=True)
    return json.dumps([_finding(each, name, run) for name, each in named], indent=1) + "\n"


def _finding(finding: Finding, name: str, run: Audited) -> dict[str, Any]:
    account = finding.account or run.account
    moment = run.collected_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    product = f"arn:{run.partition}:securityhub:{run.home}:{account}:product/{account}/default"
    told: dict[str, Any] = {
        "SchemaVersion": "2018-10-08",
        "Id": f"aws-iam/{account}/{finding.code}/{name}",
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
        "Description": _text(_described(finding), MOST_DESCRIPTION),
        "Resources": [_resource(finding, account, run)],
        "Compliance": _compliance(finding, run),
        "ProductFields": _fields(finding, run),
        "Workflow": {"Status": _workflow(finding)},
        "RecordState": "ARCHIVED" if finding.change == "fixed" else "ACTIVE",
    }
    if finding.muted:
        note = {"UpdatedBy": "aws-iam", "UpdatedAt": moment}
        told["Note"] = {"Text": _text(f"muted: {finding.muted}", MOST_NOTE), **note}
    remediation = _remediation(finding)
    return told | ({"Remediation": {"Recommendation": remediation}} if remediation else {})


def _label(finding: Finding) -> str:
    return _LABELS[Severity.INFO.rank if finding.status in _QUIET else finding.severity.rank]


def _described(finding: Finding) -> str:
    text = finding.message or finding.title or finding.code
    return f"{text} ({finding.reason})" if finding.reason else text


def _resource(finding: Finding, account: str, run: Audited) -> dict[str, Any]:
    kind = kind_of(finding)
    named = f"AWS::::Account:{account}" if kind == ACCOUNT else finding.resource or account
    # A Region that is none is left out: the format takes no longer one.
    place = {"Region": region} if _REGION.fullmatch(region := finding.region or "") else {}
    return {"Type": kind, "Id": _text(named, MOST_ID), "Partition": run.partition, **place}


def _compliance(finding: Finding, run: Audited) -> dict[str, Any]:
    number = run.number(finding)
    told: dict[str, Any] = {"Status": _STATUS[finding.status], "SecurityControlId": finding.code}
    if number:
        told["RelatedRequirements"] = [
            f"CIS AWS Foundations Benchmark v{version}/{each}"
            for version, each in (finding.controls or {}).items()
        ]
    if finding.status in {Status.MANUAL, Status.UNKNOWN}:
        code = _NO_CODE.sub("_", finding.status.value.upper())
        reason = _text(finding.reason or finding.message or finding.title, MOST_FIELD)
        told["StatusReasons"] = [{"ReasonCode": code, "Description": reason}]
    return told


def _fields(finding: Finding, run: Audited) -> dict[str, str]:
    fields = {
        "aws-iam/Control": finding.code,
        "aws-iam/Status": finding.status.value,
        "aws-iam/Benchmark": run.benchmark,
        "aws-iam/Number": run.number(finding),
        "aws-iam/Resource": finding.resource or "",
        "aws-iam/Change": finding.change or "",
        "aws-iam/Version": run.version,
    }
    return {name: _text(value, MOST_FIELD) for name, value in fields.items() if value}


def _workflow(finding: Finding) -> str:
    if finding.muted:
        return "SUPPRESSED"
    return "RESOLVED" if finding.status in _QUIET else "NEW"


def _remediation(finding: Finding) -> dict[str, str]:
    told = {"Text": fix_within(finding, MOST_NOTE)} if finding.fix else {}
    if finding.source and finding.source.startswith("https://"):
        told["Url"] = _text(finding.source, MOST_FIELD)
    return told


def _text(text: str, limit: int) -> str:
    """The text within the limit, the mark of a cut included."""
    return escaped(text, limit - 1)[:limit]
