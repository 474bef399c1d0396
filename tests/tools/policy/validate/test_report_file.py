"""`policy validate` with `format`: what the files hold of policies from files, folders and templates."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import xmlschema

from aws_iam.answer import Status
from aws_iam.engine.sources.files import File, Files
from aws_iam.errors import InputError
from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS

SCHEMAS = TESTS / "schemas"
BAD = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObjectt","Resource":"*"}]}'
GOOD = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/k"}]}'
ROLE = """
Resources:
  Reader:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: '2012-10-17'
        Statement:
          - {Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: 'sts:AssumeRole'}
      Policies:
        - PolicyName: read
          PolicyDocument:
            Version: '2012-10-17'
            Statement:
              - {Effect: Allow, Action: 's3:GetObjectt', Resource: 'arn:aws:s3:::b/k'}
"""


def files(**texts: str) -> Files:
    named = (File(name=name.replace("_", "."), text=text) for name, text in texts.items())
    unreadable = File(name="secret.json", unreadable="permission denied")
    return Files(files=(*named, unreadable), folder="policies")


def made(document: Any, format_: str) -> str:
    answer = tool.run({"action": "validate", "document": document, "format": format_}, cli=True)
    (artifact,) = answer.artifacts
    return artifact.content


def sarif(document: Any) -> Any:
    log = json.loads(made(document, "sarif"))
    schema = json.loads((SCHEMAS / "sarif-2.1.0.json").read_text(encoding="utf-8"))
    jsonschema.Draft4Validator(schema).validate(log)
    return log["runs"][0]


def junit(document: Any) -> ET.Element:
    text = made(document, "junit")
    xmlschema.XMLSchema(str(SCHEMAS / "junit-10.xsd")).validate(text)
    return ET.fromstring(text)  # noqa: S314 - our own text


GIVEN = files(good_json=GOOD, bad_json=BAD, role_yaml=ROLE)


@pytest.mark.parametrize("action", ["iam:CreateAccessKey", "iam:PutRolePolicy"])
def test_a_risk_has_the_same_rule_whatever_its_path(action: str) -> None:
    run = sarif(GOOD.replace("s3:GetObject", action).replace("arn:aws:s3:::b/k", "*"))
    titles = {rule["id"]: rule["shortDescription"] for rule in run["tool"]["driver"]["rules"]}
    assert titles["PRIVILEGE_ESCALATION"] == {
        "text": "The policy allows a known path of privilege escalation"
    }


def test_sarif_lists_every_file_and_points_into_each() -> None:
    run = sarif(GIVEN)
    uris = [artifact["location"]["uri"] for artifact in run["artifacts"]]
    assert sorted(uris) == ["bad.json", "good.json", "role.yaml", "secret.json"]
    found = {
        place["artifactLocation"]["uri"]: place["region"]["startLine"]
        for result in run["results"]
        if result["ruleId"] == "INVALID_ACTION"
        for place in [result["locations"][0]["physicalLocation"]]
    }
    line = ROLE[: ROLE.index("GetObjectt")].count("\n") + 1
    assert found == {"bad.json": 1, "role.yaml": line}


def test_sarif_explains_each_rule() -> None:
    (rule,) = (e for e in sarif(BAD)["tool"]["driver"]["rules"] if e["id"] == "INVALID_ACTION")
    assert rule["fullDescription"]["text"].startswith("An action that does not exist")
    assert rule["helpUri"].endswith(
        "#access-analyzer-reference-policy-checks-error-invalid-action"
    )


def test_a_file_that_could_not_be_read_is_told_in_both() -> None:
    (result,) = (result for result in sarif(GIVEN)["results"] if result["ruleId"] == "NOT_JUDGED")
    place = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert (result["level"], place) == ("error", "secret.json")
    assert "permission denied" in result["message"]["text"]
    (test,) = (case for case in junit(GIVEN).iter("testcase") if case.get("name") == "secret.json")
    failure = test.find("failure")
    assert failure is not None
    assert "permission denied" in (failure.get("message") or "")


def test_a_place_that_holds_no_policy_to_judge_is_a_notice_and_a_skipped_test() -> None:
    chart = File(name="chart.yaml", text="a: {{ x }}: {\nEffect: Allow\nAction: {{ y }}\n")
    given = Files(files=(File(name="good.json", text=GOOD), chart), folder="x")
    (notice,) = sarif(given)["invocations"][0]["toolExecutionNotifications"]
    assert notice["message"]["text"].startswith("chart.yaml was not judged: ")
    (skipped,) = junit(given).iter("skipped")
    assert (skipped.get("message") or "").startswith("NOT_JUDGED: ")


@pytest.mark.parametrize(("fail_on", "failures"), [("high", 1), ("critical", 0), ("info", 1)])
def test_a_test_of_junit_fails_from_the_severity_on_that_the_command_does(
    fail_on: str, failures: int
) -> None:
    arguments = {"action": "validate", "document": BAD, "format": "junit", "fail_on": fail_on}
    (artifact,) = tool.run(arguments, cli=True).artifacts
    assert f'failures="{failures}"' in artifact.content


def test_junit_has_a_test_for_each_policy_of_each_file() -> None:
    tests = {
        suite.get("name"): [(test.get("name"), test.find("failure") is not None) for test in suite]
        for suite in junit(GIVEN)
    }
    assert tests["good.json"] == [("policy", False)]
    assert tests["bad.json"] == [("policy", True)]
    assert sorted(failed for _, failed in tests["role.yaml"]) == [False, True]
    assert all("Reader" in (name or "") for name, _ in tests["role.yaml"])


def test_a_report_holds_every_finding_and_the_answer_too() -> None:
    document = [json.loads(BAD)] * 150
    answer = tool.run({"action": "validate", "document": document, "format": "sarif"})
    failed = [finding for finding in answer.findings if finding.status is Status.FAIL]
    results = json.loads(answer.artifacts[0].content)["runs"][0]["results"]
    assert len(results) == len(failed) >= 150


def test_no_format_no_file() -> None:
    assert tool.run({"action": "validate", "document": BAD}).artifacts == ()


def test_a_format_that_does_not_exist_is_refused_with_the_near_miss() -> None:
    with pytest.raises(InputError, match="did you mean `sarif`"):
        tool.run({"action": "validate", "document": BAD, "format": "sarf"})


def test_markdown_lists_the_problems_worst_first_and_what_was_not_judged() -> None:
    text = made(GIVEN, "markdown")
    assert text.startswith("# Policies: 2 problems in 4 policies")
    rows = [line for line in text.splitlines() if line.startswith("| **")]
    assert all("`INVALID_ACTION`" in row for row in rows)
    assert "`role.yaml:" in rows[-1]
    assert "`secret.json`: permission denied" in text
    hostile = BAD.replace("s3:GetObjectt", "s3:`|[x](http://e.example)")
    (row,) = [line for line in made(hostile, "markdown").splitlines() if "INVALID_" in line]
    assert row.replace("\\|", "").count("|") == 5


def test_json_holds_each_policy_with_its_findings() -> None:
    found = json.loads(made(GIVEN, "json"))
    codes = {own["file"]: [f["code"] for f in own["findings"]] for own in found["policies"]}
    assert codes["good.json"] == []
    assert codes["bad.json"] == ["INVALID_ACTION"]
    assert found["not_judged"] == [
        {"file": "secret.json", "place": "secret.json", "why": "permission denied"}
    ]
