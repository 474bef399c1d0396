"""The demonstration account: what the scenario says is what a client reads."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from aws_iam.account.reading.demonstration import REGIONS
from demo_account.call import ACCOUNT
from demo_account.record import MOMENT
from demo_account.users import ROOT, USERS, AccessKey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Read = Callable[..., Any]

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def read(live_account: Mapping[str, str]) -> Read:
    session = boto3.Session(
        live_account["AWS_ACCESS_KEY_ID"],
        live_account["AWS_SECRET_ACCESS_KEY"],
        live_account["AWS_SESSION_TOKEN"],
    )

    def ask(service: str, operation: str, region: str = "us-east-1", **arguments: Any) -> Any:
        make: Any = session.client
        client = make(service, region, endpoint_url=live_account["AWS_ENDPOINT_URL"])
        return getattr(client, operation)(**arguments)

    return ask


def credential_report(read: Read) -> dict[str, dict[str, str]]:
    read("iam", "generate_credential_report")
    text = read("iam", "get_credential_report")["Content"].decode()
    rows = csv.DictReader(io.StringIO(text))
    return {row["user"]: row for row in rows}


def age(stamp: str) -> float:
    return (MOMENT - datetime.fromisoformat(stamp)) / timedelta(days=1)


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.name)
def test_a_user_has_the_credentials_and_ages_of_the_scenario(read: Read, user: Any) -> None:
    row = credential_report(read)[user.name]
    assert age(row["user_creation_time"]) == pytest.approx(user.created, abs=0.001)
    assert row["password_enabled"] == str(user.password).lower()
    assert row["mfa_active"] == str(user.mfa).lower()
    if user.signed_in is not None:
        assert age(row["password_last_used"]) == pytest.approx(user.signed_in, abs=0.001)
    for number, key in enumerate(user.keys, start=1):
        check_key(row, number, key)


def check_key(row: dict[str, str], number: int, key: AccessKey) -> None:
    start = f"access_key_{number}"
    assert row[f"{start}_active"] == str(key.active).lower()
    assert age(row[f"{start}_last_rotated"]) == pytest.approx(key.created, abs=0.001)
    used = row[f"{start}_last_used_date"]
    if key.used is None:
        assert used == "N/A"
    else:
        assert age(used) == pytest.approx(key.used, abs=0.001)


def test_root_has_mfa_an_old_key_and_a_row_of_its_own(read: Read) -> None:
    summary = read("iam", "get_account_summary")["SummaryMap"]
    assert (summary["AccountMFAEnabled"], summary["AccountAccessKeysPresent"]) == (1, 1)
    root = credential_report(read)["<root_account>"]
    assert len(root) == 22
    assert None not in root.values()
    assert root["arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert root["mfa_active"] == root["access_key_1_active"] == "true"
    assert ROOT.key is not None
    assert ROOT.key.used is not None
    assert age(root["access_key_1_last_used_date"]) == pytest.approx(ROOT.key.used, abs=0.001)
    devices = read("iam", "list_virtual_mfa_devices")["VirtualMFADevices"]
    assert f"arn:aws:iam::{ACCOUNT}:root" in {device["User"]["Arn"] for device in devices}


def test_aws_managed_policies_are_there(read: Read) -> None:
    arn = "arn:aws:iam::aws:policy/AWSSupportAccess"
    roles = read("iam", "list_entities_for_policy", PolicyArn=arn)["PolicyRoles"]
    assert [role["RoleName"] for role in roles] == ["incident-support"]


def test_the_reader_is_a_role_of_the_demonstration_account(read: Read) -> None:
    identity = read("sts", "get_caller_identity")
    assert identity["Account"] == ACCOUNT
    assert identity["Arn"].startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/SecurityAudit/")


def test_the_account_has_two_regions_and_knows_no_other(read: Read) -> None:
    regions = read("ec2", "describe_regions")["Regions"]
    assert tuple(region["RegionName"] for region in regions) == REGIONS
    with pytest.raises(ClientError, match="NotInDemonstration"):
        read("kms", "list_keys", "ap-south-1")


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("macie2", "get_macie_session", "AccessDeniedException"),
        ("organizations", "describe_organization", "AWSOrganizationsNotInUseException"),
        ("iam", "list_organizations_features", "OrganizationNotFoundException"),
        ("accessanalyzer", "list_policy_generations", "NotInDemonstration"),
    ],
)
def test_what_the_company_does_not_use_is_refused_as_aws_would(
    read: Read, service: str, operation: str, code: str
) -> None:
    with pytest.raises(ClientError) as refused:
        read(service, operation)
    assert refused.value.response["Error"]["Code"] == code


def test_access_analyzer_watches_the_home_region_only(read: Read) -> None:
    home = read("accessanalyzer", "list_analyzers")["analyzers"]
    assert {analyzer["type"] for analyzer in home} == {"ACCOUNT", "ACCOUNT_UNUSED_ACCESS"}
    assert read("accessanalyzer", "list_analyzers", "eu-west-1")["analyzers"] == []
    outside = next(analyzer["arn"] for analyzer in home if analyzer["type"] == "ACCOUNT")
    active = {"status": {"eq": ["ACTIVE"]}}
    found = read("accessanalyzer", "list_findings_v2", analyzerArn=outside, filter=active)
    assert len(found["findings"]) == 4
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        read("accessanalyzer", "get_analyzer", analyzerName="other")


def test_the_main_trail_delivered_to_its_log_group_lately(read: Read) -> None:
    status = read("cloudtrail", "get_trail_status", Name="main")
    assert MOMENT - status["LatestCloudWatchLogsDeliveryTime"] < timedelta(hours=1)
