"""The narrower form of a policy: what it drops and splits, always equal to the policy, and absent where nothing is gained."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_iam.answer import Severity
from aws_iam.engine.comparison.compare import compare
from aws_iam.engine.effective.action_expansion import Expansion
from aws_iam.engine.effective.targets import Targets
from aws_iam.engine.explain.narrower import NarrowerPolicy, narrower
from aws_iam.engine.sources.gather import one_policy
from aws_iam.rules.policy.run import validate
from aws_iam.tools.policy.actions import tool
from helpers.tables.examples import examples

BUCKET = "arn:aws:s3:::amzn-s3-demo-bucket"
QUEUE = "arn:aws:sqs:eu-west-1:111122223333:jobs"


def allow(action: object, resource: object, **more: object) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def document(*statements: object) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def form_of(policy: object, kind: str = "identity") -> NarrowerPolicy | None:
    expansion = Expansion()
    return narrower(one_policy(policy, kind), expansion, Targets.of(expansion))


NARROWED = [
    (
        "each action with the resources it works on",
        [allow(["s3:ListBucket", "s3:GetObject"], [BUCKET, f"{BUCKET}/*"], Sid="Read")],
        [
            allow("s3:ListBucket", BUCKET, Sid="ReadPart1"),
            allow("s3:GetObject", f"{BUCKET}/*", Sid="ReadPart2"),
        ],
        ["splits it into 2 statements, each with the resources that its actions work on"],
    ),
    (
        "an action that a pattern covers, and one written twice",
        [allow(["s3:GetObject", "s3:getobject", "s3:Get*"], f"{BUCKET}/*")],
        [allow("s3:Get*", f"{BUCKET}/*")],
        ["drops `s3:GetObject` and `s3:getobject`, which another entry covers"],
    ),
    (
        "a resource that a pattern covers",
        [allow("sqs:SendMessage", [QUEUE, "arn:aws:sqs:eu-west-1:111122223333:*"])],
        [allow("sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:*")],
        [f"drops `{QUEUE}`, which another entry covers"],
    ),
    (
        "an action and a resource that never meet",
        [allow(["s3:GetObject", "sqs:SendMessage"], [f"{BUCKET}/*", "arn:aws:sns:eu-west-1:111122223333:news"])],
        [allow("s3:GetObject", f"{BUCKET}/*")],
        [
            ("drops `sqs:SendMessage`, which works on none of the resources;"
            " drops `arn:aws:sns:eu-west-1:111122223333:news`, on which no action works")
        ],
    ),
    (
        "conditions stay with both parts",
        [allow(["s3:ListBucket", "s3:GetObject"], [BUCKET, f"{BUCKET}/*"], Condition={"Bool": {"aws:SecureTransport": "true"}})],
        [
            allow("s3:ListBucket", BUCKET, Condition={"Bool": {"aws:SecureTransport": "true"}}),
            allow("s3:GetObject", f"{BUCKET}/*", Condition={"Bool": {"aws:SecureTransport": "true"}}),
        ],
        ["splits it into 2 statements, each with the resources that its actions work on"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("statements", "expected", "changes"),
    [case[1:] for case in NARROWED],
    ids=[case[0] for case in NARROWED],
)
def test_a_statement_gets_its_narrower_form(
    statements: list[Any], expected: list[Any], changes: list[str]
) -> None:
    form = form_of(document(*statements))
    assert form is not None
    assert json.loads(form.text)["Statement"] == expected
    assert [change for _, change in form.changes] == changes


@pytest.mark.parametrize(
    "policy",
    [
        document(allow("s3:GetObject", f"{BUCKET}/*")),
        document(allow(["s3:GetObject", "s3:Unheard"], f"{BUCKET}/*")),
        document(allow("s3:GetObject", ["arn:aws:s3:::home/${aws:username}/*", f"{BUCKET}/*"])),
        document({"Effect": "Deny", "Action": ["s3:Get*", "s3:GetObject"], "Resource": "*"}),
        document({"Effect": "Allow", "NotAction": ["s3:Get*", "s3:GetObject"], "Resource": "*"}),
        document(*[allow("s3:GetObject", f"{BUCKET}/{n}/*") for n in range(60)]),
        document(allow("sqs:SendMessage", f"{BUCKET}/*")),
        # The reference lists no resource type for these, which does not prove that they have none.
        document(allow(["kms:ListKeys", "kms:DescribeKey"], "arn:aws:kms:*:111122223333:key/*")),
        document(
            allow("logs:DescribeLogGroups", "arn:aws:logs:eu-west-1:111122223333:log-group:*"),
            allow("logs:GetQueryResults", "*"),
        ),
    ],
)
def test_a_policy_without_a_narrower_form_has_none(policy: object) -> None:
    assert form_of(policy) is None


def test_a_limit_is_left_alone() -> None:
    assert form_of(document(allow(["s3:Get*", "s3:GetObject"], "*")), "scp") is None


ACTIONS = ["s3:GetObject", "s3:Get*", "s3:ListBucket", "s3:*", "sqs:SendMessage", "ec2:Describe*", "s3:Nope", "s3:getobject"]  # fmt: skip
RESOURCES = ["*", BUCKET, f"{BUCKET}/*", f"{BUCKET}*", QUEUE, "arn:aws:sqs:*:*:*", f"{BUCKET}/${{aws:username}}/*"]  # fmt: skip
STATEMENTS = st.builds(
    allow,
    st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=4),
    st.lists(st.sampled_from(RESOURCES), min_size=1, max_size=4),
)


@given(statements=st.lists(STATEMENTS, min_size=1, max_size=3))
@settings(max_examples=examples(60), deadline=None)
def test_the_form_is_equal_and_as_valid_as_the_policy(statements: list[Any]) -> None:
    policy = document(*statements)
    form = form_of(policy)
    if form is None:
        return
    assert compare(form.text, policy).relation == "equal"
    errors = {f.code for f in validate(policy, "identity") if f.severity is Severity.ERROR}
    assert {
        f.code for f in validate(form.text, "identity") if f.severity is Severity.ERROR
    } <= errors


def test_explain_gives_the_form_as_a_file_and_says_what_it_changes() -> None:
    policy = document(allow(["s3:ListBucket", "s3:GetObject"], [BUCKET, f"{BUCKET}/*"]))
    answer = tool.run({"action": "explain", "document": policy})
    (artifact,) = answer.artifacts
    assert (artifact.name, artifact.checked_by) == (
        "narrower.json",
        "policy compare: equal to the policy",
    )
    assert [row["pointer"] for row in answer.facts["narrower"]] == ["/Statement/0"]
    several = tool.run({"action": "explain", "document": [policy, policy]})
    assert [artifact.name for artifact in several.artifacts] == [
        "0-narrower.json",
        "1-narrower.json",
    ]
