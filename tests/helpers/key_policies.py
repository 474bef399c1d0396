"""Key policies as `kms key_policy` writes them, and what `evaluate` says of requests under them."""

from __future__ import annotations

import json
from typing import Any

import aws_iam
from aws_iam.tools.kms.actions import tool

OWN = "111122223333"
OTHER = "444455556666"
APP = f"arn:aws:iam::{OWN}:role/App"
ADMIN = f"arn:aws:iam::{OWN}:role/KeyAdmin"
KEY = f"arn:aws:kms:eu-west-1:{OWN}:key/11111111-2222-3333-4444-555555555555"
EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*"},
}


def key_policy_answer(**more: Any) -> Any:
    usual = {"account": OWN, "admins": ["role/KeyAdmin"], "users": ["role/App"]}
    return tool.run({"action": "key_policy", **usual, **more})


def document(answer: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.artifacts[0].content)
    return found


def outcome(policy: Any, who: str, does: str, *identity: Any, **context: str) -> str:
    request = {"principal": who, "action": f"kms:{does}", "resource": KEY}
    given = {name.replace("__", ":"): value for name, value in context.items()}
    decision = aws_iam.evaluate(
        {**request, "context": given}, {"resource": policy, "identity": list(identity)}
    )
    return decision.outcome
