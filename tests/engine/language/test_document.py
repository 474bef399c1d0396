"""Policy documents to typed values: shapes, kinds, several policies at once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_iam.engine.language.document import Kind, Policy, Source, Syntax, dump
from aws_iam.engine.sources.files import File, Files
from aws_iam.engine.sources.gather import gathered, one_policy, sources_of
from aws_iam.errors import InputError

ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
TRUST = {
    "Effect": "Allow",
    "Principal": {"Service": "ec2.amazonaws.com"},
    "Action": "sts:AssumeRole",
}


def document(*statements: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def only(sources: tuple[Source, ...]) -> Policy:
    (source,) = sources
    assert isinstance(source.content, Policy)
    return source.content


def test_scalars_become_lists_of_one_with_their_places() -> None:
    (statement,) = one_policy(json.dumps(document({**ALLOW, "Sid": "Read"}))).statements
    assert statement.sid is not None
    assert statement.sid.value == "Read"
    assert [str(action) for action in statement.actions] == ["s3:GetObject"]
    assert str(statement.actions[0].where) == "/Statement/0/Action (line 1:71)"


def test_a_statement_object_counts_as_a_list_of_one() -> None:
    (statement,) = one_policy({"Version": "2012-10-17", "Statement": ALLOW}).statements
    assert statement.place().pointer == "/Statement"
    assert statement.allows


def test_booleans_and_numbers_in_conditions_become_their_text() -> None:
    condition = {
        "Bool": {"aws:SecureTransport": True},
        "NumericLessThan": {"s3:max-keys": [10, 1.5]},
    }
    (statement,) = one_policy(document({**ALLOW, "Condition": condition})).statements
    assert [[str(v) for v in condition.values] for condition in statement.conditions] == [
        ["true"],
        ["10", "1.5"],
    ]


@pytest.mark.parametrize(
    ("operator", "read_as"),
    [
        ("StringEquals", ("", "StringEquals", False, False)),
        ("ForAllValues:StringNotLikeIfExists", ("ForAllValues", "StringNotLike", True, True)),
        ("NotIpAddress", ("", "NotIpAddress", False, True)),
        ("ForAnyValue:Null", ("ForAnyValue", "Null", False, False)),
    ],
)
def test_an_operator_is_read_as_qualifier_base_and_suffix(
    operator: str, read_as: tuple[str, str, bool, bool]
) -> None:
    body = document({**ALLOW, "Condition": {operator: {"aws:TagKeys": "a"}}})
    (condition,) = one_policy(body).statements[0].conditions
    assert (condition.qualifier, condition.base, condition.if_exists, condition.negated) == read_as


def test_principals_are_listed_with_their_type() -> None:
    principal = {"AWS": ["111122223333", "*"], "Service": "ec2.amazonaws.com"}
    (statement,) = one_policy(document({**ALLOW, "Principal": principal})).statements
    assert [(principal.type, principal.value) for principal in statement.principals] == [
        ("AWS", "111122223333"),
        ("AWS", "*"),
        ("Service", "ec2.amazonaws.com"),
    ]
    assert [principal.is_everyone for principal in statement.principals] == [False, True, False]


def test_a_broken_element_leaves_the_rest_readable() -> None:
    broken = {"Effect": 1, "Action": ["s3:GetObject", 5, None], "Resource": {}, "Condition": ["x"]}
    first, second = one_policy(document(broken, "no statement", ALLOW)).statements
    assert first.effect is None
    assert [str(action) for action in first.actions] == ["s3:GetObject"]
    assert first.has("Resource")
    assert second.allows


@pytest.mark.parametrize(
    ("statements", "kind"),
    [
        ([ALLOW], Kind.IDENTITY),
        ([TRUST], Kind.TRUST),
        (
            [{**TRUST, "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]}],
            Kind.TRUST,
        ),
        ([{**TRUST, "Action": "sts:*"}], Kind.TRUST),
        ([{**TRUST, "Resource": "*"}], Kind.RESOURCE),
        ([{**ALLOW, "Principal": "*"}], Kind.RESOURCE),
        ([{**ALLOW, "NotPrincipal": "*", "Effect": "Deny"}], Kind.RESOURCE),
        ([TRUST, {**ALLOW, "Principal": "*"}], Kind.RESOURCE),
        ([], Kind.IDENTITY),
    ],
)
def test_the_kind_is_guessed_from_principals_and_actions(
    statements: list[Any], kind: Kind
) -> None:
    found = one_policy(document(*statements))
    assert found.kind is kind
    assert found.kind_guessed


def test_a_given_kind_is_not_guessed() -> None:
    found = one_policy(document(ALLOW), "scp")
    assert found.kind is Kind.SCP
    assert not found.kind_guessed


def test_an_unknown_kind_is_refused_with_the_near_miss() -> None:
    with pytest.raises(InputError, match="did you mean `boundary`"):
        sources_of(document(ALLOW), "boundry")


def test_a_list_gives_each_policy_its_place_and_pointers_of_its_own() -> None:
    text = json.dumps([document(ALLOW), document(TRUST)], indent=1)
    first, second = sources_of(text)
    assert (first.name, second.name) == ("/0", "/1")
    assert isinstance(second.content, Policy)
    where = second.content.statements[0].actions[0].where
    assert where.pointer == "/Statement/0/Action"
    assert where.line is not None
    assert "sts:AssumeRole" in text.splitlines()[where.line - 1]


def test_a_list_may_hold_policies_as_text() -> None:
    first, second = sources_of([json.dumps(document(ALLOW)), "{,}"])
    assert isinstance(first.content, Policy)
    assert isinstance(second.content, Syntax)


def test_the_policies_of_an_answer_are_taken_by_name() -> None:
    answer = {
        "summary": "made",
        "artifacts": [
            {"name": "trust.json", "language": "json", "content": json.dumps(document(TRUST))},
            {"name": "role.yaml", "language": "yaml", "content": "a: b"},
            {"name": "values.json", "language": "json", "content": "{}"},
            {
                "name": "both.json",
                "language": "json",
                "content": json.dumps([document(ALLOW)] * 2),
            },
            {"name": "broken.json", "language": "json", "content": "{"},
        ],
    }
    for given_ in (answer, json.dumps(answer)):
        assert [source.name for source in sources_of(given_)] == [
            "trust.json",
            "both.json/0",
            "both.json/1",
            "broken.json",
        ]


TEMPLATE = """
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: {Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: "sts:AssumeRole"}
"""
FILES = {
    "role.yaml": ("yaml", TEMPLATE),
    "role.tf": ("hcl", 'resource "aws_iam_role" "r" {}'),
    "queue.tf": ("terraform", 'resource "aws_sqs_queue" "q" {\n  policy = file("queue.json")\n}'),
    "script.sh": ("bash", "aws sts get-caller-identity"),
}


def test_the_templates_of_an_answer_are_read_and_what_is_not_is_named() -> None:
    written = [{"name": n, "language": kind, "content": text} for n, (kind, text) in FILES.items()]
    withheld = {"name": "long.json", "language": "json", "uri": "aws-iam://results/1/long.json"}
    answer = {"summary": "made", "artifacts": [*written, withheld]}
    for document_ in (answer, Files(files=(File(name="answer.json", text=json.dumps(answer)),))):
        found = gathered(document_)
        (source,) = found.sources
        assert source.name == "Role.AssumeRolePolicyDocument"
        assert [(place.place, place.why) for place in found.unread] == [
            ("aws_sqs_queue.q.policy", "the document is not known from these files"),
            ("long.json", "the answer leaves it out"),
        ]
    with pytest.raises(InputError, match=r"aws_sqs_queue\.q\.policy: the document is not known"):
        gathered({"summary": "made", "artifacts": written[2:]})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("", 'resource "aws_kms_key" "k" {\n  description = "none"\n}'),
        ("main.tf", 'terraform {\n  required_version = "1.9"\n}'),
        ("keys.tofu", "# nothing yet"),
        ("renamed.txt", 'module "kms" {\n  source = "./kms"\n}'),
    ],
)
def test_terraform_without_a_policy_is_refused_with_what_is_read(name: str, text: str) -> None:
    inputs: list[Any] = [Files(files=(File(name=name, text=text),))]
    for document_ in [*inputs, *([] if name else [text])]:
        with pytest.raises(InputError, match="holds no policy that can be checked") as refused:
            gathered(document_)
        assert "Terraform sources" in refused.value.hint


def test_yaml_that_quotes_terraform_is_yaml() -> None:
    quoted = TEMPLATE + '  Note: |\n    resource "a" "b" {\n    }\n'
    assert len(gathered(quoted).sources) == 1


def test_an_answer_without_policies_is_refused() -> None:
    with pytest.raises(InputError, match="the answer holds no policy"):
        sources_of(
            {
                "summary": "x",
                "artifacts": [{"name": "a.md", "language": "markdown", "content": "{}"}],
            }
        )


def test_an_answer_that_makes_nothing_is_no_policy_with_faults() -> None:
    answer = {"tool": "policy", "action": "lookup", "summary": "x", "facts": {"a": 1}}
    for given_ in (answer, json.dumps(answer)):
        with pytest.raises(InputError, match="the answer holds no policy") as caught:
            sources_of(given_)
        assert "policy template" in caught.value.hint


def test_an_empty_list_and_bytes_are_refused() -> None:
    with pytest.raises(InputError, match="the list is empty"):
        sources_of("[]")
    with pytest.raises(InputError, match="UTF-8"):
        sources_of(b"{}")


def test_one_policy_is_wanted_where_one_is_wanted() -> None:
    with pytest.raises(InputError, match="expected one policy, found 2"):
        one_policy([document(ALLOW)] * 2)
    with pytest.raises(InputError, match="not JSON at line 1:2: single quotes"):
        one_policy("{'a': 1}")


NAMES = st.sampled_from(
    [
        "Version",
        "Id",
        "Statement",
        "Sid",
        "Effect",
        "Action",
        "NotAction",
        "Resource",
        "Principal",
        "Condition",
    ]
)
VALUES = st.recursive(
    st.sampled_from(["Allow", "Deny", "*", "s3:GetObject", "2012-10-17", "a\ud800b", 'q"\\'])
    | st.none()
    | st.booleans()
    | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=15,
)


# What has no statement of its own and policies inside is read as the larger document that holds them.
@given(
    st.dictionaries(NAMES, VALUES).filter(
        lambda body: "Statement" in body or "Statement" not in json.dumps(body)
    )
)
def test_a_dumped_policy_reads_as_the_same(body: dict[str, Any]) -> None:
    found = only(sources_of(body))
    again = only(sources_of(dump(found)))
    assert again == found
    assert dump(again) == dump(found)
