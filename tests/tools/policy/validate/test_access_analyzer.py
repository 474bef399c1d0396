"""`policy validate` with `online`: what both sides found, and what is said when AWS is silent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError

from aws_iam.account.reading import validate_policy
from aws_iam.answer import Severity, Status
from aws_iam.errors import AwsError, InputError
from aws_iam.tools.policy.actions import tool
from aws_iam.tools.policy.validate import access_analyzer
from helpers.scripted_aws import Refusal, Script

if TYPE_CHECKING:
    from collections.abc import Callable

    import boto3

    from aws_iam.answer import Answer, Finding

OPERATION = "accessanalyzer:ValidatePolicy"
PERMISSION = "access-analyzer:ValidatePolicy"
SPAN = {
    "start": {"line": 1, "column": 0, "offset": 0},
    "end": {"line": 1, "column": 1, "offset": 1},
}
TYPO = {"Effect": "Allow", "Action": "s3:GetObjectt", "Resource": "*"}
IDENTITY = {"Version": "2012-10-17", "Statement": [TYPO]}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
BUCKET = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::b/*",
        }
    ],
}
STATEMENT = [{"value": "Statement"}, {"index": 0}]


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], Script]:
    """AWS answers ValidatePolicy so; the guard and the request's own checks are the real ones."""

    def script(answer: Any) -> Script:
        made = Script({OPERATION: answer})

        def connected(_source: object) -> boto3.Session:
            return made.session()

        monkeypatch.setattr(validate_policy, "connect", connected)
        return made

    return script


def remark(code: str, *path: Any, type_: str = "ERROR") -> dict[str, Any]:
    return {
        "findingDetails": f"AWS says {code}.",
        "findingType": type_,
        "issueCode": code,
        "learnMoreLink": "https://docs.aws.amazon.com/IAM/latest/UserGuide/page.html#x",
        "locations": [{"path": list(path), "span": SPAN}] if path else [],
    }


def ask(document: Any, **arguments: Any) -> Answer:
    return tool.run(
        {"action": "validate", "document": document, "online": True, **arguments}, cli=True
    )


def by_code(answer: Answer) -> dict[str, Finding]:
    return {finding.code: finding for finding in answer.findings}


def sides(answer: Answer) -> dict[str, str]:
    return {row["code"]: row["found_by"] for row in answer.facts["found_by"]}


def test_what_both_found_is_one_finding_and_what_one_found_says_so(
    scripted: Callable[[Any], Script],
) -> None:
    # AWS counts the one entry of an action that is no list.
    same = remark("INVALID_ACTION", *STATEMENT, {"value": "Action"}, {"index": 0})
    new = remark("A_CHECK_OF_TOMORROW", *STATEMENT, {"value": "Resource"}, type_="WARNING")
    scripted({"findings": [same, new]})
    sid = {"Sid": "", **TYPO}
    answer = ask(json.dumps({"Version": "2012-10-17", "Statement": [sid]}), kind="identity")
    assert sides(answer) == {
        "INVALID_ACTION": "both",
        "EMPTY_SID_VALUE": "here",
        "A_CHECK_OF_TOMORROW": "Access Analyzer",
    }
    assert answer.facts["online"] == {
        "policies_answered": 1,
        "policies_not_answered": 0,
        "found_by_both": 1,
        "found_only_here": 1,
        "of_these_own_codes": 0,
        "found_only_by_access_analyzer": 1,
    }
    assert "1 found by both, 1 only offline, 1 only by Access Analyzer" in answer.summary


def test_a_finding_of_aws_alone_carries_its_code_severity_words_place_and_page(
    scripted: Callable[[Any], Script],
) -> None:
    scripted({"findings": [remark("A_CHECK_OF_TOMORROW", *STATEMENT, {"value": "Resource"})]})
    text = json.dumps(IDENTITY, indent=1)
    found = by_code(ask(text))["A_CHECK_OF_TOMORROW"]
    assert (found.severity, found.status) == (Severity.ERROR, Status.FAIL)
    assert found.message == "AWS says A_CHECK_OF_TOMORROW."
    assert found.source == "https://docs.aws.amazon.com/IAM/latest/UserGuide/page.html#x"
    assert found.where is not None
    assert found.where.pointer == "/Statement/0/Resource"
    assert found.where.line == text[: text.index('"*"')].count("\n") + 1


def test_a_code_that_a_rule_knows_brings_the_rules_fix(
    scripted: Callable[[Any], Script],
) -> None:
    scripted({"findings": [remark("PASS_ROLE_WITH_STAR_IN_RESOURCE", type_="SECURITY_WARNING")]})
    found = by_code(ask(BUCKET))["PASS_ROLE_WITH_STAR_IN_RESOURCE"]
    assert found.fix
    assert found.severity is Severity.SECURITY_WARNING
    assert found.where is not None
    assert found.where.pointer == ""


def test_a_larger_and_a_smaller_place_of_one_code_are_the_same_problem(
    scripted: Callable[[Any], Script],
) -> None:
    for path in ([], [{"value": "Statement"}], STATEMENT, [*STATEMENT, {"value": "Nowhere"}]):
        scripted({"findings": [remark("INVALID_ACTION", *path)]})
        assert sides(ask(IDENTITY))["INVALID_ACTION"] == "both"


