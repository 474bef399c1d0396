"""Who may administer and use a key, and the key policy that allows exactly that.

    KeyAccess(account="111122223333", admins=(…,), users=(…,)).document()  →  {"Version": …, "Statement": […]}

Sources: KMS Developer Guide, pages key-policy-default, key-policy-services, conditions-kms, encrypt_context.
"""

from __future__ import annotations

import json
from dataclasses import field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aws_iam.engine.reference.key_services import KeyService
    from aws_iam.engine.reference.via_services import ViaService

MOST_BYTES = 32_768
"""The longest key policy: KMS Developer Guide, resource-limits."""

# As in the console, but without wildcards: actions that AWS adds later are not granted silently.
ADMINISTRATION = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListKeyRotations",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:RotateKeyOnDemand",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
)
# Replicating a key and moving its primary Region need these in the key policy.
_REPLICATION = ("kms:ReplicateKey", "kms:UpdatePrimaryRegion")
# The calls of envelope encryption, which carry an encryption context.
_ENVELOPE = ("kms:Decrypt", "kms:GenerateDataKey")
GRANTS = ("kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant")
_LOOK = "kms:DescribeKey"
_PUBLIC_KEY = "kms:GetPublicKey"


class Use(StrEnum):
    """What the users may do with a key that encrypts: both ways, or one alone."""

    BOTH = "encrypt-decrypt"
    ENCRYPT = "encrypt"
    DECRYPT = "decrypt"


class Usage(StrEnum):
    """What the key is for; each kind of key has its own actions."""

    ENCRYPT = "encrypt"
    ASYMMETRIC_ENCRYPT = "asymmetric_encrypt"
    SIGN = "sign"
    MAC = "mac"
    KEY_AGREEMENT = "key_agreement"
    KEY_ENCAPSULATION = "key_encapsulation"

    @property
    def actions(self) -> tuple[str, ...]:
        """The cryptographic actions of such a key."""
        return _ACTIONS[self]

    @property
    def looks(self) -> tuple[str, ...]:
        """The actions that read the key's description and, if it has one, its public key."""
        return (_LOOK, _PUBLIC_KEY) if self in _PUBLIC else (_LOOK,)

    @property
    def spec(self) -> tuple[str, str]:
        """KeyUsage and a common KeySpec, as CreateKey takes them."""
        return _SPECS[self]


_ACTIONS: Mapping[Usage, tuple[str, ...]] = {
    Usage.ENCRYPT: (
        "kms:Decrypt",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    ),
    Usage.ASYMMETRIC_ENCRYPT: (
        "kms:Decrypt",
        "kms:Encrypt",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    ),
    Usage.SIGN: ("kms:Sign", "kms:Verify"),
    Usage.MAC: ("kms:GenerateMac", "kms:VerifyMac"),
    Usage.KEY_AGREEMENT: ("kms:DeriveSharedSecret",),
    Usage.KEY_ENCAPSULATION: ("kms:Decapsulate", "kms:Encapsulate"),
}
# Without kms:ReEncrypt*: re-encryption needs a permission on two keys, and few users need it.
_ONE_WAY: Mapping[Use, frozenset[str]] = {
    Use.ENCRYPT: frozenset(
        {"kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"}
    ),
    Use.DECRYPT: frozenset({"kms:Decrypt"}),
}
_PUBLIC = frozenset(
    {Usage.ASYMMETRIC_ENCRYPT, Usage.SIGN, Usage.KEY_AGREEMENT, Usage.KEY_ENCAPSULATION}
)
_SPECS: Mapping[Usage, tuple[str, str]] = {
    Usage.ENCRYPT: ("ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT"),
    Usage.ASYMMETRIC_ENCRYPT: ("ENCRYPT_DECRYPT", "RSA_3072"),
    Usage.SIGN: ("SIGN_VERIFY", "ECC_NIST_P256"),
    Usage.MAC: ("GENERATE_VERIFY_MAC", "HMAC_256"),
    Usage.KEY_AGREEMENT: ("KEY_AGREEMENT", "ECC_NIST_P256"),
    Usage.KEY_ENCAPSULATION: ("ENCAPSULATE_DECAPSULATE", "ML_KEM_768"),
}


