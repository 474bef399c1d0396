"""Snapshots made by hand, small enough to read: what the examples of the checks are made of."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.secrets.parameters import StoredParameter
from aws_iam.account.collect.secrets.secrets import SECRETS, Schedule, Secret
from aws_iam.account.reading.snapshot import account_of
from aws_iam.rules.examples import policy_with

if TYPE_CHECKING:
    from aws_iam.account.collect.fact import RegionFact
    from aws_iam.account.reading.snapshot import Account

REGION = "us-east-1"
OWN = "111122223333"
OTHER = "444455556666"
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
ARN = f"arn:aws:secretsmanager:{REGION}:{OWN}:secret:prod/app/db-a1B2c3"
FUNCTION = f"arn:aws:lambda:{REGION}:{OWN}:function:rotate-app-db"
KEY = f"arn:aws:kms:{REGION}:{OWN}:key/11111111-2222-3333-4444-555555555555"


def ago(days: float) -> datetime:
    """So many days before the snapshots were taken; negative: after."""
    return NOW - timedelta(days=days)


def secret(**more: Any) -> Secret:
    """A secret of the application, made 200 days ago."""
    return Secret(**{"arn": ARN, "name": "prod/app/db", "created": ago(200), **more})


def rotating(**more: Any) -> Secret:
    """A secret that rotates every 30 days by a function, as it should."""
    usual: dict[str, Any] = {
        "rotation": True,
        "function": FUNCTION,
        "schedule": Schedule(days=30),
        "last_rotated": ago(10),
        "last_changed": ago(10),
        "last_accessed": ago(1),
        "next_rotation": ago(-20),
    }
    return secret(**{**usual, **more})


def parameter(name: str = "/prod/app/password", **more: Any) -> StoredParameter:
    """A SecureString of the application."""
    usual: dict[str, Any] = {
        "arn": f"arn:aws:ssm:{REGION}:{OWN}:parameter/{name.removeprefix('/')}",
        "type": "SecureString",
        "key": KEY,
        "modified": ago(10),
    }
    return StoredParameter(name=name, **{**usual, **more})


def with_secrets(*secrets: Secret) -> Account:
    """An account with these secrets in its one Region."""
    return holding((SECRETS, secrets))


def holding(*pairs: tuple[RegionFact[Any], tuple[Any, ...]]) -> Account:
    """An account with these facts of its one Region."""
    return account_of(*(fact.held_in(REGION, values) for fact, values in pairs), collected_at=NOW)


def policy(*statements: dict[str, Any]) -> str:
    """A policy as AWS sends it."""
    return json.dumps(policy_with(*statements))


def allow(
    principal: Any, action: str = "secretsmanager:GetSecretValue", **more: Any
) -> dict[str, Any]:
    """One statement that allows something to a principal."""
    return {
        "Effect": "Allow",
        "Principal": principal,
        "Action": action,
        "Resource": "*",
        **more,
    }
