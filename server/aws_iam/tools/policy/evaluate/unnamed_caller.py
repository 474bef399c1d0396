"""Requests that name no caller: what a role with the policies given may do, where who it is changes nothing.

Policies that are attached to callers decide for everybody who has them, unless they look at who asks. Those of resources name
callers, so a request to them must. The role is of the account that the request names, else of an example.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.engine.evaluation.caller import Caller, CallerKind
from aws_iam.engine.evaluation.fixed_outcomes import OF_USERS, always_allowed, never_allowed
from aws_iam.engine.language.arn import Arn
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.engine.evaluation.layers import Layers
    from aws_iam.engine.evaluation.request import Request

SAMPLE_ACCOUNT = "111122223333"
"""An account of AWS's examples."""
NEEDED = "the request lacks `principal`"
_HINT = "give the ARN of the user, role or session"
_OF_CALLERS = frozenset({"identity", "boundary", "session", "scp", "rcp"})
# What says who asks: none of them may stand without the caller itself.
_NAMING = frozenset({"principal", "principal_role", "federated_by"})
# What follows from the caller's ARN; a tag or an organization of a caller is missing whoever is named.
_WHO = (
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principaltype",
    "aws:userid",
    "aws:username",
    "aws:federatedprovider",
)
OWNER = "aws:resourceaccount"
"""The key of the resource's account, in lower case."""


def sample_caller(resource: Any, action: str = "") -> str:
    """A role in the account and the partition of the resource; a user for an action that no role session can call."""
    role = _role_in(_account_of(resource) or SAMPLE_ACCOUNT, resource)
    return role.replace(":role/", ":user/") if action.lower() in OF_USERS else role


def with_caller(request: Any, layers: Layers) -> Any:
    """The request with a sample caller where it names none and no policy can ask for one by name."""
    if not isinstance(request, dict) or not _NAMING.isdisjoint(request):
        return request
    if not _OF_CALLERS.issuperset(layers.levels) or _names_callers(layers):
        return request
    account = _account(request)
    if not account and "management_account" in request:
        raise InputError(
            f"{NEEDED}, and nothing says whether its account is that of `management_account`",
            hint=f"{_HINT}, or the `principal_account`",
        )
    caller = _role_in(account or SAMPLE_ACCOUNT, request.get("resource"))
    return {**request, "principal": caller}


def refuse_if_looked_at(asked: Mapping[str, Any], request: Request) -> None:
    """InputError where a request named no caller and its decision, which has been made, looks at who that is."""
    if "principal" in asked:
        return
    looked_at = request.context.asked
    keys = [quoted(name) for lower, name in looked_at.items() if lower in _WHO]
    if owner := looked_at.get(OWNER) if assumes_owner(asked, request) else None:
        keys.append(quoted(owner))
    if keys:
        only_owner = ", or the `resource_account`" if owner and len(keys) == 1 else ""
        raise InputError(
            f"{NEEDED}, and a policy looks at {joined(keys)}", hint=_HINT + only_owner
        )
    user = Caller(
        kind=CallerKind.USER,
        arn=request.caller.arn.replace(":role/", ":user/"),
        partition=request.caller.partition,
        account=request.caller.account,
    )
    by_user = replace(request, caller=user)
    if (always_allowed(request), never_allowed(request)) != (
        always_allowed(by_user),
        never_allowed(by_user),
    ):
        raise InputError(
            f"{NEEDED}, and users and roles are not alike to {quoted(request.action)}", hint=_HINT
        )


def assumes_owner(asked: Mapping[str, Any], request: Request) -> bool:
    """Whether the resource is taken to be of the account of a caller that was not named, as nothing says whose it is."""
    return not _account(asked) and OWNER in map(str.lower, request.derived)


def _names_callers(layers: Layers) -> bool:
    """Whether a policy names callers, as those of resources do: an RCP that is not for everyone."""
    return any(
        own.statement.has("NotPrincipal")
        or not all(named.is_everyone for named in own.statement.principals)
        for placed in layers.all()
        if placed.layer == "rcp"
        for own in placed.statements
    )


def _account(request: Mapping[str, Any]) -> str:
    """The account of everybody who may ask; empty where the request names none."""
    given = request.get("principal_account") or request.get("resource_account")
    if isinstance(given, str) and len(given) == len(SAMPLE_ACCOUNT) and given.isdigit():
        return given
    return _account_of(request.get("resource"))


def _account_of(resource: Any) -> str:
    arn = Arn.of(resource) if isinstance(resource, str) and resource != "*" else None
    return arn.account if arn and arn.account.isdigit() else ""


def _role_in(account: str, resource: Any) -> str:
    arn = Arn.of(resource) if isinstance(resource, str) and resource != "*" else None
    return f"arn:{arn.partition if arn else 'aws'}:iam::{account}:role/example"
