"""The names by which AWS knows principals, policies and what has a policy, whatever a file calls them.

own_name("aws_iam_role", values)   →   "aws_iam_role app"
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form

if TYPE_CHECKING:
    from aws_iam.engine.parsing.json_nodes import Node

NAMES = {
    "aws_iam_group": "name",
    "aws_iam_policy": "name",
    "aws_iam_role": "name",
    "aws_iam_user": "name",
    "aws_s3_bucket": "bucket",
    "aws_secretsmanager_secret": "name",
    "aws_sns_topic": "name",
    "aws_sqs_queue": "name",
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SecretsManager::Secret": "Name",
}
"""The property with the name of each type; AWS has a name once in an account."""


def own_name(type_: str, values: Node | None) -> str:
    """The type and the name of a resource; empty where AWS or the deployment makes the name."""
    named = values.member(NAMES[type_]) if values and type_ in NAMES else None
    return f"{type_} {named.text}" if named and named.form is Form.STRING and named.text else ""
