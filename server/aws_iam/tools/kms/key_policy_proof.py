"""What a key policy lets happen, asked of `evaluate` request by request: who uses, who administers, and who does not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_iam.engine.evaluate import evaluated
from aws_iam.engine.evaluation.layers import layers_of
from aws_iam.engine.evaluation.request import request_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.engine.evaluation.layers import Layers
    from aws_iam.tools.kms.reasoning.model import KeyWish

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
    """A policy that does not do what was asked of it: a bug here, and nothing to hand out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    who: str
    does: str
    wanted: str
    identity: bool = False
    how: str = "directly"
    context: Mapping[str, Any] | None = None


def proof(wish: KeyWish, document: Mapping[str, Any]) -> list[dict[str, str]]:
    """One row for each request: who, what and how, and the outcome; a surprise is raised, never shown."""
    region = wish.region or _REGION
    key = f"arn:{wish.partition}:kms:{region}:{wish.account}:{_KEY}"
    bare = layers_of({"resource": dict(document), "identity": []})
    backed = layers_of({"resource": dict(document), "identity": [_EVERYTHING]})
    return [_row(case, key, backed if case.identity else bare) for case in _cases(wish)]


def _row(case: _Case, key: str, layers: Layers) -> dict[str, str]:
    asked = {"principal": case.who, "action": case.does, "resource": key}
    context = dict(case.context or {})
    outcome = evaluated(request_of({**asked, "context": context}), layers).decision.outcome
    if outcome != case.wanted:
        raise NotProvedError(f"{case.does} by {case.who}, {case.how}: {outcome}")
    service = ":" not in case.who
    by = {} if service else {"iam": _IAM if case.identity else _NO_IAM}
    return {"who": case.who, "does": case.does, "how": case.how, **by, "outcome": outcome}


def _cases(wish: KeyWish) -> Iterator[_Case]:
    use = wish.direct[0]
    for admin in wish.admins[:_MOST_OF_A_KIND]:
        yield _Case(who=admin, does=_MANAGE, wanted=_ALLOWED)
        yield _Case(who=admin, does=use, wanted=_DENIED, context=_carried(wish))
    for user in wish.users[:_MOST_OF_A_KIND]:
        yield from _of_user(wish, user, use)
    yield from _of_strangers(wish, use)
    for principal in wish.outside[:_MOST_OF_A_KIND]:
        yield from _of_outsider(wish, principal, use)
    yield from _of_services(wish, wish.document())


def _of_user(wish: KeyWish, user: str, use: str) -> Iterator[_Case]:
    direct = _DENIED if wish.only_via else _ALLOWED
    yield _Case(who=user, does=use, wanted=direct, context=_carried(wish), how=_with(wish))
    if wish.context and not wish.only_via:
        other = {key: f"not {value}" for key, value in _carried(wish).items()}
        how = "directly, with another encryption context"
        yield _Case(who=user, does=use, wanted=_DENIED, context=other, how=how)
    for service in wish.via[:_MOST_OF_A_KIND]:
        through = {"kms:ViaService": service, "kms:CallerAccount": wish.account}
        how = f"through {service}"
        yield _Case(
            who=user, does=wish.usage.actions[0], wanted=_ALLOWED, context=through, how=how
        )
    if wish.only_via:
        region = wish.region or _REGION
        other_service = {"kms:ViaService": f"another.{region}.amazonaws.com"}
        how = "through another service"
        yield _Case(who=user, does=use, wanted=_DENIED, context=other_service, how=how)
    else:
        yield _Case(who=user, does="kms:DescribeKey", wanted=_ALLOWED)
    if wish.grants:
        for is_for in ("true", "false"):
            how = "for an AWS service" if is_for == "true" else "for anybody else"
            context = {"kms:GrantIsForAWSResource": is_for}
            wanted = _ALLOWED if is_for == "true" else _DENIED
            yield _Case(who=user, does="kms:CreateGrant", wanted=wanted, context=context, how=how)
    yield _Case(who=user, does=_MANAGE, wanted=_DENIED)


def _of_strangers(wish: KeyWish, use: str) -> Iterator[_Case]:
    own = f"arn:{wish.partition}:iam::{wish.account}:{_STRANGER}"
    yield _Case(who=own, does=use, wanted=_DENIED, context=_carried(wish))
    yield _Case(who=own, does=use, wanted=_ALLOWED, identity=True)
    foreign = next(
        account for account in _OTHERS if not any(f"::{account}:" in arn for arn in wish.outside)
    )
    if foreign == wish.account:
        foreign = "777777777777"
    stranger = f"arn:{wish.partition}:iam::{foreign}:{_STRANGER}"
    yield _Case(who=stranger, does=use, wanted=_DENIED, identity=True, context=_carried(wish))


def _of_outsider(wish: KeyWish, outsider: str, use: str) -> Iterator[_Case]:
    member = (
        outsider.removesuffix(":root") + ":role/their-role"
        if outsider.endswith(":root")
        else outsider
    )
    context, how = _carried(wish), _with(wish)
    yield _Case(who=member, does=use, wanted=_DENIED, context=context, how=how)
    yield _Case(who=member, does=use, wanted=_ALLOWED, identity=True, context=context, how=how)
    yield _Case(who=member, does=_MANAGE, wanted=_DENIED, identity=True)


def _of_services(wish: KeyWish, document: Mapping[str, Any]) -> Iterator[_Case]:
    """Each service on behalf of the account of its sources, and of another one, which its guard must keep out."""
    for statement in document["Statement"]:
        principal = statement["Principal"].get("Service")
        if not principal:
            continue
        actions = statement["Action"]
        first = actions if isinstance(actions, str) else actions[0]
        does = first.rstrip("*")
        condition = statement.get("Condition", {})
        own = _met(condition)
        accounts = sorted(
            {account for value in own.values() for account in _ACCOUNT.findall(value)}
        )
        how = f"on behalf of account {' and '.join(accounts) or wish.account}"
        yield _Case(who=principal, does=does, wanted=_ALLOWED, context=own, how=how)
        stranger = next(account for account in _OTHERS if account not in accounts)
        other = {key: _ACCOUNT.sub(stranger, value) for key, value in own.items()}
        how = "on behalf of another account"
        if other != own:
            yield _Case(who=principal, does=does, wanted=_DENIED, context=other, how=how)
        else:
            how = f"{how} (AWS documents no guard)"
            yield _Case(who=principal, does=does, wanted=_ALLOWED, context=own, how=how)


def _met(condition: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """A value for every key that meets its condition."""
    return {
        key: (value if isinstance(value, str) else value[0]).replace("*", "sample")
        for keys in condition.values()
        for key, value in keys.items()
    }


def _carried(wish: KeyWish) -> dict[str, str]:
    return {f"kms:EncryptionContext:{key}": value for key, value in wish.context.items()}


def _with(wish: KeyWish) -> str:
    return "directly, with the encryption context" if wish.context else "directly"
