"""`policy explain`: true sentences, access by service and level, risks; the text and the structure agree."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_iam.answer import Answer, Finding, to_json
from aws_iam.engine.language.document import Kind
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import InputError
from aws_iam.report.answer_text import markdown
from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS
from helpers.tables.each import for_each
from helpers.tables.examples import examples
from helpers.work import calls

CASES = [
    case
    for file in sorted((TESTS / "cases/explain").glob("*.json"))
    for case in json.loads(file.read_text(encoding="utf-8"))
]
BUCKET = "arn:aws:s3:::amzn-s3-demo-bucket"
ROLES = "arn:aws:iam::111122223333:role"


def allow(action: object, resource: object = "*", **more: object) -> dict[str, object]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: object, resource: object = "*", **more: object) -> dict[str, object]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def document(*statements: object) -> dict[str, object]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def explain(policy: object, **more: object) -> Answer:
    return tool.run({"action": "explain", "document": policy, **more})


def found(policy: object, **more: object) -> dict[str, Finding]:
    return {finding.code: finding for finding in explain(policy, **more).findings}


_ORDER = ("Read", "List", "Write", "Tagging", "Permissions management")


def amount(pattern: str) -> str:
    """What a pattern, less others, stands for, counted in another way than the action does: `* - iam:*`, `#sts:*`."""
    facts = catalog()
    whole, *less = pattern.removeprefix("#").split(" - ")
    names = set(facts.expand(whole)).difference(*map(facts.expand, less))
    if pattern.startswith("#"):
        return f"{len(names):,} actions"
    levels = Counter(action.level for name in names if (action := facts.action(name)))
    services = len({name.partition(":")[0] for name in names})
    of = f" of {services:,} services" if services > 1 else ""
    shares = (f"{levels[level]:,} {level.lower()}" for level in _ORDER if levels[level])  # type: ignore[index]
    return f"{len(names):,} actions{of}: {', '.join(shares)}"


def filled(sentence: str) -> str:
    """The sentence with its `{pattern}` holes counted from the catalogue, which grows with every release."""
    return re.sub(r"(?<!\$)\{([^{}]+)\}", lambda hole: amount(hole[1]), sentence)


@for_each(CASES, name=lambda case: case["name"])
def test_a_statement_is_said_in_exactly_these_words(case: dict[str, Any]) -> None:
    told = explain(case["document"], kind=case.get("kind")).facts["statements"]
    assert [row["sentence"] for row in told] == list(map(filled, case["sentences"]))


def test_the_text_and_the_structure_say_the_same() -> None:
    policy = document(
        allow(["s3:GetObject", "iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"]),
        deny("s3:*", BUCKET + "/secret/*"),
    )
    answer = explain(policy)
    text = markdown(answer)
    for row in answer.facts["statements"]:
        assert row["sentence"] in text.replace("\\", "")
    for row in answer.facts["access"]:
        cells = " | ".join(str(value) for name, value in row.items())
        assert f"| {cells} |" in text.replace("|  |", "|") or f"| {cells} " in text
    for finding in answer.findings:
        assert finding.title in text
    rows = answer.facts["access"]
    levels = ("read", "write", "list", "tagging", "permissions_management")
    assert sum(row[level] for row in rows for level in levels) == answer.facts["actions_allowed"]
    assert (
        f"{answer.facts['actions_allowed']} known actions of {len(rows)} services"
        in answer.summary
    )
    assert len(rows) == answer.facts["services"]
    json.dumps(to_json(answer))


def test_access_is_counted_by_service_and_level_in_effect() -> None:
    answer = explain(
        document(
            allow(["s3:GetObject", "s3:PutObject", "s3:ListBucket", "sqs:SendMessage"]),
            allow("sns:Publish", "arn:aws:sns:eu-west-1:111122223333:news"),
            deny("s3:PutObject"),
            deny("s3:GetObject", BUCKET + "/secret/*"),
        )
    )
    empty = {"tagging": 0, "permissions_management": 0}
    assert answer.facts["access"] == [
        {"service": "sns", "read": 0, "write": 1, "list": 0, **empty, "resources": "limited"},
        {"service": "sqs", "read": 0, "write": 1, "list": 0, **empty, "resources": "all"},
        {
            "service": "s3",
            "read": 1,
            "write": 0,
            "list": 1,
            **empty,
            "resources": "all",
            "partly_denied": 1,
        },
    ]
    assert answer.facts["actions_denied_whole"] == 1
    assert answer.facts["actions_partly_denied"] == 1


def test_several_policies_are_explained_one_by_one_and_counted_together() -> None:
    trust = document(
        {"Effect": "Allow", "Principal": {"AWS": f"{ROLES}/app"}, "Action": "sts:AssumeRole"}
    )
    answer = explain([document(allow("s3:*")), document(deny("s3:Put*")), trust])
    assert [row["policy"] for row in answer.facts["statements"]] == ["/0", "/1", "/2"]
    assert [row["pointer"] for row in answer.facts["statements"]] == ["/Statement/0"] * 3
    kinds = {row["kind"]: row for row in answer.facts["totals"]}
    assert kinds["trust"]["actions_allowed"] == 1
    assert kinds["identity"]["actions_denied_whole"] == len(catalog().expand("s3:Put*"))
    assert {row["kind"] for row in answer.facts["access"]} == {"identity", "trust"}


def test_a_finding_names_the_policy_that_it_points_into() -> None:
    answer = explain([document(allow("s3:ListBucket")), document(allow("sns:AddPermission"))])
    finding = next(finding for finding in answer.findings if finding.code == "RESOURCE_EXPOSURE")
    assert finding.resource == "/1"
    assert finding.where
    assert finding.where.pointer == "/Statement/0"


_QUEUE = "arn:aws:sqs:eu-west-1:111122223333:orders"
_GITHUB = "token.actions.githubusercontent.com"


@pytest.mark.parametrize(
    ("code", "statement"),
    [
        (
            "RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL",
            allow("sqs:SendMessage", _QUEUE, Principal={"Service": "s3.amazonaws.com"}),
        ),
        (
            "ALLOW_ONLY_WITHOUT_MFA",
            {
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
                "Action": "sts:AssumeRole",
                "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}},
            },
        ),
        (
            "OIDC-TENANT-WILD",
            {
                "Effect": "Allow",
                "Principal": {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{_GITHUB}"},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringLike": {f"{_GITHUB}:sub": "repo:*"},
                    "StringEquals": {f"{_GITHUB}:aud": "sts.amazonaws.com"},
                },
            },
        ),
    ],
)
def test_a_security_warning_of_validate_is_a_finding(code: str, statement: object) -> None:
    answer = explain(document(statement))
    assert [finding.code for finding in answer.findings] == [code]
    assert "1 security warning" in answer.summary
    assert "nothing unusually powerful" not in answer.summary


def test_a_statement_is_reported_once_whoever_finds_it() -> None:
    answer = explain(document(allow("sqs:SendMessage", _QUEUE, Principal="*")))
    assert [finding.code for finding in answer.findings] == ["RESOURCE_EXPOSURE"]


@pytest.mark.parametrize("kind", ["scp", "rcp", "boundary", "session"])
def test_a_limit_grants_nothing_and_is_not_powerful(kind: str) -> None:
    statement = allow("*", **({"Principal": "*"} if kind == "rcp" else {}))
    answer = explain(document(statement), kind=kind)
    assert answer.findings == ()
    assert "grants nothing by itself" in answer.summary


def test_the_summary_of_several_policies_says_which_kind_allows_how_much() -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    answer = explain([document(trust), document(allow("s3:GetObject", f"{BUCKET}/*"))])
    assert (
        "1 known action of 1 service effectively allowed by the trust policies" in answer.summary
    )
    assert "effectively allowed by the identity policies" in answer.summary


@pytest.mark.parametrize(
    ("condition", "to_check"), [({}, True), ({"StringEquals": {"sts:ExternalId": "7f3c"}}, False)]
)
def test_trust_in_a_whole_account_is_for_a_person_to_check(
    condition: dict[str, Any], *, to_check: bool
) -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::999988887777:root"},
        "Action": "sts:AssumeRole",
        **({"Condition": condition} if condition else {}),
    }
    answer = explain(document(trust))
    assert ("nothing unusually powerful, 1 grant to check" in answer.summary) == to_check
    says = "a false alarm if this is the role's own account"
    assert any(says in finding.message for finding in answer.findings) == to_check


def test_a_limit_that_only_denies_is_not_said_to_leave_nothing() -> None:
    answer = explain(document(deny("organizations:LeaveOrganization")), kind="scp")
    assert "a limit that only denies" in answer.summary
    assert explain(document(allow("s3:*")), kind="scp").facts["actions_at_most"] > 100


def test_a_refused_statement_counts_for_nothing_and_is_told() -> None:
    answer = explain(document({"Effect": "allow", "Action": "*", "Resource": "*"}, "text"))
    assert answer.facts["actions_allowed"] == 0
    assert answer.findings == ()
    assert "2 statements are not valid" in answer.summary


def test_a_policy_of_everything_costs_a_bounded_number_of_steps() -> None:
    everything = document(allow("*"))
    explain(everything)
    assert calls(lambda: explain(everything)) < 60 * len(catalog().expand("*"))


HOSTILE = [
    document(*[allow("*") for _ in range(1000)]),
    document(allow("*:" + "*a?" * 200_000)),
]


@pytest.mark.growth
@pytest.mark.parametrize("policy", HOSTILE, ids=range(len(HOSTILE)))
def test_what_costs_too_much_is_refused_with_what_would_work(policy: object) -> None:
    with pytest.raises(InputError, match="too many wildcards") as refused:
        explain(policy)
    assert "one by one" in refused.value.hint


def test_text_that_is_no_json_is_refused_with_its_place() -> None:
    with pytest.raises(InputError, match="line 1:"):
        explain('{"Statement": [}')


SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=6) | st.just("*"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["AWS", "StringLike", "aws:SourceIp", "x"]), inner, max_size=2
        )
    ),
    max_leaves=5,
)
ELEMENTS = {
    "Effect": st.sampled_from(["Allow", "Deny"]),
    "Action": st.sampled_from(
        ["*", "s3:*", "s3:Get*", "iam:PassRole", "nope:*", ["s3:GetObject", "ec2:*"]]
    ),
    "NotAction": st.sampled_from(["iam:*", ["s3:GetObjct", "sts:*"]]),
    "Resource": st.sampled_from(
        ["*", BUCKET, BUCKET + "/*", "arn:aws:iam::*:role/*", "arn:x", ":::::"]
    ),
    "NotResource": st.sampled_from([BUCKET, ["*"]]),
    "Principal": st.sampled_from(["*", {"AWS": ["111122223333", f"{ROLES}/a"]}, {"Service": "x"}]),
    "NotPrincipal": st.sampled_from([{"AWS": "111122223333"}, {"Federated": "a:b"}]),
    "Condition": st.dictionaries(
        st.sampled_from(
            [
                "StringLike",
                "ForAllValues:StringNotEquals",
                "ForAnyValue:Null",
                "BoolIfExists",
                "Null",
                "Nope",
            ]
        ),
        st.dictionaries(st.sampled_from(["aws:SourceIp", "", "é"]), SHAPES, max_size=2),
        max_size=2,
    ),
}
STATEMENTS = st.fixed_dictionaries(
    {}, optional={name: st.one_of(shape, shape, SHAPES) for name, shape in ELEMENTS.items()}
)


@given(
    policy=st.fixed_dictionaries(
        {"Statement": st.lists(STATEMENTS, min_size=1, max_size=3)},
        optional={"Version": st.sampled_from(["2012-10-17", "2008-10-17", 7])},
    ),
    kind=st.sampled_from([None, *map(str, Kind)]),
)
@settings(max_examples=examples(60), deadline=None)
def test_every_statement_of_any_policy_gets_a_sentence(policy: object, kind: str | None) -> None:
    answer = explain(policy, kind=kind)
    assert len(answer.facts["statements"]) == len(policy["Statement"])  # type: ignore[index]
    assert all(row["sentence"].endswith(".") for row in answer.facts["statements"])


TEMPLATE = """
Resources:
  App:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Action: [dynamodb:GetItem, dynamodb:PutItem]
            Resource: !Ref TableArn
          - Effect: Allow
            Action: kms:Decrypt
            Resource: !Sub "arn:aws:kms:${AWS::Region}:${AWS::AccountId}:key/*"
            Condition: {StringEquals: {"aws:PrincipalOrgID": !Ref Org}}
