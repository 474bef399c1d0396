"""Forms of one meaning that people write, beside those of the questions in tests/cases/assistant: each is read, and none is a guess."""

from __future__ import annotations

from typing import Any

import pytest

from aws_iam.engine.language.aws_names import checked_account
from aws_iam.engine.reference.attachment_types import attachment_type_named
from aws_iam.errors import AwsError, InputError
from aws_iam.tools.kit.argument_values import folded
from aws_iam.tools.kit.policy_layers import by_layer
from aws_iam.tools.kms.check import AREAS
from aws_iam.tools.kms.checks.catalogue import CODES
from aws_iam.tools.registry import tools
from aws_iam.tools.secrets.rotation_schedule import parse_schedule, understood_schedule

TOOLS = {tool.name: tool for tool in tools()}
POLICY = {"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
TRUST = {"provider": "github", "account": "111122223333", "repository": "octo/app"}


@pytest.mark.parametrize(
    ("written", "runtime"),
    [
        ("AWS_LAMBDA", "lambda"),
        ("aws-lambda", "lambda"),
        ("aws.ecs", "ecs"),
        ("Amazon-EKS", "eks"),
        ("amazon_ecs_fargate", "ecs"),
    ],
)
def test_a_vendor_in_front_of_a_value_says_nothing(written: str, runtime: str) -> None:
    answer = TOOLS["secrets"].run({"action": "snippet", "runtime": written})
    assert f" for {runtime} and " in answer.summary


GITHUB = {"action": "trust_policy", "provider": "github", "account": "111122223333"}
RUN = {"action": "run", "demo": True, "controls": "root_mfa"}
ROTATION = {"action": "rotation", "target": "rds", "engine": "mysql"}
SAID = [
    (
        "irsa",
        {**GITHUB, "repository": "octo/app", "branch": "main"},
        "`repository` `octo/app` as `owner` `octo` and `repository` `app`",
    ),
    (
        "irsa",
        {**GITHUB, "repository": "https://github.com/octo/app", "branch": "refs/heads/main"},
        "`repository` `https://github.com/octo/app` and `branch` `refs/heads/main` as `owner` `octo`, `repository` `app` and `branch` `main`",
    ),
    (
        "irsa",
        {
            "action": "manifest",
            "provider": "eks",
            "role": "arn:aws:iam::111122223333:role/app",
            "service_account": "shop:web",
        },
        "`service_account` `shop:web` as `namespace` `shop` and `service_account` `web`",
    ),
    ("audit", {**RUN, "severity": "HIGH"}, "`severity` `HIGH` as `high`"),
    ("audit", {**RUN, "severity": ["high"]}, "`severity`: the only one of the list, `high`"),
    ("policy", {"action": "lookup", "query": ["s3:GetObject"]}, None),
    ("secrets", {**ROTATION, "schedule": "30"}, "`schedule` `30` as every 30 days"),
    ("secrets", {**ROTATION, "schedule": "rate(30 days)"}, None),
    ("irsa", {**GITHUB, "owner": "octo", "repository": "app", "branch": "main"}, None),
    ("audit", {**RUN, "severity": "high"}, None),
]


@pytest.mark.parametrize(("tool", "arguments", "said"), SAID)
def test_what_was_understood_otherwise_is_said_in_a_line(
    tool: str, arguments: dict[str, Any], said: str | None
) -> None:
    understood = TOOLS[tool].run(arguments).facts.get("understood", [])
    assert understood == ([said] if said else [])


@pytest.mark.parametrize("written", ["1111-2222-3333", "1111 2222 3333", " 111122223333 "])
def test_an_account_is_read_as_the_console_shows_it(written: str) -> None:
    assert checked_account("account", written) == "111122223333"
    answer = TOOLS["irsa"].run(
        {"action": "trust_policy", **TRUST, "branch": "main", "account": written}
    )
    assert "arn:aws:iam::111122223333:oidc-provider/" in answer.artifacts[0].content
    assert answer.findings == ()


@pytest.mark.parametrize("written", ["1111-22223333", "1111-2222-333", "11112222-3333"])
def test_other_groups_of_digits_are_no_account(written: str) -> None:
    with pytest.raises(InputError, match="`account` is not well formed"):
        checked_account("account", written)


@pytest.mark.parametrize(
    ("ref", "subject"),
    [("refs/heads/main", "ref:refs/heads/main"), ("refs/tags/v1", "ref:refs/tags/v1")],
)
@pytest.mark.parametrize("name", ["ref", "git_ref", "gitRef"])
def test_a_whole_ref_is_a_branch_or_a_tag(name: str, ref: str, subject: str) -> None:
    answer = TOOLS["irsa"].run({"action": "trust_policy", **TRUST, name: ref})
    assert answer.facts["subject"] == f"repo:octo/app:{subject}"


@pytest.mark.parametrize(
    ("written", "namespace", "name"),
    [
        ("kube-system:aws-node", None, "kube-system:aws-node"),
        ("kube-system/aws-node", None, "kube-system:aws-node"),
        ("system:serviceaccount:web:api", "web", "web:api"),
    ],
)
def test_a_service_account_may_have_its_namespace(
    written: str, namespace: str | None, name: str
) -> None:
    given = {"namespace": namespace} if namespace else {}
    issuer = "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"
    call = {"provider": "eks", "account": "111122223333", "issuer": issuer, **given}
    answer = TOOLS["irsa"].run({"action": "trust_policy", **call, "service_account": written})
    assert answer.facts["subject"] == f"system:serviceaccount:{name}"


def test_a_namespace_beside_another_one_is_refused() -> None:
    issuer = "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"
    call = {"provider": "eks", "account": "111122223333", "issuer": issuer, "namespace": "web"}
    with pytest.raises(InputError, match="`service_account` is not well formed"):
        TOOLS["irsa"].run({"action": "trust_policy", **call, "service_account": "api:x"})


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("trust", "resource"),
        ("assumeRolePolicyDocument", "resource"),
        ("queue policy", "resource"),
        ("Identity-based policies", "identity"),
        ("inlinePolicies", "identity"),
        ("attached_managed_policies", "identity"),
        ("role policy", "identity"),
        ("s3_bucket_policy", "resource"),
        ("kmsKeyPolicy", "resource"),
        ("service_control_policy", "scp"),
    ],
)
def test_other_names_of_layers(name: str, layer: str) -> None:
    layers, facts = by_layer({name: POLICY})
    assert layers == {layer: POLICY}
    assert facts == {"understood": [f"`{name}` as the layer `{layer}`"]}


