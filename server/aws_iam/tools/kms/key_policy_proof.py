"""Requests that prove a key policy: who may use the key, who may administer it, and who may not."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aws_iam.engine.evaluation.evaluate import evaluate_request
from aws_iam.engine.evaluation.layers import layers_of
from aws_iam.engine.evaluation.request import request_of
from aws_iam.engine.reference.catalog import catalog
from aws_iam.tools.kms.reasoning.key_access import GRANTS
from aws_iam.tools.kms.via_services import other_service

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.engine.evaluation.layers import Layers
    from aws_iam.tools.kms.reasoning.key_access import KeyAccess

_ALLOWED, _DENIED = "Allowed", "ImplicitlyDenied"
_KEY = "key/00000000-0000-0000-0000-000000000000"
_REGION = "us-east-1"
_STRANGER = "role/somebody-else"
_OTHERS = tuple(digit * 12 for digit in "9876543210")
_ACCOUNT = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])")
_MANAGE = ("kms:PutKeyPolicy", "kms:ScheduleKeyDeletion")
_EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*"},
}
_FOR_SERVICE = {"kms:GrantIsForAWSResource": "true"}
_NO_IAM = "no IAM policy"
_IAM = "an IAM policy that allows kms:*"


class NotProvedError(RuntimeError):
    """The generated policy does not do what was asked: a bug in this package, so the policy is not returned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """Requests by one principal that differ in the action alone, and the outcome that all must have."""

    who: str
    does: tuple[str, ...]
    expected: str
    identity: bool = False
    how: str = "directly"
    context: Mapping[str, Any] = field(default_factory=dict)


def proof_rows(access: KeyAccess, document: Mapping[str, Any]) -> list[dict[str, str]]:
    """One row per case: who, which actions, how, and the outcome of every one; NotProvedError for an unexpected one."""
    region = access.region or _REGION
    key = f"arn:{access.partition}:kms:{region}:{access.account}:{_KEY}"
    bare = layers_of({"resource": dict(document), "identity": []})
    backed = layers_of({"resource": dict(document), "identity": [_EVERYTHING]})
    return [
        _row(case, key, backed if case.identity else bare)
        for case in _cases(access, region)
        if case.does
    ]


def _row(case: _Case, key: str, layers: Layers) -> dict[str, str]:
    for action in case.does:
        request = request_of(
            {
                "principal": case.who,
                "action": action,
                "resource": key,
                "context": dict(case.context),
            }
        )
        outcome = evaluate_request(request, layers).decision.outcome
        if outcome != case.expected:
            raise NotProvedError(f"{action} by {case.who}, {case.how}: {outcome}")
    by = {"iam": _IAM if case.identity else _NO_IAM} if ":" in case.who else {}
    does = ", ".join(case.does)
    return {"who": case.who, "does": does, "how": case.how, **by, "outcome": case.expected}


def _cases(access: KeyAccess, region: str) -> Iterator[_Case]:
    yield _Case(who=access.root, does=_MANAGE, expected=_ALLOWED)
    for admin in access.admins:
        yield from _of_admin(access, admin)
    for user in access.users:
        yield from _of_user(access, user, region)
    yield from _of_strangers(access)
    for principal in access.outside:
        yield from _of_outsider(access, principal, region)
    if access.organization:
        yield from _of_organization(access)
    if access.tags:
        yield from _of_tagged(access)
    for statement in access.service_statements():
        yield from _of_service(access, statement)


def _of_admin(access: KeyAccess, admin: str) -> Iterator[_Case]:
    yield _Case(who=admin, does=access.administration, expected=_ALLOWED)
    direct = {**_encryption_context(access), **_in_organization(access), **_tags(access)}
    uses = (*access.usage.actions, "kms:CreateGrant")
    context = {**direct, **_FOR_SERVICE}
    yield _Case(who=admin, does=uses, expected=_DENIED, context=context)


def _of_user(access: KeyAccess, user: str, region: str) -> Iterator[_Case]:
    context, how = _encryption_context(access), _how_directly(access)
    if access.only_via:
        uses = (*access.usage.actions, *access.usage.looks)
        tags = {**_tags(access), **_in_organization(access)}
        yield _Case(who=user, does=uses, expected=_DENIED, context=tags)
    else:
        yield _Case(who=user, does=access.direct, expected=_ALLOWED, context=context, how=how)
        yield _Case(who=user, does=access.usage.looks, expected=_ALLOWED)
        others = tuple(a for a in access.usage.actions if a not in access.direct)
        yield _Case(who=user, does=others, expected=_DENIED, context=context, how=how)
        yield from _with_other_context(access, user)
    for service in access.via:
        yield from _through(access, user, service)
    if access.only_via:
        other = {"kms:ViaService": other_service(access.via, region)}
        how = f"through {other['kms:ViaService']}"
        yield _Case(who=user, does=access.usage.actions, expected=_DENIED, context=other, how=how)
    yield from _grants(access, user, region)
    yield _Case(who=user, does=_MANAGE, expected=_DENIED)


