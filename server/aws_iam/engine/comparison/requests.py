"""A candidate of the search as a request that `evaluate` takes, and that a person can try."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aws_iam.engine.evaluation.request import request_of
from aws_iam.engine.language.arn import Arn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.engine.comparison.differences import Candidate
    from aws_iam.engine.evaluation.request import Request

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
) -> Request:
    """The request; what is `given` of it leaves out what its principal says. `owner` is the account of the resource."""
    lower = {key.lower(): values[0] for key, values in context.items() if values}
    caller = candidate.actor.caller
    principal = caller.arn if caller else _holder(lower, candidate.resource)
    own = owner if caller else principal.split(":")[_ACCOUNT_FIELD]
    fields: dict[str, Any] = {
        "principal": principal,
        "action": candidate.action,
        "resource": candidate.resource,
    }
    if caller and caller.role and caller.role != caller.arn:
        fields["principal_role"] = caller.role
    account = lower.get("aws:resourceaccount", own)
    bare = request_of(fields)
    if bare.resource_account != account:
        fields["resource_account"] = account
        bare = request_of(fields)
    shown = {
        key: values[0] if len(values) == 1 else list(values)
        for key, values in context.items()
        # What the principal of the request says already is left out.
        if key.lower() not in FROM_CALLER or bare.context.peek(key) != values
    }
    return request_of({**fields, "context": shown}) if shown else bare


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
