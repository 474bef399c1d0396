"""Statements and policies for the examples of checks, with their elements in the order in which people write them."""

from __future__ import annotations

from typing import Any

Example = dict[str, Any]

ACCOUNT = "111122223333"
BUCKET = "arn:aws:s3:::amzn-s3-demo-bucket"
OBJECTS = f"{BUCKET}/*"
GITHUB = "token.actions.githubusercontent.com"
# Identity providers that are built into IAM: an account does not create them.
_BUILT_IN = frozenset(
    {
        "accounts.google.com",
        "cognito-identity.amazonaws.com",
        "graph.facebook.com",
        "www.amazon.com",
    }
)


def policy_with(*statements: Any) -> dict[str, Any]:
    """A policy with these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: Any, resource: Any = "*", condition: Any = None) -> Example:
    """An Allow statement of an identity policy."""
    return _statement("Allow", {"Action": action}, resource, condition)


def allow_if(
    operator: str, key: str, value: Any, action: Any = "ec2:DescribeInstances", resource: Any = "*"
) -> Example:
    """An Allow statement of an identity policy with one condition."""
    return allow(action, resource, {operator: {key: value}})


def allow_to(principal: Any, action: Any, resource: Any = "*", condition: Any = None) -> Example:
    """An Allow statement of a resource policy."""
    return _statement("Allow", {"Principal": principal, "Action": action}, resource, condition)


def deny(action: Any, resource: Any = "*", condition: Any = None) -> Example:
    """A Deny statement of an identity policy."""
    return _statement("Deny", {"Action": action}, resource, condition)


def trusting(principal: Any, action: Any = "sts:AssumeRole", condition: Any = None) -> Example:
    """A statement of a trust policy."""
    return allow_to(principal, action, None, condition)


def trusting_issuer(
    condition: Any, host: str = GITHUB, action: Any = "sts:AssumeRoleWithWebIdentity"
) -> Example:
    """A statement of a trust policy that accepts the tokens of an OpenID Connect issuer."""
    provider = host if host in _BUILT_IN else f"arn:aws:iam::{ACCOUNT}:oidc-provider/{host}"
    return trusting({"Federated": provider}, action, condition)


def _statement(effect: str, elements: Example, resource: Any, condition: Any) -> Example:
    return {
        "Effect": effect,
        **elements,
        **({} if resource is None else {"Resource": resource}),
        **({"Condition": condition} if condition else {}),
    }
