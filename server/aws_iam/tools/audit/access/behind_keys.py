"""The key behind an encrypted resource: who reads a secret must be allowed to decrypt it as well.

Sources: https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
https://docs.aws.amazon.com/systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.kms.grants import KEY_GRANTS
from aws_iam.account.collect.kms.keys import KMS_KEYS
from aws_iam.account.collect.secrets.parameters import PARAMETERS
from aws_iam.account.collect.secrets.secrets import SECRETS
from aws_iam.engine.language.arn import Arn
from aws_iam.escape import quoted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.tools.audit.access.decisions import Access, Decider
    from aws_iam.tools.audit.access.estate import Estate, Member, Principal

# What a call needs on a customer managed key besides, by its action in lower case.
_NEEDS = {
    "secretsmanager:getsecretvalue": ("kms:Decrypt",),
    "secretsmanager:batchgetsecretvalue": ("kms:Decrypt",),
    "secretsmanager:putsecretvalue": ("kms:GenerateDataKey", "kms:Decrypt"),
    "ssm:getparameter": ("kms:Decrypt",),
    "ssm:getparameters": ("kms:Decrypt",),
    "ssm:getparametersbypath": ("kms:Decrypt",),
    "ssm:getparameterhistory": ("kms:Decrypt",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyBehind:
    """The key with which a resource is encrypted: its ARN, or why it is not known; `via` is the service that calls KMS."""

    arn: str = ""
    why_unread: str = ""
    needs: tuple[str, ...] = ()
    via: str = ""


def key_behind(estate: Estate, action: str, resource: str) -> KeyBehind | None:
    """The customer managed key that the call needs; None where it needs none."""
    needs = _NEEDS.get(action.lower())
    found = Arn.of(resource)
    owner = estate.owner_of(resource)
    if needs is None or found is None or owner is None:
        return None
    via = f"{found.service}.{found.region}.amazonaws.com"
    written = _written_key(owner, found, resource)
    if isinstance(written, Miss):
        return KeyBehind(why_unread=str(written), needs=needs, via=via)
    if written is None or written.startswith("alias/aws/"):
        return None
    arn = _as_arn(owner, found.region, written)
    if arn is None:
        return KeyBehind(
            why_unread=f"the account has no key {quoted(written)} that was read",
            needs=needs,
            via=via,
        )
    return KeyBehind(arn=arn, needs=needs, via=via)


def _written_key(owner: Member, found: Arn, resource: str) -> str | Miss | None:
    """The key as the resource names it; None for the AWS managed one and for what is not encrypted with any."""
    if found.service == "secretsmanager":
        secrets = owner.account.get_in(found.region, SECRETS)
        if isinstance(secrets, Miss):
            return secrets
        return next((secret.kms_key for secret in secrets if secret.arn == resource), None)
    parameters = owner.account.get_in(found.region, PARAMETERS)
    if isinstance(parameters, Miss):
        return parameters
    return next(
        (own.key for own in parameters if own.arn == resource and own.type == "SecureString"), None
    )


def _as_arn(owner: Member, region: str, written: str) -> str | None:
    """The ARN of a key that is named by its ARN, its id or its alias."""
    if ":key/" in written:
        return written
    keys = owner.account.get_in(region, KMS_KEYS)
    name = written.rpartition(":")[2]
    for key in () if isinstance(keys, Miss) else keys:
        if key.id == name or name in key.aliases:
            return key.arn
    return None


def with_key(
    decider: Decider, estate: Estate, principal: Principal, key: KeyBehind, access: Access
) -> Access:
    """The access to an encrypted resource, with what the principal may do with its key."""
    if key.why_unread:
        why = f"the key that encrypts it is not known: {key.why_unread}"
        return replace(access, verdict="unknown", why=access.why or why)
    for action in key.needs:
        found = decider.decide(principal, action, key.arn, {"kms:ViaService": key.via})
        found = with_grants(estate, principal.arn, action, key.arn, found)
        if not found.is_possible:
            return found
        if found.verdict == "unknown":
            why = f"{quoted(action)} on its key {quoted(key.arn)}: {found.why}"
            return replace(access, verdict="unknown", why=access.why or why)
        told = tuple(f"for {quoted(action)} on its key, {text}" for text in found.conditions)
        access = replace(access, conditions=(*access.conditions, *told))
    return access


def with_grants(estate: Estate, caller: str, action: str, key: str, access: Access) -> Access:
    """The access to a key, where a grant may give what no policy does."""
    if (access.verdict == "can" and not access.conditions) or access.is_denied:
        return access
    for grantee, operations, constraints in _grants(estate, key):
        if grantee == caller and action.partition(":")[2] in operations:
            conditions = (f"the grant's {joined(constraints)} holds",) if constraints else ()
            return replace(access, verdict="can", conditions=conditions, why="")
    return access


def _grants(estate: Estate, key: str) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    owner, found = estate.owner_of(key), Arn.of(key)
    if owner is None or found is None:
        return
    listed = owner.account.get_in(found.region, KEY_GRANTS)
    for row in () if isinstance(listed, Miss) else listed:
        if row.arn == key and not isinstance(row.grants, Miss):
            for grant in row.grants:
                yield grant.grantee, grant.operations, grant.constraints
