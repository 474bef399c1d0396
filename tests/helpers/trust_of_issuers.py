"""A token's claims, and the trust policy of a role that an OIDC provider's tokens may assume."""

from __future__ import annotations

import json
from typing import Any

from aws_iam.tools.irsa.actions import tool

GITHUB = "token.actions.githubusercontent.com"
CLAIMS: dict[str, Any] = {
    "iss": f"https://{GITHUB}",
    "aud": "sts.amazonaws.com",
    "sub": "repo:octo/app:ref:refs/heads/main",
    "exp": 4_000_000_000,
    "iat": 1_700_000_000,
    "nonce": "never-shown-7f3a",
}


def provider(host: str, partition: str = "aws") -> str:
    built_in = host == "accounts.google.com"
    return host if built_in else f"arn:{partition}:iam::111122223333:oidc-provider/{host}"


def trust(condition: dict[str, Any], host: str = GITHUB, **more: Any) -> dict[str, Any]:
    text = json.dumps(condition).replace("$:", f"{host}:")
    allow = {
        "Effect": "Allow",
        "Principal": {"Federated": provider(host, more.get("partition", "aws"))},
        "Action": more.get("action", "sts:AssumeRoleWithWebIdentity"),
        "Condition": json.loads(text),
    }
    denies = []
    if "deny" in more:
        block = json.loads(json.dumps(more["deny"]).replace("$:", f"{host}:"))
        denies = [{**allow, "Effect": "Deny", "Condition": block}]
    return {"Version": "2012-10-17", "Statement": [*denies, allow]}


OPEN = trust({"StringEquals": {"$:aud": "sts.amazonaws.com", "$:sub": CLAIMS["sub"]}})


def ask(document: Any = OPEN, **arguments: Any) -> Any:
    return tool.run({"action": "denied", "document": document, **arguments})
