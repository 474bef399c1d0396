"""The operations that may be sent to AWS, and the guard that refuses all others before they are signed.

    ALLOWED = what the collectors declare + what opening the account takes + what is asked on request
            + what many accounts take + what the SDK's credential providers need

There is no other list: the shipped policy (`permissions.py`) is generated from its first four parts.
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
"""Asked of every account: who is asking, which Regions it has, what it is called."""

ON_REQUEST = ("accessanalyzer:ValidatePolicy",)
"""Sent for `policy validate` with `online` alone. It judges a text and reads nothing; no audit needs it."""

MANY = ("organizations:ListAccounts",)
"""Sent for `audit run` with `org` or `accounts` alone: which accounts there are, and which are in one organization."""

CREDENTIALS = (
    "sts:AssumeRole",
    "sts:AssumeRoleWithWebIdentity",
    "sso:GetRoleCredentials",
    "sso-oidc:CreateToken",
    "signin:CreateOAuth2Token",
    # S3 clients look for a bucket's Region with it when an answer does not name it.
    "s3:HeadBucket",
)
"""What the SDK itself sends to get credentials or to find a bucket; none is needed in the auditor's policy."""

ALLOWED = frozenset(
    {op for collector in COLLECTORS.values() for op in collector.operations}
    | {*OPENING, *ON_REQUEST, *MANY, *CREDENTIALS}
)

EVENT_IDS = {
    "apigateway": "api-gateway",
    "config": "config-service",
    "elbv2": "elastic-load-balancing-v2",
    "events": "eventbridge",
    "logs": "cloudwatch-logs",
    "s3control": "s3-control",
    "secretsmanager": "secrets-manager",
}
"""Services whose events the SDK names otherwise than their clients."""

_EVENTS = frozenset(
    f"{EVENT_IDS.get(service, service)}.{name}"
    for service, _, name in (operation.partition(":") for operation in ALLOWED)
)


def actions_of(fact_name: str) -> tuple[str, ...]:
    """The IAM actions that reading a fact takes, sorted, those of the facts it builds on included."""
    wanted, names = [fact_name], set[str]()
    while wanted:
        name = wanted.pop()
        if name not in names:
            names.add(name)
            wanted += [each.name for each in COLLECTORS[name].after]
    return tuple(sorted({action_of(op) for name in names for op in COLLECTORS[name].operations}))


def guard(session: Any) -> None:
    """Make a botocore session, and every client it makes from now on, refuse what is not allowed."""
    # Two doors: the first stands before a request exists; the second before any signature, also of URLs and forms
    # that are signed without being sent.
    session.register("before-parameter-build", _refuse_operation)
    session.register("before-sign", _refuse_signature)


def _refuse_operation(*, params: Any, model: Any, **_event: Any) -> None:
    operation = f"{model.service_model.service_name}:{model.name}"
    if operation not in ALLOWED:
        raise _refusal(operation)
    if operation == _PLAIN_READ and not _is_plain(params):
        raise _refusal(f"{operation} of a secret")


# The one call that answers with texts: those of String parameters, when somebody asked to look into them.
_PLAIN_READ = "ssm:GetParameters"
_RESOLVED = "/aws/reference/secretsmanager"


def _is_plain(params: Any) -> bool:
    """Whether nothing is decrypted, and no name stands for a secret of Secrets Manager."""
    names = params.get("Names", ())
    return params.get("WithDecryption") is False and not any(_RESOLVED in name for name in names)


def _refuse_signature(*, operation_name: str, event_name: str, **_event: Any) -> None:
    service = event_name.split(".")[1]
    # Two services may have operations of one name, of which one only is a read that is needed.
    if f"{service}.{operation_name}" not in _EVENTS:
        raise _refusal(f"{service}:{operation_name}")


def _refusal(operation: str) -> OffTheAllowlistError:
    return OffTheAllowlistError(f"{operation} is not on the read-only allowlist and was not sent")
