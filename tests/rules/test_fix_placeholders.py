"""Fixes name the resource of their finding where its ARN tells the name."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_iam.answer import Status
from aws_iam.rules.fix_placeholders import fill_placeholders
from aws_iam.tools.audit.controls.benchmark import controls
from aws_iam.tools.audit.controls.judge import judge
from helpers.cis_snapshots import empty, snapshot

ACCOUNT = "111122223333"


def fix_of(key: str, resource: str | None, region: str | None = None) -> str:
    return fill_placeholders(
        controls()[key].fix, resource=resource, region=region, account=ACCOUNT
    )


@pytest.mark.parametrize(
    ("key", "resource", "words"),
    [
        ("key_rotation_90", f"arn:aws:iam::{ACCOUNT}:user/ops/ann", "--user-name ann"),
        ("s3_encryption", "arn:aws:s3:::larkspur", "--bucket larkspur"),
        (
            "cloudtrail_validation",
            f"arn:aws:cloudtrail:eu-west-1:{ACCOUNT}:trail/main",
            f"--name arn:aws:cloudtrail:eu-west-1:{ACCOUNT}:trail/main --region eu-west-1",
        ),
        ("kms_rotation", f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1234-ab", "--key-id 1234-ab"),
        (
            "sg_admin_ports_v4",
            f"arn:aws:ec2:us-east-1:{ACCOUNT}:security-group/sg-1",
            "--region us-east-1 --group-id sg-1 ",
        ),
        ("vpc_flow_logs", f"arn:aws:ec2:us-east-1:{ACCOUNT}:vpc/vpc-1", "VPC --resource-ids vpc-1"),
        ("imdsv2", f"arn:aws:ec2:us-east-1:{ACCOUNT}:instance/i-1", "--instance-id i-1"),
        ("rds_multi_az", f"arn:aws:rds:us-east-1:{ACCOUNT}:db:shop", "-identifier shop "),
        ("no_full_admin_policies", "arn:aws:iam::aws:policy/A", "--policy-arn arn:aws:iam::aws:policy/A"),
        ("s3_block_public", "arn:aws:s3:::larkspur", f"--account-id {ACCOUNT}"),
        ("access_analyzer", None, "--type ACCOUNT --region REGION"),
        ("key_rotation_90", f"arn:aws:iam::{ACCOUNT}:user/REGION", "--user-name REGION"),
        ("key_rotation_90", f"arn:aws:iam::{ACCOUNT}:user/ACCOUNT_ID", "--user-name ACCOUNT_ID"),
        ("expired_certs", f"arn:aws:iam::{ACCOUNT}:server-certificate/x/old", "-name old"),
    ],
)  # fmt: skip
def test_a_hole_takes_the_name_that_the_resource_tells(
    key: str, resource: str | None, words: str
) -> None:
    assert words in fix_of(key, resource)


@pytest.mark.parametrize(
    ("key", "resource", "hole"),
    [
        ("key_rotation_90", f"arn:aws:iam::{ACCOUNT}:user/ann", "--access-key-id OLD"),
        ("user_policies_via_groups", f"arn:aws:iam::{ACCOUNT}:user/ann", "--policy-arn ARN"),
        ("cloudtrail_kms", f"arn:aws:cloudtrail:eu-west-1:{ACCOUNT}:trail/main", "-id KEY"),
        ("cloudtrail_all_regions", f"arn:aws:iam::{ACCOUNT}:root", "--region REGION"),
        ("credentials_unused", None, "--user-name USER"),
    ],
)
def test_what_the_resource_does_not_name_stays_a_hole(
    key: str, resource: str | None, hole: str
) -> None:
    assert hole in fix_of(key, resource)


def test_a_region_alone_is_no_resource_and_fills_the_fix() -> None:
    found = judge(empty(), controls=["ebs_default_encryption", "access_analyzer"])
    failed = [finding for finding in found if finding.status is Status.FAIL]
    assert len(failed) == 2
    for finding in failed:
        assert finding.resource is None
        assert (finding.fix or "").endswith(f"--region {finding.region}")


def test_the_only_trail_of_an_account_is_the_one_to_mend() -> None:
    arn = f"arn:aws:cloudtrail:eu-west-1:{ACCOUNT}:trail/only"
    trail: dict[str, Any] = {"name": "only", "arn": arn, "home_region": "eu-west-1"}
    trail |= {"status": {"logging": True}, "selectors": {}}
    account = snapshot({"cloudtrail.trails": {"trails": [trail]}})
    (found,) = judge(account, controls=["s3_data_events_read"])
    assert f"--trail-name {arn} --region eu-west-1 " in (found.fix or "")


@given(st.text(min_size=1, max_size=30))
def test_a_name_is_one_word_of_the_command_or_the_hole_stays(name: str) -> None:
    resource = f"arn:aws:cloudtrail:eu-west-1:{ACCOUNT}:trail/{name}"
    words = shlex.split(fix_of("cloudtrail_validation", resource))
    assert words[:4] == ["aws", "cloudtrail", "update-trail", "--name"]
    assert words[4] in {resource, "NAME"}
    assert words[5] == "--region"
