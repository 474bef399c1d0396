"""The IAM policy that live checks need, generated from the allowlist and shipped as `assets/audit-policy.json`."""

from __future__ import annotations

from typing import Any

from aws_iam.account.collect.catalogue import COLLECTORS
from aws_iam.account.guard.allowlist import MANY, ON_REQUEST, OPENING
from aws_iam.account.names.iam_actions import action_of

SECRETS = (
    "kms:Decrypt",
    "secretsmanager:BatchGetSecretValue",
    "secretsmanager:GetSecretValue",
    "ssm:GetParameter",
    "ssm:GetParameterHistory",
    "ssm:GetParameters",
    "ssm:GetParametersByPath",
)
"""Never needed and never called; denied, so that no other policy of the identity allows them."""


def audit_actions() -> tuple[str, ...]:
    """Every IAM action that a full audit uses, sorted."""
    declared = {
        operation
        for collector in COLLECTORS.values()
        if not collector.on_request
        for operation in collector.operations
    }
    operations = declared | {*OPENING, *MANY}
    return tuple(sorted({action for op in operations if (action := action_of(op))}))


def audit_policy() -> dict[str, Any]:
    """The policy document: allow what the audit reads and what is sent on request, deny the values of secrets."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "ReadForAudit",
                "Effect": "Allow",
                "Action": list(audit_actions()),
                "Resource": "*",
            },
            {
                "Sid": "JudgePoliciesOnRequest",
                "Effect": "Allow",
                "Action": sorted(map(action_of, ON_REQUEST)),
                "Resource": "*",
            },
            {
                "Sid": "NeverReadSecretValues",
                "Effect": "Deny",
                "Action": list(SECRETS),
                "Resource": "*",
            },
        ],
    }
