"""The operations that may be sent to AWS, and the guard that refuses all others before they are signed.

    ALLOWED = the collectors' operations + those that open an account + those sent on request
            + those for many accounts + those of the SDK's credential providers

There is no other list: the shipped policy (`shipped_policy.py`) is generated from all but the last.
"""

from __future__ import annotations

from typing import Any

from aws_iam.account.collect.catalogue import COLLECTORS
from aws_iam.account.names.iam_actions import action_of
from aws_iam.errors import OffTheAllowlistError

OPENING = (
    "sts:GetCallerIdentity",
    "ec2:DescribeRegions",
    "iam:ListAccountAliases",
)
"""Sent for every account: who the caller is, the enabled Regions, the alias."""

ON_REQUEST = ("accessanalyzer:ValidatePolicy",)
"""Sent only for `policy validate` with `online`. It judges a text and reads nothing; no audit needs it."""

OF_DENIALS = (
    "iam-toolbox:GetRequestAuthorizationDetails",
    "iam-toolbox:GetRequestAuthorizationPolicy",
)
"""Sent only for `policy denied` with `online`: AWS's own record of one refused request."""

MANY = ("organizations:ListAccounts",)
"""Sent only for `audit run` with `org` or `accounts`: which accounts are in the organization."""

CREDENTIALS = (
    "sts:AssumeRole",
    "sts:AssumeRoleWithWebIdentity",
    "sso:GetRoleCredentials",
    "sso-oidc:CreateToken",
    "signin:CreateOAuth2Token",
    # S3 clients find a bucket's Region with it when an answer does not name it.
    "s3:HeadBucket",
)
"""Sent by the SDK itself to get credentials or to find a bucket; the auditor's policy needs none of them."""

ALLOWED = frozenset(
    {op for collector in COLLECTORS.values() for op in collector.operations}
    | {*OPENING, *ON_REQUEST, *OF_DENIALS, *MANY, *CREDENTIALS}
)

EVENT_IDS = {
    "apigateway": "api-gateway",
    "config": "config-service",
    "elbv2": "elastic-load-balancing-v2",
    "events": "eventbridge",
    "logs": "cloudwatch-logs",
    "s3control": "s3-control",
    "secretsmanager": "secrets-manager",
    "stepfunctions": "sfn",
}
"""Services whose event names in the SDK differ from their client names."""

_EVENTS = frozenset(
    f"{EVENT_IDS.get(service, service)}.{name}"
    for service, _, name in (operation.partition(":") for operation in ALLOWED)
)


def actions_of(fact_name: str) -> tuple[str, ...]:
    """The IAM actions that reading a fact takes, sorted, including those of the facts it builds on."""
    wanted, names = [fact_name], set[str]()
    while wanted:
        name = wanted.pop()
        if name not in names:
            names.add(name)
            wanted += [fact.name for fact in COLLECTORS[name].after]
    return tuple(sorted({action_of(op) for name in names for op in COLLECTORS[name].operations}))


def guard(session: Any) -> None:
    """Make a botocore session, and every client it makes from now on, refuse other operations."""
    # Twice: before a request is built, and before anything is signed, such as presigned URLs, which are not sent.
    session.register("before-parameter-build", _refuse_operation)
    session.register("before-sign", _refuse_signature)


def _refuse_operation(*, params: Any, model: Any, **_event: Any) -> None:
    operation = f"{model.service_model.service_name}:{model.name}"
    if operation not in ALLOWED:
        raise _refusal(operation)
    if operation == _GET_PARAMETERS and not _reads_no_secret(params):
        raise _refusal(f"{operation} of a secret")


# The only call that answers with values: those of String parameters, sent on request.
_GET_PARAMETERS = "ssm:GetParameters"
_SECRETS_MANAGER_NAMES = "/aws/reference/secretsmanager"


def _reads_no_secret(params: Any) -> bool:
    """Whether nothing is decrypted, and no name refers to a secret of Secrets Manager."""
    names = params.get("Names", ())
    return params.get("WithDecryption") is False and not any(
        _SECRETS_MANAGER_NAMES in name for name in names
    )


def _refuse_signature(*, operation_name: str, event_name: str, **_event: Any) -> None:
    service = event_name.split(".")[1]
    # Operations of two services may have the same name, and only one of them may be allowed.
    if f"{service}.{operation_name}" not in _EVENTS:
        raise _refusal(f"{service}:{operation_name}")


def _refusal(operation: str) -> OffTheAllowlistError:
    return OffTheAllowlistError(f"{operation} is not on the read-only allowlist and was not sent")
