"""`irsa check` puts trust policies as people write them into the class that each deserves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Finding, Severity, Status
from aws_iam.tools.irsa.actions import tool
from helpers.folders import TESTS
from helpers.tables.each import for_each

if TYPE_CHECKING:
    from collections.abc import Callable

POLICIES = json.loads((TESTS / "cases/irsa/labelled-trusts.json").read_text(encoding="utf-8"))[
    "policies"
]
DANGEROUS = {Severity.CRITICAL, Severity.HIGH}
Findings = list[Finding]


def severities(findings: Findings) -> set[str]:
    return {finding.severity for finding in findings}


def is_loose(findings: Findings) -> bool:
    return bool(severities(findings) & {*DANGEROUS, Severity.MEDIUM})


def says_never(findings: Findings) -> bool:
    return any("never matches" in f"{f.message} {f.title}" for f in findings)


CLASSES: dict[str, Callable[[Findings], bool]] = {
    "dangerous": lambda findings: bool(severities(findings) & DANGEROUS),
    "loose": is_loose,
    "fine": lambda findings: not is_loose(findings),
    "noted": lambda findings: any(f.code == "OIDC-ANY-REF" for f in findings),
    "never": lambda findings: (
        says_never(findings) and Severity.CRITICAL not in severities(findings)
    ),
    "says never": says_never,
}


@for_each(POLICIES, name=lambda case: case["name"])
def test_a_trust_policy_is_in_its_class(case: dict[str, Any]) -> None:
    answer = tool.run({"action": "check", "document": case["policy"]})
    findings = [finding for finding in answer.findings if finding.status is Status.FAIL]
    assert any(CLASSES[name](findings) for name in case["accept"]), [
        (f.severity, f.code, f.message) for f in findings
    ]
