"""How many calls an audit makes.

Under CIS 6.0 about 20 for the account, 23 a Region, 3 a bucket, 2 a key, 5 a trail, none for a user. 7.0 asks for the
policies of eight kinds of resources and for what stands in front of web applications: 10 more a Region, 1 more a key.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.tools.audit.actions import tool
from helpers.caller import calls_to
from helpers.estate_server import estate, inside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from helpers.estate_server import Estate

pytestmark = pytest.mark.process

ACCOUNT = {"6.0": 20, "7.0": 22}
REGION = {"6.0": 23, "7.0": 34}
KEY = {"6.0": 2, "7.0": 3}
BUCKET, TRAIL = 3, 5
# The report is made by the first call that asks for it, and read when it is there.
REPORT = "iam:GenerateCredentialReport"
NUMBER = 4
POLICY = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"},
}


@pytest.fixture(scope="module")
def server() -> Iterator[Estate]:
    with estate() as running, pytest.MonkeyPatch.context() as patch:
        calls_to(running.url, patch)
        yield running


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


def calls(server: Estate, account: str, *regions: str, **arguments: Any) -> Counter[str]:
    server.calls.clear()
    given = {
        "accounts": [account],
        "role_arn": "audit",
        "regions": list(regions or ("us-east-1",)),
    }
    tool.run(given | arguments, cli=True)
    made = Counter(server.calls)
    # What a run over many accounts asks once is no part of an account's calls.
    for once in ("sts:GetCallerIdentity", "organizations:ListAccounts", REPORT):
        del made[once]
    return made


@pytest.fixture(scope="module")
def empty(server: Estate) -> dict[str, Counter[str]]:
    """The calls for an account that holds nothing, in one Region, by version."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        return {version: calls(server, "000000000001", benchmark=version) for version in REGION}


@pytest.mark.parametrize("version", REGION)
def test_an_empty_account_is_read_with_so_many_calls(
    empty: dict[str, Counter[str]], version: str
) -> None:
    assert empty[version].total() <= ACCOUNT[version] + REGION[version], empty[version]


@pytest.mark.parametrize("version", REGION)
def test_each_region_adds_as_many(
    server: Estate, empty: dict[str, Counter[str]], version: str
) -> None:
    regions = ("us-east-1", "us-west-2", "eu-west-1", "eu-west-2")
    more = calls(server, "000000000001", *regions, benchmark=version) - empty[version]
    assert more.total() <= REGION[version] * (len(regions) - 1), more


def buckets(client: Callable[[str], Any]) -> None:
    for number in range(NUMBER):
        client("s3").create_bucket(Bucket=f"bucket-{number}")


def keys(client: Callable[[str], Any]) -> None:
    for _ in range(NUMBER):
        client("kms").create_key()


def users(client: Callable[[str], Any]) -> None:
    for number in range(NUMBER):
        client("iam").create_user(UserName=f"u{number}")
        client("iam").create_access_key(UserName=f"u{number}")
        client("iam").put_user_policy(
            UserName=f"u{number}", PolicyName="p", PolicyDocument=json.dumps(POLICY)
        )


def trails(client: Callable[[str], Any]) -> None:
    client("s3").create_bucket(Bucket="the-trails")
    for number in range(NUMBER):
        client("cloudtrail").create_trail(Name=f"trail-{number}", S3BucketName="the-trails")


def groups(client: Callable[[str], Any]) -> None:
    change = {"metricName": "m", "metricNamespace": "n", "metricValue": "1"}
    for number in range(NUMBER):
        name = f"group-{number}"
        client("logs").create_log_group(logGroupName=name)
        client("logs").put_metric_filter(
            logGroupName=name, filterName="f", filterPattern="x", metricTransformations=[change]
        )


@pytest.mark.parametrize(
    ("account", "make", "version", "most"),
    [
        ("000000000002", buckets, "7.0", BUCKET * NUMBER),
        ("000000000003", keys, "6.0", KEY["6.0"] * NUMBER),
        ("000000000008", keys, "7.0", KEY["7.0"] * NUMBER),
        ("000000000004", users, "7.0", 0),
        ("000000000005", trails, "7.0", TRAIL * NUMBER + BUCKET),
        ("000000000006", groups, "7.0", NUMBER),
    ],
)
def test_what_the_account_holds_adds_its_share(
    server: Estate,
    empty: dict[str, Counter[str]],
    account: str,
    make: Callable[[Callable[[str], Any]], None],
    version: str,
    most: int,
) -> None:
    session = inside(server, account)
    make(lambda service: session.client(service, endpoint_url=server.url))  # type: ignore[call-overload]
    more = calls(server, account, benchmark=version) - empty[version]
    assert more.total() <= most, more


def test_an_audit_of_few_controls_makes_only_their_calls(server: Estate) -> None:
    made = calls(server, "000000000007", controls=["pw_length_14", "pw_reuse_24"])
    assert made == {
        "sts:AssumeRole": 1,
        "ec2:DescribeRegions": 1,
        "iam:ListAccountAliases": 1,
        "iam:GetAccountPasswordPolicy": 1,
    }
