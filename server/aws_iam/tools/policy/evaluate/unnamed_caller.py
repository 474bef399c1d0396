"""Requests that name no caller: what a role of the resource's account with the policies given may do, where who it is changes nothing.

Policies that are attached to callers decide for everybody who has them, unless they look at who asks. Those of resources name
callers, so a request to them must.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.engine.language.arn import Arn
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from aws_iam.answer import Decision

SAMPLE_ACCOUNT = "111122223333"
"""An account of AWS's examples."""
NEEDED = "the request lacks `principal`"
_OF_CALLERS = frozenset({"identity", "boundary", "session", "scp", "rcp"})
# What follows from the caller's ARN; a tag or an organization of a caller is missing whoever is named.
_WHO = (
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principaltype",
    "aws:userid",
    "aws:username",
    "aws:federatedprovider",
)


def sample_caller(resource: Any) -> str:
    """A role in the account and the partition of the resource."""
    arn = Arn.of(resource) if isinstance(resource, str) and resource != "*" else None
    account = arn.account if arn and arn.account.isdigit() else SAMPLE_ACCOUNT
    return f"arn:{arn.partition if arn else 'aws'}:iam::{account}:role/example"


def with_caller(request: Any, layers: Collection[str]) -> Any:
    """The request with a sample caller where it names none and no policy can ask for one by name."""
    if not isinstance(request, dict) or "principal" in request or not {*layers} <= _OF_CALLERS:
        return request
    account = request.get("resource_account") or request.get("principal_account")
    caller = sample_caller(request.get("resource"))
    if isinstance(account, str) and len(account) == len(SAMPLE_ACCOUNT) and account.isdigit():
        caller = caller.replace(caller.split(":")[4], account)
    return {**request, "principal": caller}


def refuse_if_looked_at(asked: Mapping[str, Any], decision: Decision) -> None:
    """InputError where a request named no caller and its decision looks at who that is."""
    if "principal" in asked:
        return
    keys = dict.fromkeys(
        quoted(key)
        for key in (*decision.consulted_keys, *decision.missing_keys)
        if key.lower() in _WHO
    )
    if keys:
        raise InputError(
            f"{NEEDED}, and a policy looks at {joined(list(keys))}",
            hint="give the ARN of the user, role or session",
        )