"""


def test_what_a_template_leaves_to_the_deployment_is_said_and_not_taken_for_nothing() -> None:
    answer = explain(TEMPLATE)
    table, key = (row["sentence"] for row in answer.facts["statements"])
    assert table.endswith(
        "on the resources that `TableArn` holds; known only at deployment: `Resource`."
    )
    assert key.endswith("deployment: `Condition/StringEquals/aws:PrincipalOrgID`.")
    assert answer.facts["actions_allowed"] == 3
    assert {row["service"]: row["resources"] for row in answer.facts["access"]} == {
        "dynamodb": "limited",
        "kms": "limited",
    }
    assert "2 values are known only at deployment" in answer.summary
    assert answer.facts["made_up_for_the_template"] == [
        "account 111122223333",
        "Region us-east-1",
    ]


def test_what_was_not_read_is_said() -> None:
    policy = document(allow("ec2:DescribeInstances"))
    versions = [
        {"Document": policy, "VersionId": "v2", "IsDefaultVersion": True},
        {"Document": policy, "VersionId": "v1", "IsDefaultVersion": False},
    ]
    details = {"Policies": [{"PolicyName": "m", "PolicyVersionList": versions}]}
    answer = explain(details)
    assert (
        "nothing unusually powerful in what was judged. 1 place was not judged" in answer.summary
    )
    assert len(answer.facts["statements"]) == 1


def role_with(**properties: object) -> dict[str, object]:
    trust = {"Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    properties["AssumeRolePolicyDocument"] = document({"Effect": "Allow", **trust})
    return {"Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": properties}}}


AWS_MANAGED = "arn:aws:iam::aws:policy"


def test_of_attached_policies_it_is_said_which_were_judged_and_how_far() -> None:
    attached = ["AdministratorAccess", "AmazonS3ReadOnlyAccess", "NoSuchPolicy"]
    answer = explain(
        role_with(
            ManagedPolicyArns=[f"{AWS_MANAGED}/{name}" for name in attached],
            PermissionsBoundary=f"{AWS_MANAGED}/PowerUserAccess",
        )
    )
    assert [(finding.code, finding.resource) for finding in answer.findings] == [
        ("ADMINISTRATOR", "R.ManagedPolicyArns (AdministratorAccess)")
    ]
    assert (
        "Of the AWS managed policies `R.ManagedPolicyArns (AdministratorAccess)` and"
        " `R.ManagedPolicyArns (AmazonS3ReadOnlyAccess)` only critical and high risks are listed,"
        " and their access is not counted. `R.ManagedPolicyArns (NoSuchPolicy)` and"
        " `R.PermissionsBoundary (PowerUserAccess)` are attached without a document, so not judged."
    ) in answer.summary
    assert [(row["place"], row["why"].split(":")[0]) for row in answer.facts["not_judged"]] == [
        (
            "R.ManagedPolicyArns (AdministratorAccess) and R.ManagedPolicyArns (AmazonS3ReadOnlyAccess)",
            "an AWS managed policy",
        ),
        ("R.ManagedPolicyArns (NoSuchPolicy)", "an attached policy without its document"),
        ("R.PermissionsBoundary (PowerUserAccess)", "a permissions boundary without its document"),
    ]


def test_an_attached_policy_that_was_judged_in_part_is_no_all_clear() -> None:
    answer = explain(role_with(ManagedPolicyArns=[f"{AWS_MANAGED}/AmazonS3ReadOnlyAccess"]))
    assert (
        "nothing unusually powerful in what was judged. Of the AWS managed policy"
        in answer.summary
    )


ORGANIZATION = {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg"}}
ASSUME = {"Effect": "Allow", "Action": "sts:AssumeRole", "Condition": ORGANIZATION}
WARNED = {
    "a role that a whole organization may assume": (
        {**ASSUME, "Principal": {"AWS": "*"}},
        "1 warning",
    ),
    "a principal that AWS refuses": ({**ASSUME, "Principal": "*"}, "1 error"),
    "an action beside another service's resource": (
        allow(["s3:GetObject", "s3:Nope"], "arn:aws:sns:eu-west-1:111122223333:t"),
        "2 warnings",
    ),
}


@pytest.mark.parametrize("what", WARNED)
def test_nothing_is_called_well_that_validation_warns_about(what: str) -> None:
    statement, warned = WARNED[what]
    answer = explain(document(statement))
    assert answer.summary.endswith(f"{warned} of `policy validate`.")
    assert "nothing unusually powerful" not in answer.summary
    assert answer.next[0].arguments["action"] == "validate"


def test_a_search_that_validation_ended_early_is_no_all_clear() -> None:
    queues = [f"arn:aws:sqs:eu-west-1:111122223333:q{number}" for number in range(1_100)]
    answer = explain(document(allow("sqs:SendMessage", queues)))
    assert "nothing unusually powerful;" not in answer.summary
    assert "judged only in part: `ACTION_MATCHES_NO_RESOURCE`" in answer.summary
    (row,) = answer.facts["not_judged"]
    assert row["why"].startswith("ACTION_MATCHES_NO_RESOURCE: ")


@pytest.mark.parametrize(
    ("policy", "calls"),
    [
        (document(allow("sns:ListTopics")), []),
        (document(deny("s3:DeleteBucket")), [{"action": "explain", "kind": "scp"}]),
        (document(allow("s3:Nope")), [{"action": "validate"}]),
    ],
)
def test_a_next_call_is_offered_only_where_it_leads_on(
    policy: object, calls: list[object]
) -> None:
    shown = [dict(call.arguments) for call in explain(policy).next]
    assert [{k: v for k, v in row.items() if k != "document"} for row in shown] == calls


OPEN_ACTIONS = """\
Resources:
  P:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: p
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - {Effect: Allow, Action: "s3:GetObject", Resource: "*"}
          - {Effect: Allow, Action: !Ref Wanted, Resource: "*"}
          - {Effect: Deny, NotAction: !Ref Kept, Resource: "*"}
"""


def test_actions_that_only_the_deployment_knows_are_neither_named_nor_counted() -> None:
    answer = explain(OPEN_ACTIONS)
    _, wanted, kept = (row["sentence"] for row in answer.facts["statements"])
    assert "may call the actions that `Wanted` holds on every resource" in wanted
    assert "may not do anything other than the actions that `Kept` holds (at most " in kept
    assert "no known action" not in wanted + kept
    # The Deny spares something that nobody knows yet: it may not be taken for one of everything.
    assert answer.facts["actions_allowed"] == 1
    assert "2 statements name actions that are known only at deployment" in answer.summary
