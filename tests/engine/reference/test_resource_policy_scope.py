"""Which actions the policy of a resource decides about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aws_iam.engine.reference.resource_policy_scope import SOME, is_decided, scope_of, together
from aws_iam.engine.sources.gather import one_policy

ECR, BUCKET, QUEUE = "AWS::ECR::Repository", "AWS::S3::Bucket", "AWS::SQS::Queue"
NAMED = {"AWS": "arn:aws:iam::444455556666:root"}


@pytest.mark.parametrize(
    ("action", "scope", "decided"),
    [
        ("ecr:BatchGetImage", SOME, True),
        ("ecr:PutRegistryPolicy", SOME, False),
        ("ecr-public:DescribeRegistries", SOME, False),
        ("s3:ListAllMyBuckets", SOME, False),
        ("s3:GetDataAccess", SOME, True),
        ("s3:GetDataAccess", BUCKET, False),
        ("s3:GetObject", BUCKET, True),
        # Terraform has one resource for the policies of both.
        ("s3express:CreateSession", BUCKET, True),
        ("sqs:ListQueues", SOME, False),
        ("sqs:SendMessage", QUEUE, True),
        ("sns:Publish", QUEUE, False),
        ("sns:CreatePlatformEndpoint", SOME, False),
        ("lambda:ListFunctions", SOME, False),
        ("lambda:InvokeFunction", SOME, True),
        ("secretsmanager:BatchGetSecretValue", SOME, False),
        ("kms:CreateAlias", SOME, True),
        ("kms:ListAliases", SOME, False),
        ("glacier:UploadArchive", SOME, True),
        # AWS's pages show these in the policies of a registry, a log destination, a domain, a catalog, a cluster, a sink and a rule.
        ("ecr:PutRegistryPolicy", "AWS::ECR::RegistryPolicy", True),
        ("ecr:PutRegistryPolicy", ECR, False),
        ("logs:PutAccountPolicy", "AWS::Logs::Destination", True),
        ("Logs:putaccountpolicy", SOME, True),
        ("logs:DescribeLogGroups", SOME, False),
        ("codeartifact:CreateRepository", "AWS::CodeArtifact::Domain", True),
        ("codeartifact:CreateRepository", "AWS::CodeArtifact::Repository", False),
        ("codeartifact:CreateRepository", SOME, True),
        ("glue:AuthorizeInboundIntegration", SOME, True),
        ("kafka:GetBootstrapBrokers", SOME, True),
        ("oam:UpdateLink", SOME, True),
        ("schemas:DescribeSchema", SOME, True),
        ("sagemaker:DescribeModelPackage", SOME, True),
        ("route53resolver:ListResolverRules", SOME, True),
        ("backup:CreateBackupPlan", SOME, False),
        ("backup:StartRestoreJob", SOME, True),
        ("elasticfilesystem:CreateFileSystem", SOME, False),
        ("es:ListVpcEndpoints", SOME, False),
        ("es:ESHttpGet", SOME, True),
        # Nothing is known of a name that the reference lacks, and of services without such policies in it.
        ("ecr:NewAction", ECR, True),
        ("ecr:NewAction", SOME, True),
        ("nosuchservice:Act", ECR, True),
        ("ec2:DescribeInstances", SOME, True),
        ("ec2:DescribeInstances", ECR, False),
    ],
)
def test_an_action_is_decided_by_the_policy_of_what_it_is_asked_of(
    action: str, scope: str, *, decided: bool
) -> None:
    assert is_decided(action, scope) is decided


@pytest.mark.parametrize(
    ("statement", "resource_type", "scope"),
    [
        ({"Action": "ecr:*"}, None, SOME),
        ({"Action": "ecr:*"}, ECR, ECR),
        # The policy of a registry names resources, that of a repository none.
        ({"Action": "ecr:*", "Resource": "*"}, None, None),
        ({"Action": "s3:*", "Resource": "*"}, "AWS::EC2::VPCEndpoint", None),
        ({"Action": "kms:*", "Resource": "*"}, None, SOME),
        # As AWS's example of a VPC endpoint for KMS.
        ({"Action": ["kms:Decrypt", "kms:ListKeys"], "Resource": "*"}, None, None),
        ({"Action": "s3:*", "Resource": "*", "Principal": "*"}, None, None),
        ({"Action": "s3:*", "Resource": "arn:aws:s3:::b", "Principal": "*"}, None, SOME),
        ({"Action": "sts:AssumeRole"}, None, None),
    ],
)
def test_a_policy_that_may_be_of_no_resource_has_no_scope(
    statement: dict[str, Any], resource_type: str | None, scope: str | None
) -> None:
    listed = [{"Effect": "Allow", "Principal": NAMED} | statement]
    policy = one_policy({"Version": "2012-10-17", "Statement": listed})
    assert scope_of(replace(policy, resource_type=resource_type)) == scope


def test_policies_of_different_resources_have_no_scope_together() -> None:
    assert together([]) is None
    assert together([SOME, None]) is None
    assert together([SOME, SOME]) == SOME
    assert together([SOME, ECR]) == ECR
    assert together([QUEUE, ECR]) is None
