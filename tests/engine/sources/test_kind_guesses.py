"""The kind that a policy is read as when nobody says it: from its content, its file and its folder."""

from __future__ import annotations

import json

import pytest

from aws_iam.engine.language.document import Kind, Policy
from aws_iam.engine.reference.attachment_types import REPOSITORY, VPC_ENDPOINT
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
        ([{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}], Kind.RESOURCE),
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


@pytest.mark.parametrize("file", ["buckets/site.json", "vpce/buckets/site.json", "endpoints.json"])
def test_other_files_name_no_endpoint(file: str) -> None:
    assert read(document(EVERYONE), file).resource_type is None


@pytest.mark.parametrize(
    "file", ["ecr.json", "policies/ecr-repository-policy.json", "ECR_resource_policy.yaml"]
)
def test_the_policy_of_a_repository_is_known_by_its_file(file: str) -> None:
    statement = {"Effect": "Deny", "Principal": "*", "Action": "*"}
    assert read(document(statement), file).resource_type == REPOSITORY


@pytest.mark.parametrize("file", ["ecr-cache-bucket.json", "ecr/bucket.json", "secr.json"])
def test_other_files_name_no_repository(file: str) -> None:
    assert read(document(EVERYONE), file).resource_type is None
