"""A candidate of the search written as a request that `evaluate` takes, and that a person can try."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aws_iam.policy.arn import Arn
from aws_iam.policy.evaluation.request import request_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.policy.comparison.differences import Candidate

ACCOUNT: Final = "111122223333"
"""The account of whoever has an identity policy, where nothing else is asked for."""

FROM_CALLER: Final = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalisawsservice",
        "aws:principalservicename",
        "aws:principaltype",
        "aws:username",
    }
)
"""The keys that follow from the principal of a request."""

_ACCOUNT_FIELD = 4


def request_for(
    candidate: Candidate, context: Mapping[str, tuple[str, ...]], owner: str
) -> dict[str, Any]:
    """The request, without what its principal says already; `owner` is the account of the resource."""
    lower = {key.lower(): values[0] for key, values in context.items() if values}
    caller = candidate.actor.caller
    principal = caller.arn if caller else _holder(lower, candidate.resource)
    own = owner if caller else principal.split(":")[_ACCOUNT_FIELD]
    request: dict[str, Any] = {
        "principal": principal,
        "action": candidate.action,
        "resource": candidate.resource,
    }
    if caller and caller.role and caller.role != caller.arn:
        request["principal_role"] = caller.role
    account = lower.get("aws:resourceaccount", own)
    if request_of(request).resource_account != account:
        request["resource_account"] = account
    shown = {
        key: values[0] if len(values) == 1 else list(values)
        for key, values in context.items()
        if key.lower() not in FROM_CALLER or not _follows(key.lower(), values, request)
    }
    return request | ({"context": shown} if shown else {})


def _follows(key: str, values: tuple[str, ...], request: Mapping[str, Any]) -> bool:
    """Whether the principal of the request says the same already."""
    bare = {name: value for name, value in request.items() if name != "context"}
    return request_of(bare).context.peek(key) == values


def _holder(context: Mapping[str, str], resource: str) -> str:
    """Someone with the identity policy who has the keys of the request, if nothing else in the resource's account."""
    if "aws:principalarn" in context:
        return context["aws:principalarn"]
    arn = Arn.of(resource)
    near = arn.account if arn and arn.account.isdigit() else ACCOUNT
    account = context.get("aws:principalaccount", near)
    partition = arn.partition if arn else "aws"
    if "aws:username" in context:
        return f"arn:{partition}:iam::{account}:user/{context['aws:username']}"
    return f"arn:{partition}:iam::{account}:role/example"
