"""Requests that prove a key policy: who may use the key, who may administer it, and who may not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_iam.engine.evaluation.evaluate import evaluate_request
from aws_iam.engine.evaluation.layers import layers_of
from aws_iam.engine.evaluation.request import request_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.engine.evaluation.layers import Layers
    from aws_iam.tools.kms.reasoning.key_access import KeyAccess

_ALLOWED, _DENIED = "Allowed", "ImplicitlyDenied"
_KEY = "key/00000000-0000-0000-0000-000000000000"
_REGION = "us-east-1"
_STRANGER = "role/somebody-else"
_OTHERS = ("999999999999", "888888888888")
_ACCOUNT = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])")
_MANAGE = "kms:PutKeyPolicy"
_EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*"},
}
_MOST_OF_A_KIND = 3
_NO_IAM = "no IAM policy"
_IAM = "an IAM policy that allows kms:*"


class NotProvedError(RuntimeError):
    """The generated policy does not do what was asked: a bug in this package, so the policy is not returned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    who: str
    does: str
    expected: str
    identity: bool = False
    how: str = "directly"
    context: Mapping[str, Any] | None = None


def proof_rows(access: KeyAccess, document: Mapping[str, Any]) -> list[dict[str, str]]:
    """One row per request: who, what, how, and the outcome; NotProvedError for an unexpected one."""
    region = access.region or _REGION
    key = f"arn:{access.partition}:kms:{region}:{access.account}:{_KEY}"
    bare = layers_of({"resource": dict(document), "identity": []})
    backed = layers_of({"resource": dict(document), "identity": [_EVERYTHING]})
    return [_row(case, key, backed if case.identity else bare) for case in _cases(access)]


def _row(case: _Case, key: str, layers: Layers) -> dict[str, str]:
    requested = {"principal": case.who, "action": case.does, "resource": key}
    context = dict(case.context or {})
    outcome = evaluate_request(
        request_of({**requested, "context": context}), layers
    ).decision.outcome
    if outcome != case.expected:
        raise NotProvedError(f"{case.does} by {case.who}, {case.how}: {outcome}")
    service = ":" not in case.who
    by = {} if service else {"iam": _IAM if case.identity else _NO_IAM}
    return {"who": case.who, "does": case.does, "how": case.how, **by, "outcome": outcome}


def _cases(access: KeyAccess) -> Iterator[_Case]:
    use = access.direct[0]
    for admin in access.admins[:_MOST_OF_A_KIND]:
        yield _Case(who=admin, does=_MANAGE, expected=_ALLOWED)
        yield _Case(who=admin, does=use, expected=_DENIED, context=_encryption_context(access))
    for user in access.users[:_MOST_OF_A_KIND]:
        yield from _of_user(access, user, use)
    yield from _of_strangers(access, use)
    for principal in access.outside[:_MOST_OF_A_KIND]:
        yield from _of_outsider(access, principal, use)
    yield from _of_services(access, access.document())


def _of_user(access: KeyAccess, user: str, use: str) -> Iterator[_Case]:
    direct = _DENIED if access.only_via else _ALLOWED
    yield _Case(
        who=user,
        does=use,
        expected=direct,
        context=_encryption_context(access),
        how=_how_directly(access),
    )
    if access.context and not access.only_via:
        other = {key: f"not {value}" for key, value in _encryption_context(access).items()}
        how = "directly, with another encryption context"
        yield _Case(who=user, does=use, expected=_DENIED, context=other, how=how)
    for service in access.via[:_MOST_OF_A_KIND]:
        through = {"kms:ViaService": service, "kms:CallerAccount": access.account}
        how = f"through {service}"
        yield _Case(
            who=user, does=access.usage.actions[0], expected=_ALLOWED, context=through, how=how
        )
    if access.only_via:
        region = access.region or _REGION
        other_service = {"kms:ViaService": f"another.{region}.amazonaws.com"}
        how = "through another service"
        yield _Case(who=user, does=use, expected=_DENIED, context=other_service, how=how)
    else:
        yield _Case(who=user, does="kms:DescribeKey", expected=_ALLOWED)
    if access.grants:
        for is_for in ("true", "false"):
            how = "for an AWS service" if is_for == "true" else "for anyone else"
            context = {"kms:GrantIsForAWSResource": is_for}
            expected = _ALLOWED if is_for == "true" else _DENIED
            yield _Case(
                who=user, does="kms:CreateGrant", expected=expected, context=context, how=how
            )
    yield _Case(who=user, does=_MANAGE, expected=_DENIED)


def _of_strangers(access: KeyAccess, use: str) -> Iterator[_Case]:
    own = f"arn:{access.partition}:iam::{access.account}:{_STRANGER}"
    yield _Case(who=own, does=use, expected=_DENIED, context=_encryption_context(access))
    yield _Case(who=own, does=use, expected=_ALLOWED, identity=True)
    foreign = next(
        account for account in _OTHERS if not any(f"::{account}:" in arn for arn in access.outside)
    )
    if foreign == access.account:
        foreign = "777777777777"
    stranger = f"arn:{access.partition}:iam::{foreign}:{_STRANGER}"
    yield _Case(
        who=stranger,
        does=use,
        expected=_DENIED,
        identity=True,
        context=_encryption_context(access),
    )


def _of_outsider(access: KeyAccess, outsider: str, use: str) -> Iterator[_Case]:
    member = (
        outsider.removesuffix(":root") + ":role/their-role"
        if outsider.endswith(":root")
        else outsider
    )
    context, how = _encryption_context(access), _how_directly(access)
    yield _Case(who=member, does=use, expected=_DENIED, context=context, how=how)
    yield _Case(who=member, does=use, expected=_ALLOWED, identity=True, context=context, how=how)
    yield _Case(who=member, does=_MANAGE, expected=_DENIED, identity=True)


def _of_services(access: KeyAccess, document: Mapping[str, Any]) -> Iterator[_Case]:
    """Each service on behalf of the account of its sources, and of another account, which its guard must refuse."""
    for statement in document["Statement"]:
        principal = statement["Principal"].get("Service")
        if not principal:
            continue
        actions = statement["Action"]
        first = actions if isinstance(actions, str) else actions[0]
        does = first.rstrip("*")
        condition = statement.get("Condition", {})
        own = _values_that_meet(condition)
        accounts = sorted(
            {account for value in own.values() for account in _ACCOUNT.findall(value)}
        )
        how = f"on behalf of account {' and '.join(accounts) or access.account}"
        yield _Case(who=principal, does=does, expected=_ALLOWED, context=own, how=how)
        stranger = next(account for account in _OTHERS if account not in accounts)
        other = {key: _ACCOUNT.sub(stranger, value) for key, value in own.items()}
        how = "on behalf of another account"
        if other != own:
            yield _Case(who=principal, does=does, expected=_DENIED, context=other, how=how)
        else:
            how = f"{how} (AWS documents no guard)"
            yield _Case(who=principal, does=does, expected=_ALLOWED, context=own, how=how)


def _values_that_meet(condition: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """For every key a value that meets its condition."""
    return {
        key: (value if isinstance(value, str) else value[0]).replace("*", "sample")
        for keys in condition.values()
        for key, value in keys.items()
    }


def _encryption_context(access: KeyAccess) -> dict[str, str]:
    return {f"kms:EncryptionContext:{key}": value for key, value in access.context.items()}


def _how_directly(access: KeyAccess) -> str:
    return "directly, with the encryption context" if access.context else "directly"
