"""The collectors against moto over HTTP: what `AWS_ENDPOINT_URL` promises, through a real socket."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from aws_iam.account.collect.detection.access_analyzer import ANALYZERS
from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.identity.account_contacts import CONTACT
from aws_iam.account.collect.identity.account_summary import SUMMARY
from aws_iam.account.collect.identity.password_policy import PASSWORD_POLICY
from aws_iam.account.collect.kms.keys import KMS_KEYS
from aws_iam.account.collect.logging.cloudtrail import TRAILS
from aws_iam.account.collect.logging.metric_filters import METRIC_FILTERS
from aws_iam.account.collect.network.security_groups import SECURITY_GROUPS
from aws_iam.account.collect.storage.buckets import ACCOUNT_BLOCK, BUCKET_POLICIES, BUCKETS
from aws_iam.account.reading.collect_account import collect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.reading.snapshot import Account

pytestmark = pytest.mark.emulator


@dataclass
class Source:
    profile: str | None = None
    regions: tuple[str, ...] = ("us-east-1", "eu-west-1")
    role_arn: str | None = None
    external_id: str | None = None


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        _furnish()
        needs = (
            SUMMARY,
            PASSWORD_POLICY,
            BUCKETS,
            BUCKET_POLICIES,
            ACCOUNT_BLOCK,
            TRAILS,
            METRIC_FILTERS,
            SECURITY_GROUPS,
            KMS_KEYS,
            CONTACT,
            ANALYZERS,
        )
        yield collect(needs, Source())
    server.stop()


def _furnish() -> None:
    session = boto3.Session(region_name="eu-west-1")
    client: Any = session.client
    place = {"CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}
    client("s3").create_bucket(Bucket="logs", **place)
    client("cloudtrail").create_trail(Name="main", S3BucketName="logs", IsMultiRegionTrail=True)
    client("cloudtrail").start_logging(Name="main")
    flags = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    client("iam").update_account_password_policy(MinimumPasswordLength=14)
    client("kms").create_key()
    client("s3").put_public_access_block(
        Bucket="logs", PublicAccessBlockConfiguration=dict.fromkeys(flags, True)
    )


def test_the_account_is_read_over_http(account: Account) -> None:
    policy = account.require(PASSWORD_POLICY)
    assert policy is not None
    assert policy.minimum_length == 14
    assert [bucket.name for bucket in account.require(BUCKETS)] == ["logs"]
    assert account.require(BUCKET_POLICIES)[0].document is None
    assert len(account.require_in("eu-west-1", KMS_KEYS)) == 1
    assert account.require_in("us-east-1", KMS_KEYS) == ()
    assert account.require_in("us-east-1", SECURITY_GROUPS)


def test_a_multi_region_trail_is_seen_once(account: Account) -> None:
    (trail,) = account.require(TRAILS).trails
    assert (trail.home_region, trail.multi_region) == ("eu-west-1", True)
    assert not isinstance(trail.status, Miss)
    assert trail.status.logging


def test_the_account_level_block_is_read_though_its_host_name_resolves_nowhere(
    account: Account,
) -> None:
    assert len(account.require(ACCOUNT_BLOCK).off) == 4


def test_what_the_emulator_lacks_is_a_miss(account: Account) -> None:
    for miss in (account.get(CONTACT), account.get_in("us-east-1", ANALYZERS)):
        assert isinstance(miss, Miss)


def test_regions_that_were_not_named_are_counted(account: Account) -> None:
    assert account.regions.read == ("eu-west-1", "us-east-1")
    assert not account.regions.complete
