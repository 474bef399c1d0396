"""Every command that a control gives is one that the AWS CLI takes, and names the Region and partition it is for."""

from __future__ import annotations

import json
import re

import pytest

from aws_iam.answer import Status
from aws_iam.tools.audit.controls.benchmark import Control, controls
from aws_iam.tools.audit.controls.judge import judge
from helpers.cis_snapshots import snapshot
from helpers.folders import TESTS
from helpers.secret_validators import shell
from helpers.tables.each import for_each

pytestmark = pytest.mark.validator

FOLDER = TESTS / "cases" / "cis"
# What only the console, a person, or a choice of the owner mends.
WITHOUT_COMMAND = {
    "account_security_questions",
    "federation",
    "org_mgmt_no_workloads",
    "resource_policy_star",
    "root_hardware_mfa",
    "root_not_used",
}
# What stops working, or what must be there before; said ahead of the first command.
SAID_FIRST = {
    "cloudtrail_kms": "or delivery stops",
    "default_sg_closed": "can no longer connect",
    "ebs_default_encryption": "cannot be shared",
    "imdsv2": "gets no credentials any more",
    "nacl_admin_ports": "Nobody",
    "no_full_admin_policies": "First give each holder",
    "rds_not_public": "can no longer connect",
    "root_no_access_key": "First give whatever uses the key",
    "s3_block_public": "nothing reads the bucket",
    "s3_data_events_write": "replaces every selector",
    "s3_deny_http": "plain HTTP are then refused",
    "s3_mfa_delete": "cannot be combined with lifecycle rules",
    "sg_admin_ports_v4": "Nobody can connect",
    "user_policies_via_groups": "or the user loses them",
    "vpc_endpoints": "Open connections to S3 break",
}
_KEY = "AKIAIOSFODNN7EXAMPLE"
_ARN = "arn:aws:iam::111122223333:policy/example"
_CONTACT = dict.fromkeys(
    ("FullName", "AddressLine1", "City", "PostalCode", "CountryCode", "PhoneNumber"), "DE"
)
# What a reader puts in, where the CLI checks the form of it.
_FILLED = (
    (r"--access-key-id [A-Z]+\b", f"--access-key-id {_KEY}"),
    (r"--policy-arn ARN\b", f"--policy-arn {_ARN}"),
    (r"--rule-number LOWER\b", "--rule-number 1"),
    (r"\bACCOUNT_ID\b", "111122223333"),
    (r"file://contact\.json", f"'{json.dumps(_CONTACT)}'"),
)
_QUOTED_REST = r"(?=(?:[^']*'[^']*')*[^']*$)"
_BETWEEN = re.compile(rf"(?:;|&&|, then|, and| \(){_QUOTED_REST}")
_START = re.compile(r"(?:^|[ :])(aws [a-z0-9-]+ [a-z0-9-]+.*)", re.DOTALL)


def commands_of(text: str) -> list[str]:
    """The commands in a text, with its holes filled."""
    found = (_START.search(part.strip()) for part in _BETWEEN.split(text))
    listed = [match[1] for match in found if match]
    for hole, value in _FILLED:
        listed = [re.sub(hole, lambda _, value=value: value, command) for command in listed]
    return listed


@pytest.mark.parametrize("control", controls().values(), ids=lambda control: control.key)
def test_the_aws_cli_takes_what_a_control_says_to_run(control: Control) -> None:
    fixes = commands_of(control.fix)
    assert bool(fixes) == (control.key not in WITHOUT_COMMAND)
    for command in (*fixes, *commands_of(control.command)):
        shell(command)


@pytest.mark.parametrize(("key", "words"), SAID_FIRST.items())
def test_what_a_fix_breaks_is_said_before_its_first_command(key: str, words: str) -> None:
    assert words in controls()[key].fix.partition("aws ")[0]


def test_no_fix_deletes_a_credential_that_was_not_disabled_first() -> None:
    for key in ("key_rotation_90", "user_no_initial_key"):
        disabling, _, deleting = controls()[key].fix.partition("aws iam delete-access-key")
        assert "--status Inactive" in disabling
        assert deleting


@for_each(controls().values(), name=lambda control: control.key)
def test_a_fix_for_one_region_names_it(control: Control) -> None:
    for command in commands_of(control.fix) if control.regional else ():
        assert "--region REGION" in command


def test_the_aws_cli_takes_the_fix_of_a_finding() -> None:
    fixes = {
        finding.fix or ""
        for file in sorted(FOLDER.glob("*.json"))
        if file.stem != "filter-patterns"
        for case in json.loads(file.read_text("utf-8"))
        if case["expect"] == "fail"
        for finding in judge(
            snapshot(case["facts"], partition=case.get("partition", "aws")),
            case.get("benchmark") or list(controls()[case["control"]].ids)[-1],
            controls=[case["control"]],
        )
        if finding.status is Status.FAIL
    }
    own = fixes - {control.fix for control in controls().values()}
    assert len(own) > 20
    for command in sorted({command for fix in own for command in commands_of(fix)}):
        shell(command)


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_a_fix_names_the_policies_of_the_accounts_partition(partition: str) -> None:
    attached = [
        {"name": name, "arn": f"arn:{partition}:iam::aws:policy/{name}", "roles": roles}
        for name, roles in (("AWSSupportAccess", []), ("AWSCloudShellFullAccess", ["dev"]))
    ]
    account = snapshot({"iam.policy_entities": attached}, partition=partition)
    found = judge(account, "7.0", controls=["support_role", "cloudshell_full"])
    assert [finding.status for finding in found] == [Status.FAIL, Status.FAIL]
    for finding in found:
        assert f" arn:{partition}:iam::aws:policy/" in (finding.fix or "")
