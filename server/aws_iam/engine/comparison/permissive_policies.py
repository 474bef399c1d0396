"""Policies that allow everything, or nothing: placed beside the compared ones, so that nothing else decides."""

from __future__ import annotations

import json
from functools import cache, lru_cache
from typing import Any

from aws_iam.engine.language.document import Policy, Syntax, dump
from aws_iam.engine.sources.gather import sources_of
from aws_iam.errors import InputError


# One object for each, by which `is_added` knows them.
@cache
def allow_all(*, principaled: bool = False) -> Policy:
    """A policy that allows everything; with `principaled`, to everyone."""
    who = {"Principal": "*"} if principaled else {}
    return _policy_of({"Effect": "Allow", **who, "Action": "*", "Resource": "*"})


def is_added(policy: Policy) -> bool:
    """Whether the policy is an `allow_all` of ours, also without its statement: no place in a file."""
    return any(policy.node is allow_all(principaled=own).node for own in (False, True))


def empty_policy() -> Policy:
    """A policy without statements."""
    return _parsed({"Version": "2012-10-17", "Statement": []})


@lru_cache(maxsize=64)
def delegate_to_account(partition: str, account: str) -> Policy:
    """A resource policy that leaves all decisions to the policies of an account."""
    principal = {"AWS": f"arn:{partition}:iam::{account}:root"}
    return _policy_of({"Effect": "Allow", "Principal": principal, "Action": "*", "Resource": "*"})


def with_public_principal(policy: Policy) -> Policy:
    """The policy with `"Principal": "*"` in each of its statements."""
    value = json.loads(dump(policy))
    body = value["Statement"]
    for statement in body if isinstance(body, list) else [body]:
        statement["Principal"] = "*"
    return _parsed(value)


def _policy_of(statement: dict[str, Any]) -> Policy:
    return _parsed({"Version": "2012-10-17", "Statement": [statement]})


def _parsed(value: dict[str, Any]) -> Policy:
    (source,) = sources_of(value)
    if isinstance(source.content, Syntax):  # pragma: no cover - a value always reads
        raise InputError("a built-in policy cannot be read")
    return source.content
