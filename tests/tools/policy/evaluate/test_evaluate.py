"""`policy evaluate`: the decision in words and as data, by tool and by command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam import evaluate
from aws_iam.cli import command_line
from aws_iam.errors import InputError
from aws_iam.report.answer_text import markdown
from aws_iam.tools.policy.actions import tool

if TYPE_CHECKING:
    from aws_iam.answer import Answer

ROLE = "arn:aws:iam::111122223333:role/app"
REQUEST = {"principal": ROLE, "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k"}
ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def decide(policies: dict[str, Any], **request: Any) -> Answer:
    return tool.run(
        {"action": "evaluate", "request": {**REQUEST, **request}, "policies": policies}
    )


def test_an_allowed_request_names_the_statement_that_granted_it() -> None:
    answer = decide({"identity": [document({**ALLOW, "Action": "sqs:*"}, ALLOW)]})
    assert answer.decision
    assert answer.decision.outcome == "Allowed"
    (because,) = answer.decision.because
    assert (because.layer, because.policy, because.pointer) == (
        "identity",
        "/identity/0",
        "/Statement/1",
    )
    assert answer.summary.startswith("Allowed: `s3:GetObject`")


def test_every_layer_that_blocks_is_named() -> None:
    answer = decide({"identity": [document()], "boundary": [document()], "scp": [[document()]]})
    assert answer.decision
    assert answer.decision.outcome == "ImplicitlyDenied"
    assert set(answer.decision.blocked_by) == {"identity", "boundary", "scp"}
    assert "Blocked by" in markdown(answer)


def test_a_missing_key_that_decides_is_told() -> None:
    condition = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}
    answer = decide({"identity": [document({**ALLOW, **condition})]})
    assert answer.decision
    assert "aws:MultiFactorAuthPresent" in answer.decision.missing_keys
    (row,) = answer.facts["hangs_on"]
    assert row["outcome"] == "Allowed"


def test_the_summary_says_which_missing_key_decides() -> None:
    inside = {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "*",
        "Condition": inside,
    }
    allow = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    policies = {"identity": document(allow), "resource": document(deny)}
    assert "it would be Allowed if the conditions on `aws:SourceVpce` were not met." in (
        decide(policies).summary
    )
    assert "depends" not in decide({"identity": document(allow)}).summary


def test_of_several_resources_all_must_be_allowed() -> None:
    policies = {"identity": [document({**ALLOW, "Resource": "arn:aws:s3:::b/k"})]}
    answer = decide(policies, resource=["arn:aws:s3:::b/k", "arn:aws:s3:::b/other"])
    assert answer.decision
    assert answer.decision.outcome == "ImplicitlyDenied"
    outcomes = [row["outcome"] for row in answer.facts["parts_of_the_call"]]
    assert outcomes == ["Allowed", "ImplicitlyDenied"]


@pytest.mark.parametrize(
    ("request_", "policies", "says"),
    [
        ("{", {}, "`request` is not JSON"),
        (REQUEST, "{", "the policies are not valid JSON"),
        (REQUEST, {"spc": []}, "`spc` is not a layer"),
        ({**REQUEST, "principle": "x"}, {}, "no field `principle`"),
        ({**REQUEST, "resource": []}, {}, "must be one ARN or a list"),
    ],
)
def test_what_cannot_be_decided_is_refused(request_: Any, policies: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        tool.run({"action": "evaluate", "request": request_, "policies": policies})


def test_the_command_line_reads_request_and_policies(tmp_path: Any, capsys: Any) -> None:
    layers = tmp_path / "layers.json"
    guardrail = {**ALLOW, "Effect": "Deny"}
    layers.write_text(
        json.dumps({"identity": [document(ALLOW)], "scp": [[document(guardrail)]]}),
        encoding="utf-8",
    )
    arguments = ["policy", "evaluate", "--request", json.dumps(REQUEST)]
    assert command_line.main([*arguments, "--policies", str(layers), "--json"], {}) == 0
    said = json.loads(capsys.readouterr().out)["decision"]
    assert said["outcome"] == "ExplicitlyDenied"
    assert said["because"][0]["policy"] == "/scp/0/0"
    assert command_line.main([*arguments, "--policies", str(layers)], {}) == 0
    assert "ExplicitlyDenied" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({}, "it is taken to belong to 111122223333, the caller's account"),
        ({"resource_account": "444455556666"}, ""),
        ({"principal": "*", "resource_account": "444455556666"}, ""),
        ({"resource": "arn:aws:sqs:eu-west-1:111122223333:q", "action": "sqs:SendMessage"}, ""),
        ({"resource": "*", "action": "s3:ListAllMyBuckets"}, ""),
    ],
)
def test_the_summary_says_whose_a_bucket_is_taken_to_be(more: dict[str, Any], says: str) -> None:
    summary = decide({"identity": document(ALLOW)}, **more).summary
    assert ("taken to belong" in summary) is bool(says)
    assert says in summary


def test_the_library_decides_the_same() -> None:
    decision = evaluate(REQUEST, {"identity": document(ALLOW)})
    assert decision.outcome == "Allowed"
    assert decision == decide({"identity": document(ALLOW)}).decision


USER = "arn:aws:iam::111122223333:user/dev"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
SESSION = "arn:aws:sts::111122223333:assumed-role"


@pytest.mark.parametrize(
    ("request_", "policies", "says"),
    [
        ({"action": "kms:Decrypt", "resource": KEY}, {}, ["always has a key policy", "a grant on the key"]),
        ({"action": "sts:AssumeRole", "resource": ROLE}, {}, ["always has a trust policy"]),
        (
            {"principal": "arn:aws:iam::111122223333:root", "action": "s3:PutBucketPolicy", "resource": "arn:aws:s3:::b"},
            {},
            ["even if the bucket policy denies it"],
        ),
        (
            {"principal": USER, "action": "iam:ListUsers", "resource": "*", "context": {"aws:TokenIssueTime": "2026-11-02T09:00:00Z"}},
            {},
            ["only if MFA was used"],
        ),
        ({"principal": f"{SESSION}/AWSServiceRoleForSupport/x"}, {"scp": [[document()]]}, ["looks like a service-linked role"]),
        (
            {"principal": f"{SESSION}/app/i-1"},
            {"identity": document({**ALLOW, "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/team/*"}}})},
            ["does not include the path of its role"],
        ),
        (
            {"context": {"s3:prefix": "x"}},
            {"identity": document({**ALLOW, "Condition": {"StringEquals": {"s3:prefix": "x"}}})},
            ["s3:GetObject never include `s3:prefix`"],
        ),
        ({"action": "cloudwatch:PutMetricData", "resource": "*"}, {}, ["a resource if the call names one"]),
    ],
)  # fmt: skip
def test_what_the_outcome_does_not_say_is_noted(
    request_: dict[str, Any], policies: dict[str, Any], says: list[str]
) -> None:
    notes = " ".join(decide(policies, **request_).facts["notes"])
    for words in says:
        assert words in notes


@pytest.mark.parametrize(
    ("action", "resource", "says"),
    [
        ("s3:GetObjekt", "arn:aws:s3:::b/k", "did you mean `s3:GetObject`?"),
        (["s3:GetObject", "s3:ListBucket"], "arn:aws:s3:::b/k", "AWS authorizes s3:ListBucket on"),
        ("s3:GetObject", "*", "give its ARN for an exact answer"),
        ("sqs:ListQueues", "arn:aws:sqs:eu-west-1:111122223333:q", "AWS authorizes it on `*`"),
    ],
)
def test_a_decision_on_what_aws_never_asks_for_says_so(
    action: Any, resource: str, says: str
) -> None:
    everything = document({"Effect": "Allow", "Action": "*", "Resource": "*"})
    answer = decide({"identity": everything}, action=action, resource=resource)
    assert says in answer.summary


def test_a_value_that_allows_and_keeps_from_a_deny_is_told() -> None:
    wanted = document(
        {**ALLOW, "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-example"}}},
        {
            **ALLOW,
            "Effect": "Deny",
            "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-example"}},
        },
    )
    rows = decide({"identity": wanted}).facts["hangs_on"]
    assert {row["if_its_conditions_were"]: row["outcome"] for row in rows} == {
        "not met": "ImplicitlyDenied",
        "judged by `o-example`": "Allowed",
    }


def test_keys_that_open_the_request_only_together_are_told_together() -> None:
    both = {
        "Bool": {"aws:MultiFactorAuthPresent": "true"},
        "StringEquals": {"aws:PrincipalTag/team": "a"},
    }
    answer = decide({"identity": document({**ALLOW, "Condition": both})})
    assert answer.decision
    assert answer.decision.missing_keys == ("aws:MultiFactorAuthPresent", "aws:PrincipalTag/team")
    assert answer.facts["hangs_on"] == [
        {
            "missing_key": "aws:MultiFactorAuthPresent and aws:PrincipalTag/team",
            "if_its_conditions_were": "met",
            "outcome": "Allowed",
        }
    ]


def test_the_parts_that_the_call_names_are_not_asked_for_again() -> None:
    named = ["arn:aws:ec2:eu-west-1:111122223333:instance/*", "arn:aws:ec2:eu-west-1::image/ami-1"]
    answer = decide({"identity": document()}, action="ec2:RunInstances", resource=named)
    parts = [row["resource"] for row in answer.facts["parts_of_the_call"]]
    assert parts[:2] == named
    assert "a subnet" in parts
    assert not {"an instance", "an image"} & set(parts)
