"""The grants of KMS keys, as policies of the key: each lets its grantee perform some operations.

A grant allows what it covers without any other policy, from another account too; a Deny anywhere is stronger:
https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.kms.grants import KEY_GRANTS
from aws_iam.engine.language.arn import Arn
from aws_iam.frozen import slotted
from aws_iam.tools.audit.access.held_policies import NamedPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.collect.kms.grants import Grant
    from aws_iam.tools.audit.access.estate import Estate

# What a grant can cover: https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html
_OPERATIONS = frozenset(
    {
        "CreateGrant",
        "Decrypt",
        "DeriveSharedSecret",
        "DescribeKey",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
        "GenerateDataKeyWithoutPlaintext",
        "GenerateMac",
        "GetPublicKey",
        "ReEncryptFrom",
        "ReEncryptTo",
        "RetireGrant",
        "Sign",
        "Verify",
        "VerifyMac",
    }
)
_COVERED = frozenset(f"kms:{name}".lower() for name in _OPERATIONS)


@slotted
class KeyGrants:
    """The grants of a key that cover an action, or why they are not known."""

    grants: tuple[Grant, ...] = ()
    why_unread: str = ""


def key_grants(estate: Estate, action: str, key: str) -> KeyGrants:
    """The grants of a key that cover the action; none for what is no key, and for what no grant can cover."""
    found = Arn.of(key)
    if action.lower() not in _COVERED or found is None or not found.resource.startswith("key/"):
        return KeyGrants()
    owner = estate.owner_of(key)
    if owner is None:
        return KeyGrants(why_unread="the account that owns the key was not read")
    listed = owner.account.get_in(found.region, KEY_GRANTS)
    if isinstance(listed, Miss):
        return KeyGrants(why_unread=str(listed))
    read = next((row.grants for row in listed if row.arn == key), ())
    if isinstance(read, Miss):
        return KeyGrants(why_unread=str(read))
    return KeyGrants(grants=tuple(_covering(read, action)))


def _covering(grants: tuple[Grant, ...], action: str) -> Iterator[Grant]:
    for grant in grants:
        if action.lower() in {f"kms:{name}".lower() for name in grant.operations}:
            yield grant


def names_an_account(grant: Grant) -> bool:
    """Whether the grant is for a whole account, whose own policies then decide."""
    return grant.grantee.endswith(":root")


def as_policy(grant: Grant) -> NamedPolicy:
    """The grant as a policy of the key."""
    # The name of a service has dots; the id that stands for a deleted user or role has none.
    kind = "AWS" if grant.grantee.startswith("arn:") or "." not in grant.grantee else "Service"
    return _policy(grant, {"Principal": {kind: grant.grantee}})


def as_own_policy(grant: Grant) -> NamedPolicy:
    """The grant as a policy of the grantee, who needs no other one in another account."""
    return _policy(grant, {})


UNKNOWN = NamedPolicy(
    "a grant that is not known",
    json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}],
        }
    ),
)
"""What a grant that was not read may give its grantee."""


def _policy(grant: Grant, principal: dict[str, object]) -> NamedPolicy:
    actions = [f"kms:{name}" for name in grant.operations]
    statement = {"Effect": "Allow", **principal, "Action": actions, "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return NamedPolicy(f"grant {grant.id}", text)
