"""What `irsa check` says lets strangers in, `policy validate` and `policy compare` with `public` do not call fine."""

from __future__ import annotations

import json
from typing import Any

from aws_iam.answer import Severity
from aws_iam.tools.irsa.actions import tool as irsa
from aws_iam.tools.policy.actions import tool as policy
from helpers.folders import TESTS
from helpers.provider_cases import cases
from helpers.tables.each import for_each

GITHUB = "token.actions.githubusercontent.com"
STRANGERS = {"OIDC-TENANT-WILD", "OIDC-NO-TENANT", "OIDC-CUSTOM-SUB"}
KEEP_OUT = {"OIDC-ORG-WIDE", "OIDC-ANY-REF", "OIDC-MUTABLE"}
GRAVE = {Severity.CRITICAL, Severity.HIGH}


def document(case: dict[str, Any]) -> dict[str, Any]:
    host = case.get("host", GITHUB)
    condition = case.get("condition")
    if condition is None:
        operator, value = case["sub"]
        condition = {"StringEquals": {"$:aud": "sts.amazonaws.com"}}
        condition = condition | {operator: {**condition.get(operator, {}), "$:sub": value}}
    provider = {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{host}"}
    statement = {
        "Effect": "Allow",
        "Principal": case.get("principal", provider),
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": json.loads(json.dumps(condition).replace("$:", f"{host}:")),
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


CASES = [
    case
    for case in (
        *json.loads((TESTS / "cases/irsa/trust-checks.json").read_text(encoding="utf-8")),
        *cases("trust_checks"),
    )
    if not {"principal", "action", "not_action", "deny"} & set(case)
    and case.get("host") != "cognito-identity.amazonaws.com"
    and ("sub" in case or case.get("condition"))
]


def is_public(case: dict[str, Any]) -> bool:
    answer = policy.run({"action": "compare", "document": document(case), "public": True})
    return bool(answer.comparison and answer.comparison.violations)


@for_each(
    [c for c in CASES if any(c["codes"].get(code) in GRAVE for code in STRANGERS)],
    name=lambda case: case["name"],
)
def test_a_policy_that_lets_strangers_in_does_so_for_every_action(case: dict[str, Any]) -> None:
    found = irsa.run({"action": "check", "document": document(case)}).findings
    assert STRANGERS & {finding.code for finding in found}
    validated = policy.run({"action": "validate", "document": document(case), "kind": "trust"})
    assert Severity.SECURITY_WARNING in {finding.severity for finding in validated.findings}
    assert is_public(case)


AS_AWS = {
    "critical": "SECURITY_WARNING",
    "high": "SECURITY_WARNING",
    "medium": "WARNING",
    "low": "SUGGESTION",
}
OF_ALL_USERS = [
    case
    for case in (
        *json.loads((TESTS / "cases/irsa/trust-checks.json").read_text(encoding="utf-8")),
        *cases("trust_checks"),
    )
    if not {"action", "not_action", "deny"} & set(case)
]


@for_each(OF_ALL_USERS, name=lambda case: case["name"])
def test_a_policy_that_takes_the_tokens_of_every_user_does_so_for_validate(
    case: dict[str, Any],
) -> None:
    validated = policy.run({"action": "validate", "document": document(case), "kind": "trust"})
    codes = {finding.code for finding in validated.findings}
    found = [str(f.severity) for f in validated.findings if f.code == "OIDC-NO-SUB"]
    if "MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL" not in codes:
        grade = case["codes"].get("OIDC-NO-SUB")
        assert set(found) == ({AS_AWS[grade]} if grade else set())
    else:
        assert not found


@for_each(OF_ALL_USERS, name=lambda case: case["name"])
def test_a_claim_that_no_operator_requires_is_as_grave_in_both(case: dict[str, Any]) -> None:
    grade = case["codes"].get("OIDC-VACUOUS")
    validated = policy.run({"action": "validate", "document": document(case), "kind": "trust"})
    found = [str(f.severity) for f in validated.findings if f.code == "OIDC-VACUOUS"]
    # A misspelt key is an unknown service to `validate`.
    assert not found or found == [AS_AWS[grade]]


@for_each([c for c in CASES if set(c["codes"]) <= KEEP_OUT], name=lambda case: case["name"])
def test_a_policy_that_keeps_strangers_out_is_not_public(case: dict[str, Any]) -> None:
    assert not is_public(case)
