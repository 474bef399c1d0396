"""OCSF: every finding is a Compliance Finding, valid by the published schema."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from aws_iam.answer import Finding, Severity, Status
from aws_iam.report.audit_report import AuditReport, identity
from aws_iam.report.formats.ocsf import ocsf, ocsf_lines
from helpers.audited_runs import EVERY_STATUS, FINDINGS, audited, finding, hostile_run
from helpers.tables.examples import examples


@cache
def schema() -> Any:
    made = OcsfJsonSchemaEmbedded(get_ocsf_schema(version="1.5.0"))
    loaded = made.get_class_schema("compliance_finding", ["cloud"])
    checker: Any = jsonschema.validators.validator_for(loaded)
    checker.check_schema(loaded)
    return checker(loaded)


def events(run: AuditReport) -> Any:
    told = json.loads("".join(ocsf(run)))
    for event in told:
        schema().validate(event)
    return told


def event(**fields: Any) -> Any:
    (only,) = events(audited([finding(**fields)]))
    return only


def test_the_schema_refuses_what_is_wrong() -> None:
    good = event()
    for spoiled in (
        {key: value for key, value in good.items() if key != "compliance"},
        good | {"class_uid": 2004},
        good | {"severity_id": 42},
        good | {"surprise": True},
    ):
        assert not schema().is_valid(spoiled)


def test_the_lines_are_the_events_of_the_list() -> None:
    for run in (audited(), hostile_run(), audited([])):
        text = "".join(ocsf_lines(run))
        assert [json.loads(line) for line in text.splitlines()] == json.loads("".join(ocsf(run)))
        assert text.endswith("\n") or not run.findings


def test_every_finding_of_every_status_is_an_event() -> None:
    told = events(audited())
    assert len(told) == len(EVERY_STATUS)
    assert {event["type_uid"] for event in told} == {200301}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (Status.PASS, (1, "Pass")),
        (Status.UNKNOWN, (2, "Warning")),
        (Status.FAIL, (3, "Fail")),
        (Status.MANUAL, (99, "manual")),
        (Status.NOT_APPLICABLE, (99, "not_applicable")),
    ],
)
def test_a_status_is_the_compliance_status(status: Status, expected: tuple[int, str]) -> None:
    compliance = event(status=status, reason="why")["compliance"]
    assert (compliance["status_id"], compliance["status"]) == expected
    assert compliance["control"] == "imdsv2"
    assert compliance["requirements"] == ["6.7"]
    assert compliance["standards"] == ["CIS AWS Foundations Benchmark 7.0"]


def test_severities_run_from_informational_to_critical() -> None:
    grades = [Severity.INFO, Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL]
    assert [event(severity=grade)["severity_id"] for grade in grades] == [1, 2, 3, 4, 5]


def test_a_muted_finding_is_suppressed_with_its_reason() -> None:
    muted = event(muted="accepted")
    assert (muted["status_id"], muted["status"]) == (3, "Suppressed")
    assert muted["status_detail"] == "accepted"
    assert event()["status_id"] == 1


def test_a_fixed_finding_is_resolved() -> None:
    assert event(change="fixed", status=Status.PASS)["status"] == "Resolved"


def test_account_region_and_resource_are_told() -> None:
    told = event()
    assert told["cloud"]["account"]["uid"] == "111122223333"
    assert told["cloud"]["region"] == "eu-west-1"
    assert told["resources"][0]["uid"] == finding().resource
    assert told["resources"][0]["type"] == "AwsEc2Instance"
    assert event(resource=None)["resources"][0]["uid"] == "AWS::::Account:111122223333"


def test_the_identity_is_that_of_the_resource_and_control_not_of_the_words() -> None:
    uids = [
        e["finding_info"]["uid"] for e in events(audited([finding(), finding(message="other")]))
    ]
    assert uids == [identity(finding()), f"{identity(finding())}-2"]
    assert event(region="us-east-1")["finding_info"]["uid"] != uids[0]


def test_hostile_names_stay_text() -> None:
    told = json.dumps(events(hostile_run()), ensure_ascii=False)
    assert not {"\x1b", "\u202e", "\x00"} & set(told)


@settings(max_examples=examples(40))
@given(st.lists(FINDINGS, max_size=3))
def test_whatever_the_text_the_events_are_valid(findings: list[Finding]) -> None:
    assert len(events(audited(findings))) == len(findings)


def test_every_framework_is_a_standard_and_its_ids_say_whose_they_are() -> None:
    ids = {"cis": ("6.7",), "pci": ("2.2.6",), "nist": ("AC-3", "AC-6")}
    compliance = event(frameworks=ids)["compliance"]
    assert compliance["standards"] == [
        "CIS AWS Foundations Benchmark 7.0",
        "PCI DSS 4.0",
        "NIST SP 800-53 Rev. 5",
    ]
    assert compliance["requirements"] == [
        "6.7",
        "PCI DSS 4.0: 2.2.6",
        "NIST SP 800-53 Rev. 5: AC-3",
        "NIST SP 800-53 Rev. 5: AC-6",
    ]
    assert event(frameworks=ids)["unmapped"]["frameworks"]["nist"] == ["AC-3", "AC-6"]


def test_a_chosen_framework_is_the_only_standard() -> None:
    found = finding(frameworks={"cis": ("6.7",), "pci": ("2.2.6",)})
    (told,) = events(audited([found], framework="pci"))
    assert told["compliance"]["standards"] == ["PCI DSS 4.0"]
    assert told["compliance"]["requirements"] == ["2.2.6"]


def test_a_control_without_an_id_in_the_chosen_framework_is_one_of_cis() -> None:
    found = finding(frameworks={"cis": ("6.7",), "pci": ("2.2.6",)})
    (told,) = events(audited([found], framework="soc2"))
    assert told["compliance"]["standards"] == ["CIS AWS Foundations Benchmark 7.0"]
    assert told["compliance"]["requirements"] == list(found.controls.values())[-1:]
    (without,) = events(audited([replace(found, controls=None)], framework="soc2"))
    assert "requirements" not in without["compliance"]
    assert told["compliance"]["status"] == "Fail"
