"""Arguments that several actions share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from aws_iam.answer import Severity
from aws_iam.tools.kit.tool import Json, Parameter

GRADES = tuple(severity.value for severity in Severity if severity.value.islower())
"""The severities that a caller can choose, worst first; each of AWS's four ranks like one of them."""

Topic = Annotated[str | None, Parameter("section name; absent: contents", brief="topic")]
Document = Annotated[Json, Parameter("policy: JSON value or text", document=True, policies=True)]
Benchmark = Annotated[str | None, Parameter("CIS version, default newest")]
AccountId = Annotated[str, Parameter("12-digit account id", brief="12 digits")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How to reach AWS: by the default credential chain, a profile, or a role to assume."""

    profile: Annotated[str | None, Parameter("AWS profile", brief="profile")] = None
    regions: Annotated[list[str] | None, Parameter("Region to ask")] = None
    role_arn: Annotated[str | None, Parameter("role to assume")] = None
    external_id: Annotated[
        str | None, Parameter("external id for role_arn", brief="of role_arn")
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source(Connection):
    """The account to read: live from AWS, a saved snapshot, or the demonstration account."""

    regions: Annotated[
        list[str] | None, Parameter("Regions; absent: all enabled", brief="default: all")
    ] = None
    demo: Annotated[bool, Parameter("read the demonstration account", brief="demo")] = False
    snapshot: Annotated[str | None, Parameter("saved snapshot to judge", cli_only=True)] = None