@slotted
class KeyAccess:
    """Who may do what with a key. `users` call KMS directly and through the `via` services.

    With `only_via` they and `outside` use it only through these.
    `context` is the encryption context that direct use must carry; `outside` are accounts or principals of others;
    `organization` lets in its other accounts, `tags` the principals of the account that carry them all (and of the
    organization only those); `for_callers` are services that need no statement; `replicas` are the Regions that the key is copied to.
    """

    account: str
    partition: str = "aws"
    region: str = ""
    replicas: tuple[str, ...] = ()
    admins: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    organization: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    via: tuple[str, ...] = ()
    only_via: bool = False
    context: Mapping[str, str] = field(default_factory=dict)
    services: tuple[KeyService, ...] = ()
    for_callers: tuple[ViaService, ...] = ()
    source_arns: tuple[str, ...] = ()
    usage: Usage = Usage.ENCRYPT
    use: Use = Use.BOTH

    @property
    def actions(self) -> tuple[str, ...]:
        """The cryptographic actions of the users: those of the key, or those of one direction."""
        return self._of_use(self.usage.actions)

    def _of_use(self, actions: tuple[str, ...]) -> tuple[str, ...]:
        one_way = _ONE_WAY.get(self.use)
        return tuple(action for action in actions if one_way is None or action in one_way)

    @property
    def root(self) -> str:
        """The principal that stands for the account."""
        return f"arn:{self.partition}:iam::{self.account}:root"

    @property
    def direct(self) -> tuple[str, ...]:
        """The cryptographic actions of direct use: with services or a context only those of envelope encryption."""
        narrowed = self.context or (self.via and self.usage is Usage.ENCRYPT)
        return self._of_use(_ENVELOPE) if narrowed else self.actions

    @property
    def shares(self) -> bool:
        """Whether services use the key for other accounts, such as for snapshots that are shared with them."""
        return any(service.for_others for service in self.services)

    @property
    def direct_of_others(self) -> tuple[str, ...]:
        """The cryptographic actions of other accounts: those of direct use, unless services use the key for them."""
        return self.actions if self.shares else self.direct

    @property
    def administration(self) -> tuple[str, ...]:
        """The actions of the administrators."""
        return (*ADMINISTRATION, *(_REPLICATION if self.replicas else ()))

    @property
    def grants(self) -> bool:
        """Whether the users may create grants for AWS services, which use symmetric keys only, and both ways."""
        symmetric = self.usage is Usage.ENCRYPT and self.use is Use.BOTH
        return symmetric and bool(self.users) and not self.context_only

    @property
    def context_only(self) -> bool:
        """Whether the key is only for an application's own envelope encryption."""
        return bool(self.context) and not self.via

    def in_region(self, region: str) -> KeyAccess:
        """The same access for a replica of the key, with the services of its Region."""
        via = tuple(service.replace(f".{self.region}.", f".{region}.") for service in self.via)
        return replace(self, region=region, via=via)

    def document(self) -> dict[str, Any]:
        """The policy: the account statement first, so that IAM policies apply and nobody is locked out."""
        return {"Version": "2012-10-17", "Statement": list(self._statements())}

    def _statements(self) -> Iterator[dict[str, Any]]:
        yield _allow("AccountMayDelegateByIam", {"AWS": self.root}, ("kms:*",))
        if self.admins:
            yield _allow("AdministratorsManage", _aws(self.admins), self.administration)
        if self.users:
            yield from self._use_by_users()
        for who, principal, condition in self.others():
            if self.only_via:
                yield self._through_services(who, principal)
            else:
                yield from self._allow_use(who, principal, condition, self.direct_of_others)
        if self.tags:
            here = self._tagged_here()
            yield from self._allow_use("TaggedPrincipals", _EVERYONE, here, self.direct)
        yield from self._shared()
        if self.grants:
            only = {"StringEquals": {"kms:ViaService": _one_or_list(self.via)}}
            condition = {**_FOR_SERVICES, **(only if self.only_via else {})}
            yield _allow("UsersGrantToAwsServices", _aws(self.users), GRANTS, condition)
        yield from self.service_statements()

    def others(self) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Mapping[str, Any]]]]:
        """Name, principal and condition of the principals of other accounts."""
        if self.outside:
            yield "OtherAccounts", _aws(self.outside), {}
        if self.organization:
            yield "Organization", _EVERYONE, self._in_organization()

    def _shared(self) -> Iterator[dict[str, Any]]:
        """What services need to use the key for the other accounts."""
        for service in filter(lambda service: service.for_others, self.services):
            for who, principal, condition in self.others():
                for actions, own in service.conditions({}, ()):
                    sid = f"{who}{_words(service.name)}"
                    yield _allow(sid, principal, actions, {**condition, **own})

    def _use_by_users(self) -> Iterator[dict[str, Any]]:
        named = _aws(self.users)
        if not self.only_via:
            yield from self._allow_use("Users", named, {}, self.direct)
        if self.via and self.through_services():
            yield self._through_services("Users", named)

    def _through_services(self, who: str, principal: Mapping[str, Any]) -> dict[str, Any]:
        through = {"StringEquals": {"kms:ViaService": _one_or_list(self.via)}}
        return _allow(f"{who}UseThroughServices", principal, self.through_services(), through)

    def _allow_use(
        self,
        who: str,
        principal: Mapping[str, Any],
        condition: Mapping[str, Mapping[str, Any]],
        does: tuple[str, ...],
    ) -> Iterator[dict[str, Any]]:
        """Direct use under a condition on the caller, and with the encryption context."""
        if not self.context:
            actions = (*does, *self.usage.looks)
            yield _allow(f"{who}UseDirectly", principal, actions, condition)
            return
        # DescribeKey has no encryption context: the condition would never be met.
        wanted = {f"kms:EncryptionContext:{key}": value for key, value in self.context.items()}
        equal = {**condition.get("StringEquals", {}), **wanted}
        both = {**condition, "StringEquals": equal}
        yield _allow(f"{who}UseDirectly", principal, does, both)
        yield _allow(f"{who}LookAtKey", principal, self.usage.looks, condition)

    def _in_organization(self) -> dict[str, dict[str, Any]]:
        """The other accounts of the organization: in the key's own account the statement would allow without IAM policies."""
        return {
            "StringEquals": {"aws:PrincipalOrgID": self.organization, **self._tag_keys()},
            "StringNotEquals": {"aws:PrincipalAccount": self.account},
        }

    def _tagged_here(self) -> dict[str, dict[str, Any]]:
        """The tagged principals of the key's account, without its administrators and users of services alone."""
        excluded = (*self.admins, *(self.users if self.only_via else ()))
        others = {"ArnNotEquals": {"aws:PrincipalArn": _one_or_list(excluded)}}
        return {
            "StringEquals": {"aws:PrincipalAccount": self.account, **self._tag_keys()},
            **(others if excluded else {}),
        }

    def _tag_keys(self) -> dict[str, str]:
        return {f"aws:PrincipalTag/{key}": value for key, value in self.tags.items()}

    def through_services(self) -> tuple[str, ...]:
        """What services may do for the users, without what the users may do directly."""
        if self.only_via:
            return (*self.actions, *self.usage.looks)
        anyway = () if self.context else self.direct
        return tuple(action for action in self.actions if action not in anyway)

    def service_statements(self) -> Iterator[dict[str, Any]]:
        """The statements for AWS services that call KMS as themselves."""
        yield from _merged(
            statement
            for service in self.services
            if not service.for_others
            for statement in self._service(service)
        )

    def _service(self, service: KeyService) -> Iterator[dict[str, Any]]:
        principal = service.principal_in(self.partition, self.region, self.account)
        arns = tuple(filter(service.calls_for, self.source_arns))
        # The source may be in another account: an organization's trail is in the management account.
        owners = [account for arn in arns if (account := arn.split(":")[4])]
        account = owners[0] if owners else self.account
        values = {"Partition": self.partition, "Region": self.region, "Account": account}
        sid = _words(service.name)
        for number, (actions, condition) in enumerate(service.conditions(values, arns)):
            yield _allow(f"{sid}Uses{number + 1 if number else ''}", principal, actions, condition)


