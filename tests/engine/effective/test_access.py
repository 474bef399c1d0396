"""What policies allow in effect: held against a judge of single requests that knows nothing of sets."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_iam.engine.effective.access import Access, access
from aws_iam.engine.effective.escalation import possible_paths
from aws_iam.engine.language.pattern import matches
from aws_iam.engine.sources.gather import one_policy
from helpers.tables.examples import examples

B = "arn:aws:s3:::amzn-s3-demo-bucket"
# Requests of each action: real resources that the action works on, `*` where it works on none.
REQUESTS = {
    "s3:GetObject": [f"{B}/a", f"{B}/secret/b", "arn:aws:s3:::other/c"],
    "s3:PutObject": [f"{B}/a", f"{B}/secret/b", "arn:aws:s3:::other/c"],
    "s3:ListBucket": [B, "arn:aws:s3:::other"],
    "s3:ListAllMyBuckets": ["*"],
    "iam:PassRole": ["arn:aws:iam::111122223333:role/app", "arn:aws:iam::111122223333:role/t/x"],
    "sqs:SendMessage": ["arn:aws:sqs:eu-west-1:111122223333:jobs"],
}
ACTIONS = [
    "*",
    "s3:*",
    "s3:Get*",
    "S3:getobject",
    "s3:ListBucket",
    "s3:List*",
    "iam:PassRole",
    "sqs:*",
]
RESOURCES = [
    "*", B, f"{B}/*", f"{B}*", f"{B}/secret/*", "arn:aws:s3:::*", "arn:aws:iam::*:role/*",
    "arn:aws:iam::111122223333:role/t/*", "arn:aws:sqs:*:*:jobs",
]  # fmt: skip


def some(values: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=3)


STATEMENTS = st.builds(
    lambda effect, action, names, target, resources: {
        "Effect": effect,
        action: names,
        target: resources,
    },
    st.sampled_from(["Allow", "Deny"]),
    st.sampled_from(["Action", "Action", "Action", "Action", "NotAction"]),
    some(ACTIONS),
    st.sampled_from(["Resource", "Resource", "NotResource"]),
    some(RESOURCES),
)


def applies(statement: dict[str, list[str]], action: str, resource: str) -> bool:
    named = any(
        matches(entry, action, ignore_case=True)
        for entry in statement.get("Action", statement.get("NotAction", []))
    )
    on = any(
        matches(entry, resource)
        for entry in statement.get("Resource", statement.get("NotResource", []))
    )
    return named is ("Action" in statement) and on is ("Resource" in statement)


def allowed(statements: list[dict[str, list[str]]], action: str, resource: str) -> bool:
    effects = {
        str(statement["Effect"])
        for statement in statements
        if applies(statement, action, resource)
    }
    return "Allow" in effects and "Deny" not in effects


def of(*statements: object) -> Access:
    return access([one_policy({"Version": "2012-10-17", "Statement": list(statements)})])


@given(statements=st.lists(STATEMENTS, min_size=1, max_size=4))
@settings(max_examples=examples(25), deadline=None)
def test_no_request_that_is_allowed_is_missing_and_what_is_free_is_always_allowed(
    statements: list[dict[str, list[str]]],
) -> None:
    found = of(*statements)
    for action, resources in REQUESTS.items():
        reach = found.reach(action)
        granted = [allowed(statements, action, resource) for resource in resources]
        assert reach or not any(granted)
        assert action.lower() not in found.removed or not any(granted)
        # NotResource counts as everywhere though it leaves a few out.
        plain = all("Resource" in statement for statement in statements)
        assert not (reach and reach.free and plain) or all(granted)


@given(statements=st.lists(STATEMENTS, min_size=1, max_size=3), extra=STATEMENTS)
@settings(max_examples=examples(12), deadline=None)
def test_an_allow_more_takes_nothing_away_and_a_deny_more_adds_nothing(
    statements: list[dict[str, list[str]]], extra: dict[str, list[str]]
) -> None:
    before, after = of(*statements), of(*statements, extra)
    less, more = (before, after) if str(extra["Effect"]) == "Allow" else (after, before)
    assert less.actions.keys() <= more.actions.keys()


def allow(action: object, resource: object = "*", **more: object) -> dict[str, object]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: object, resource: object = "*", **more: object) -> dict[str, object]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


@pytest.mark.parametrize(
    ("action", "resource", "everywhere"),
    [
        ("s3:GetObject", "arn:aws:s3:::*", True),
        ("s3:GetObject", "arn:aws:s3:::*/*", True),
        ("s3:GetObject", f"{B}/*", False),
        ("iam:PassRole", "arn:aws:iam::111122223333:role/*", True),
        ("iam:PassRole", "arn:aws:iam::*:role/team/*", False),
        ("dynamodb:GetItem", "arn:aws:dynamodb:eu-west-1:111122223333:table/*", False),
        ("dynamodb:GetItem", "arn:aws:dynamodb:*:*:table/*", True),
        ("ssm:StartSession", "arn:aws:ssm:*:*:document/*", False),
        ("ssm:StartSession", "arn:aws:ec2:*:*:instance/*", True),
        ("ssm:SendCommand", "arn:aws:ec2:*:*:instance/*", None),
    ],
)
def test_a_pattern_that_leaves_no_resource_of_the_action_out_is_everywhere(
    action: str, resource: str, *, everywhere: bool | None
) -> None:
    reach = of(allow(action, resource)).reach(action)
    assert reach
    # A command needs a document beside the instance.
    assert reach.everywhere is bool(everywhere)


DOCUMENTS = (
    "arn:aws:ssm:*::document/AWS-RunShellScript", "arn:aws:ssm:eu-west-1::document/AWS-RunShellScript",
    "arn:aws:ssm:*:111122223333:document/own", "arn:aws:ssm:*:*:document/*", "*",
)  # fmt: skip
INSTANCES = (
    "arn:aws:ec2:*:*:instance/*", "arn:aws:ec2:eu-west-1:111122223333:instance/*", "arn:aws:ec2:eu-west-1:111122223333:instance/i-1",
    "*",
)  # fmt: skip


@pytest.mark.parametrize("instance", INSTANCES)
@pytest.mark.parametrize("run", DOCUMENTS)
def test_a_command_is_allowed_alike_by_one_statement_and_by_one_for_each_resource(
    run: str, instance: str
) -> None:
    command = "ssm:SendCommand"
    together = of(allow(command, [run, instance]))
    parted = of(allow(command, run), allow(command, instance))
    graded = [
        [
            (path.path.id, path.severity, path.limited, path.regional)
            for path in possible_paths(own)
        ]
        for own in (together, parted)
    ]
    assert graded[0] == graded[1]
    assert graded[0]


def test_a_document_under_a_condition_does_not_open_all_instances() -> None:
    command, mfa = "ssm:SendCommand", {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    document = allow(command, DOCUMENTS[0], Condition=mfa)
    reach = of(document, allow(command, INSTANCES[0])).reach(command)
    assert reach
    assert not reach.everywhere


def test_actions_that_meet_none_of_the_resources_are_not_allowed() -> None:
    found = of(allow("s3:*", f"{B}/*"))
    assert found.reach("s3:GetObject")
    assert found.reach("s3:ListBucket") is None
    assert found.reach("s3:ListAllMyBuckets") is None
    assert found.removed == frozenset()


def test_a_deny_with_conditions_or_for_some_principals_takes_a_part_only() -> None:
    mfa = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
    reach = of(allow("s3:GetObject"), deny("s3:*", Condition=mfa)).reach("s3:GetObject")
    assert reach
    assert len(reach.denied_by) == 1
    assert not reach.free
    role = {"AWS": "arn:aws:iam::111122223333:role/app"}
    some_principal = of(
        allow("s3:GetObject", f"{B}/*", Principal="*"),
        deny("s3:*", f"{B}/*", Principal=role),
    ).reach("s3:GetObject")
    assert some_principal
    everyone = of(
        allow("s3:GetObject", f"{B}/*", Principal=role),
        deny("s3:*", f"{B}/*", Principal={"AWS": "*"}),
    )
    assert everyone.removed == {"s3:getobject"}


def test_a_deny_of_the_same_variable_is_the_same_resource() -> None:
    home = f"{B}/${{aws:username}}/*"
    assert (
        of(allow("s3:GetObject", home), deny("s3:GetObject", home)).reach("s3:GetObject") is None
    )
    other = of(allow("s3:GetObject", f"{B}/*"), deny("s3:GetObject", home))
    assert other.reach("s3:GetObject")


def test_an_action_whose_requests_never_have_a_demanded_key_is_not_allowed() -> None:
    bound = {"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::111122223333:policy/limit"}}
    found = of(allow("iam:*", Condition=bound))
    assert found.reach("iam:CreateUser")
    assert found.reach("iam:CreatePolicyVersion") is None
    service = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    both = of(allow(["iam:PassRole", "lambda:CreateFunction"], Condition=service))
    assert both.reach("iam:PassRole")
    assert both.reach("lambda:CreateFunction") is None
    optional = {"StringEqualsIfExists": {"iam:PassedToService": "lambda.amazonaws.com"}}
    assert of(allow("lambda:CreateFunction", Condition=optional)).reach("lambda:CreateFunction")


def test_a_deny_on_a_key_that_the_action_never_has_takes_nothing_away() -> None:
    prefix = {"StringLike": {"s3:prefix": "secret/*"}}
    reach = of(allow("s3:GetObject"), deny("s3:GetObject", Condition=prefix)).reach("s3:GetObject")
    assert reach
    assert reach.free
