"""The demonstration account: what the scenario says is what a client reads, and nothing leaves the process."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError

from aws_iam.account.demo import ACCOUNT, REGIONS, demo_session
from aws_iam.account.demo_people import PEOPLE, ROOT, AccessKey
from helpers.folders import ROOT as CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

SERVER = CHECKOUT / "server"

NO_NETWORK = """
import sys
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        raise AssertionError(f"{event} {arguments}")
sys.addaudithook(watch)
"""
IDS = """
from aws_iam.account.demo import demo_session
session = demo_session()
keys = session.client("kms").list_keys()["Keys"]
groups = session.client("ec2", "eu-west-1").describe_security_groups()["SecurityGroups"]
print(sorted(each["KeyId"] for each in keys), sorted(each["GroupId"] for each in groups))
"""


def read(service: str, operation: str, region: str = "us-east-1", **arguments: Any) -> Any:
    client: Any = demo_session().client(service, region)
    return getattr(client, operation)(**arguments)


def credential_report() -> dict[str, dict[str, str]]:
    read("iam", "generate_credential_report")
    text = read("iam", "get_credential_report")["Content"].decode()
    rows = csv.DictReader(io.StringIO(text))
    return {row["user"]: row for row in rows}


def age(stamp: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(stamp)) / timedelta(days=1)


def python(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(SERVER), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.name)
def test_a_user_has_the_credentials_and_ages_of_the_scenario(person: Any) -> None:
    row = credential_report()[person.name]
    assert age(row["user_creation_time"]) == pytest.approx(person.created, abs=0.1)
    assert row["password_enabled"] == str(person.password).lower()
    assert row["mfa_active"] == str(person.mfa).lower()
    if person.signed_in is not None:
        assert age(row["password_last_used"]) == pytest.approx(person.signed_in, abs=0.1)
    for number, key in enumerate(person.keys, start=1):
        check_key(row, number, key)


def check_key(row: dict[str, str], number: int, key: AccessKey) -> None:
    start = f"access_key_{number}"
    assert row[f"{start}_active"] == str(key.active).lower()
    assert age(row[f"{start}_last_rotated"]) == pytest.approx(key.created, abs=0.1)
    used = row[f"{start}_last_used_date"]
    if key.used is None:
        assert used == "N/A"
    else:
        assert age(used) == pytest.approx(key.used, abs=0.1)


def test_root_has_mfa_an_old_key_and_a_row_of_its_own() -> None:
    summary = read("iam", "get_account_summary")["SummaryMap"]
    assert (summary["AccountMFAEnabled"], summary["AccountAccessKeysPresent"]) == (1, 1)
    root = credential_report()["<root_account>"]
    assert len(root) == 22
    assert None not in root.values()
    assert root["arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert root["mfa_active"] == root["access_key_1_active"] == "true"
    assert ROOT.key is not None
    assert ROOT.key.used is not None
    assert age(root["access_key_1_last_used_date"]) == pytest.approx(ROOT.key.used, abs=0.1)
    devices = read("iam", "list_virtual_mfa_devices")["VirtualMFADevices"]
    assert f"arn:aws:iam::{ACCOUNT}:root" in {each["User"]["Arn"] for each in devices}


def test_aws_managed_policies_are_there_without_asking_the_environment_for_them() -> None:
    arn = "arn:aws:iam::aws:policy/AWSSupportAccess"
    roles = read("iam", "list_entities_for_policy", PolicyArn=arn)["PolicyRoles"]
    assert [role["RoleName"] for role in roles] == ["incident-support"]


def test_the_reader_is_a_role_of_the_demonstration_account() -> None:
    identity = read("sts", "get_caller_identity")
    assert identity["Account"] == ACCOUNT
    assert identity["Arn"].startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/SecurityAudit/")


def test_the_account_has_two_regions_and_knows_no_other() -> None:
    regions = read("ec2", "describe_regions")["Regions"]
    assert tuple(each["RegionName"] for each in regions) == REGIONS
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
    service: str, operation: str, code: str
) -> None:
    with pytest.raises(ClientError) as refused:
        read(service, operation)
    assert refused.value.response["Error"]["Code"] == code


def test_access_analyzer_watches_the_home_region_only() -> None:
    home = read("accessanalyzer", "list_analyzers")["analyzers"]
    assert {each["type"] for each in home} == {"ACCOUNT", "ACCOUNT_UNUSED_ACCESS"}
    assert read("accessanalyzer", "list_analyzers", "eu-west-1")["analyzers"] == []
    outside = next(each["arn"] for each in home if each["type"] == "ACCOUNT")
    active = {"status": {"eq": ["ACTIVE"]}}
    found = read("accessanalyzer", "list_findings_v2", analyzerArn=outside, filter=active)
    assert len(found["findings"]) == 4
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        read("accessanalyzer", "get_analyzer", analyzerName="other")


def test_the_main_trail_delivered_to_its_log_group_lately() -> None:
    status = read("cloudtrail", "get_trail_status", Name="main")
    assert datetime.now(UTC) - status["LatestCloudWatchLogsDeliveryTime"] < timedelta(hours=1)


def test_other_sessions_are_not_answered_by_the_demonstration() -> None:
    demo_session()
    plain = boto3.Session(aws_access_key_id="AKIAEXAMPLE", aws_secret_access_key="none")
    once = Config(retries={"total_max_attempts": 1}, connect_timeout=2)
    client = plain.client("sts", "us-east-1", endpoint_url="http://127.0.0.1:9", config=once)
    with pytest.raises(EndpointConnectionError):
        client.get_caller_identity()


def test_nothing_is_sent_and_the_environment_steers_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "config"
    broken.write_text("no ini file [", encoding="utf-8")
    shown = python(
        NO_NETWORK + IDS,
        AWS_ENDPOINT_URL="http://127.0.0.1:9",
        AWS_ENDPOINT_URL_KMS="http://127.0.0.1:9",
        AWS_PROFILE="no-such-profile",
        AWS_CONFIG_FILE=str(broken),
        AWS_USE_DUALSTACK_ENDPOINT="true",
        AWS_USE_FIPS_ENDPOINT="true",
        AWS_CA_BUNDLE="/nonexistent",
        AWS_REGION="ap-south-1",
        AWS_DEFAULT_REGION="ap-south-1",
        MOTO_ACCOUNT_ID="999999999999",
    )
    # The same ids in every run, whatever the surroundings.
    assert shown == python(NO_NETWORK + IDS)
    assert shown.count("sg-") > 1


def test_an_emptied_account_is_filled_again() -> None:
    shown = python(
        """
from moto.moto_api._internal.models import moto_api_backend
from aws_iam.account.demo import demo_session
demo_session()
moto_api_backend.reset()
print(len(demo_session().client("iam").list_users()["Users"]))
"""
    )
    assert int(shown) == len(PEOPLE)


def test_without_moto_the_error_names_the_command_that_installs_it() -> None:
    shown = python(
        """
import sys
sys.modules["moto"] = None
from aws_iam.account.demo import demo_session
from aws_iam.errors import InputError
try:
    demo_session()
except InputError as error:
    print(error)
"""
    )
    assert shown == (
        "the demonstration account needs the extra `demo`, which is not installed; "
        "install it: `pip install 'aws-iam-mcp[demo]'`\n"
    )
