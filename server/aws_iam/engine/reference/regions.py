"""The Regions of each AWS partition: the known ones from a dated table, and what the names of new ones look like.

A Region that opened after the table's date is missing from it. Whoever reports an unknown Region names that date.
"""

from __future__ import annotations

import re
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from aws_iam import resources
from aws_iam.errors import closest
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping

# After the patterns in the AWS SDKs' partition metadata (botocore 1.44, `partitions.json`).
_REGION_NAMES = {
    "aws": r"(?:us|eu|ap|sa|ca|me|af|il|mx)-[a-z]+-[1-9][0-9]?",
    "aws-cn": r"cn-[a-z]+-[1-9][0-9]?",
    "aws-us-gov": r"us-gov-[a-z]+-[1-9][0-9]?",
    "aws-iso": r"us-iso-[a-z]+-[1-9][0-9]?",
    "aws-iso-b": r"us-isob-[a-z]+-[1-9][0-9]?",
    "aws-iso-e": r"eu-isoe-[a-z]+-[1-9][0-9]?",
    "aws-iso-f": r"us-isof-[a-z]+-[1-9][0-9]?",
    "aws-eusc": r"eusc-[a-z]{2}-[a-z]+-[1-9][0-9]?",
}


def partition_of(region: str) -> str | None:
    """The partition that a Region with this name belongs to; None when no partition has such names."""
    names = _REGION_NAMES.items()
    return next((partition for partition, form in names if re.fullmatch(form, region)), None)


@slotted
class Regions:
    """The table: the partition of each Region, and the date of its source."""

    as_of: str
    partitions: Mapping[str, str]

    def partition(self, region: str) -> str | None:
        """The partition of a Region; None for a Region that is not in the table."""
        return self.partitions.get(region)

    def near(self, region: str) -> str | None:
        """The Region that a misspelled name may mean."""
        return closest(region, self.partitions)


@cache
def regions() -> Regions:
    """The table that ships with the package."""
    data = resources.data("regions.json")
    return Regions(
        as_of=data["as_of"],
        partitions=MappingProxyType(
            {region: name for name, row in data["partitions"].items() for region in row}
        ),
    )


def may_be_newer(region: str) -> bool:
    """Whether a Region with this name may have opened after the table's date: its partition and direction are known."""
    directions = map(_direction, regions().partitions)
    return partition_of(region) is not None and _direction(region) in directions


def _direction(region: str) -> str:
    """`west` of `eu-west-1`."""
    return region.split("-")[-2]
