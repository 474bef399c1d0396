"""Rules on security posture: what they say of how sure they are, and what they leave alone."""

from __future__ import annotations

from typing import Any

import pytest

from aws_iam.answer import Severity
from aws_iam.rules.policy.run import validate

BOUNDARY = "arn:aws:iam::111122223333:policy/dev-boundary"


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def trust(*accounts: str) -> dict[str, Any]:
    return policy(
        {"Effect": "Allow", "Principal": {"AWS": list(accounts)}, "Action": "sts:AssumeRole"}
    )


@pytest.mark.parametrize(
    ("accounts", "confidence"),
    [(("111122223333",), "low"), (("111122223333", "444455556666"), None)],
    ids=["one account", "two accounts"],
)
def test_one_trusted_account_may_be_the_roles_own(
    accounts: tuple[str, ...], confidence: str | None
) -> None:
    found = validate(trust(*accounts), "trust")
    assert {finding.code for finding in found} == {"TRUST_IN_ACCOUNT_WITHOUT_CONDITION"}
    assert {finding.confidence for finding in found} == {confidence}
    assert {finding.severity for finding in found} == {Severity.SUGGESTION}


@pytest.mark.parametrize(
    ("exempt", "severity"),
    [(["sts:*"], Severity.WARNING), (["iam:*", "support:*"], Severity.SUGGESTION)],
    ids=["IAM is denied", "IAM is exempt"],
)
def test_a_region_deny_without_iam_is_worse_than_one_without_unused_services(
    exempt: list[str], severity: Severity
) -> None:
    deny = {
        "Effect": "Deny",
        "NotAction": exempt,
        "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}},
    }
    (finding,) = validate(policy(deny), "scp")
    assert finding.code == "REGION_DENY_HITS_GLOBAL_SERVICES"
    assert finding.severity is severity


def delegation(fillers: int) -> dict[str, Any]:
    create = {
        "Effect": "Allow",
        "Action": "iam:CreateRole",
        "Resource": "*",
        "Condition": {"ArnEquals": {"iam:PermissionsBoundary": BOUNDARY}},
    }
    hole = {"Effect": "Allow", "Action": "iam:DeleteRolePermissionsBoundary", "Resource": "*"}
    other = [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::bucket-{n}/*"}
        for n in range(fillers)
    ]
    return policy(create, hole, *other)


@pytest.mark.parametrize("fillers", [50, 150])
def test_a_delegation_is_judged_however_long_it_is(fillers: int) -> None:
    codes = {finding.code for finding in validate(delegation(fillers), "identity")}
    assert "BOUNDARY_CAN_BE_REMOVED" in codes


def test_the_length_of_a_bucket_policy_is_measured_where_the_bucket_is_told() -> None:
    resources = [f"arn:aws:s3:::amzn-s3-demo-bucket/{number:067}" for number in range(185)]
    document = policy(
        {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": resources}
    )
    for told in ("AWS::S3::Bucket", None):
        found = [finding.code for finding in validate(document, "resource", told)]
        assert found == ["POLICY_NEAR_SIZE_QUOTA"]
