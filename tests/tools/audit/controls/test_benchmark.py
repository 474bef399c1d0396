"""The data file of controls, its versions and its labels."""

from __future__ import annotations

import json

import pytest

from aws_iam import resources
from aws_iam.answer import Severity
from aws_iam.errors import InputError
from aws_iam.tools.audit.controls.benchmark import (
    DATA,
    Control,
    as_of,
    benchmark,
    controls,
    meanings,
    order,
    seed_numbers,
    versions,
)
from helpers.tables.each import for_each

META = json.loads(resources.text(DATA))["meta"]


@pytest.mark.parametrize("version", versions())
def test_each_version_has_as_many_controls_as_it_says(version: str) -> None:
    view, said = benchmark(version), META["versions"][version]
    ids = [view.id_of(control) for control in view.controls]
    assert len(ids) == len(set(ids)) == said["controls"]
    assert ids == sorted(ids, key=order)
    levels = [control.level[version] for control in view.controls]
    assert (levels.count(1), levels.count(2)) == (said["level_1"], said["level_2"])
    words = [control.assessment[version] for control in view.controls]
    assert (words.count("automated"), words.count("manual")) == (said["automated"], said["manual"])
    for control in view.controls:
        assert view.section_of(control).split(" ", 1)[0] in said["sections"]
        for name in control.thresholds:
            view.threshold(control, name)


@for_each(controls().values(), name=lambda control: control.key)
def test_each_control_has_words_and_an_https_source(control: Control) -> None:
    assert isinstance(control.severity, Severity)
    assert control.source.startswith("https://docs.aws.amazon.com/")
    assert control.title
    assert control.why.endswith(".")
    assert control.fix
    if control.verdict != "api":
        assert control.question.endswith(("?", "."))
        assert control.command
    assert set(control.ids) == set(control.level) == set(control.assessment)


def test_the_newest_version_is_the_default() -> None:
    assert benchmark().version == "7.0" == versions()[-1]
    assert as_of() == META["as_of"]


@pytest.mark.parametrize(
    ("written", "short"),
    [
        ("4.0.1", "4.0"),
        ("4.0.0", "4.0"),
        ("v7.0.0", "7.0"),
        ("V1.2", "1.2"),
        (" 5.0 ", "5.0"),
        ("7", "7.0"),
        ("v3", "3.0"),
        ("CIS 3.0", "3.0"),
        ("CIS AWS Foundations Benchmark v1.4.0", "1.4"),
        ("latest", "7.0"),
    ],
)
def test_versions_are_understood_in_longer_forms(written: str, short: str) -> None:
    assert benchmark(written).version == short


@pytest.mark.parametrize("written", ["8.0", "4.0.2", "", "first", "1", "7.0`\n"])
def test_an_unknown_version_is_refused_with_the_list(written: str) -> None:
    with pytest.raises(InputError, match=r"use one of 1\.2, 1\.3.*7\.0"):
        benchmark(written)


def test_a_number_means_what_each_version_means_by_it() -> None:
    found = {meaning.control.key: meaning.versions for meaning in meanings("1.4")}
    assert found["root_no_access_key"] == ("1.3", "1.4", "1.5", "2.0", "3.0", "4.0")
    assert found["root_mfa"] == ("5.0",)
    assert found["key_rotation_90"] == ("1.2",)


def test_keys_and_security_hub_ids_are_understood_in_any_case() -> None:
    assert [meaning.control.key for meaning in meanings("iam.9")] == ["root_mfa"]
    assert meanings("root_mfa")[0].versions == versions()
    assert {meaning.control.key for meaning in meanings("IAM.22")} == {"credentials_unused"}


def test_an_unknown_label_is_refused_with_the_near_miss() -> None:
    with pytest.raises(InputError, match="did you mean `root_mfa`"):
        meanings("root_mfaa")
    with pytest.raises(InputError, match="named by its key"):
        meanings("99.99")


def test_controls_are_selected_in_the_benchmarks_order() -> None:
    view = benchmark("7.0")
    chosen = view.selected(["cloudtrail_all_regions", "2.5", "IAM.4"])
    assert [control.key for control in chosen] == [
        "root_no_access_key",
        "root_mfa",
        "cloudtrail_all_regions",
    ]


def test_a_number_of_another_version_is_refused_with_its_meanings() -> None:
    with pytest.raises(
        InputError, match=r"not a control of benchmark 7\.0.*`root_no_access_key` in 1\.2"
    ):
        benchmark("7.0").selected(["1.12"])


def test_seed_numbers_are_history_only() -> None:
    assert seed_numbers()["4.1"] == ("sg_admin_ports_v4", "sg_admin_ports_v6")
    assert all(key in controls() for keys in seed_numbers().values() for key in keys)
    with pytest.raises(InputError):
        meanings("3.x")


_TO_A_DEVELOPER = (
    "meta.", "say so", "tell them apart", "de-duplicate", "note it", "mention it", "name both",
    "leave them out", "never answer", "vacuous", "do not require", "mind the",
    "must not end", "if they were collected", "show each", "show the", "keep it as",
    "case-insensitively",
)  # fmt: skip


@for_each(controls().values(), name=lambda control: control.key)
def test_the_words_of_a_control_speak_to_its_user(control: Control) -> None:
    words = (control.why, *control.condition.values(), *control.notes, control.question)
    for text in words:
        assert not [phrase for phrase in _TO_A_DEVELOPER if phrase in text.lower()], text


def test_the_file_says_nothing_of_other_tools_checks() -> None:
    assert "prowler_checks" not in resources.text(DATA)
