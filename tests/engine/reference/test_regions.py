"""The table of Regions: complete for its date, and honest about what came after it."""

from __future__ import annotations

import json
from pathlib import Path

import botocore
import pytest

from aws_iam import resources
from aws_iam.engine.language.arn import PARTITIONS
from aws_iam.engine.reference.regions import may_be_newer, partition_of, regions

DATA = json.loads(resources.text("assets/data/regions.json"))


def test_the_table_has_the_partitions_that_arns_may_name() -> None:
    assert set(DATA["partitions"]) == set(PARTITIONS)


def test_every_region_is_named_as_its_partition_names_regions() -> None:
    for region, partition in regions().partitions.items():
        assert partition_of(region) == partition
        assert may_be_newer(region)


def test_the_table_names_its_source_and_date() -> None:
    assert DATA["source"].startswith("botocore 1.")
    assert regions().as_of == DATA["as_of"]
    assert len(regions().as_of) == len("2026-11-20")


def test_the_table_has_every_region_of_the_sdk_that_is_installed() -> None:
    file = Path(botocore.__file__).parent / "data/partitions.json"
    for partition in json.loads(file.read_text(encoding="utf-8"))["partitions"]:
        named = {region for region in partition["regions"] if not region.endswith("-global")}
        # A newer SDK may know newer Regions, never fewer.
        assert set(DATA["partitions"].get(partition["id"], ())) <= named


@pytest.mark.parametrize(
    ("name", "newer"),
    [
        ("eu-west-9", True),
        ("ap-northeast-4", True),
        ("eu-wset-1", False),
        ("eu-west-1a", False),
        ("EU-WEST-1", False),
        ("aws-global", False),
        ("", False),
        ("-", False),
    ],
)
def test_a_name_may_be_a_newer_region_only_when_its_quarter_exists(
    name: str,
    newer: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    assert may_be_newer(name) is newer
    assert regions().partition(name) is None


def test_a_misspelled_region_has_a_near_one() -> None:
    assert regions().near("eu-wset-1") == "eu-west-1"
    assert regions().near("zzzz") is None
