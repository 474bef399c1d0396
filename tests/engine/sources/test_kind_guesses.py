"""The kind that a policy is read as when nobody says it: from its content, its file and its folder."""

from __future__ import annotations

import json

import pytest

from aws_iam.engine.language.document import Kind, Policy
from aws_iam.engine.reference.attachment_types import KMS_KEY, REPOSITORY, VPC_ENDPOINT
from aws_iam.engine.sources.files import File, Files
from aws_iam.engine.sources.gather import gathered
from helpers.policy_files import document

OUTSIDE = {"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}}
REGIONS = document({"Effect": "Deny", "Action": "ec2:*", "Resource": "*", "Condition": OUTSIDE})
EVERYONE = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
ANOTHER_CALLER = {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/admin"}}
FULL_ACCESS = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def read(policy: object, file: str = "") -> Policy:
    text = json.dumps(policy)
    source = gathered(Files(files=(File(name=file, text=text),)) if file else text).sources[0]
    assert isinstance(source.content, Policy)
    assert source.content.kind_guessed
    return source.content


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("scp/regions.json", Kind.SCP),
        ("organization/scps/regions.json", Kind.SCP),
        ("deny-regions.scp.json", Kind.SCP),
        ("service_control_policies/regions.json", Kind.SCP),
        ("boundaries/developer.json", Kind.BOUNDARY),
        ("permissions-boundary.json", Kind.BOUNDARY),
        ("policies/regions.json", Kind.IDENTITY),
        # `scp` inside a word, and a folder further up, say nothing.
        ("describscped.json", Kind.IDENTITY),
        ("scp/accounts/dev/policy.json", Kind.IDENTITY),
    ],
)
def test_the_name_of_the_file_or_its_folder_suggests_the_kind(file: str, kind: Kind) -> None:
    assert read(REGIONS, file).kind is kind


@pytest.mark.parametrize(
    ("file", "statement", "kind"),
    [
        ("scps/deny.json", {"Effect": "Deny", "Principal": "*"}, Kind.SCP),
        (
            "scps/deny.json",
            {"Effect": "Allow", "Principal": {"AWS": "111122223333"}},
            Kind.RESOURCE,
        ),
        ("rcps/deny.json", {"Effect": "Deny", "Principal": "*"}, Kind.RCP),
        ("buckets/deny.json", {"Effect": "Deny", "Principal": "*"}, Kind.RESOURCE),
    ],
)
def test_a_service_control_policy_with_a_principal_is_a_wrong_one(
    file: str, statement: dict[str, object], kind: Kind
) -> None:
    asked = {"Action": "s3:DeleteBucket", "Resource": "arn:aws:s3:::b"}
    assert read(document({**statement, **asked}), file).kind is kind


@pytest.mark.parametrize(
    ("statements", "kind"),
    [
        ([{"Effect": "Deny", "Action": "organizations:LeaveOrganization", "Resource": "*"}], Kind.SCP),
        (
            [
                FULL_ACCESS,
                {"Effect": "Deny", "Action": "iam:*", "Resource": "*", "Condition": ANOTHER_CALLER},
            ],
            Kind.SCP,
        ),
        (
            [
                {
                    "Effect": "Deny",
                    "Action": "iam:*",
                    "Resource": "arn:aws:iam::*:role/admin",
                    "Condition": ANOTHER_CALLER,
                }
            ],
            Kind.SCP,
        ),
        ([{"Effect": "Deny", "Action": "iam:*", "Resource": "*"}], Kind.IDENTITY),
        ([FULL_ACCESS], Kind.IDENTITY),
        (
            [
                {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
                {"Effect": "Deny", "Action": "iam:*", "Resource": "*", "Condition": ANOTHER_CALLER},
            ],
            Kind.IDENTITY,
        ),
        (
            [{"Effect": "Deny", "Principal": "*", "Action": ["s3:*", "sqs:*"], "Resource": "*"}],
            Kind.RCP,
        ),
        ([{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}], Kind.RCP),
        (
            [{"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole", "Resource": "*"}],
            Kind.RCP,
        ),
        ([{"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"}], Kind.RESOURCE),
        ([{"Effect": "Deny", "Principal": "*", "NotAction": "s3:*", "Resource": "*"}], Kind.RESOURCE),
        ([EVERYONE], Kind.RESOURCE),
    ],
)  # fmt: skip
def test_what_only_an_organization_denies_tells_its_kind(
    statements: list[object], kind: Kind
) -> None:
    assert read(document(*statements)).kind is kind


@pytest.mark.parametrize(
    "file", ["vpce/s3.json", "vpc-endpoint.json", "endpoint-policies/s3.json"]
)
def test_the_policy_of_an_endpoint_is_known_by_its_file(file: str) -> None:
    assert read(document(EVERYONE), file).resource_type == VPC_ENDPOINT


@pytest.mark.parametrize(
    "file",
    [
        "buckets/site.json",
        "vpce/buckets/site.json",
        "endpoints.json",
        "bucket-policy-vpce.json",
        "sqs_queue_vpc_endpoint.json",
    ],
)
def test_other_files_name_no_endpoint(file: str) -> None:
    assert read(document(EVERYONE), file).resource_type is None


@pytest.mark.parametrize("key", ["aws:SourceVpce", "aws:sourceVpc", "aws:VpcSourceIp"])
def test_what_tells_endpoints_apart_on_a_named_resource_is_the_policy_of_none(key: str) -> None:
    limited = {**EVERYONE, "Condition": {"StringEquals": {key: "x"}}}
    named = {**limited, "Resource": "arn:aws:s3:::b/*"}
    assert read(document(named), "s3-vpce.json").resource_type is None
    assert read(document(limited), "s3-vpce.json").resource_type == VPC_ENDPOINT


@pytest.mark.parametrize(
    "file", ["ecr.json", "policies/ecr-repository-policy.json", "ECR_resource_policy.yaml"]
)
def test_the_policy_of_a_repository_is_known_by_its_file(file: str) -> None:
    statement = {"Effect": "Deny", "Principal": "*", "Action": "*"}
    assert read(document(statement), file).resource_type == REPOSITORY


@pytest.mark.parametrize("file", ["ecr-cache-bucket.json", "ecr/bucket.json", "secr.json"])
def test_other_files_name_no_repository(file: str) -> None:
    assert read(document(EVERYONE), file).resource_type is None


DECRYPT = {
    "Effect": "Allow",
    "Principal": {"AWS": "111122223333"},
    "Action": "kms:Decrypt",
    "Resource": "*",
}


@pytest.mark.parametrize(
    "file",
    ["key-policy.json", "kms_policy.yaml", "KMS-key-policy.json", "key-policies/app.json"],
)
def test_the_policy_of_a_key_is_known_by_its_file(file: str) -> None:
    assert read(document(DECRYPT), file).resource_type == KMS_KEY
    other = {**DECRYPT, "Action": ["kms:Decrypt", "s3:GetObject"]}
    assert read(document(other), file).resource_type is None


@pytest.mark.parametrize("file", ["monkey-policy.json", "keys.json", "kms/app.json"])
def test_other_files_name_no_key(file: str) -> None:
    assert read(document(DECRYPT), file).resource_type is None


TERRAFORM = """
resource "aws_iam_policy" "{label}" {{
  policy = jsonencode({{ Version = "2012-10-17", Statement = [{{ Effect = "Allow", Action = "s3:*", Resource = "*" }}] }})
}}
resource "aws_iam_role" "app" {{
  assume_role_policy   = "{{}}"
  permissions_boundary = {boundary}
  managed_policy_arns  = {attached}
}}
"""
GRANTS = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}


