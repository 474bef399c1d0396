"""JUnit: valid by Jenkins' own schema, whatever the text."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any
from xml.etree import ElementTree as ET

import xmlschema
from hypothesis import given
from hypothesis import strategies as st

from aws_iam.answer import Finding, Severity, Status, Where
from aws_iam.report.formats.junit import Case, junit
from helpers.folders import TESTS

SCHEMAS = TESTS / "schemas"
FINDING = Finding(
    code="INVALID_ACTION",
    title="No such action",
    severity=Severity.ERROR,
    status=Status.FAIL,
    message="`s3:GetObjectt` does not exist",
    where=Where(pointer="/Statement/0/Action", line=7, column=5, file="a.json"),
    fix="Correct the name.",
)
MILD = replace(FINDING, code="EMPTY_SID_VALUE", severity=Severity.SUGGESTION)
UNKNOWN = replace(FINDING, code="ONLINE", status=Status.UNKNOWN, reason="iam:X is not allowed")


@cache
def schema() -> Any:
    return xmlschema.XMLSchema(str(SCHEMAS / "junit-10.xsd"))


def report(*cases: Case, fail_on: Severity = Severity.HIGH) -> ET.Element:
    text = "".join(junit(lambda: sorted(cases, key=lambda own: own.suite), "aws-iam", fail_on))
    schema().validate(text)
    return ET.fromstring(text)  # noqa: S314 - our own text


def case(*findings: Finding, name: str = "policy", suite: str = "a.json") -> Case:
    return Case(name=name, suite=suite, findings=findings)


def test_every_policy_is_a_test_of_its_file_the_clean_ones_too() -> None:
    root = report(case(FINDING), case(suite="b.json"), case(name="/1"))
    assert (root.get("tests"), root.get("failures")) == ("3", "1")
    suites = {suite.get("name"): [test.get("name") for test in suite] for suite in root}
    assert suites == {"a.json": ["policy", "/1"], "b.json": ["policy"]}


def test_a_failing_test_has_one_failure_that_lists_all_worst_first() -> None:
    warning = replace(FINDING, code="PASS_ROLE", severity=Severity.CRITICAL)
    (failure,) = report(case(FINDING, warning)).iter("failure")
    assert failure.get("type") == "critical"
    assert failure.get("message") == "PASS_ROLE: `s3:GetObjectt` does not exist (and 1 more)"
    lines = (failure.text or "").strip().splitlines()
    assert [line.split()[2].rstrip(";") for line in lines] == ["PASS_ROLE", "INVALID_ACTION"]
    assert "at a.json /Statement/0/Action (line 7:5)" in lines[0]
    assert "fix: Correct the name." in lines[0]


def test_what_is_less_bad_is_told_and_fails_nothing() -> None:
    root = report(case(MILD))
    assert root.get("failures") == "0"
    (output,) = root.iter("system-out")
    assert "EMPTY_SID_VALUE" in (output.text or "")


def test_the_severity_that_fails_can_be_chosen() -> None:
    assert report(case(MILD), fail_on=Severity.LOW).get("failures") == "1"
    assert report(case(FINDING), fail_on=Severity.CRITICAL).get("failures") == "0"


def test_a_muted_finding_fails_nothing_and_says_why() -> None:
    root = report(case(replace(FINDING, muted="accepted")))
    assert root.get("failures") == "0"
    (output,) = root.iter("system-out")
    assert "muted: accepted" in (output.text or "")


def test_what_could_not_be_decided_is_skipped_not_passed() -> None:
    root = report(case(UNKNOWN, MILD))
    (skipped,) = root.iter("skipped")
    assert skipped.get("message") == "ONLINE: iam:X is not allowed"
    assert [suite.get("skipped") for suite in root] == ["1"]
    assert list(report(case(UNKNOWN, FINDING)).iter("skipped")) == []


def test_control_characters_and_markup_stay_text() -> None:
    evil = '\x00\x0b\x1b]]>&<a href="x">\ud800\ufffe\u202e\n'
    root = report(
        case(replace(FINDING, message=evil, resource=evil, fix=evil), name=evil, suite=evil)
    )
    (failure,) = root.iter("failure")
    assert "\\u0000" in (failure.get("message") or "")
    assert '<a href="x">' in (failure.text or "")
    assert len((failure.text or "").strip().splitlines()) == 1


ANY = st.text(max_size=30)
FINDINGS = st.builds(
    Finding,
    code=ANY,
    title=ANY,
    severity=st.sampled_from(Severity),
    status=st.sampled_from(Status),
    message=ANY,
    reason=st.none() | ANY,
    resource=st.none() | ANY,
    muted=st.none() | ANY,
)
CASES = st.builds(Case, name=ANY, suite=ANY, findings=st.lists(FINDINGS, max_size=3).map(tuple))


@given(st.lists(CASES, max_size=3))
def test_whatever_the_text_the_report_is_valid_and_counts_its_tests(cases: list[Case]) -> None:
    root = report(*cases)
    tests = list(root.iter("testcase"))
    assert len(tests) == len(cases) == int(root.get("tests", ""))
    failing = [test for test in tests if test.find("failure") is not None]
    assert len(failing) == int(root.get("failures", ""))
