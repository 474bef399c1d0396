"""The arguments of `kms key_policy`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from aws_iam.errors import InputError
from aws_iam.tools.kit.parameters import ACCOUNT_ID
from aws_iam.tools.kit.tool import Json, Parameter
from aws_iam.tools.kms.reasoning.key_access import Usage, Use

_MOST = 100
_USES = {
    "encrypt and decrypt": "encrypt-decrypt",
    "encrypt/decrypt": "encrypt-decrypt",
    "both": "encrypt-decrypt",
    "decrypt only": "decrypt",
    "encrypt only": "encrypt",
}
_USAGES = {
    "encrypt decrypt": "encrypt",
    "symmetric": "encrypt",
    "symmetric encryption": "encrypt",
    "asymmetric encryption": "asymmetric_encrypt",
    "signing": "sign",
    "sign verify": "sign",
    "hmac": "mac",
    "generate verify mac": "mac",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPolicyArguments:
    """Who administers the key, who uses it, and how."""

    account: Annotated[str, replace(ACCOUNT_ID, by_position=True)]
    admins: Annotated[
        list[str] | None,
        Parameter(
            "who administers: ARNs, role/NAME or user/NAME",
            also=(
                "administrators",
                "admin",
                "key_admins",
                "key_administrators",
                "admin_arns",
                "admin_roles",
            ),
            brief="ARNs or role/NAME",
        ),
    ] = None
    users: Annotated[
        list[str] | None,
        Parameter(
            "who uses the key: ARNs, role/NAME or user/NAME",
            also=(
                "user",
                "key_users",
                "principals",
                "roles",
                "user_arns",
            ),
            brief="ARNs",
        ),
    ] = None
    services: Annotated[
        list[str] | None,
        Parameter(
            "AWS services that use the key, such as cloudwatch-logs (the names: kms guide services), and ARNs that limit their sources",
            also=(
                "service",
                "aws_services",
                "service_principals",
                "service_name",
            ),
            brief="",
        ),
    ] = None
    external_accounts: Annotated[
        list[str] | None,
        Parameter(
            "other accounts that use the key: ids or ARNs",
            also=("external_account", "other_accounts", "trusted_accounts"),
            brief="",
        ),
    ] = None
    organization: Annotated[
        str | None,
        Parameter(
            "organization whose accounts use the key: o-…",
            also=("org", "organization_id", "org_id"),
            brief="",
        ),
    ] = None
    principal_tags: Annotated[
        Json,
        Parameter(
            "tags of the principals that use the key: {key: value}",
            document=True,
            brief="",
        ),
    ] = None
    use: Annotated[
        Use | None,
        Parameter(
            "what the users may do; default encrypt-decrypt",
            synonyms=_USES,
            also=("operations", "permissions"),
            brief="",
        ),
    ] = None
    via_service: Annotated[
        list[str] | None,
        Parameter(
            "services through which the users use the key, such as s3",
            also=("via", "via_services"),
            brief="",
        ),
    ] = None
    only_via_service: Annotated[
        bool,
        Parameter("the users do not call KMS themselves", also=("via_service_only",), brief=""),
    ] = False
    context: Annotated[
        Json,
        Parameter(
            "encryption context: {key: value}",
            document=True,
            brief="",
            also=("encryption_context",),
        ),
    ] = None
    region: Annotated[
        str | None, Parameter("Region of the key", also=("aws_region",), brief="")
    ] = None
    replicas: Annotated[
        list[str] | None,
        Parameter("Regions of its multi-Region replicas", also=("replica_regions",), brief=""),
    ] = None
    usage: Annotated[
        Usage | None,
        Parameter(
            "what the key is for; default encrypt", synonyms=_USAGES, also=("key_usage",), brief=""
        ),
    ] = None


def unique_entries(name: str, values: list[str] | None) -> tuple[str, ...]:
    """The entries of a list without repetitions; InputError if there are too many."""
    entries = tuple(dict.fromkeys(values or ()))
    if len(entries) > _MOST:
        raise InputError(
            f"`{name}` has {len(entries)} entries, more than {_MOST}",
            hint="give them one common role, or allow them with IAM policies",
        )
    return entries
