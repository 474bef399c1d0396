"""The arguments of `kms key_policy`, as they come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from aws_iam.modes.parameters import AccountId
from aws_iam.modes.tool import Json, Parameter
from aws_iam.policy.key_policy import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Who administers and who uses the key, and on which ways."""

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
            "AWS services that use the key, such as cloudwatch-logs; ARNs among them limit their sources",
            brief="services",
        ),
    ] = None
    external_accounts: Annotated[
        list[str] | None,
        Parameter("other accounts that use the key: ids or ARNs", brief="external accounts"),
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
    usage: Annotated[
        Usage | None, Parameter("what the key is for; default encrypt", brief="usage")
    ] = None
