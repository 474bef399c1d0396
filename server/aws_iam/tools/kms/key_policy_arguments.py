"""The arguments of `kms key_policy`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from aws_iam.errors import InputError
from aws_iam.tools.kit.parameters import AccountId
from aws_iam.tools.kit.tool import Json, Parameter
from aws_iam.tools.kms.reasoning.key_access import Usage, Use

_MOST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPolicyArguments:
    """Who administers the key, who uses it, and how."""

    account: AccountId
    admins: Annotated[
        list[str] | None,
        Parameter("who administers: ARNs, role/NAME or user/NAME", brief="ARNs or role/NAME"),
    ] = None
    users: Annotated[
        list[str] | None,
        Parameter("who uses the key: ARNs, role/NAME or user/NAME", brief="users"),
    ] = None
    services: Annotated[
        list[str] | None,
        Parameter(
            "AWS services that use the key, such as cloudwatch-logs, and ARNs that limit their sources",
            brief="services",
        ),
    ] = None
    external_accounts: Annotated[
        list[str] | None,
        Parameter("other accounts that use the key: ids or ARNs", brief="external accounts"),
    ] = None
    organization: Annotated[
        str | None,
        Parameter("organization whose accounts use the key: o-…", brief="o-…"),
    ] = None
    principal_tags: Annotated[
        Json,
        Parameter(
            "tags of the principals that use the key: {key: value}",
            brief="{key: value}",
            document=True,
        ),
    ] = None
    use: Annotated[
        Use | None,
        Parameter("what the users may do; default encrypt-decrypt", brief="use"),
    ] = None
    via_service: Annotated[
        list[str] | None,
        Parameter("services through which the users use the key, such as s3", brief="via service"),
    ] = None
    only_via_service: Annotated[
        bool, Parameter("the users do not call KMS themselves", brief="only via service")
    ] = False
    context: Annotated[
        Json, Parameter("encryption context: {key: value}", brief="{key: value}", document=True)
    ] = None
    region: Annotated[str | None, Parameter("Region of the key", brief="region")] = None
    replicas: Annotated[
        list[str] | None, Parameter("Regions of its multi-Region replicas", brief="Regions")
    ] = None
    usage: Annotated[
        Usage | None, Parameter("what the key is for; default encrypt", brief="usage")
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
