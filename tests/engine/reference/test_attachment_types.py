"""What a resource policy can be attached to: names, what they imply, and facts that fit the catalogue."""

from __future__ import annotations

import pytest

from aws_iam.engine.language.document import Kind, Policy
from aws_iam.engine.reference.attachment_types import (
    TRUST,
    VPC_ENDPOINT,
    attachment_type,
    attachment_type_named,
    attachment_types,
)
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.sources.gather import sources_of
from aws_iam.errors import InputError
from aws_iam.tools.policy.actions import tool

OF_VALIDATE_POLICY = (
    "AWS::S3::Bucket",
    "AWS::S3::AccessPoint",
    "AWS::S3::MultiRegionAccessPoint",
    "AWS::S3ObjectLambda::AccessPoint",
    "AWS::IAM::AssumeRolePolicyDocument",
    "AWS::DynamoDB::Table",
)
POLICY = {"Version": "2012-10-17", "Statement": []}


def read_as(resource_type: str, kind: str | None = None) -> Policy:
    content = sources_of(POLICY, kind, resource_type)[0].content
    assert isinstance(content, Policy)
    return content


@pytest.mark.parametrize("name", OF_VALIDATE_POLICY)
def test_the_types_of_validate_policy_are_known(name: str) -> None:
    assert attachment_type_named(name).name == name


@pytest.mark.parametrize("name", sorted(set(attachment_types()) - {TRUST, VPC_ENDPOINT}))
def test_a_type_has_arns_in_the_catalogue_and_a_source_for_its_quota(name: str) -> None:
    row = attachment_types()[name]
    service = catalog().service(row.service)
    assert service is not None
    assert all(type_.lower() in service.resource_types for type_ in (*row.types, *row.acts_on))
    assert row.arn_formats()
    assert bool(row.most) is row.quota_source.startswith("https://docs.aws.amazon.com/")


def test_a_type_tells_the_kind() -> None:
    assert read_as("AWS::S3::Bucket").kind is Kind.RESOURCE
    assert read_as(TRUST).kind is Kind.TRUST
    assert not read_as(TRUST).kind_guessed
    assert read_as("AWS::S3::Bucket", "resource").resource_type == "AWS::S3::Bucket"


def test_the_name_of_a_policy_means_what_it_is_attached_to() -> None:
    assert read_as("AWS::SQS::QueuePolicy").resource_type == "AWS::SQS::Queue"
    assert read_as("AWS::S3::BucketPolicy").resource_type == "AWS::S3::Bucket"


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("AWS::S3::Bukket", None, "did you mean `AWS::S3::Bucket`?"),
        ("AWS::SQS::Que", None, "did you mean `AWS::SQS::Queue`?"),
        ("x", None, "such as `AWS::S3::Bucket`"),
        ("AWS::IAM::Role", None, "write `AWS::IAM::AssumeRolePolicyDocument`"),
        ("AWS::S3::Bucket", "identity", "has the kind `resource`, not `identity`"),
        ("AWS::S3::Bucket", "trust", "has the kind `resource`, not `trust`"),
        (TRUST, "resource", "has the kind `trust`, not `resource`"),
        ("a\n" * 100_000, None, "is not a known type of resource"),
    ],
)
def test_an_unknown_type_or_one_against_the_kind_is_refused_with_what_would_work(
    name: str, kind: str | None, says: str
) -> None:
    with pytest.raises(InputError) as refused:
        sources_of(POLICY, kind, name)
    assert says in str(refused.value)
    assert len(str(refused.value)) < 1_000


def test_the_action_takes_the_type_and_refuses_an_unknown_one() -> None:
    document = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": "111122223333"},
            "Action": "kms:Decrypt",
            "Resource": "arn:aws:s3:::amzn-s3-demo-bucket/*",
        },
    }
    asked = {"action": "validate", "document": document}
    answer = tool.run({**asked, "resource_type": "AWS::S3::Bucket"})
    assert "UNSUPPORTED_ACTION_IN_POLICY" in {finding.code for finding in answer.findings}
    with pytest.raises(InputError, match="not a known type of resource"):
        tool.run({**asked, "resource_type": "AWS::S3::Bukket"})


def test_no_type_is_no_attachment() -> None:
    assert attachment_type(None) is None
    assert attachment_type("AWS::S3::Nothing") is None
    assert sources_of(POLICY, None, "")[0].content == sources_of(POLICY)[0].content
