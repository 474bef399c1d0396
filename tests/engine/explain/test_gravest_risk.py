"""The gravest risk of an access that is given by actions, resources and conditions."""

from __future__ import annotations

import pytest

from aws_iam.answer import Severity
from aws_iam.engine.explain.gravest_risk import gravest_risk

ROLE = "arn:aws:iam::111122223333:role/app"


@pytest.mark.parametrize(
    ("actions", "resources", "code", "severity"),
    [
        (["*"], ["*"], "ADMINISTRATOR", Severity.CRITICAL),
        (["iam:PutUserPolicy", "s3:GetObject"], ["*"], "PRIVILEGE_ESCALATION", Severity.CRITICAL),
        (["iam:PutRolePolicy"], [ROLE], "PRIVILEGE_ESCALATION", Severity.MEDIUM),
        (["iam:PassRole", "ec2:RunInstances"], ["*"], "PRIVILEGE_ESCALATION", Severity.HIGH),
        (["redshift:GetClusterCredentials"], ["*"], "CREDENTIALS_EXPOSURE", Severity.HIGH),
        (["s3:PutBucketPolicy"], ["*"], "RESOURCE_EXPOSURE", Severity.HIGH),
        (["secretsmanager:GetSecretValue"], ["*"], "DATA_EXFILTRATION", Severity.HIGH),
        (["s3:GetObject"], ["arn:aws:s3:::b/*"], "DATA_EXFILTRATION", Severity.INFO),
        (["memorydb:*"], ["*"], "FULL_SERVICE_ACCESS", Severity.MEDIUM),
        (["ec2:TerminateInstances"], ["*"], "INFRASTRUCTURE_CHANGE", Severity.MEDIUM),
    ],
)
def test_an_access_has_its_gravest_risk(
    actions: list[str], resources: list[str], code: str, severity: Severity
) -> None:
    risk = gravest_risk(actions, resources)
    assert risk is not None
    assert (risk.code, risk.severity) == (code, severity)
    assert risk.title


def test_conditions_make_it_smaller_and_harmless_access_has_none() -> None:
    mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    free = gravest_risk(["secretsmanager:GetSecretValue"])
    bound = gravest_risk(["secretsmanager:GetSecretValue"], ["*"], mfa)
    assert free
    assert bound
    assert bound.severity.rank > free.severity.rank
    assert gravest_risk(["ec2:DescribeInstances"]) is None
    assert gravest_risk(["s3:Unheard"]) is None