def _merged(statements: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """One statement for each principal and condition: two uses of a service can need the same."""
    by_terms: dict[str, dict[str, Any]] = {}
    for statement in statements:
        terms = json.dumps((statement["Principal"], statement.get("Condition")), sort_keys=True)
        known = by_terms.setdefault(terms, statement)
        known["Action"] = _actions((*_listed(known["Action"]), *_listed(statement["Action"])))
    yield from by_terms.values()


def _words(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-"))


def _listed(values: str | list[str]) -> list[str]:
    return [values] if isinstance(values, str) else values


def _actions(values: tuple[str, ...]) -> str | list[str]:
    return _one_or_list(tuple(sorted(set(values))))


_EVERYONE = {"AWS": "*"}
_FOR_SERVICES = {"Bool": {"kms:GrantIsForAWSResource": "true"}}


def _allow(
    sid: str,
    principal: Mapping[str, Any],
    actions: tuple[str, ...],
    condition: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": dict(principal),
        "Action": _actions(actions),
        "Resource": "*",
    }
    return found | ({"Condition": dict(condition)} if condition else {})


def _aws(principals: tuple[str, ...]) -> dict[str, Any]:
    return {"AWS": _one_or_list(principals)}


def _one_or_list(values: tuple[str, ...]) -> str | list[str]:
    return values[0] if len(values) == 1 else list(values)