LIMIT = {"Statement": {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}}
DENIAL = {"Statement": {"Effect": "Deny", "Action": "ec2:*", "Resource": "*"}}
INLINE = {"RoleName": "app", "PolicyName": "p", "PolicyDocument": POLICY}
TRUSTED = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
ROLE = {"Role": {"RoleName": "app", "AssumeRolePolicyDocument": {"Statement": TRUSTED}}}
BESIDE = "policies of one level"
BY_LEVEL = "one level for each name"


@pytest.mark.parametrize(
    ("given", "taken", "said"),
    [
        (INLINE, {"identity": [INLINE]}, "`policies` as the layer `identity`"),
        ([INLINE, LIMIT], {"identity": [INLINE, LIMIT]}, "`policies` as the layer `identity`"),
        (
            [INLINE, ROLE],
            {"identity": [INLINE], "resource": [ROLE]},
            "`policies` as the layer `identity` and `resource`",
        ),
        (
            {"inline_policies": [POLICY], "managed_policies": "ReadOnlyAccess"},
            {"identity": [POLICY, "ReadOnlyAccess"]},
            "`managed_policies` as the layer `identity`",
        ),
        (
            {"identity": {"own": POLICY, "of AWS": "ReadOnlyAccess"}},
            {"identity": [POLICY, "ReadOnlyAccess"]},
            "`identity` as policies by name",
        ),
        (
            {"scp": {"root": ["FullAWSAccess"], "Workloads OU": [LIMIT], "account": POLICY}},
            {"scp": [["FullAWSAccess"], [LIMIT], [POLICY]]},
            f"`scp` as {BY_LEVEL}",
        ),
        (
            {"SCPs": {"r-ab12": POLICY, "ou-ab12-34567890": LIMIT, "111122223333": POLICY}},
            {"scp": [[POLICY], [LIMIT], [POLICY]]},
            f"`scp` as {BY_LEVEL}",
        ),
        (
            {"scp": {"FullAWSAccess": POLICY, "DenyCompute": DENIAL}},
            {"scp": [[POLICY, DENIAL]]},
            f"`scp` as {BESIDE}",
        ),
    ],
)
def test_policies_in_answers_of_the_cli_and_under_names(
    given: Any, taken: dict[str, Any], said: str
) -> None:
    layers, facts = by_layer(given)
    assert layers == taken
    assert facts["understood"][-1] == said