def test_the_same_code_elsewhere_is_another_problem(scripted: Callable[[Any], Script]) -> None:
    good = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
    other = [{"value": "Statement"}, {"index": 1}, {"value": "Action"}]
    scripted({"findings": [remark("INVALID_ACTION", *other)]})
    answer = ask({"Version": "2012-10-17", "Statement": [TYPO, good]})
    rows = [(row["pointer"], row["found_by"]) for row in answer.facts["found_by"]]
    assert ("/Statement/0/Action", "here") in rows
    assert ("/Statement/1/Action", "Access Analyzer") in rows


KINDS: list[tuple[Any, dict[str, str], str, str | None]] = [
    (IDENTITY, {}, "IDENTITY_POLICY", None),
    (IDENTITY, {"kind": "boundary"}, "IDENTITY_POLICY", None),
    (IDENTITY, {"kind": "session"}, "IDENTITY_POLICY", None),
    (IDENTITY, {"kind": "scp"}, "SERVICE_CONTROL_POLICY", None),
    (BUCKET, {"kind": "rcp"}, "RESOURCE_CONTROL_POLICY", None),
    (BUCKET, {"kind": "resource"}, "RESOURCE_POLICY", None),
    (BUCKET, {"resource_type": "AWS::S3::Bucket"}, "RESOURCE_POLICY", "AWS::S3::Bucket"),
    (BUCKET, {"resource_type": "AWS::KMS::Key"}, "RESOURCE_POLICY", None),
    (TRUST, {}, "RESOURCE_POLICY", "AWS::IAM::AssumeRolePolicyDocument"),
]


@pytest.mark.parametrize(("document", "arguments", "type_", "resource"), KINDS)
def test_the_kind_decides_how_aws_reads_the_policy(
    scripted: Callable[[Any], Script],
    document: Any,
    arguments: dict[str, str],
    type_: str,
    resource: str | None,
) -> None:
    script = scripted({"findings": []})
    ask(document, **arguments)
    ((_, _, asked),) = script.calls
    assert asked["policyType"] == type_
    assert asked.get("validatePolicyResourceType") == resource
    assert json.loads(asked["policyDocument"]) == document


def test_every_policy_of_a_list_is_asked_about_in_one_region(
    scripted: Callable[[Any], Script],
) -> None:
    script = scripted({"findings": []})
    answer = ask([IDENTITY, TRUST], regions=["eu-west-1"])
    assert [region for _, region, _ in script.calls] == ["eu-west-1"] * 2
    assert answer.facts["online"]["policies_answered"] == 2
    assert {row["policy"] for row in answer.facts["found_by"]} == {"/0"}


def test_text_that_is_no_policy_is_not_sent(scripted: Callable[[Any], Script]) -> None:
    script = scripted({"findings": []})
    answer = ask('{"Statement": [}')
    assert script.calls == []
    assert [finding.code for finding in answer.findings] == ["JSON_SYNTAX_ERROR"]


def test_a_policy_beyond_every_limit_of_aws_is_not_sent_and_the_others_are(
    scripted: Callable[[Any], Script],
) -> None:
    script = scripted({"findings": []})
    huge = {**IDENTITY, "Id": "x" * access_analyzer.MOST_BYTES}
    answer = ask([huge, IDENTITY])
    assert len(script.calls) == 1
    (silent,) = (finding for finding in answer.findings if finding.status is Status.UNKNOWN)
    assert silent.resource == "/0"
    assert "not sent" in (silent.reason or "")
    assert "102,400" in (silent.reason or "")


REFUSALS: list[tuple[Any, str, bool]] = [
    (
        Refusal(
            "AccessDeniedException",
            f"User is not authorized to perform: {PERMISSION} on resource: *",
        ),
        "refused",
        True,
    ),
    (Refusal("ThrottlingException", "slow down", 429), "throttled", True),
    (Refusal("UnrecognizedClientException", "who?", 403), "not offered here", False),
    (Refusal("InternalServerException", "oops", 500), "failed, oops", True),
    (Refusal("ValidationException", "no policy", 400), "failed, no policy", True),
    (EndpointConnectionError(endpoint_url="https://nowhere.example"), "cannot be reached", False),
    (AwsError("the AWS session has expired", hint="`aws sso login`"), "expired", False),
]


@pytest.mark.parametrize(("answer", "says", "reached"), REFUSALS)
def test_where_aws_is_silent_it_says_so_and_the_offline_findings_stand(
    scripted: Callable[[Any], Script], answer: Any, says: str, *, reached: bool
) -> None:
    scripted(answer)
    asked = ask(IDENTITY)
    offline = tool.run({"action": "validate", "document": IDENTITY})
    failed = tuple(finding for finding in asked.findings if finding.status is Status.FAIL)
    assert failed == offline.findings
    (unknown,) = (finding for finding in asked.findings if finding.status is Status.UNKNOWN)
    assert unknown.code == "ONLINE_VALIDATION"
    assert says in (unknown.reason or "")
    assert PERMISSION in (unknown.reason or "")
    assert "only the offline findings are reported" in asked.summary
    assert asked.facts["online"].get("aws_read", True) is reached
    assert "demo" not in (unknown.reason or "")


