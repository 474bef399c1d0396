"""Which actions Terraform's AWS provider calls, by resource and data source: `assets/data/terraform-permissions.zip`.

The list is a community's, not AWS's or HashiCorp's. It is read when a Terraform name is asked for.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from aws_iam.engine.reference.archives import only_member
from aws_iam.errors import nearest
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping

ASSET: Final = "assets/data/terraform-permissions.zip"
PHASES: Final = ("plan", "apply", "modify", "destroy")


@slotted
class TerraformPermissions:
    """The actions for one resource or data source: by phase, and further ones by attribute."""

    name: str
    phases: Mapping[str, tuple[str, ...]]
    attributes: Mapping[str, tuple[str, ...]]


@cache
def _data() -> Mapping[str, Any]:
    data: Mapping[str, Any] = only_member(ASSET)
    return data


def terraform_permissions_as_of() -> str:
    """The day of the list."""
    return str(_data()["as_of"])


def terraform_permissions_source() -> str:
    """The page of the list."""
    return str(_data()["source"])


def terraform_permissions(name: str) -> TerraformPermissions | None:
    """The actions for `aws_s3_bucket` or `data.aws_s3_bucket`; None where the list has none."""
    row = _data()["resources"].get(name)
    if row is None:
        return None
    return TerraformPermissions(
        name=name,
        phases={phase: tuple(row[phase]) for phase in PHASES if phase in row},
        attributes={
            attribute: tuple(names) for attribute, names in row.get("attributes", {}).items()
        },
    )


def near_terraform_names(name: str) -> tuple[str, ...]:
    """Up to three names of the list that a wrong one may mean."""
    return nearest(name, _data()["resources"])


def service_of_terraform_name(name: str) -> str:
    """The service whose actions the most alike names of the list need most; empty when none is alike."""
    words = name.removeprefix("data.").split("_")
    for length in range(len(words), 1, -1):
        start = "_".join(words[:length])
        alike = [
            row
            for other, row in _data()["resources"].items()
            if f"{other.removeprefix('data.')}_".startswith(f"{start}_")
        ]
        services: Counter[str] = Counter(
            action.partition(":")[0]
            for row in alike
            for phase in PHASES
            for action in row.get(phase, ())
        )
        if services:
            return services.most_common(1)[0][0]
    return ""
