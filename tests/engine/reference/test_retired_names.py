"""What the catalogue knows of names that left the reference, and what it corrects in it."""

from __future__ import annotations

import pytest

from aws_iam.engine.reference.catalog import Catalog, shipped


@pytest.fixture(scope="module")
def known() -> Catalog:
    return shipped()


@pytest.mark.parametrize(
    ("name", "day", "recently"),
    [
        ("codestar:createproject", "2026-10-26", True),
        ("evidently:CreateLaunch", "2026-09-28", True),
        # Half a year before the data, to the day.
        ("trustedadvisor:GetEngagement", "2026-04-27", True),
        ("cloud9:ValidateEnvironmentName", "2025-05-31", False),
        ("deepracer:ListModels", "2026-01-16", False),
        # Only an undated source lists it.
        ("gamesparks:CreateGame", "", False),
        ("s3:GetObject", "", False),
        ("nothing:AtAll", "", False),
    ],
)
def test_a_retired_name_has_the_day_of_its_last_listing(
    known: Catalog, name: str, day: str, *, recently: bool
) -> None:
    assert known.last_listed(name) == day
    assert known.left_recently(name) is recently


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("omics:VariantStoreName", "2024-10-31"),
        ("AIRFLOW:teamname", "2026-08-10"),
        ("s3:prefix", ""),
        ("aws:SourceIp", ""),
        ("nothing:AtAll", ""),
    ],
)
def test_a_former_condition_key_has_the_day_of_its_last_listing(
    known: Catalog, name: str, day: str
) -> None:
    assert known.key_last_listed(name) == day
    assert not (day and known.condition_key(name))


@pytest.mark.parametrize(
    "prefix", ["zocalo", "deeplens", "deepracer", "deepcomposer", "iot1click", "gamesparks"]
)
def test_a_retired_service_stays_known(known: Catalog, prefix: str) -> None:
    assert known.tier(prefix) in {"retired", "undocumented"}


def test_what_the_reference_has_wrong_is_corrected(known: Catalog) -> None:
    key = known.condition_key("glacier:ArchiveAgeInDays")
    assert key is not None
    assert key.type == "Numeric"
    assert known.tier("elastic-inference") == "unknown"
