"""The IAM policy that live checks need, generated from the allowlist and shipped as `assets/audit-policy.json`."""

from __future__ import annotations

from typing import Any

from aws_iam.account.collect.catalogue import COLLECTORS
from aws_iam.account.guard.allowlist import MANY, OF_DENIALS, ON_REQUEST, OPENING
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


_GET_API = "apigateway:GET"
# API Gateway has one action to read anything, the values of API keys too, so what is read is named by its path:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonapigatewaymanagement.html
_READ_PATHS = ("/restapis", "/restapis/*/stages", "/apis", "/apis/*/stages")
# https://docs.aws.amazon.com/apigateway/latest/api/API_GetApiKeys.html
_API_KEY_PATHS = ("/apikeys", "/apikeys/*")


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
                "Action": [action for action in audit_actions() if action != _GET_API],
                "Resource": "*",
            },
            {
                "Sid": "ReadApis",
                "Effect": "Allow",
                "Action": _GET_API,
                "Resource": [_api_arn(path) for path in _READ_PATHS],
            },
            {
                "Sid": "JudgePoliciesOnRequest",
                "Effect": "Allow",
                "Action": sorted(map(action_of, ON_REQUEST)),
                "Resource": "*",
            },
            {
                "Sid": "ReadDenialsOnRequest",
                "Effect": "Allow",
                "Action": sorted(map(action_of, OF_DENIALS)),
                "Resource": "*",
            },
            {
                "Sid": "NeverReadSecretValues",
                "Effect": "Deny",
                "Action": list(SECRETS),
                "Resource": "*",
            },
            {
                "Sid": "NeverReadApiKeys",
                "Effect": "Deny",
                "Action": _GET_API,
                "Resource": [_api_arn(path) for path in _API_KEY_PATHS],
            },
        ],
    }


def _api_arn(path: str) -> str:
    return f"arn:*:apigateway:*::{path}"
