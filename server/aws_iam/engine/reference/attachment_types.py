"""The types of resource that can have a policy, by CloudFormation's names, and the rules for each.

They include the six types of ValidatePolicy: S3 buckets, three kinds of access points, DynamoDB tables and the trust
policies of roles.
"""

from __future__ import annotations

import re
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.engine.reference.catalog import Action

TRUST = "AWS::IAM::AssumeRolePolicyDocument"
"""ValidatePolicy's name for the trust policy of a role."""

KMS_KEY = "AWS::KMS::Key"
REPOSITORY = "AWS::ECR::Repository"
VPC_ENDPOINT = "AWS::EC2::VPCEndpoint"
"""Its policy limits what may pass the endpoint, to any service; it grants nothing by itself."""


@slotted
class AttachmentType:
    """A type of resource that can have a policy.

    `service` is the prefix of its actions; empty when the policy may contain actions of any service. `types` are the
    resource types whose ARNs the policy may name, `acts_on` further types whose actions it may contain, `further` actions for
    which the reference has no such type, `*` for all. `most` is the size limit of the policy in bytes, `most_actions` that
    of the actions of one statement, `quota_source` the page that documents them; 0 and empty when none does.
    """

    name: str
    service: str = ""
    types: tuple[str, ...] = ()
    acts_on: tuple[str, ...] = ()
    further: tuple[str, ...] = ()
    most: int = 0
    most_actions: int = 0
    quota_source: str = ""

    def decides(self, action: Action) -> bool:
        """Whether the policy can decide about requests for an action of its service."""
        if not {*self.types, *self.acts_on}.isdisjoint(action.resource_types):
            return True
        return "*" in self.further or action.name in self.further

    def arn_formats(self) -> tuple[str, ...]:
        """The formats of the ARNs that the policy may name; empty when it may name any."""
        service = catalog().service(self.service)
        names = map(str.lower, self.types) if service else ()
        types = (service.resource_types.get(name) for name in names) if service else ()
        return tuple(text for type_ in types if type_ for text in type_.arn_formats)


def _data() -> Mapping[str, Any]:
    data: Mapping[str, Any] = resources.data("attached-types.json")
    return data


_PUNCTUATION = re.compile(r"[^a-z0-9]+")


@cache
def attachment_types() -> Mapping[str, AttachmentType]:
    """Every type by its name."""
    rows = (
        AttachmentType(
            **row | {name: tuple(row.get(name, ())) for name in ("types", "acts_on", "further")}
        )
        for row in _data()["types"]
    )
    return MappingProxyType({row.name: row for row in rows})


def attachment_type(name: str | None) -> AttachmentType | None:
    """The type of a policy's `resource_type`; None when it has none."""
    return attachment_types().get(name) if name else None


def attachment_type_named(name: str) -> AttachmentType:
    """The type with that name or with a policy of that name; `InputError` for an unknown name."""
    others = _data()["other_names"]
    found = attachment_types().get(others.get(name, name)) or _in_words(name)
    if found:
        return found
    if name in _data()["identities"]:
        raise InputError(
            f"{quoted(name)} has no resource policy",
            hint=f"for the trust policy of a role write `{TRUST}`; for its permissions leave out `resource_type`",
        )
    several = _of_service(name)
    near = " or ".join(f"`{row.name}`" for row in several)
    if not several and (one := closest(name, (*attachment_types(), *others))):
        near = f"`{one}`"
    raise InputError(
        f"{quoted(name)} is not a known type of resource with a policy",
        hint=f"did you mean {near}?"
        if near
        else "use CloudFormation's name, such as `AWS::S3::Bucket`, or leave out `resource_type`",
    )


def _in_words(name: str) -> AttachmentType | None:
    """The type that `s3 bucket`, `bucket` or `sqs` means: its name without punctuation, the end of one name only, or the only one of a service."""
    word = _plain(name)
    by_word = {_plain(type_): type_ for type_ in attachment_types()}
    ends = [type_ for type_ in attachment_types() if _plain(type_.rpartition("::")[2]) == word]
    of_service = [row.name for row in _of_service(name)]
    meant = by_word.get(word) or next(
        (found[0] for found in (ends, of_service) if len(found) == 1), ""
    )
    return attachment_types().get(meant)


def _of_service(name: str) -> list[AttachmentType]:
    """The types of a service by its prefix: `sqs`."""
    return [
        row for row in attachment_types().values() if row.service and row.service == _plain(name)
    ]


def _plain(name: str) -> str:
    return _PUNCTUATION.sub("", name.lower()).removeprefix("aws")
