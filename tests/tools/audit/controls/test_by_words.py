"""Controls found by words: what one control is about, what several are, and what none is."""

from __future__ import annotations

from typing import Any

import pytest

from aws_iam.errors import InputError
from aws_iam.tools.audit.actions import tool
from aws_iam.tools.audit.controls.benchmark import Control, benchmark, controls
from aws_iam.tools.audit.controls.by_words import about, named_by
from helpers.tables.each import for_each

ONE = {
    "rotate access keys": "key_rotation_90",
    "access key rotation": "key_rotation_90",
    "old access keys": "key_rotation_90",
    "rotate KMS keys": "kms_rotation",
    "S3 public access": "s3_block_public",
    "unused credentials": "credentials_unused",
    "inactive users": "credentials_unused",
    "administrator access": "no_full_admin_policies",
    "hardware MFA": "root_hardware_mfa",
    "why is root MFA important?": "root_mfa",
    "How do I encrypt my databases?": "rds_encryption",
    "CIS control about expired certificates": "expired_certs",
    "IMDSv1": "imdsv2",
    "flow logs": "vpc_flow_logs",
    "log file integrity": "cloudtrail_validation",
    "single sign-on": "federation",
}
SEVERAL = {
    "MFA": {"alarm_no_mfa_signin", "root_hardware_mfa", "root_mfa", "s3_mfa_delete", "user_console_mfa"},
    "2FA": {"root_hardware_mfa", "root_mfa", "user_console_mfa"},
    "key rotation": {"key_rotation_90", "kms_rotation"},
    "public buckets": {"cloudtrail_bucket_public", "s3_block_public"},
    "open SSH ports": {"nacl_admin_ports", "sg_admin_ports_v4", "sg_admin_ports_v6"},
    "password policy": {key for key in controls() if key.startswith("pw_")},
    "encryption": {
        "cloudtrail_kms", "ebs_default_encryption", "efs_encryption", "kms_rotation", "rds_encryption", "s3_deny_http",
        "s3_encryption",
    },
}  # fmt: skip


def keys(found: tuple[Control, ...]) -> set[str]:
    return {control.key for control in found}


def ask(**arguments: Any) -> Any:
    return tool.run({"demo": True, **arguments} if arguments["action"] == "run" else arguments)


@pytest.mark.parametrize(("words", "key"), ONE.items())
def test_words_that_are_about_one_control_give_it(words: str, key: str) -> None:
    assert ask(action="control", id=words).facts["key"] == key


@pytest.mark.parametrize(("words", "expected"), SEVERAL.items())
def test_words_that_are_about_several_name_them_all(words: str, expected: set[str]) -> None:
    assert keys(about(words, controls().values()).meant) == expected
    answer = ask(action="control", id=words)
    assert {row["key"] for row in answer.facts["meanings"]} == expected
    assert f"is about {len(expected)} controls" in answer.summary
    assert all(f"`{key}`" in answer.summary for key in expected)


@for_each(controls())
def test_every_keyword_names_its_control(key: str) -> None:
    for phrase in controls()[key].keywords:
        assert key in keys(named_by(phrase, controls().values()))


@pytest.mark.parametrize(("words", "expected"), SEVERAL.items())
def test_a_run_judges_every_control_that_the_words_name(words: str, expected: set[str]) -> None:
    view = benchmark("1.2")
    in_version = keys(view.controls) & expected
    assert keys(view.selected([words])) == in_version


def test_a_run_says_how_words_were_understood() -> None:
    answer = ask(action="run", controls=["S3 public access", "root_mfa", "logging"])
    assert answer.facts["understood"] == ["`S3 public access` as `s3_block_public`"]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("zebra", "a control is named by its key"),
        ("public zebra", "about it: .*`s3_block_public`"),
        ("root_mfaa", "did you mean `root_mfa`"),
        ("IAM.10", "of Security Hub's IAM ids the controls have IAM.1, IAM.2, "),
        ("IAM.21", "it is the finding `FULL_SERVICE_ACCESS` of `audit principals`"),
        ("kms.3", "it is the finding `KMS-DEL-PENDING` of `kms check`"),
        ("EKS.1", "it is the finding `EKS-PUBLIC` of `irsa check`"),
    ],
)
def test_words_that_name_no_control_run_nothing(words: str, hint: str) -> None:
    with pytest.raises(InputError, match=f"no control is called `{words}`; {hint}"):
        ask(action="run", controls=[words])


def test_an_id_in_brackets_is_the_control_and_not_the_finding_that_has_it_too() -> None:
    own, bare = (ask(action="run", controls=[name]) for name in ("[IAM.1]", "iam.1"))
    assert {finding.code for finding in own.findings} == {"no_full_admin_policies"}
    assert own.findings == bare.findings


def test_an_id_is_never_read_as_words() -> None:
    assert about("root_mfaa", controls().values()).meant == ()
    assert about("CIS 1.4", controls().values()).meant == ()


@pytest.mark.parametrize(
    ("name", "version", "number"),
    [("2.1.5", "1.4", "2.1.5"), ("root_mfa", "5.0", "1.4"), ("S3 public access", "3.0", "2.1.4")],
)
def test_a_control_is_shown_in_the_version_that_was_asked_for(
    name: str, version: str, number: str
) -> None:
    answer = ask(action="control", id=name, benchmark=version)
    assert f"CIS {version}: {number}" in answer.summary
    assert answer.facts["benchmark"] == version
    assert all(call.arguments.get("benchmark", version) == version for call in answer.next)


@pytest.mark.parametrize("name", ["pw_expiry_90", "password expiry"])
def test_a_control_that_the_version_lacks_is_refused_with_its_versions(name: str) -> None:
    with pytest.raises(InputError, match=r"benchmark 7\.0; `pw_expiry_90` is in 1\.2"):
        ask(action="control", id=name, benchmark="7.0")
