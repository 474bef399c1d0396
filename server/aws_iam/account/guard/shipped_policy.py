"""The IAM policy that the live checks need, generated from the allowlist; shipped as `assets/audit-policy.json`."""

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
"""Never needed and never asked for; denied, so that no other policy of the same identity lets them through."""


def audit_actions() -> tuple[str, ...]:
    """Every IAM action that a full audit uses, sorted."""
    usual = (collector for collector in COLLECTORS.values() if not collector.on_request)
    declared = {op for each in usual for op in each.operations}
    operations = declared | {*OPENING, *MANY}
    return tuple(sorted({action for op in operations if (action := action_of(op))}))


def audit_policy() -> dict[str, Any]:
    """The policy document: read what the audit reads, ask what is asked on request, and no secret's value."""
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