def _grants(access: KeyAccess, user: str, region: str) -> Iterator[_Case]:
    """Grants for AWS's services alone; where the key is only used through some, through these alone."""
    grants = GRANTS if access.grants else ("kms:CreateGrant",)
    own = {"kms:ViaService": access.via[0]} if access.only_via else {}
    through = f", through {access.via[0]}" if access.only_via else ""
    for is_for in ("true", "false"):
        how = "for an AWS service" if is_for == "true" else "for anyone else"
        yield _Case(
            who=user,
            does=grants,
            expected=_ALLOWED if is_for == "true" and access.grants else _DENIED,
            context={"kms:GrantIsForAWSResource": is_for, **own},
            how=how + through,
        )
    if access.only_via:
        other = {"kms:ViaService": other_service(access.via, region)}
        how = f"for an AWS service, through {other['kms:ViaService']}"
        yield _Case(
            who=user, does=grants, expected=_DENIED, context={**_FOR_SERVICE, **other}, how=how
        )


def _with_other_context(access: KeyAccess, user: str) -> Iterator[_Case]:
    if access.context:
        other = {key: f"not {value}" for key, value in _encryption_context(access).items()}
        how = "directly, with another encryption context"
        yield _Case(who=user, does=access.direct, expected=_DENIED, context=other, how=how)


def _through(access: KeyAccess, user: str, service: str) -> Iterator[_Case]:
    context = {"kms:ViaService": service, "kms:CallerAccount": access.account}
    how = f"through {service}"
    yield _Case(who=user, does=access.actions, expected=_ALLOWED, context=context, how=how)
    others = tuple(a for a in access.usage.actions if a not in access.actions)
    yield _Case(who=user, does=others, expected=_DENIED, context=context, how=how)


def _of_strangers(access: KeyAccess) -> Iterator[_Case]:
    own = f"arn:{access.partition}:iam::{access.account}:{_STRANGER}"
    uses, context = access.usage.actions, _encryption_context(access)
    yield _Case(who=own, does=(*uses, *_MANAGE), expected=_DENIED, context=context)
    yield _Case(who=own, does=(*uses, *_MANAGE), expected=_ALLOWED, identity=True)
    foreign = _other_account(access)
    stranger = f"arn:{access.partition}:iam::{foreign}:{_STRANGER}"
    yield _Case(
        who=stranger,
        does=(*uses, "kms:CreateGrant", *_MANAGE),
        expected=_DENIED,
        identity=True,
        context={**context, **_tags(access), **_FOR_SERVICE},
    )


def _other_account(access: KeyAccess) -> str:
    known = {access.account, *(arn.split(":")[4] for arn in access.outside)}
    return next(account for account in _OTHERS if account not in known)


def _of_outsider(access: KeyAccess, outsider: str, region: str) -> Iterator[_Case]:
    member = (
        outsider.removesuffix(":root") + ":role/their-role"
        if outsider.endswith(":root")
        else outsider
    )
    if access.only_via:
        yield from _through_alone(access, member, region)
    else:
        yield from _of_other_account(access, member, {}, _how_directly(access))


def _through_alone(access: KeyAccess, member: str, region: str) -> Iterator[_Case]:
    """A principal of another account that may use the key only through services, with an IAM policy there."""
    uses = access.usage.actions
    yield _Case(who=member, does=(*uses, *access.usage.looks), expected=_DENIED, identity=True)
    own = {"kms:CallerAccount": member.split(":")[4]}
    for service in access.via:
        context, how = {"kms:ViaService": service, **own}, f"through {service}"
        rest = (*(action for action in uses if action not in access.actions), *GRANTS, *_MANAGE)
        for does, identity, expected in (
            (access.actions, True, _ALLOWED),
            (access.actions, False, _DENIED),
            (rest, True, _DENIED),
        ):
            yield _Case(
                who=member,
                does=does,
                expected=expected,
                identity=identity,
                context=context,
                how=how,
            )
    other = {"kms:ViaService": other_service(access.via, region), **own}
    how = f"through {other['kms:ViaService']}"
    yield _Case(who=member, does=uses, expected=_DENIED, identity=True, context=other, how=how)


