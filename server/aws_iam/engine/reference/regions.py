"""The Regions of each AWS partition, as a dated table.

A Region that opened after the table's date is missing from it, so whatever says that a Region does not exist says the date.
"""

from __future__ import annotations

import json
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from aws_iam import resources
from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.reference.partition import partition_of
from aws_iam.errors import closest

if TYPE_CHECKING:
    from collections.abc import Mapping


@slotted
class Regions:
    """The table: the partition of each Region, and the day of its source."""

    as_of: str
    partitions: Mapping[str, str]

    def partition(self, region: str) -> str | None:
        """The partition that a Region is in; of a Region that is not in the table None."""
        return self.partitions.get(region)

    def near(self, region: str) -> str | None:
        """The Region that a misspelled one may have meant."""
        return closest(region, self.partitions)


@cache
def regions() -> Regions:
    """The table that came with the package."""
    data = json.loads(resources.text("assets/data/regions.json"))
    return Regions(
        as_of=data["as_of"],
        partitions=MappingProxyType(
            {region: name for name, row in data["partitions"].items() for region in row}
        ),
    )


def may_be_newer(region: str) -> bool:
    """Whether a Region of this name may have opened after the table's date: its partition and quarter exist."""
    return partition_of(region) is not None and _quarter(region) in _quarters()


@cache
def _quarters() -> frozenset[str]:
    return frozenset(map(_quarter, regions().partitions))


def _quarter(region: str) -> str:
    return region.split("-")[-2]