@pytest.mark.parametrize(
    "given",
    [{"workloads": POLICY, "prod": LIMIT}, {"root": POLICY, "workloads": LIMIT}],
    ids=str,
)
def test_names_that_can_be_levels_or_policies_are_refused(given: Any) -> None:
    with pytest.raises(InputError, match="can be levels of the organization or policies of one"):
        by_layer({"scp": given})


@pytest.mark.parametrize(
    ("written", "days"),
    [
        ("30", 30),
        ("daily", 1),
        ("every week", 7),
        ("2 weeks", 14),
        ("monthly", 30),
        ("every month", 30),
        ("Quarterly", 90),
        ("every 3 months", 90),
        ("every quarter", 90),
        ("yearly", 365),
        ("every 2 years", 730),
    ],
)
def test_periods_are_days(written: str, days: int) -> None:
    assert parse_schedule(written).days == days
    said = f"`schedule` `{written}` as every {days} day{'s' if days > 1 else ''}"
    assert understood_schedule(written) == [said]


@pytest.mark.parametrize("area", AREAS)
def test_an_area_of_keys_selects_checks(area: str) -> None:
    assert any(code.startswith(AREAS[area]) for code in CODES)
    # It is refused for want of credentials alone.
    with pytest.raises(AwsError, match="no AWS credentials"):
        TOOLS["kms"].run({"action": "check", "scope": area.replace("_", " ")})


def test_a_service_with_one_type_of_policy_names_it() -> None:
    assert attachment_type_named("sqs").name == "AWS::SQS::Queue"
    with pytest.raises(InputError, match=r"did you mean `AWS::S3::.*` or `AWS::S3"):
        attachment_type_named("s3")


def test_no_beginning_of_a_value_is_a_name_of_its_own() -> None:
    for tool in tools():
        for action in tool.actions.values():
            own = {folded(name) for one in action.arguments for name in (one.name, *one.also)}
            for argument in action.arguments:
                assert not own & {folded(name) for name in argument.prefixed}


@pytest.mark.parametrize(
    ("tool", "arguments", "says"),
    [
        ("irsa", {"action": "trust_policy", **TRUST, "branch": ["a", "b"]}, "call once for each of `a`, `b`"),
        ("irsa", {"action": "trust_policy", **TRUST, "ref": "main"}, "it can be `branch`"),
        ("irsa", {"action": "trust_policy", **TRUST, "ref": ["refs/heads/a"]}, "it can be `branch`"),
        ("kms", {"action": "check", "demo": True, "scope": "zebra"}, "give `rotation`, `grants`"),
        ("secrets", {"action": "rotation", "target": "rds", "schedule": "every 4 years"}, "must be 1 to 1,000 days"),
    ],
)  # fmt: skip
def test_what_is_refused_says_what_would_work(
    tool: str, arguments: dict[str, Any], says: str
) -> None:
    with pytest.raises(InputError) as refused:
        TOOLS[tool].run(arguments)
    assert says in str(refused.value)