def _of_other_account(
    access: KeyAccess, member: str, keys: Mapping[str, str], how: str
) -> Iterator[_Case]:
    """What a principal of another account may do: nothing by the key policy alone, use with an IAM policy there."""
    context = {**_encryption_context(access), **keys}
    for identity in (False, True):
        expected = _ALLOWED if identity else _DENIED
        yield _Case(
            who=member,
            does=access.direct_of_others,
            expected=expected,
            identity=identity,
            context=context,
            how=how,
        )
        yield _Case(
            who=member,
            does=GRANTS if access.shares else (),
            expected=expected,
            identity=identity,
            context={**context, **_FOR_SERVICE},
            how=f"{how}, for an AWS service",
        )
    others = tuple(a for a in access.usage.actions if a not in access.direct_of_others)
    yield _Case(
        who=member,
        does=(*others, *GRANTS, *_MANAGE),
        expected=_DENIED,
        identity=True,
        context=context,
        how=how,
    )


def _of_organization(access: KeyAccess) -> Iterator[_Case]:
    member = f"arn:{access.partition}:iam::{_other_account(access)}:role/their-role"
    inside, tags = _in_organization(access), _tags(access)
    how = f"directly, in organization {access.organization}"
    tagged = f"{how}, with the tags" if tags else how
    yield from _of_other_account(access, member, {**inside, **tags}, tagged)
    context = _encryption_context(access)
    other = {**context, **tags, "aws:PrincipalOrgID": "o-anotherorg"}
    how_other = "directly, in another organization"
    yield _Case(
        who=member,
        does=(*access.direct_of_others, "kms:CreateGrant"),
        expected=_DENIED,
        identity=True,
        context={**other, **_FOR_SERVICE},
        how=how_other,
    )
    if tags:
        untagged = {**context, **inside, **_FOR_SERVICE}
        yield _Case(
            who=member,
            does=(*access.direct_of_others, "kms:CreateGrant"),
            expected=_DENIED,
            identity=True,
            context=untagged,
            how=f"{how}, without the tags",
        )
    own = f"arn:{access.partition}:iam::{access.account}:{_STRANGER}"
    yield _Case(
        who=own,
        does=(*access.direct_of_others, "kms:CreateGrant"),
        expected=_DENIED,
        context={**context, **inside, **_FOR_SERVICE},
        how=how,
    )


def _of_tagged(access: KeyAccess) -> Iterator[_Case]:
    own = f"arn:{access.partition}:iam::{access.account}:{_STRANGER}"
    context, tags = _encryption_context(access), _tags(access)
    how = f"{_how_directly(access)}, with the principal tags"
    yield _Case(
        who=own, does=access.direct, expected=_ALLOWED, context={**context, **tags}, how=how
    )
    for key in tags:
        other = {**context, **tags, key: f"not {tags[key]}"}
        how = f"{_how_directly(access)}, with another value of {key}"
        yield _Case(who=own, does=access.direct, expected=_DENIED, context=other, how=how)
    yield _Case(who=own, does=_MANAGE, expected=_DENIED, context=tags)


def _of_service(access: KeyAccess, statement: Mapping[str, Any]) -> Iterator[_Case]:
    """A service on behalf of the account of its sources, and of another account, which its guard must refuse."""
    ((kind, principal),) = statement["Principal"].items()
    actions = statement["Action"]
    listed = [actions] if isinstance(actions, str) else actions
    does = tuple(dict.fromkeys(name for entry in listed for name in catalog().expand(entry)))
    own = _values_that_meet(statement.get("Condition", {}))
    if kind == "AWS":
        yield _Case(who=principal, does=does, expected=_ALLOWED, context=own)
        theirs = principal.replace(access.account, _other_account(access))
        how = "in another account"
        yield _Case(who=theirs, does=does, expected=_DENIED, identity=True, context=own, how=how)
        return
    accounts = sorted({account for value in own.values() for account in _ACCOUNT.findall(value)})
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


def _tags(access: KeyAccess) -> dict[str, str]:
    return {f"aws:PrincipalTag/{key}": value for key, value in access.tags.items()}


def _in_organization(access: KeyAccess) -> dict[str, str]:
    return {"aws:PrincipalOrgID": access.organization} if access.organization else {}


def _how_directly(access: KeyAccess) -> str:
    return "directly, with the encryption context" if access.context else "directly"
