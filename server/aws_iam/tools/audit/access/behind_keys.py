"""The key behind an encrypted resource: who reads a secret must be allowed to decrypt it as well.

The key of a bucket is its default: a single object may be encrypted with another one, so a caller whom it refuses can still
read some. Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples_cross.html
https://docs.aws.amazon.com/systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html
https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutResourcePolicy.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.kms.keys import KMS_KEYS
from aws_iam.account.collect.secrets.parameters import PARAMETERS
from aws_iam.account.collect.secrets.secrets import SECRETS
from aws_iam.account.collect.sharing.resource_policies import ENCRYPTED_BY_SERVICE
from aws_iam.engine.language.arn import Arn
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.tools.audit.access.unseen_encryption import default_encryption, is_by_kms
from aws_iam.tools.audit.access.verdicts import Access
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from aws_iam.tools.audit.access.estate import Estate, Member

    Decide = Callable[[str, str, Mapping[str, str]], Access]
    """Decides an action on a resource, with keys of the context, for one caller."""

# What a call needs on the key besides, by its action in lower case.
_NEEDS = {
    "secretsmanager:getsecretvalue": ("kms:Decrypt",),
    "secretsmanager:batchgetsecretvalue": ("kms:Decrypt",),
    "secretsmanager:putsecretvalue": ("kms:GenerateDataKey", "kms:Decrypt"),
    "ssm:getparameter": ("kms:Decrypt",),
    "ssm:getparameters": ("kms:Decrypt",),
    "ssm:getparametersbypath": ("kms:Decrypt",),
    "ssm:getparameterhistory": ("kms:Decrypt",),
    "s3:getobject": ("kms:Decrypt",),
    "s3:getobjectversion": ("kms:Decrypt",),
    "s3:putobject": ("kms:GenerateDataKey",),
    "sqs:sendmessage": ("kms:GenerateDataKey", "kms:Decrypt"),
    "sqs:receivemessage": ("kms:Decrypt",),
    "sns:publish": ("kms:GenerateDataKey", "kms:Decrypt"),
}
_BY_PATH = "ssm:getparametersbypath"
_MANAGED_BY_AWS = "alias/aws/"


@slotted
class KeyBehind:
    """A key with which a resource is encrypted: its ARN, or why it is not known; `via` is the service that calls KMS.

    A key that AWS manages for the `account` of the resource needs no permission there, and cannot be used from any other.
    """

    account: str
    arn: str = ""
    why_unread: str = ""
    needs: tuple[str, ...] = ()
    via: str = ""
    is_default: bool = False
    """Whether it is a bucket's, whose objects may have others."""


def keys_behind(estate: Estate, action: str, resource: str) -> tuple[KeyBehind, ...]:
    """The keys that the call needs; none where the resource is not encrypted, or nobody knows whose it is."""
    needs = _NEEDS.get(action.lower())
    found = Arn.of(resource)
    owner = estate.owner_of(resource)
    if needs is None or found is None or owner is None:
        return ()
    base = KeyBehind(account=owner.account.id, needs=needs, is_default=found.service == "s3")
    written = dict.fromkeys(_written_keys(owner, found, action, resource))
    return tuple(_known(base, owner, found, key) for key in written)


def _known(base: KeyBehind, owner: Member, found: Arn, written: str | Miss | None) -> KeyBehind:
    if written is None:
        return replace(base, why_unread="it is not among the secrets that were read")
    if isinstance(written, Miss):
        return replace(base, why_unread=str(written))
    if not written or written.rpartition(":")[2].startswith(_MANAGED_BY_AWS):
        return base
    arn = _as_arn(owner, found.region, written)
    key = Arn.of(arn) if arn else None
    if key is None:
        return replace(base, why_unread=f"the account has no key {quoted(written)} that was read")
    # A resource and its key are in the same Region.
    return replace(base, arn=str(key), via=f"{found.service}.{key.region}.amazonaws.com")


