"""Statements and policies for the examples of checks, in the order in which people write their elements."""

from __future__ import annotations

from typing import Any

Statement = dict[str, Any]

OWN_ACCOUNT = "111122223333"
GITHUB = "token.actions.githubusercontent.com"
COGNITO = "cognito-identity.amazonaws.com"


def policy_with(*statements: Any) -> dict[str, Any]:
    """A whole policy of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(
    action: Any,
    resource: Any = "*",
    condition: Any = None,
    *,
    principal: Any = None,
) -> Statement:
    """A statement that allows; without `resource` (None) it has no Resource, as in a trust policy."""
    return _statement("Allow", principal, {"Action": action}, resource, condition)


def deny(
    action: Any,
    resource: Any = "*",
    condition: Any = None,
    *,
    principal: Any = None,
) -> Statement:
    """A statement that denies."""
    return _statement("Deny", principal, {"Action": action}, resource, condition)


def deny_except(action: Any, resource: Any = "*", condition: Any = None) -> Statement:
    """A statement that denies everything but some actions."""
    return _statement("Deny", None, {"NotAction": action}, resource, condition)


def trusting(principal: Any, action: Any = "sts:AssumeRole", condition: Any = None) -> Statement:
    """A statement of a trust policy."""
    return allow(action, None, condition, principal=principal)


def trusting_issuer(condition: Any, host: str = GITHUB, action: Any = None) -> Statement:
    """A statement of a trust policy that takes the tokens of an OpenID Connect issuer."""
    built_in = host == COGNITO
    provider = host if built_in else f"arn:aws:iam::{OWN_ACCOUNT}:oidc-provider/{host}"
    return trusting({"Federated": provider}, action or "sts:AssumeRoleWithWebIdentity", condition)


def _statement(
    effect: str, principal: Any, actions: dict[str, Any], resource: Any, condition: Any
) -> Statement:
    return {
        "Effect": effect,
        **({} if principal is None else {"Principal": principal}),
        **actions,
        **({} if resource is None else {"Resource": resource}),
        **({"Condition": condition} if condition else {}),
    }
