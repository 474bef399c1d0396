"""Results that a host passes on to the view, made by hand."""

from __future__ import annotations

from typing import Any

from aws_iam.answer import Answer, Severity, Status, counts, to_json
from helpers.audited_runs import finding

SECTIONS = [
    {"section": "2 identity and access", "pass": 1, "fail": 1, "unknown": 1, "score": 0.5},
    {"section": "6 networking", "pass": 0, "fail": 1, "unknown": 0, "score": 0.0},
]


def a_run(*findings: Any, **fields: Any) -> dict[str, Any]:
    """A result that a host passes on: a run with these findings."""
    facts = {
        "benchmark": "7.0",
        "account": "111122223333 (books)",
        "regions": "2 of 2 enabled Regions",
        "collected_at": "2026-11-27T12:00:00+00:00",
        "score": {"overall": 0.25, "not_evaluated": 1},
        "sections": SECTIONS,
        **fields.pop("facts", {}),
    }
    run = Answer(
        summary="what was found",
        tool="audit",
        action="run",
        findings=findings,
        counts=counts(findings),
        facts=facts,
    )
    return {"structuredContent": to_json(run) | fields}


A_USER = finding(
    code="user_console_mfa",
    title="Users with a password have MFA",
    severity=Severity.CRITICAL,
    message="`bob` has a console password but no MFA",
    resource="arn:aws:iam::111122223333:user/bob",
    region=None,
    controls={"7.0": "2.10"},
)
UNREAD = finding(
    code="root_mfa",
    title="Root has MFA",
    status=Status.UNKNOWN,
    severity=Severity.CRITICAL,
    message="could not be judged",
    reason="iam:GetAccountSummary: AccessDenied; allow `iam:GetAccountSummary`",
    resource=None,
    region=None,
    controls={"7.0": "2.5"},
)
PASSING = finding(status=Status.PASS, message="`i-1` is well", resource="i-1")
MUTED = finding(muted="accepted until spring", message="`i-2` is muted", resource="i-2")
