"""Users, groups, roles and the policies that are in use or customer managed."""

from __future__ import annotations

import json
from datetime import datetime  # noqa: TC003 - the codec reads the hints
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector
from aws_iam.account.collect.fact import one
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class Attached:
    """A managed policy attached to an identity."""

    name: str
    arn: str


@slotted
class InlinePolicy:
    """A policy that lives inside one identity; `document` is its JSON text."""

    name: str
    document: str


@slotted
class Tag:
    """A tag of a user or a role."""

    key: str
    value: str


@slotted
class User:
    """An IAM user with what is attached to it; `tags` is None in a snapshot that lacks them."""

    name: str
    arn: str
    created: datetime | None = None
    groups: tuple[str, ...] = ()
    attached: tuple[Attached, ...] = ()
    inline: tuple[InlinePolicy, ...] = ()
    boundary: str | None = None
    tags: tuple[Tag, ...] | None = None


@slotted
class Group:
    """An IAM group with what is attached to it."""

    name: str
    arn: str
    attached: tuple[Attached, ...] = ()
    inline: tuple[InlinePolicy, ...] = ()


@slotted
class Role:
    """An IAM role; `trust` is the JSON text of its trust policy, `profiles` are the ARNs of its instance profiles.

    `tags` is None in a snapshot that lacks them.
    """

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
    tags: tuple[Tag, ...] | None = None

    @property
    def is_service_linked(self) -> bool:
        """Whether the role is service-linked: only the AWS service can change it."""
        return self.path.startswith("/aws-service-role/")


@slotted
class PolicyVersion:
    """A version of a managed policy that is not the default; `document` is None where AWS did not send it."""

    id: str
    document: str | None = None


@slotted
class ManagedPolicy:
    """A managed policy; `document` is the JSON text of its default version, None where AWS did not send it.

    `versions` are the others of the account's own policies; None in a snapshot that lacks them.
    """

    name: str
    arn: str
    attachments: int = 0
    boundary_uses: int = 0
    document: str | None = None
    versions: tuple[PolicyVersion, ...] | None = None


@slotted
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
    """All identities, and the policies that are in use or customer managed, in a few pages."""
    pages = aws.pages("iam:GetAccountAuthorizationDetails", PaginationConfig=_WIDEST_PAGE)
    users = tuple(_user(user) for page in pages for user in page.get("UserDetailList", ()))
    groups = tuple(_group(group) for page in pages for group in page.get("GroupDetailList", ()))
    roles = tuple(_role(role) for page in pages for role in page.get("RoleDetailList", ()))
    uses = _uses((*users, *groups, *roles))
    policies = [_policy(policy, uses) for page in pages for policy in page.get("Policies", ())]
    kept = {policy.arn: policy for policy in policies if _in_use_or_own(policy)}
    # AWS may leave out a policy that is attached. It is kept without a document, so that it proves nothing.
    for arn, count in uses.items():
        kept.setdefault(arn, ManagedPolicy(name=_name_in(arn), arn=arn, attachments=count))
    return Authorization(
        users=tuple(sorted(users, key=lambda user: user.arn)),
        groups=tuple(sorted(groups, key=lambda group: group.arn)),
        roles=tuple(sorted(roles, key=lambda role: role.arn)),
        policies=tuple(sorted(kept.values(), key=lambda policy: policy.arn)),
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
        tags=_tags(data),
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
        profiles=tuple(sorted(profile["Arn"] for profile in data.get("InstanceProfileList", ()))),
        tags=_tags(data),
    )


def _policy(data: dict[str, Any], uses: dict[str, int]) -> ManagedPolicy:
    arn = data["Arn"]
    versions = data.get("PolicyVersionList", ())
    default = next((version for version in versions if version.get("IsDefaultVersion")), None)
    return ManagedPolicy(
        # Emulators leave the name out.
        name=data.get("PolicyName") or _name_in(arn),
        arn=arn,
        attachments=max(data.get("AttachmentCount", 0), uses.get(arn, 0)),
        boundary_uses=data.get("PermissionsBoundaryUsageCount", 0),
        document=_document(default) if default else None,
        versions=tuple(
            PolicyVersion(id=version["VersionId"], document=_document(version))
            for version in sorted(versions, key=itemgetter("VersionId"))
            if not version.get("IsDefaultVersion")
        )
        # Nobody can switch the versions of a policy of AWS.
        if default and ":iam::aws:" not in arn
        else None,
    )


def _document(version: dict[str, Any]) -> str | None:
    return _json(version["Document"]) if "Document" in version else None


def _in_use_or_own(policy: ManagedPolicy) -> bool:
    return bool(policy.attachments or policy.boundary_uses) or ":iam::aws:" not in policy.arn


def _uses(identities: tuple[User | Group | Role, ...]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for attached in (policy for identity in identities for policy in identity.attached):
        counts[attached.arn] = counts.get(attached.arn, 0) + 1
    return counts


def _attached(data: dict[str, Any]) -> tuple[Attached, ...]:
    policies = (
        Attached(name=attached["PolicyName"], arn=attached["PolicyArn"])
        for attached in data.get("AttachedManagedPolicies", ())
    )
    return tuple(sorted(policies, key=lambda policy: policy.arn))


def _inline(data: dict[str, Any], key: str) -> tuple[InlinePolicy, ...]:
    policies = (
        InlinePolicy(name=inline["PolicyName"], document=_json(inline.get("PolicyDocument", "")))
        for inline in data.get(key, ())
    )
    return tuple(sorted(policies, key=lambda policy: policy.name))


def _boundary(data: dict[str, Any]) -> str | None:
    arn: str | None = data.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    return arn


def _tags(data: dict[str, Any]) -> tuple[Tag, ...] | None:
    """The tags; None where the answer has no list of them, which AWS sends even if it is empty."""
    if "Tags" not in data:
        return None
    tags = (Tag(key=tag["Key"], value=tag["Value"]) for tag in data["Tags"])
    return tuple(sorted(tags, key=lambda tag: tag.key))


def _json(document: Any) -> str:
    """The SDK parses policies; a snapshot keeps JSON text, which is what every parser here reads."""
    return document if isinstance(document, str) else json.dumps(document)


def _name_in(arn: str) -> str:
    return arn.rpartition("/")[2]
