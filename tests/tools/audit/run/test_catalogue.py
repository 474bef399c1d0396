"""Controls and checklists of every version, offline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.errors import InputError
from aws_iam.report.next_calls import as_command
from aws_iam.tools.audit.actions import tool
from aws_iam.tools.audit.controls.benchmark import benchmark, controls, versions
from helpers.secret_validators import cloudformation, terraform
from helpers.tables.each import for_each

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_iam.answer import Answer

pytestmark = pytest.mark.validator


def ask(**arguments: Any) -> Answer:
    return tool.run(arguments, cli=True)


def test_an_id_with_several_meanings_lists_them_all() -> None:
    answer = ask(action="control", id="1.5")
    meanings = {row["key"]: row["versions"] for row in answer.facts["meanings"]}
    assert meanings["pw_uppercase"] == ["1.2"]
    assert meanings["root_hardware_mfa"] == ["5.0"]
    assert meanings["root_mfa"] == ["1.3", "1.4", "1.5", "2.0", "3.0", "4.0"]
    assert "aws-iam audit control --id root_mfa" in map(as_command, answer.next)


@pytest.mark.parametrize("name", ["credentials_unused", "IAM.22"])
def test_a_control_tells_its_ids_thresholds_fix_and_permissions(name: str) -> None:
    answer = ask(action="control", id=name)
    rows = {row["version"]: row for row in answer.facts["versions"]}
    assert rows["1.3"]["id"] == "1.12"
    assert (rows["1.3"]["max_idle_days"], rows["1.4"]["max_idle_days"]) == (90, 45)
    assert "aws iam update-access-key" in answer.facts["fix"]
    assert answer.facts["permissions"]
    assert answer.sources[0].startswith("https://docs.aws.amazon.com/")


@pytest.mark.parametrize("key", [key for key, control in controls().items() if control.code])
def test_a_fix_as_code_is_valid_and_meant_for_its_control(key: str) -> None:
    (artifact,) = ask(action="control", id=key).artifacts
    check, ending = {"yaml": (cloudformation, "yaml"), "terraform": (terraform, "tf")}[
        artifact.language
    ]
    assert artifact.name == f"{key}.{ending}"
    check(artifact.content)
    assert "{{" not in artifact.content
    if key.startswith("alarm_"):
        assert controls()[key].pattern in artifact.content
        assert f"FilterName: {key}" in artifact.content


def test_controls_that_code_mends_best_have_it() -> None:
    coded = {key for key, control in controls().items() if control.code}
    assert coded >= {
        "pw_length_14", "s3_block_public", "ebs_default_encryption", "access_analyzer", "cloudtrail_all_regions",
        "config_all_regions", "vpc_flow_logs", "default_sg_closed", "securityhub", "alarm_root_use",
    }  # fmt: skip
    assert ask(action="control", id="root_mfa").artifacts == ()


def test_a_control_that_newer_versions_dropped_says_so() -> None:
    assert "removed after 2.0" in ask(action="control", id="cloudtrail_cloudwatch").summary


@for_each(list(controls()))
def test_every_control_can_be_explained(key: str) -> None:
    answer = ask(action="control", id=key)
    assert answer.facts["key"] == key
    assert controls()[key].title in answer.summary


@pytest.mark.parametrize("version", versions())
def test_the_checklist_holds_every_control_of_a_version_manual_ones_too(version: str) -> None:
    answer = ask(action="checklist", benchmark=version)
    rows = [row["id"] for row in answer.facts["controls"]]
    assert rows == [benchmark(version).id_of(control) for control in benchmark(version).controls]


@pytest.mark.parametrize(
    ("section", "belongs"),
    [
        ("2", lambda number, _: number.startswith("2.")),
        ("2.1", lambda number, _: number == "2.1" or number.startswith("2.1.")),
        ("networking", lambda number, _: number.startswith("6.")),
        ("6 networking", lambda number, _: number.startswith("6.")),
        ("Root", lambda _, topic: topic == "root"),
        (" s3 ", lambda _, topic: topic == "s3"),
    ],
)
def test_a_section_is_named_by_number_name_or_topic(
    section: str, belongs: Callable[[str, str], bool]
) -> None:
    newest = benchmark()
    wanted = {c.key for c in newest.controls if belongs(newest.id_of(c), c.section)}
    rows = ask(action="checklist", section=section).facts["controls"]
    assert wanted
    assert {row["key"] for row in rows} == wanted


IAM_IDS = "of Security Hub's IAM ids the controls have IAM.1, IAM.2, IAM.3, "


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("IAM.10", IAM_IDS),
        ("[IAM.99]", IAM_IDS),
        ("Config.9", "of Security Hub's Config ids the controls have Config.1"),
        ("clodtrail.5", "did you mean `CloudTrail.5`?"),
        ("foo.3", "a Security Hub id (`IAM.9`)"),
        ("root_mfaa", "did you mean `root_mfa`?"),
    ],
)
def test_an_id_of_no_control_is_refused_without_naming_a_random_other(
    name: str, said: str
) -> None:
    with pytest.raises(InputError) as refused:
        ask(action="control", id=name)
    assert said in (refused.value.hint or "")


@pytest.mark.parametrize(
    ("section", "as_", "understood"),
    [
        ("identity", "identity and access", "`section` `identity` as `identity and access`"),
        ("Identity and Access Management", "2", "`section` `Identity and Access Management` as `identity and access`"),
        ("Section 3", "3", "`section` `Section 3` as `3`"),
        ("the storage section", "storage", "`section` `the storage section` as `storage`"),
        ("Password Policy", "password_policy", "`section` `Password Policy` as `password_policy`"),
    ],
)  # fmt: skip
def test_words_of_a_section_mean_it(section: str, as_: str, understood: str) -> None:
    answer = ask(action="checklist", section=section)
    assert answer.facts["controls"] == ask(action="checklist", section=as_).facts["controls"]
    assert answer.facts["understood"] == [understood]


def test_words_of_controls_list_those_that_are_about_them() -> None:
    answer = ask(action="checklist", section="encryption")
    keys = [row["key"] for row in answer.facts["controls"]]
    assert {"rds_encryption", "cloudtrail_kms"} <= set(keys)
    assert answer.summary.startswith(f"{len(keys)} controls about `encryption` in CIS ")
    with pytest.raises(InputError, match="no section `xyzzy`"):
        ask(action="checklist", section="xyzzy")


@pytest.mark.parametrize("name", ["CIS.1.4", "cis 1.4", "CIS-1.4", "1.4"])
def test_a_number_is_understood_with_the_word_cis_before_it(name: str) -> None:
    meanings = ask(action="control", id=name).facts["meanings"]
    assert {row["key"] for row in meanings} >= {"root_no_access_key", "root_mfa"}


@pytest.mark.parametrize("version", versions())
def test_summaries_write_the_version_in_its_short_form(version: str) -> None:
    summary = ask(action="checklist", benchmark=version).summary
    assert f"Benchmark {version}:" in summary
