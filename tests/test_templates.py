"""Every policy template is pasteable, described, fillable and without findings; no value can change its meaning."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_iam import resources, templates
from aws_iam.engine.language.aws_names import FORMS, checked_name
from aws_iam.errors import InputError
from aws_iam.rules.policy.run import validate
from aws_iam.templates import PLACEHOLDER, Parameter, Template, fill
from aws_iam.tools.policy.generate.template import template as answer

EVERY = templates.listed()
KINDS = {"identity", "resource", "scp", "rcp", "boundary", "session", "trust"}
HOSTILE = (
    "*",
    "a*",
    "?",
    "${aws:username}",
    "x${aws:PrincipalTag/a}",
    'x","Action":"*',
    "{{Account}}",
    "a\nb",
    "a\x00b",
    "",
    " ",
    "a" * 2000,
    "arn:aws:iam::111122223333:role/*",
    "\u202e",
)
each_template = pytest.mark.parametrize("chosen", EVERY, ids=lambda template: template.name)
each_parameter = pytest.mark.parametrize(
    ("chosen", "parameter"),
    [(chosen, parameter) for chosen in EVERY for parameter in chosen.parameters],
    ids=lambda template: template.name,
)


def strings(node: Any, *, keys: bool = True) -> list[str]:
    """Every string of a JSON value."""
    if isinstance(node, dict):
        own = list(node) if keys else []
        return own + [string for item in node.values() for string in strings(item, keys=keys)]
    if isinstance(node, list):
        return [string for item in node for string in strings(item, keys=keys)]
    return [node] if isinstance(node, str) else []


def test_index_and_folder_agree() -> None:
    files = {path.stem for path in resources.listing(templates.FOLDER, ".json")} - {"index"}
    assert [template.name for template in EVERY] == list(
        dict.fromkeys(template.name for template in EVERY)
    )
    assert {template.name for template in EVERY} == files


@each_template
def test_a_template_is_a_policy_written_the_one_way(chosen: Template) -> None:
    policy = json.loads(chosen.text)
    assert policy["Version"] == "2012-10-17"
    assert isinstance(policy["Statement"], list)
    assert json.dumps(policy, indent=2, ensure_ascii=False) + "\n" == chosen.text


@each_template
def test_a_template_declares_and_uses_every_hole(chosen: Template) -> None:
    assert set(PLACEHOLDER.findall(chosen.text)) == {
        parameter.name for parameter in chosen.parameters
    }
    assert chosen.text.count("{{") == len(PLACEHOLDER.findall(chosen.text))


@each_template
def test_a_list_stands_alone_in_a_value(chosen: Template) -> None:
    many = {parameter.name for parameter in chosen.parameters if parameter.many}
    policy = json.loads(chosen.text)
    assert all(len(many & set(PLACEHOLDER.findall(text))) <= 1 for text in strings(policy))
    keys = set(strings(policy)) - set(strings(policy, keys=False))
    assert not any(many & set(PLACEHOLDER.findall(key)) for key in keys)


@each_template
def test_a_template_is_described(chosen: Template) -> None:
    assert chosen.kind in KINDS
    assert chosen.title
    assert chosen.when.endswith(".")
    assert chosen.source.startswith("https://")
    assert all(
        parameter.description and parameter.form in FORMS for parameter in chosen.parameters
    )


@each_template
def test_a_template_filled_with_its_samples_validates_clean(chosen: Template) -> None:
    text = fill(chosen, chosen.samples)
    assert "{{" not in text
    drawn = {finding.code for finding in validate(text, chosen.kind)}
    accepted = {expected.code for expected in chosen.accepted}
    assert drawn == accepted, (
        "accepted codes are those that the template draws, no more and no less"
    )
    assert all(expected.reason for expected in chosen.accepted)


@each_template
def test_lists_of_two_fill_to_clean_policies(chosen: Template) -> None:
    values = {
        name: [*value, *value] if isinstance(value, list) else value
        for name, value in chosen.samples.items()
    }
    assert json.loads(fill(chosen, values))["Version"] == "2012-10-17"


@each_parameter
def test_a_hostile_value_is_refused_by_name(chosen: Template, parameter: Parameter) -> None:
    for hostile in HOSTILE:
        with pytest.raises(InputError) as refused:
            fill(chosen, {**chosen.samples, parameter.name: hostile})
        assert f"`{parameter.name}`" in refused.value.message
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("wrong", [None, True, 1.5, {"a": 1}, [], [["a"]], [None]])
def test_a_value_of_the_wrong_kind_is_refused_by_name(wrong: object) -> None:
    chosen = templates.template("s3-read")
    with pytest.raises(InputError, match="`Bucket`"):
        fill(chosen, {"Bucket": wrong})


@given(text=st.text(max_size=60), data=st.data())
def test_a_value_never_changes_the_shape_of_a_policy(text: str, data: st.DataObject) -> None:
    chosen = data.draw(st.sampled_from([template for template in EVERY if template.parameters]))
    parameter = data.draw(st.sampled_from(chosen.parameters))
    usual = fill(chosen, chosen.samples)
    try:
        filled = fill(chosen, {**chosen.samples, parameter.name: text})
    except InputError as refused:
        assert f"`{parameter.name}`" in refused.message  # noqa: PT017 - most drawn values are refused
        return
    assert len(strings(json.loads(filled))) <= len(strings(json.loads(usual)))
    assert filled.count("*") == usual.count("*")
    assert filled.count("${") == usual.count("${")


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        ("account", "000000000012", "12"),
        ("bucket", "my.bucket-1", "My_Bucket"),
        ("bucket", "abc", "a..b"),
        ("git_ref", "feature/x_1.2", "feature/../x"),
        ("git_ref", "release-1.0", "/main"),
        ("git_ref", "v1", "a.lock"),
        ("git_ref", "a@b", "a@{1}"),
        ("github_owner", "octo-org", "octo/org"),
        ("github_repository", ".github", ".."),
        ("gitlab_path", "group/sub.group/x", "group//x"),
        ("namespace", "team-1", "Team"),
        ("service_account", "api.v1", "-api"),
        (
            "eks_issuer",
            f"oidc.eks.eu-west-1.amazonaws.com/id/{'A' * 32}",
            "oidc.eks.eu-west-1.amazonaws.com",
        ),
        (
            "eks_issuer",
            f"oidc-eks.eu-west-1.api.aws/id/{'A1' * 16}",
            f"oidc.eu-west-1.eks.amazonaws.com/id/{'A' * 32}",
        ),
        (
            "eks_issuer",
            f"oidc.eks.cn-north-1.amazonaws.com.cn/id/{'A' * 32}",
            f"oidc.eks.eu-west-1.amazonaws.com.evil.example/id/{'A' * 32}",
        ),
        ("issuer", "id.example.com:8443/a/b", "https://id.example.com"),
        (
            "principal_arn",
            "arn:aws-cn:iam::111122223333:role/team/app",
            "arn:aws:iam::111122223333:root",
        ),
        (
            "key_arn",
            f"arn:aws:kms:eu-west-1:111122223333:key/mrk-{'0' * 32}",
            "arn:aws:kms:eu-west-1:111122223333:alias/x",
        ),
        ("service_prefix", "s3", "iam"),
        ("source_arn", "arn:aws:s3:::bucket*", "arn:aws:s3:::*/x"),
        ("organization", "o-a1b2c3d4e5", "r-a1b2"),
        ("subject", "job 1", "job*"),
        ("region", "us-gov-west-1", "eu-west"),
    ],
)
def test_a_form_takes_the_good_and_refuses_the_bad(form: str, good: str, bad: str) -> None:
    assert checked_name("Name", good, form) == good
    with pytest.raises(InputError, match="`Name`"):
        checked_name("Name", bad, form)


def test_unknown_values_are_refused_with_the_near_name() -> None:
    with pytest.raises(InputError) as refused:
        fill(templates.template("s3-read"), {"Buckte": "x"})
    assert str(refused.value) == "`s3-read` has no value `Buckte`; did you mean `Bucket`?"


@pytest.mark.parametrize(
    ("template", "name", "meant"),
    [
        ("rcp-data-perimeter", "organization", "OrganizationId"),
        ("rcp-data-perimeter", "org_id", "OrganizationId"),
        ("rcp-data-perimeter", "trusted_account_ids", "TrustedAccounts"),
        ("s3-read", "bucket_name", "Bucket"),
        ("github-branch-trust", "aws_account_id", "Account"),
        ("github-branch-trust", "repo", "Repository"),
    ],
)
def test_a_value_is_found_by_another_name_for_it(template: str, name: str, meant: str) -> None:
    chosen = templates.template(template)
    given = {own: value for own, value in chosen.samples.items() if own != meant}
    filled = answer(template, {**given, name: chosen.samples[meant]})
    assert filled.facts["understood"] == [f"`{name}` as `{meant}`"]
    assert filled.artifacts[0].content == fill(chosen, chosen.samples) + "\n"


def test_a_name_that_may_mean_two_values_means_none() -> None:
    chosen = next(t for t in templates.listed() if {"Owner", "OwnerId"} <= set(t.samples))
    assert set(
        templates.named_values(chosen, {"owner": "a", "owner_id": 1, "owner_name": "b"})
    ) == {
        "Owner",
        "OwnerId",
        "owner_name",
    }


def test_a_near_name_leads_to_the_other_missing_values_too() -> None:
    with pytest.raises(InputError) as caught:
        fill(templates.template("rcp-data-perimeter"), {"OrganisationId": "o-a1b2c3d4e5"})
    assert "did you mean `OrganizationId`?" in caught.value.hint
    assert "`TrustedAccounts`" in caught.value.hint


def test_missing_values_are_named_with_samples() -> None:
    with pytest.raises(InputError) as refused:
        fill(templates.template("lambda-execution"), {"Region": "eu-west-1"})
    assert (
        refused.value.message
        == "`lambda-execution` needs `Account` (id of the account that holds the policy), `Function` (function name)"
    )
    assert refused.value.hint == 'such as {"Account": "111122223333", "Function": "resize-images"}'


def test_one_value_of_a_list_stays_a_plain_text_and_several_become_a_list() -> None:
    chosen = templates.template("region-restriction")
    condition = ("Statement", 0, "Condition", "StringNotEquals", "aws:RequestedRegion")
    for given_value, expected in (("eu-west-1", "eu-west-1"), (["eu-west-1", "eu-west-2"],) * 2):
        node: Any = json.loads(fill(chosen, {**chosen.samples, "Regions": given_value}))
        for step in condition:
            node = node[step]
        assert node == expected


def test_a_list_inside_a_text_gives_one_text_each() -> None:
    chosen = templates.template("developer-boundary")
    policy = json.loads(fill(chosen, {**chosen.samples, "Services": ["s3", "sqs"]}))
    assert policy["Statement"][0]["Action"] == ["s3:*", "sqs:*"]


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_the_partition_follows_from_the_region(region: str, partition: str) -> None:
    chosen = templates.template("lambda-execution")
    samples = {**chosen.samples, "Region": region}
    del samples["Partition"]
    assert f'"arn:{partition}:logs:{region}:' in fill(chosen, samples)


def test_partitions_do_not_mix() -> None:
    chosen = templates.template("secret-read")
    with pytest.raises(InputError, match=r"`KeyArn` .*partition `aws`, the rest in `aws-cn`"):
        fill(chosen, {**chosen.samples, "Region": "cn-north-1", "Partition": "aws-cn"})


def test_a_numeric_id_may_be_a_number() -> None:
    chosen = templates.template("github-immutable-branch-trust")
    assert fill(chosen, {**chosen.samples, "OwnerId": 123456}) == fill(chosen, chosen.samples)


def test_policy_variables_stay() -> None:
    chosen = templates.template("s3-prefix-per-user")
    assert "users/${aws:PrincipalTag/user}/*" in fill(chosen, chosen.samples)


def test_without_a_name_the_answer_lists_every_template() -> None:
    listed = answer().facts["templates"]
    assert [row["name"] for row in listed] == [template.name for template in EVERY]
    assert listed[0]["values"] == "Partition?, Bucket"


def test_with_a_name_alone_the_answer_shows_the_template_and_a_call_that_fills_it() -> None:
    shown = answer("irsa-role-trust-policy.json")
    assert shown.artifacts[0].content == templates.template("irsa-role-trust-policy").text
    assert shown.artifacts[0].checked_by is None
    arguments = dict(shown.next[0].arguments)
    assert arguments.pop("action") == "template"
    assert answer(**arguments).findings == ()


@pytest.mark.parametrize("as_text", [False, True])
def test_filled_answers_carry_a_checked_policy(as_text: bool) -> None:  # noqa: FBT001
    values = {"Bucket": "example-reports"}
    filled = answer("s3-read", json.dumps(values) if as_text else values)
    assert filled.artifacts[0].name == "s3-read.json"
    assert filled.artifacts[0].checked_by == "policy validate"
    assert filled.findings == ()
    statements = json.loads(filled.artifacts[0].content)["Statement"]
    assert [(statement["Action"], statement["Resource"]) for statement in statements] == [
        ("s3:ListBucket", "arn:aws:s3:::example-reports"),
        ("s3:GetObject", "arn:aws:s3:::example-reports/*"),
    ]


def test_the_audit_template_is_the_policy_that_the_collectors_declare() -> None:
    assert templates.template("audit-read-only").text == resources.text("assets/audit-policy.json")


def test_a_template_without_required_values_is_filled_at_once() -> None:
    assert answer("audit-read-only").artifacts[0].checked_by == "policy validate"


@pytest.mark.parametrize(
    ("name", "values", "says"),
    [
        ("s3-raed", None, "there is no template `s3-raed`; did you mean `s3-read`?"),
        (None, {"Bucket": "x"}, "`values` needs `name`"),
        ("s3-read", "Bucket=x", "`values` is not JSON: expecting value (line 1:1)"),
        ("s3-read", ["x"], "`values` must be an object, not a list"),
        ("s3-read", {}, "`s3-read` needs `Bucket` (bucket name)"),
    ],
)
def test_what_cannot_be_filled_is_refused(name: str | None, values: Any, says: str) -> None:
    with pytest.raises(InputError) as refused:
        answer(name, values)
    assert says in str(refused.value)
