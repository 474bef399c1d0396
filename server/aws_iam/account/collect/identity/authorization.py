"""Users, groups, roles and the policies that are in use or customer managed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - the codec reads the hints
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector
from aws_iam.account.collect.fact import one

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A managed policy attached to an identity."""

    name: str
    arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InlinePolicy:
    """A policy that lives inside one identity; `document` is its JSON text."""

    name: str
    document: str


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An IAM user with what is attached to it."""

    name: str
    arn: str
    created: datetime | None = None
    groups: tuple[str, ...] = ()
    attached: tuple[Attached, ...] = ()
    inline: tuple[InlinePolicy, ...] = ()
    boundary: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """An IAM group with what is attached to it."""

    name: str
    arn: str
    attached: tuple[Attached, ...] = ()
    inline: tuple[InlinePolicy, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """An IAM role; `trust` is the JSON text of its trust policy, `profiles` the ARNs of instance profiles with it."""

    name: str
    arn: str
    path: str = "/"
    trust: str = ""
    created: datetime | None = None
    last_used: datetime | None = None
    attached: tuple[Attached, ...] = ()
    inline: tuple[InlinePolicy, ...] = ()
    boundary: str | None = None
    profiles: tuple[str, ...] = ()

    @property
    def is_service_linked(self) -> bool:
        """Whether the role is an AWS service's own, which the account's owner cannot change."""
        return self.path.startswith("/aws-service-role/")


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedPolicy:
    """A managed policy; `document` is the JSON text of its default version, None where AWS did not send it."""

    name: str
    arn: str
    attachments: int = 0
    boundary_uses: int = 0
    document: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """`GetAccountAuthorizationDetails`: every identity and every policy in use, in four lists."""

    users: tuple[User, ...] = ()
    groups: tuple[Group, ...] = ()
    roles: tuple[Role, ...] = ()
    policies: tuple[ManagedPolicy, ...] = ()


AUTHORIZATION = one("iam.authorization", Authorization)
_WIDEST_PAGE = {"PageSize": 1000}


@collector(AUTHORIZATION, "iam:GetAccountAuthorizationDetails")
def authorization(aws: Aws) -> Authorization:
    """All identities and the policies that are in use or the account's own, in a few pages."""
    pages = aws.whole_pages("iam:GetAccountAuthorizationDetails", PaginationConfig=_WIDEST_PAGE)
    users = tuple(_user(each) for page in pages for each in page.get("UserDetailList", ()))
    groups = tuple(_group(each) for page in pages for each in page.get("GroupDetailList", ()))
    roles = tuple(_role(each) for page in pages for each in page.get("RoleDetailList", ()))
    uses = _uses((*users, *groups, *roles))
    given = [_policy(each, uses) for page in pages for each in page.get("Policies", ())]
    kept = {each.arn: each for each in given if _in_use_or_own(each)}
    # What is attached but not sent is still attached: without a document, which is no proof of anything.
    for arn, count in uses.items():
        kept.setdefault(arn, ManagedPolicy(name=_last(arn), arn=arn, attachments=count))
    return Authorization(
        users=tuple(sorted(users, key=lambda each: each.arn)),
        groups=tuple(sorted(groups, key=lambda each: each.arn)),
        roles=tuple(sorted(roles, key=lambda each: each.arn)),
        policies=tuple(sorted(kept.values(), key=lambda each: each.arn)),
    )


def _user(data: dict[str, Any]) -> User:
    return User(
        name=data["UserName"],
        arn=data["Arn"],
        created=data.get("CreateDate"),
        groups=tuple(sorted(data.get("GroupList", ()))),
        attached=_attached(data),
        inline=_inline(data, "UserPolicyList"),
        boundary=_boundary(data),
    )


def _group(data: dict[str, Any]) -> Group:
    return Group(
        name=data["GroupName"],
        arn=data["Arn"],
        attached=_attached(data),
        inline=_inline(data, "GroupPolicyList"),
    )


def _role(data: dict[str, Any]) -> Role:
    return Role(
        name=data["RoleName"],
        arn=data["Arn"],
        path=data.get("Path", "/"),
        trust=_json(data.get("AssumeRolePolicyDocument", "")),
        created=data.get("CreateDate"),
        last_used=data.get("RoleLastUsed", {}).get("LastUsedDate"),
        attached=_attached(data),
        inline=_inline(data, "RolePolicyList"),
        boundary=_boundary(data),
        profiles=tuple(sorted(each["Arn"] for each in data.get("InstanceProfileList", ()))),
    )


def _policy(data: dict[str, Any], uses: dict[str, int]) -> ManagedPolicy:
    arn = data["Arn"]
    versions = data.get("PolicyVersionList", ())
    default = next((version for version in versions if version.get("IsDefaultVersion")), None)
    return ManagedPolicy(
        # An emulator leaves the name out.
        name=data.get("PolicyName") or _last(arn),
        arn=arn,
        attachments=max(data.get("AttachmentCount", 0), uses.get(arn, 0)),
        boundary_uses=data.get("PermissionsBoundaryUsageCount", 0),
        document=_json(default["Document"]) if default and "Document" in default else None,
    )


def _in_use_or_own(policy: ManagedPolicy) -> bool:
    return bool(policy.attachments or policy.boundary_uses) or ":iam::aws:" not in policy.arn


def _uses(identities: tuple[User | Group | Role, ...]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for policy in (each for identity in identities for each in identity.attached):
        counts[policy.arn] = counts.get(policy.arn, 0) + 1
    return counts


def _attached(data: dict[str, Any]) -> tuple[Attached, ...]:
    listed = (
        Attached(name=each["PolicyName"], arn=each["PolicyArn"])
        for each in data.get("AttachedManagedPolicies", ())
    )
    return tuple(sorted(listed, key=lambda policy: policy.arn))


def _inline(data: dict[str, Any], key: str) -> tuple[InlinePolicy, ...]:
    listed = (
        InlinePolicy(name=each["PolicyName"], document=_json(each.get("PolicyDocument", "")))
        for each in data.get(key, ())
    )
    return tuple(sorted(listed, key=lambda policy: policy.name))


def _boundary(data: dict[str, Any]) -> str | None:
    arn: str | None = data.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    return arn


def _json(document: Any) -> str:
    """The SDK hands policies over parsed; a snapshot keeps text, as every parser here reads it."""
    return document if isinstance(document, str) else json.dumps(document)


def _last(arn: str) -> str:
    return arn.rpartition("/")[2]