@pytest.mark.parametrize(
    ("label", "boundary", "attached", "kind"),
    [
        ("limit", "aws_iam_policy.limit.arn", "[]", Kind.BOUNDARY),
        ("developer_boundary", "null", "[]", Kind.BOUNDARY),
        ("developer-boundary-policy", "null", "[]", Kind.BOUNDARY),
        ("boundary_editor", "null", "[]", Kind.IDENTITY),
        ("limit", "null", "[]", Kind.IDENTITY),
        # What is attached grants, whatever else it is.
        ("limit", "aws_iam_policy.limit.arn", "[aws_iam_policy.limit.arn]", Kind.IDENTITY),
        ("app_boundary", "null", "[aws_iam_policy.app_boundary.arn]", Kind.IDENTITY),
    ],
)
def test_a_managed_policy_that_only_limits_is_a_boundary(
    label: str, boundary: str, attached: str, kind: Kind
) -> None:
    text = TERRAFORM.format(label=label, boundary=boundary, attached=attached)
    kinds = {
        own.name: own.content.kind
        for own in gathered(text).sources
        if isinstance(own.content, Policy)
    }
    assert kinds[f"aws_iam_policy.{label}.policy"] is kind


@pytest.mark.parametrize(
    ("policy", "role", "kind"),
    [
        ({}, {"PermissionsBoundary": {"Ref": "Limit"}}, Kind.BOUNDARY),
        ({}, {}, Kind.IDENTITY),
        ({"Roles": ["app"]}, {"PermissionsBoundary": {"Ref": "Limit"}}, Kind.IDENTITY),
        (
            {},
            {"PermissionsBoundary": {"Ref": "Limit"}, "ManagedPolicyArns": [{"Ref": "Limit"}]},
            Kind.IDENTITY,
        ),
    ],
)
def test_so_is_one_of_a_template(
    policy: dict[str, object], role: dict[str, object], kind: Kind
) -> None:
    properties = {**policy, "PolicyDocument": document(GRANTS)}
    resources = {
        "Limit": {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties},
        "Role": {"Type": "AWS::IAM::Role", "Properties": role},
    }
    (source,) = gathered({"Resources": resources}).sources
    assert isinstance(source.content, Policy)
    assert source.content.kind is kind


def test_a_template_calls_a_boundary_so() -> None:
    limit = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document(GRANTS)}}
    found = gathered({"Resources": {"AppPermissionsBoundary": limit, "BoundaryAdmins": limit}})
    kinds = [own.content.kind for own in found.sources if isinstance(own.content, Policy)]
    assert kinds == [Kind.BOUNDARY, Kind.IDENTITY]


def test_a_kind_that_is_given_holds() -> None:
    text = TERRAFORM.format(label="limit", boundary="aws_iam_policy.limit.arn", attached="[]")
    assert all(
        isinstance(own.content, Policy) and own.content.kind is not Kind.BOUNDARY
        for own in gathered(text, "identity").sources
    )
