"""The EMR Studios whose users sign in by IAM Identity Center: all have the Studio's user role, each within a session policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class StudioAssignment:
    """A user or a group of IAM Identity Center that may use a Studio; `policy` is the ARN of the session policy."""

    name: str
    is_group: bool
    policy: str


@slotted
class StudioDetails:
    """The ARN of a Studio, and the role that its users get, by its ARN or its name."""

    arn: str
    role: str


@slotted
class EmrStudio:
    """A Studio, with whoever is assigned to it."""

    id: str
    name: str
    details: StudioDetails | Miss
    assignments: tuple[StudioAssignment, ...] | Miss


EMR_STUDIOS = many_in("emr.studios", EmrStudio)
_DESCRIBE, _ASSIGNMENTS = "emr:DescribeStudio", "emr:ListStudioSessionMappings"
# With the other mode, IAM, its users are those of IAM, and nobody is assigned.
_BY_IDENTITY_CENTER = "SSO"


@collector_in(EMR_STUDIOS, "emr:ListStudios", _DESCRIBE, _ASSIGNMENTS)
def emr_studios(aws: Aws, region: str) -> tuple[EmrStudio, ...]:
    """The Studios with their user roles and assignments. The list leaves out the roles, so each Studio is described."""

    def read(data: dict[str, Any]) -> EmrStudio:
        studio = {"StudioId": data["StudioId"]}
        return EmrStudio(
            id=data["StudioId"],
            name=data.get("Name", ""),
            details=aws.value_or_miss(
                lambda: _details(aws.need(_DESCRIBE, region=region, **studio)["Studio"])
            ),
            assignments=aws.value_or_miss(
                lambda: _assignments(
                    aws.items(_ASSIGNMENTS, "SessionMappings", region=region, **studio)
                )
            ),
        )

    listed = [
        data
        for data in aws.items("emr:ListStudios", "Studios", region=region)
        if data.get("AuthMode") == _BY_IDENTITY_CENTER
    ]
    found = aws.read_each(read, sorted(listed, key=lambda own: str(own["StudioId"])), _DESCRIBE)
    return tuple(own for own in found if isinstance(own, EmrStudio))


def _details(data: dict[str, Any]) -> StudioDetails:
    return StudioDetails(arn=data["StudioArn"], role=data.get("UserRole", ""))


def _assignments(listed: list[dict[str, Any]]) -> tuple[StudioAssignment, ...]:
    found = (
        StudioAssignment(
            name=data.get("IdentityName") or data.get("IdentityId", ""),
            is_group=data.get("IdentityType") == "GROUP",
            policy=data.get("SessionPolicyArn", ""),
        )
        for data in listed
    )
    return tuple(sorted(found, key=lambda own: (own.is_group, own.name)))
