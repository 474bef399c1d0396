"""What `Ref` and `Fn::GetAtt` return for resources of a template: names and ARNs of the right form with made-up parts.

Types that `assets/data/cloudformation-resources.json` does not list have values that are known only at deployment.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

from aws_iam import resources
from aws_iam.engine.reference.catalog import catalog
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping

PSEUDO_PARAMETERS: Final[Mapping[str, str]] = {
    "AWS::AccountId": "111122223333",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::URLSuffix": "amazonaws.com",
}
_HOLE = re.compile(r"\$\{([^{}]*)\}")
_KEY_ID: Final = "1234abcd-12ab-34cd-56ef-1234567890ab"


@slotted
class ReturnValues:
    """The resource type in the service authorization reference, what `Ref` returns, and the attribute with the ARN."""

    type: str
    service: str
    resource: str
    ref: Literal["name", "arn", "other"]
    attribute: str
    suffix: str = ""

    def name(self, logical_id: str) -> str:
        """A name for the resource."""
        return _KEY_ID if self.service == "kms" else made_up_name(logical_id)

    def arn(
        self, logical_id: str, choices: Mapping[str, str] = PSEUDO_PARAMETERS, name: str = ""
    ) -> str | None:
        """An ARN for the resource; None when the reference lacks its format."""
        return arn_of(self.service, self.resource, name or self.name(logical_id), choices)


def deployed(choices: Mapping[str, str]) -> Mapping[str, str]:
    """The pseudo parameters, of which `choices` may have some."""
    return {name: choices.get(name, own) for name, own in PSEUDO_PARAMETERS.items()}


def made_up_name(logical_id: str) -> str:
    """The name of a resource that AWS names."""
    return f"{logical_id.lower()}-example"


def arn_of(
    service: str, resource: str, name: str, choices: Mapping[str, str] = PSEUDO_PARAMETERS
) -> str | None:
    """The ARN of a resource with that name in the account of the files; None when the reference lacks its format.

    `choices` may have the account and the region.
    """
    known = catalog().service(service)
    type_ = known.resource_types.get(resource.lower()) if known else None
    if type_ is None or not type_.arn_formats:
        return None
    pseudo = deployed(choices)
    fields = {
        "Partition": pseudo["AWS::Partition"],
        "Region": pseudo["AWS::Region"],
        "Account": pseudo["AWS::AccountId"],
    }
    return _HOLE.sub(lambda hole: fields.get(hole[1], name), type_.arn_formats[0])


def return_values() -> Mapping[str, ReturnValues]:
    """The types with known return values."""
    rows = resources.data("cloudformation-resources.json")["returns"]
    return {row["type"]: ReturnValues(**row) for row in rows}


def ref(
    type_: str, logical_id: str, choices: Mapping[str, str] = PSEUDO_PARAMETERS, name: str = ""
) -> str | None:
    """What `Ref` returns for a resource of the type, which may have a name; None where that is not known."""
    known = return_values().get(type_)
    if known is None or known.ref == "other":
        return None
    if known.ref == "arn":
        return known.arn(logical_id, choices, name)
    return name or known.name(logical_id)


def attribute(
    type_: str,
    logical_id: str,
    asked: str,
    choices: Mapping[str, str] = PSEUDO_PARAMETERS,
    name: str = "",
) -> str | None:
    """The ARN that `Fn::GetAtt` returns of a resource, which may have a name; None for other attributes and types."""
    known = return_values().get(type_)
    if known is None or known.attribute != asked:
        return None
    arn = known.arn(logical_id, choices, name)
    return arn and arn + known.suffix


def policy_arn(name: str, choices: Mapping[str, str] = PSEUDO_PARAMETERS) -> str:
    """The ARN of a managed policy of the template's account, without a path."""
    pseudo = deployed(choices)
    partition, account = (pseudo[f"AWS::{n}"] for n in ("Partition", "AccountId"))
    return f"arn:{partition}:iam::{account}:policy/{name}"
