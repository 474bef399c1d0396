"""What comes out of CloudFormation and SAM templates: `tests/cases/cloudformation/`, each with its documents or findings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aws_iam.engine.language.document import Policy, dump
from aws_iam.engine.sources.containers.sam.policy_templates import policy_templates
from aws_iam.engine.sources.gather import gathered
from aws_iam.errors import InputError
from aws_iam.rules.policy.run import validate
from helpers.folders import TESTS
from helpers.tables.each import for_each

CASES = [
    case
    for path in sorted((TESTS / "cases/cloudformation").glob("*.json"))
    for case in json.loads(path.read_text(encoding="utf-8"))
]
WITH_DOCUMENTS = [case for case in CASES if int not in map(type, case["policies"].values())]
WITH_FINDINGS = [case for case in CASES if "findings" in case]
# SAM gives the ARN of an image an account, which such ARNs do not have: the statement allows nothing.
KNOWN_ERRORS = {"EC2CopyImagePolicy": ["ARN_ACCOUNT_NOT_ALLOWED"]}
ARNS = {
    "SecretArn": "arn:aws:secretsmanager:us-east-1:111122223333:secret:reports-a1b2c3",
    "CertificateArn": "arn:aws:acm:us-east-1:111122223333:certificate/reports",
}


def named(case: dict[str, Any]) -> str:
    return str(case["name"])


@for_each(WITH_DOCUMENTS, name=named)
def test_these_statements_come_out(case: dict[str, Any]) -> None:
    found = gathered(case["template"])
    assert {own.name: statements(own.content) for own in found.sources} == case["policies"]
    assert len({own.name for own in found.sources}) == len(found.sources)


def statements(content: object) -> Any:
    assert isinstance(content, Policy)
    return json.loads(dump(content))["Statement"]


@for_each(CASES, name=named)
def test_what_is_not_read_is_named_and_nothing_else(case: dict[str, Any]) -> None:
    found = gathered(case["template"])
    expected = sorted(case.get("not_judged", []))
    places = sorted((unread.place, unread.why) for unread in found.unread)
    assert [place for place, _ in places] == [place for place, _ in expected]
    for (_, why), (_, part) in zip(places, expected, strict=True):
        assert part in why
    assert [own.policy for own in found.attachments] == case.get("attached", [])


@pytest.mark.parametrize("case", WITH_FINDINGS, ids=named)
def test_these_findings_are_reported(case: dict[str, Any]) -> None:
    found = [[finding.code, finding.resource] for finding in validate(case["template"])]
    assert found == case["findings"]


def test_more_combinations_than_are_read_are_cut_and_that_is_said() -> None:
    (case,) = (case for case in CASES if case not in WITH_DOCUMENTS)
    (number,) = case["policies"].values()
    assert len(gathered(case["template"]).sources) == number


def test_every_policy_template_is_expanded_and_has_no_error_but_those_of_sam_itself() -> None:
    assert len(policy_templates()) == 81
    for name, template in policy_templates().items():
        values = {own: ARNS.get(own, "reports") for own in template.parameters}
        function = {
            "Type": "AWS::Serverless::Function",
            "Properties": {"Policies": {name: values}},
        }
        document = {"Resources": {"Fn": function}}
        (source,) = gathered(document).sources
        assert "$" not in json.dumps(statements(source.content)), name
        errors = [finding.code for finding in validate(document) if finding.severity == "ERROR"]
        assert errors == KNOWN_ERRORS.get(name, []), name


def test_a_loop_that_would_write_gigabytes_is_named() -> None:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::${N}/*"}
    document = {"Version": "2012-10-17", "Statement": [statement] * 2_000}
    policy = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document}}
    loop = ["N", [f"n{number}" for number in range(500)], {"P${N}": policy}]
    template = {"Transform": "AWS::LanguageExtensions", "Resources": {"Fn::ForEach::P": loop}}
    with pytest.raises(InputError, match="`Fn::ForEach` is not expanded"):
        gathered(template)
