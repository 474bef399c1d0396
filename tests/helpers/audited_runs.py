"""Runs of an audit made by hand, for the tests of the report formats."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from aws_iam.answer import Finding, Severity, Status
from aws_iam.report.audit_report import AuditReport

if TYPE_CHECKING:
    from collections.abc import Sequence

SECTIONS = {"root_mfa": "2 identity and access", "imdsv2": "6 networking", "s3_macie": "3 storage"}
HOSTILE = [
    "<script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=\'owned\'">',
    "</script><script>document.title='owned'</script>",
    "' onmouseover='document.title=1'",
    "&lt;b&gt; &amp; `code` ``` [click](https://evil.example) | cell *bold* __x__",
    "=cmd|'/C calc'!A0",
    "+1+1",
    "@SUM(1)",
    "-2+3",
    " \t=1+1",
    "\uff1d1+1",
    "line\r\nbreak",
    "\u202eltr\u2066\u200b",
    "\x00\x1b[31m\x7f",
    "\ufffe\uffff",
    "\U0001f4a5\U0010ffff",
    "\ud800",
    "]]>",
    "{{7*7}} ${7*7}",
    "x" * 5_000,
]


def finding(**fields: Any) -> Finding:
    """A failed finding with everything, changed where `fields` say so."""
    return Finding(
        **{
            "code": "imdsv2",
            "title": "Instances accept only version 2 of the metadata service (IMDSv2)",
            "severity": Severity.HIGH,
            "status": Status.FAIL,
            "message": "instance `i-0` allows version 1 of the metadata service",
            "resource": "arn:aws:ec2:eu-west-1:111122223333:instance/i-0",
            "region": "eu-west-1",
            "account": "111122223333",
            "fix": "aws ec2 modify-instance-metadata-options --instance-id i-0 --http-tokens required",
            "source": "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html",
            "controls": {"6.0": "6.7", "7.0": "6.7"},
            **fields,
        }
    )


EVERY_STATUS = (
    finding(),
    finding(
        code="root_mfa",
        title="Root has MFA",
        status=Status.UNKNOWN,
        severity=Severity.CRITICAL,
        message="could not be judged",
        reason="iam:GetAccountSummary: AccessDenied; allow iam:GetAccountSummary",
        resource=None,
        region=None,
        controls={"7.0": "2.5"},
    ),
    finding(
        code="s3_macie", title="Macie looks", status=Status.MANUAL, severity=Severity.LOW, fix=None,
        resource="arn:aws:s3:::b", controls={"7.0": "3.1.3"},
    ),
    finding(status=Status.PASS, severity=Severity.MEDIUM, region="us-east-1", message="all is well"),
    finding(code="root_mfa", title="Root has MFA", status=Status.NOT_APPLICABLE, severity=Severity.INFO,
            resource="arn:aws:iam::111122223333:root", region=None, controls={"7.0": "2.5"}),
    finding(muted="an old agent (until 2026-12-31)", resource="arn:aws:ec2:eu-west-1:111122223333:instance/i-9"),
)  # fmt: skip


def audited(findings: Sequence[Finding] = EVERY_STATUS, **fields: Any) -> AuditReport:
    """The run of these findings."""
    counted = Counter(SECTIONS.get(found.code, "9 other") for found in findings)
    sections = [
        {"section": name, "pass": count, "fail": 0, "manual": 0, "unknown": 0, "not_applicable": 0, "muted": 0,
         "not_evaluated": 0, "score": 1.0}
        for name, count in sorted(counted.items())
    ]  # fmt: skip
    return AuditReport(
        **{
            "version": "1.2.3",
            "benchmark": "7.0",
            "versions": ("6.0", "7.0"),
            "account": "111122223333",
            "accounts": len({found.account for found in findings}) or 1,
            "alias": "larkspur",
            "regions": "2 of 2 enabled Regions",
            "collected_at": datetime(2026, 11, 1, 12, tzinfo=UTC),
            "as_of": "2026-11-24",
            "summary": "Score 50%.",
            "sections": sections,
            "total": {"section": "all", "pass": 1, "fail": 1, "manual": 1, "unknown": 1, "not_applicable": 1,
                      "muted": 1, "not_evaluated": 4, "score": 0.5},
            "section_of": {found.code: SECTIONS.get(found.code, "9 other") for found in findings},
            "whys": {"imdsv2": "Version 1 hands out credentials to whoever can make the instance ask."},
            "findings": tuple(findings),
            **fields,
        }
    )  # fmt: skip


def hostile_run() -> AuditReport:
    """A run in which every text is hostile."""
    found = [
        finding(
            code=("imdsv2", "root_mfa", "s3_macie")[number % 3],
            title=text, message=text, resource=text, region=text, fix=text, reason=text,
            muted=text if number % 4 == 0 else None, source=f"https://a.example/{text}",
            status=list(Status)[number % 5],
        )
        for number, text in enumerate(HOSTILE)
    ]  # fmt: skip
    mutes = [
        {
            "control": "imdsv2",
            "where": text,
            "until": None,
            "state": "matches nothing",
            "reason": text,
        }
        for text in HOSTILE
    ]
    return audited(found, alias=HOSTILE[0], mutes=mutes, to_add='{"Version": "2012-10-17"}')


_ANY = st.text(max_size=25) | st.sampled_from(HOSTILE)
_MAYBE = st.none() | _ANY
FINDINGS = st.builds(
    Finding,
    code=st.sampled_from(sorted(SECTIONS)),
    title=_ANY,
    severity=st.sampled_from([severity for severity in Severity if severity.value.islower()]),
    status=st.sampled_from(Status),
    message=_ANY,
    reason=_MAYBE,
    resource=_MAYBE | st.sampled_from(["arn:aws:s3:::b", "arn:aws:iam::111122223333:user/u"]),
    region=_MAYBE,
    account=st.just("111122223333"),
    fix=_MAYBE,
    source=_MAYBE | _ANY.map("https://a.example/{}".format),
    controls=st.none() | st.just({"7.0": "1.1"}),
    muted=_MAYBE,
    change=st.none() | st.sampled_from(["new", "fixed", "gone", "changed", "same", "unreadable"]),
)