def _written_keys(
    owner: Member, found: Arn, action: str, resource: str
) -> Iterator[str | Miss | None]:
    """The keys as the resource names them; an empty text for the one that AWS manages, None for a secret nobody knows."""
    if found.service == "secretsmanager":
        secrets = owner.account.get_in(found.region, SECRETS)
        if isinstance(secrets, Miss):
            yield secrets
            return
        yield next((own.kms_key or "" for own in secrets if own.arn == resource), None)
        return
    if found.service == "s3":
        default = default_encryption(owner, found)
        if default is not None and default.key is not None and is_by_kms(default):
            yield default.key
        return
    if found.service in ENCRYPTED_BY_SERVICE:
        yield from _key_of_attributes(owner, found)
        return
    parameters = owner.account.get_in(found.region, PARAMETERS)
    if isinstance(parameters, Miss):
        yield parameters
        return
    for own in parameters:
        is_below = action.lower() == _BY_PATH and own.arn.startswith(f"{resource.rstrip('/')}/")
        if own.type == "SecureString" and (own.arn == resource or is_below):
            yield own.key or ""


def _key_of_attributes(owner: Member, found: Arn) -> Iterator[str | Miss]:
    """The key of a queue or topic; nothing without one."""
    listed = owner.account.get_in(found.region, ENCRYPTED_BY_SERVICE[found.service])
    if isinstance(listed, Miss):
        yield listed
        return
    yield from (own.kms_key for own in listed if own.arn == str(found) and own.kms_key)


def _as_arn(owner: Member, region: str, written: str) -> str | None:
    """The ARN of a key that is named by its ARN, its id or its alias."""
    if ":key/" in written:
        return written
    name = written.rpartition(":")[2]
    for place, keys in owner.account.in_each(KMS_KEYS):
        for key in () if isinstance(keys, Miss) or region not in {"", place} else keys:
            if key.id == name or name in key.aliases:
                return key.arn
    return None


def with_keys(access: Access, keys: Sequence[KeyBehind], account: str, decide: Decide) -> Access:
    """The access to an encrypted resource of a caller from an account, with what it may do with the keys.

    Of several keys, as of the parameters under a path, one is enough for a part.
    """
    found = [_with_key(access, key, account, decide) for key in keys]
    usable = [own for own in found if own.is_possible]
    if not usable:
        return found[0] if found else access
    best = min(usable, key=lambda own: (own.verdict != "can", len(own.conditions)))
    if len(usable) == len(found):
        return next((own for own in usable if own.verdict == "unknown"), best)
    told = "the parameter is none of those whose key refuses"
    return replace(best, conditions=(*best.conditions, told))


def _with_key(access: Access, key: KeyBehind, account: str, decide: Decide) -> Access:
    found = _with_its_key(access, key, account, decide)
    if not key.is_default or found == access:
        return found
    # The caller of a bucket may still use what is encrypted otherwise.
    named = quoted(key.arn or "aws/s3")
    state = {"can": "is bound to conditions", "cannot": "is refused", "unknown": "is not known"}
    told = (
        f"the object is not encrypted with the bucket's default key {named}, on which"
        f" {joined([quoted(own) for own in key.needs])} {state[found.verdict]}"
    )
    return replace(access, conditions=(*access.conditions, told))


def _with_its_key(access: Access, key: KeyBehind, account: str, decide: Decide) -> Access:
    if key.why_unread:
        return _unknown(access, f"the key that encrypts it is not known: {key.why_unread}")
    if not key.arn:
        return _with_key_of_aws(access, key, account)
    for action in key.needs:
        found = decide(action, key.arn, {"kms:ViaService": key.via})
        if not found.is_possible:
            return found
        if found.verdict == "unknown":
            return _unknown(access, f"{quoted(action)} on its key {quoted(key.arn)}: {found.why}")
        told = tuple(f"for {quoted(action)} on its key, {text}" for text in found.conditions)
        access = replace(access, conditions=(*access.conditions, *told))
    return access


def _with_key_of_aws(access: Access, key: KeyBehind, account: str) -> Access:
    if account == key.account:
        return access
    if not account:
        return _unknown(access, "whether a service may use the key that AWS manages is not known")
    return Access(verdict="cannot")


def _unknown(access: Access, why: str) -> Access:
    return replace(access, verdict="unknown", why=access.why or why)
