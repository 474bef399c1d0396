"""`policy validate` on values that only the deployment knows: they keep others out, or not, whatever they turn out to be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.engine.sources.files import File, Files
from aws_iam.rules.policy.run import validate
from aws_iam.tools.irsa.actions import tool as irsa
from aws_iam.tools.policy.actions import tool

if TYPE_CHECKING:
    from aws_iam.answer import Finding

OPEN = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
SERVICE = {
    "Effect": "Allow",
    "Principal": {"Service": "events.amazonaws.com"},
    "Action": "sqs:SendMessage",
    "Resource": "*",
}


def template(type_: str, statement: dict[str, Any], condition: dict[str, Any]) -> str:
    policy = {"Version": "2012-10-17", "Statement": [{**statement, "Condition": condition}]}
    own = {"PolicyDocument": policy, "Bucket": "b", "Queues": ["q"]}
    return json.dumps({"Resources": {"P": {"Type": type_, "Properties": own}}})


@pytest.mark.parametrize(
    ("value", "is_public"),
    [
        ({"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:role/app"}, False),
        ({"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/a/*"}, False),
        ({"Fn::Sub": "arn:aws:iam::${Account}:role/aws-reserved/*"}, False),
        ({"Fn::Sub": "arn:aws:iam::*:role/${Name}"}, True),
        ({"Ref": "Role"}, False),
    ],
)
def test_an_account_that_is_not_known_yet_is_one_account(value: Any, *, is_public: bool) -> None:
    condition = {"ArnLike": {"aws:PrincipalArn": value}}
    codes = {f.code for f in validate(template("AWS::S3::BucketPolicy", OPEN, condition))}
    assert ("PUBLIC_ACCESS_ALLOWED" in codes) is is_public


@pytest.mark.parametrize("rest", ["", "/*", "/*/*/webhook", ":*"])
def test_a_source_that_is_not_known_yet_limits_the_service(rest: str) -> None:
    condition = {"ArnLike": {"aws:SourceArn": {"Fn::Sub": f"${{Rule.Arn}}{rest}"}}}
    found = validate(template("AWS::SQS::QueuePolicy", SERVICE, condition))
    assert "RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL" not in {finding.code for finding in found}


def test_a_boundary_passes_no_role() -> None:
    whole = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}  # fmt: skip
    assert not {f.code for f in validate(whole, "boundary") if f.code.startswith("PASS_ROLE")}
    assert {f.code for f in validate(whole, "identity") if f.code.startswith("PASS_ROLE")}


SUB = "token.actions.githubusercontent.com:sub"
AUD = "token.actions.githubusercontent.com:aud"
KNOWN = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
UNKNOWN = {"Ref": "Provider"}


@pytest.mark.parametrize(
    ("provider", "subject", "audience", "code"),
    [
        (UNKNOWN, "repo:octo/*", "sts.amazonaws.com", "OIDC-ORG-WIDE"),
        (UNKNOWN, "repo:*", "sts.amazonaws.com", "OIDC-TENANT-WILD"),
        ([UNKNOWN], "repo:octo/*", {"Ref": "Audience"}, "OIDC-ORG-WIDE"),
        (
            {"Fn::Sub": "arn:aws:iam::${Account}:oidc-provider/${Issuer}"},
            "repo:octo/*",
            "sts.amazonaws.com",
            "OIDC-ORG-WIDE",
        ),
        (KNOWN, "repo:octo/*", {"Ref": "Audience"}, "OIDC-ORG-WIDE"),
        (KNOWN, {"Fn::Sub": "repo:${Org}/*"}, "sts.amazonaws.com", "OIDC-ORG-WIDE"),
        (KNOWN, {"Fn::Sub": "repo:*/${Name}:*"}, "sts.amazonaws.com", "OIDC-TENANT-WILD"),
        (KNOWN, {"Fn::Sub": "repo:${Name}*"}, "sts.amazonaws.com", ""),
        (KNOWN, {"Fn::Sub": "repo:${Name}:*"}, "sts.amazonaws.com", ""),
        (UNKNOWN, {"Fn::Sub": "repo:${Org}/${Name}:*"}, "sts.amazonaws.com", ""),
        (UNKNOWN, {"Ref": "Subject"}, "sts.amazonaws.com", ""),
        (
            {"Fn::Sub": "arn:aws:iam::${Account}:saml-provider/${Name}"},
            "repo:octo/*",
            "sts.amazonaws.com",
            "",
        ),
    ],
)
def test_a_trust_is_too_wide_by_what_is_known_of_it(
    provider: Any, subject: Any, audience: Any, code: str
) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringLike": {SUB: subject}, "StringEquals": {AUD: audience}},
    }
    trust = {"Version": "2012-10-17", "Statement": [statement]}
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}
    found = {own.code for own in validate(json.dumps({"Resources": {"R": role}}))}
    assert {own for own in found if own.startswith("OIDC-")} == ({code} if code else set())


ROLE = """resource "aws_iam_role" "pods" {
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow"
      Action = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = %s }
      Condition = { %s }
    }]
  })
}
variable "arn" {}
variable "oidc" {}
variable "id" {}
"""
EVERY_POD = '"system:serviceaccount:*:*"'
IN_ACCOUNT = '"arn:aws:iam::${var.id}:oidc-provider/${var.oidc}"'
OF_EKS = '"arn:aws:iam::${var.id}:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/${var.id}"'


@pytest.mark.parametrize(
    ("provider", "conditions", "codes"),
    [
        ("var.arn", f'StringLike = {{ "${{var.oidc}}:sub" = {EVERY_POD} }}', {"IRSA-WILD"}),
        (IN_ACCOUNT, f'StringLike = {{ "${{var.oidc}}:sub" = {EVERY_POD} }}', {"IRSA-WILD"}),
        (
            "var.arn",
            f'StringLike = {{ "${{replace(var.oidc, "https://", "")}}:sub" = ["x", {EVERY_POD}] }}',
            {"IRSA-WILD"},
        ),
        (
            OF_EKS,
            f'StringLike = {{ "oidc.eks.eu-west-1.amazonaws.com/id/${{var.id}}:sub" = {EVERY_POD} }}',
            {"IRSA-WILD"},
        ),
        (
            "var.arn",
            'StringLike = { "${var.oidc}:sub" = "system:serviceaccount:app:*" }',
            {"IRSA-WILD"},
        ),
        ("var.arn", 'StringLike = { "${var.oidc}:sub" = "*" }', {"OIDC-NO-SUB"}),
        ("var.arn", 'StringEquals = { "${var.oidc}:aud" = "sts.amazonaws.com" }', {"OIDC-NO-SUB"}),
        ("var.arn", 'StringLike = { "${var.oidc}:sub" = "system:serviceaccount:app:api" }', set()),
        (
            "var.arn",
            'StringLike = { "${var.oidc}:sub" = "system:serviceaccount:${var.id}" }',
            set(),
        ),
        ("var.arn", 'StringLike = { "${var.oidc}:sub" = var.id }', set()),
        # What is compared in full has no wildcard, whoever the issuer is.
        ("var.arn", 'StringEquals = { "${var.oidc}:sub" = "repo:o/*" }', {"OIDC-NEVER-MATCH"}),
        (
            IN_ACCOUNT,
            'StringEqualsIgnoreCase = { "${var.oidc}:sub" = ["repo:o/a:ref:refs/heads/main", "repo:o/?"] }',
            {"OIDC-NEVER-MATCH"},
        ),
        ("var.arn", 'StringEquals = { "${var.oidc}:aud" = "sts.*" }', {"OIDC-NEVER-MATCH"}),
        ("var.arn", 'StringEquals = { "${var.oidc}:sub" = "repo:${var.id}/*" }', set()),
        ("var.arn", f"StringLike = {{ (var.oidc) = {EVERY_POD} }}", set()),
        (
            "var.arn",
            f'StringLike = {{ "${{var.oidc}}:sub" = {EVERY_POD}, "${{var.id}}:aud" = "x" }}',
            set(),
        ),
    ],
)
def test_a_subject_tells_who_gets_in_where_the_issuer_is_not_known_yet(
    provider: str, conditions: str, codes: set[str]
) -> None:
    found = validate(Files(files=(File(name="main.tf", text=ROLE % (provider, conditions)),)))
    assert {own.code for own in found if own.code.startswith(("OIDC-", "IRSA-"))} == codes


def test_what_is_not_known_yet_is_quoted_as_the_file_has_it() -> None:
    host = "token.actions.githubusercontent.com"
    provider = f'"arn:aws:iam::${{var.id}}:oidc-provider/{host}"'
    conditions = f'StringLike = {{ "{host}:sub" = "repo:${{var.oidc}}/*" }}'
    text = ROLE % (provider, conditions)
    for action, tool_of in (("validate", tool), ("check", irsa)):
        files = Files(files=(File(name="main.tf", text=text),))
        found = tool_of.run({"action": action, "document": files}).findings
        (wide,) = (own for own in found if own.code == "OIDC-ORG-WIDE")
        assert "`repo:${var.oidc}/*`" in wide.message
        assert "Write `repo:${var.oidc}/REPOSITORY:ref:refs/heads/BRANCH`" in (wide.fix or "")
    unknown = ROLE % ("var.arn", 'StringLike = { "${var.oidc}:sub" = "system:*" }')
    answer = irsa.run({"action": "check", "document": unknown})
    assert "(${var.oidc}: private)" in answer.summary


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"Fn::Sub": "repo:${Org}/*"}, "`repo:${Org}/*`"),
        ({"Fn::Sub": "repo:${Org}-${Bucket}/*"}, "`repo:${Org}-${Bucket}/*`"),
        # A name that nobody wrote stays a word.
        (
            {"Fn::Join": ["", ["repo:", {"Fn::ImportValue": "org"}, "/*"]]},
            "`repo:ImportValue-org/*`",
        ),
    ],
)
def test_a_parameter_is_quoted_as_a_template_has_it(written: Any, said: str) -> None:
    host = "token.actions.githubusercontent.com"
    trust = {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{host}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringLike": {f"{host}:sub": written}},
    }
    policy = {"Version": "2012-10-17", "Statement": [trust]}
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": policy}}
    parameters = {name: {"Type": "String"} for name in ("Org", "Bucket")}
    found = validate(json.dumps({"Parameters": parameters, "Resources": {"R": role}}))
    (wide,) = (own for own in found if own.code == "OIDC-ORG-WIDE")
    assert said in wide.message


MODULE = """variable "on" {
  default = true
}
resource "aws_iam_policy" "p" {
  count  = var.on ? 1 : 0
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "iam:*", Resource = "*" }] })
}
"""


def of_folders(**calls: str) -> list[Finding]:
    """The findings on one module, as these folders call it."""
    files = {f"envs/{name}/main.tf": own for name, own in calls.items()} | {"m/main.tf": MODULE}
    named = tuple(File(name=name, text=text) for name, text in files.items())
    answer = tool.run({"action": "validate", "document": Files(files=named, folder=".")})
    return [own for own in answer.findings if own.code == "SERVICE_WILDCARD_ALLOWED"]


CALL = 'module "m" {\n  source = "../../m"\n'


def test_a_module_that_several_folders_call_is_told_once() -> None:
    (found,) = of_folders(dev=CALL + "}\n", prod=CALL + "}\n")
    assert "switched on" not in (found.message or "")


def test_a_problem_of_what_is_switched_off_says_so() -> None:
    (found,) = of_folders(dev=CALL + "  on = false\n}\n")
    assert "only if it is switched on" in (found.message or "")
    (found,) = of_folders(dev=CALL + "  on = false\n}\n", prod=CALL + "}\n")
    assert "switched on" not in (found.message or "")


@pytest.mark.parametrize(
    ("name", "action", "says"),
    [
        ("Bucket", "kms:Decrypt", "a resource of type `AWS::S3::Bucket`"),
        ("SourceAccount", "s3:GetObject", "`12` under `aws:SourceAccount` is not"),
        ("GetObjectt", "s3:GetObjectt", "`s3:GetObjectt` is not an action of s3"),
    ],
)
def test_a_parameter_with_the_name_of_something_else_is_not_quoted_in_its_place(
    name: str, action: str, says: str
) -> None:
    statement = {**OPEN, "Action": action, "Resource": {"Fn::Sub": f"arn:aws:s3:::${{{name}}}/*"}}
    condition = {"StringEquals": {"aws:SourceAccount": [{"Ref": name}, "12"]}}
    found = validate(template("AWS::S3::BucketPolicy", statement, condition))
    assert any(says in (finding.message or "") for finding in found)
