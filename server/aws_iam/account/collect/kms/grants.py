"""Grants of KMS keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in
from aws_iam.account.collect.kms.keys import KMS_KEYS, customer_keys
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_iam.account.calls.aws import Aws
    from aws_iam.account.collect.kms.keys import KmsKey


@slotted
class Grant:
    """Grants of one key with the same terms; `id` is that of one of them, `count` how many there are.

    `grantee` is an ARN or the name of a service; `constraints` are the kinds of constraints, `()` none.
    """

    id: str
    grantee: str
    issuer: str
    operations: tuple[str, ...]
    constraints: tuple[str, ...]
    count: int


@slotted
class KeyGrants:
    """The grants of a key."""

    arn: str
    grants: tuple[Grant, ...] | Miss


KEY_GRANTS = many_in("kms.grants", KeyGrants)
_LIST_GRANTS = "kms:ListGrants"


@collector_in(KEY_GRANTS, _LIST_GRANTS, after=(KMS_KEYS,))
def grants(aws: Aws, region: str) -> tuple[KeyGrants, ...]:
    """The grants of each key. A key may have 50,000, so grants with the same terms become one."""
    keys = customer_keys(aws, region)

    def read(key: KmsKey) -> tuple[Grant, ...]:
        return _collapsed(aws.items(_LIST_GRANTS, "Grants", region=region, KeyId=key.arn))

    grants_of_each = aws.read_each(read, keys, _LIST_GRANTS)
    return tuple(
        KeyGrants(arn=key.arn, grants=collapsed)
        for key, collapsed in zip(keys, grants_of_each, strict=True)
    )


def _collapsed(listed: Iterable[dict[str, Any]]) -> tuple[Grant, ...]:
    grants: dict[tuple[Any, ...], Grant] = {}
    for grant in listed:
        terms = (
            grant.get("GranteePrincipal") or grant.get("GranteeServicePrincipal") or "",
            grant.get("IssuingAccount", ""),
            tuple(sorted(grant.get("Operations", ()))),
            tuple(sorted(grant.get("Constraints", ()) or ())),
        )
        same = grants.get(terms)
        grants[terms] = Grant(
            id=same.id if same else grant["GrantId"],
            grantee=terms[0],
            issuer=terms[1],
            operations=terms[2],
            constraints=terms[3],
            count=same.count + 1 if same else 1,
        )
    return tuple(grants[terms] for terms in sorted(grants))
