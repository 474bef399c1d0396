"""Grants of KMS keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in
from aws_iam.account.collect.kms.keys import KMS_KEYS, _owned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_iam.account.calls.aws import Aws
    from aws_iam.account.collect.kms.keys import KmsKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Grants of one key that say the same; `id` is one of them, `count` how many there are.

    `grantee` is an ARN, or the name of a service; `constraints` are the kinds of limits, `()` none.
    """

    id: str
    grantee: str
    issuer: str
    operations: tuple[str, ...]
    constraints: tuple[str, ...]
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyGrants:
    """The grants of a key."""

    arn: str
    grants: tuple[Grant, ...] | Miss


KEY_GRANTS = many_in("kms.grants", KeyGrants)
GRANTS = "kms:ListGrants"


@collector_in(KEY_GRANTS, GRANTS, after=(KMS_KEYS,))
def grants(aws: Aws, region: str) -> tuple[KeyGrants, ...]:
    """A key may have 50,000; those that say the same become one."""
    keys = _owned(aws, region)

    def read(key: KmsKey) -> tuple[Grant, ...]:
        return _collapsed(aws.pages(GRANTS, "Grants", region=region, KeyId=key.arn))

    found = aws.each(read, keys, GRANTS)
    return tuple(
        KeyGrants(arn=key.arn, grants=each) for key, each in zip(keys, found, strict=True)
    )


def _collapsed(listed: Iterable[dict[str, Any]]) -> tuple[Grant, ...]:
    found: dict[tuple[Any, ...], Grant] = {}
    for each in listed:
        said = (
            each.get("GranteePrincipal") or each.get("GranteeServicePrincipal") or "",
            each.get("IssuingAccount", ""),
            tuple(sorted(each.get("Operations", ()))),
            tuple(sorted(each.get("Constraints", ()) or ())),
        )
        before = found.get(said)
        found[said] = Grant(
            id=before.id if before else each["GrantId"],
            grantee=said[0],
            issuer=said[1],
            operations=said[2],
            constraints=said[3],
            count=before.count + 1 if before else 1,
        )
    return tuple(found[said] for said in sorted(found))