def test_a_refusal_is_not_repeated_for_each_policy(scripted: Callable[[Any], Script]) -> None:
    script = scripted(Refusal("AccessDeniedException"))
    answer = ask([IDENTITY] * 5)
    assert len(script.calls) == 1
    assert answer.facts["online"]["policies_not_answered"] == 5
    assert sum(finding.status is Status.UNKNOWN for finding in answer.findings) == 1


def test_a_policy_that_aws_cannot_read_keeps_no_other_from_being_asked_about(
    scripted: Callable[[Any], Script],
) -> None:
    def read(asked: dict[str, Any], _region: str) -> Any:
        return (
            Refusal("ValidationException", "no", 400)
            if "s3:GetObjectt" in asked["policyDocument"]
            else {"findings": []}
        )

    scripted(read)
    answer = ask([IDENTITY, TRUST])
    assert answer.facts["online"]["policies_answered"] == 1
    assert [
        finding.resource for finding in answer.findings if finding.status is Status.UNKNOWN
    ] == ["/0"]


def test_without_credentials_the_offline_answer_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    answer = ask(IDENTITY)
    assert "INVALID_ACTION" in by_code(answer)
    assert "no AWS credentials were found" in (by_code(answer)["ONLINE_VALIDATION"].reason or "")


def test_the_command_prints_the_offline_answer_and_says_by_its_status_that_aws_was_not_read() -> (
    None
):
    words = ["policy", "validate", "--online", "--document", json.dumps(TRUST)]
    bare = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    done = subprocess.run(
        [sys.executable, "-m", "aws_iam", *words],
        env=bare | {"AWS_EC2_METADATA_DISABLED": "true"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3
    assert "No problems in what was judged of the policy" in done.stdout
    assert "no AWS credentials were found" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        {"profile": "p"},
        {"regions": ["eu-west-1"]},
        {"role_arn": "arn:aws:iam::111122223333:role/r"},
        {"external_id": "x"},
    ],
)
def test_account_arguments_without_online_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="needs `online`"):
        tool.run({"action": "validate", "document": IDENTITY, **arguments})


def test_a_region_that_does_not_exist_is_refused(scripted: Callable[[Any], Script]) -> None:
    scripted({"findings": []})
    with pytest.raises(InputError, match="is not an AWS Region"):
        ask(IDENTITY, regions=["eu-west-l"])


@pytest.mark.parametrize("argument", ["demo", "snapshot"])
def test_neither_the_demonstration_nor_a_snapshot_stands_in_for_aws(argument: str) -> None:
    with pytest.raises(InputError, match=f"has no argument `{argument}`"):
        ask(IDENTITY, **{argument: "x"})


def test_hostile_words_of_an_answer_stay_in_their_fields(
    scripted: Callable[[Any], Script],
) -> None:
    evil = {**remark("X\x1b[31m", {"value": "\u202e"}), "learnMoreLink": "javascript:alert(1)"}
    scripted({"findings": [evil]})
    (found,) = (finding for finding in ask(BUCKET).findings if finding.code.startswith("X"))
    assert (found.source or "").startswith("https://docs.aws.amazon.com/")


def test_both_sides_go_into_a_report(scripted: Callable[[Any], Script]) -> None:
    scripted({"findings": [remark("A_CHECK_OF_TOMORROW", *STATEMENT)]})
    (made,) = ask(IDENTITY, format="sarif").artifacts
    rules = {result["ruleId"] for result in json.loads(made.content)["runs"][0]["results"]}
    assert {"A_CHECK_OF_TOMORROW", "INVALID_ACTION"} <= rules


def test_silence_is_an_open_result_and_a_skipped_test(scripted: Callable[[Any], Script]) -> None:
    scripted(Refusal("AccessDeniedException"))
    (made,) = ask(TRUST, format="sarif").artifacts
    kinds = [result["kind"] for result in json.loads(made.content)["runs"][0]["results"]]
    assert kinds == ["open"]
    (made,) = ask(TRUST, format="junit").artifacts
    assert "<skipped" in made.content


TEMPLATE = {
    "Resources": {
        "Read": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": "s3:GetObjectt",
                            "Resource": {"Ref": "Bucket"},
                        }
                    ],
                }
            },
        }
    }
}


def test_what_aws_says_of_a_value_known_only_at_deployment_is_not_taken(
    scripted: Callable[[Any], Script],
) -> None:
    stand_in = remark("INVALID_ARN_RESOURCE", *STATEMENT, {"value": "Resource"}, {"index": 0})
    beside = remark("A_CHECK_OF_TOMORROW", *STATEMENT, {"value": "Effect"})
    script = scripted({"findings": [stand_in, beside]})
    found = by_code(ask(TEMPLATE))
    assert script.calls
    assert "INVALID_ARN_RESOURCE" not in found
    assert "Read" in (found["A_CHECK_OF_TOMORROW"].resource or "")
