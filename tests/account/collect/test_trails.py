"""Trails and their buckets as they are read: what is hidden, broken or somebody else's stays unknown."""

from __future__ import annotations

from typing import Any

import pytest

from aws_iam.account.collect.fact import Miss, MissKind
from aws_iam.account.collect.logging.cloudtrail import TRAILS
from aws_iam.account.collect.storage.trail_buckets import TRAIL_BUCKET_ACCESS, TRAIL_BUCKET_LOGGING
from helpers.rich_account import FOREIGN_TRAIL_ARN, RICH, TRAIL_ARN, read_fact, rich_fact
from helpers.scripted_aws import Refusal


def test_a_trail_that_several_regions_list_is_one_trail() -> None:
    value, script = read_fact(TRAILS, RICH, "us-east-1", "eu-west-1", "sa-east-1")
    assert [trail.arn for trail in value.trails] == [TRAIL_ARN, FOREIGN_TRAIL_ARN]
    asked = [(op, region) for op, region, given in script.calls if TRAIL_ARN in given.values()]
    assert sorted(asked) == [
        ("cloudtrail:GetEventSelectors", "eu-west-1"),
        ("cloudtrail:GetTrailStatus", "eu-west-1"),
    ]


def test_a_region_that_hides_its_trails_leaves_the_others_readable() -> None:
    def listed(_given: Any, region: str) -> Any:
        return Refusal() if region == "sa-east-1" else RICH["cloudtrail:DescribeTrails"]

    value, _ = read_fact(
        TRAILS, RICH | {"cloudtrail:DescribeTrails": listed}, "sa-east-1", "us-east-1"
    )
    assert len(value.trails) == 2
    assert [miss.region for miss in value.unread] == ["sa-east-1"]


@pytest.mark.parametrize(
    "broken",
    [
        {"TrailARN": TRAIL_ARN, "HomeRegion": "eu-west-1"},
        {"TrailARN": "x", "Name": "x"},
        {"TrailARN": "arn:aws:cloudtrail", "Name": "x", "HomeRegion": "eu-west-1"},
        {"TrailARN": TRAIL_ARN, "Name": "x", "HomeRegion": "eu-west-1; x"},
    ],
)
def test_a_trail_whose_record_cannot_be_read_is_kept_as_unread(broken: dict[str, Any]) -> None:
    value = rich_fact(TRAILS, cloudtrail__DescribeTrails={"trailList": [broken]})
    assert value.trails == ()
    ((kind, region),) = {(miss.kind, miss.region) for miss in value.unread}
    assert (kind, region) == (MissKind.BROKEN, "")
    assert value.doubts(1) == value.doubts(17) == value.unread


def test_a_trails_bucket_whose_answer_lacks_a_field_is_unknown() -> None:
    access = rich_fact(TRAIL_BUCKET_ACCESS, s3__GetBucketPolicyStatus={})
    assert access
    assert all(isinstance(bucket.policy_public, Miss) for bucket in access)


def test_the_selectors_of_another_accounts_trail_are_elsewhere_and_end_nothing() -> None:
    def selectors(given: dict[str, Any], _region: str) -> Any:
        mine = given["TrailName"] == TRAIL_ARN
        return RICH["cloudtrail:GetEventSelectors"] if mine else Refusal()

    own, foreign = rich_fact(TRAILS, cloudtrail__GetEventSelectors=selectors).trails
    assert own.selectors.advanced[0].fields[1].values("StartsWith") == ("arn:aws:s3:::a",)
    assert foreign.selectors.kind is MissKind.ELSEWHERE
    assert foreign.owner == "999999999999"


def test_a_trails_bucket_that_is_not_the_accounts_is_elsewhere() -> None:
    own, their = rich_fact(TRAIL_BUCKET_LOGGING, s3__GetBucketLogging=Refusal())
    assert (own.target.kind, own.target.permission) == (MissKind.DENIED, "s3:GetBucketLogging")
    assert (their.bucket, their.target.kind) == ("their-logs", MissKind.ELSEWHERE)


def test_public_grants_of_a_trails_bucket_name_group_and_permission() -> None:
    assert rich_fact(TRAIL_BUCKET_ACCESS)[0].public_grants == ("AllUsers:READ",)
