"""What a resource policy can be attached to: the types of CloudFormation by name, and what holds for each.

The six types of ValidatePolicy are among them: S3 buckets, three kinds of access points, DynamoDB tables and the trust
policies of roles.
"""

from __future__ import annotations

import json
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

TRUST = "AWS::IAM::AssumeRolePolicyDocument"
"""The name under which ValidatePolicy takes a role's trust policy."""

VPC_ENDPOINT = "AWS::EC2::VPCEndpoint"
"""Its policy says what may pass the endpoint, to any service; it grants nothing by itself."""


@slotted
class Attached:
    """A type of resource with a policy of its own.

    `service` is the prefix of its actions, empty when the policy may speak of any; `types` are the names of the service's
    resource types whose ARNs the policy may name, `acts_on` further ones whose actions it may name. `most` is the longest
    policy in bytes and `quota_source` the page that says so; 0 and empty when no page does.
    """

    name: str
    service: str = ""
    types: tuple[str, ...] = ()
    acts_on: tuple[str, ...] = ()
    most: int = 0
    quota_source: str = ""

    def arn_formats(self) -> tuple[str, ...]:
        """The formats of the ARNs that the policy may name; none when it may name any."""
        service = catalog().service(self.service)
        found = (
            (service.resource_types.get(each.lower()) for each in self.types) if service else ()
        )
        return tuple(text for each in found if each for text in each.arn_formats)


@cache
def _data() -> Mapping[str, Any]:
    data: Mapping[str, Any] = json.loads(resources.text("assets/data/attached-types.json"))
    return data


@cache
def attachments() -> Mapping[str, Attached]:
    """Every type by its name."""
    rows = (
        Attached(
            **row
            | {"types": tuple(row.get("types", ())), "acts_on": tuple(row.get("acts_on", ()))}
        )
        for row in _data()["types"]
    )
    return MappingProxyType({each.name: each for each in rows})


def attachment(name: str | None) -> Attached | None:
    """The type that was named when the policy was read; None when none was."""
    return attachments().get(name) if name else None


def attached_to(name: str) -> Attached:
    """The type of that name, or of the name of its policy; `InputError` for one that is not known here."""
    others = _data()["other_names"]
    found = attachments().get(others.get(name, name))
    if found:
        return found
    if name in _data()["identities"]:
        raise InputError(
            f"{quoted(name)} has no resource policy",
            hint=f"for a role's trust policy write `{TRUST}`; for permissions leave `resource_type` out",
        )
    near = closest(name, (*attachments(), *others))
    raise InputError(
        f"{quoted(name)} is no type of resource whose policy is known here",
        hint=f"did you mean `{near}`?"
        if near
        else "write it as CloudFormation does, such as `AWS::S3::Bucket`, or leave `resource_type` out",
    )
