"""What `Ref` and `Fn::GetAtt` give for resources of a template: names and ARNs of the right form, the rest made up.

The return values stand on each type's page:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final, Literal

from aws_iam.engine.language.frozen import positional
from aws_iam.engine.reference.catalog import catalog

if TYPE_CHECKING:
    from collections.abc import Mapping

PSEUDO: Final[Mapping[str, str]] = {
    "AWS::AccountId": "111122223333",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::URLSuffix": "amazonaws.com",
}
_HOLE = re.compile(r"\$\{([^{}]*)\}")
_KEY_ID: Final = "1234abcd-12ab-34cd-56ef-1234567890ab"


@positional
class _Type:
    """The resource type of the authorization reference, what `Ref` gives, and the attribute that is the ARN."""

    service: str
    name: str
    ref: Literal["name", "arn", "other"] = "name"
    attribute: str = "Arn"
    suffix: str = ""


TYPES: Final[Mapping[str, _Type]] = {
    "AWS::CodeBuild::Project": _Type("codebuild", "project"),
    "AWS::Cognito::UserPool": _Type("cognito-idp", "userpool", "other"),
    "AWS::DynamoDB::Table": _Type("dynamodb", "table"),
    "AWS::ECR::Repository": _Type("ecr", "repository"),
    "AWS::ECS::Cluster": _Type("ecs", "cluster"),
    "AWS::EFS::FileSystem": _Type("elasticfilesystem", "file-system", "other"),
    "AWS::IAM::Group": _Type("iam", "group"),
    "AWS::IAM::InstanceProfile": _Type("iam", "instance-profile"),
    "AWS::IAM::ManagedPolicy": _Type("iam", "policy", "arn", "PolicyArn"),
    "AWS::IAM::Role": _Type("iam", "role"),
    "AWS::IAM::User": _Type("iam", "user"),
    "AWS::KMS::Key": _Type("kms", "key"),
    "AWS::Kinesis::Stream": _Type("kinesis", "stream"),
    "AWS::KinesisFirehose::DeliveryStream": _Type("firehose", "deliverystream"),
    "AWS::Lambda::Function": _Type("lambda", "function"),
    "AWS::Logs::LogGroup": _Type("logs", "log-group", suffix=":*"),
    "AWS::OpenSearchService::Domain": _Type("es", "domain"),
    "AWS::S3::Bucket": _Type("s3", "bucket"),
    "AWS::SNS::Topic": _Type("sns", "topic", "arn", "TopicArn"),
    "AWS::SQS::Queue": _Type("sqs", "queue", "other"),
    "AWS::SecretsManager::Secret": _Type("secretsmanager", "Secret", "arn", "Id"),
    "AWS::Serverless::Function": _Type("lambda", "function"),
    "AWS::Serverless::SimpleTable": _Type("dynamodb", "table"),
    "AWS::StepFunctions::StateMachine": _Type("states", "statemachine", "arn"),
}
"""The types whose names and ARNs are told; anything of another type is known only at deployment."""


def ref(type_: str, logical: str) -> str | None:
    """What `Ref` gives for a resource of the type, None where that is not known."""
    known = TYPES.get(type_)
    if known is None or known.ref == "other":
        return None
    return _arn(known, logical) if known.ref == "arn" else _named(known, logical)


def attribute(type_: str, logical: str, name: str) -> str | None:
    """The ARN that `Fn::GetAtt` gives, None for other attributes and types."""
    known = TYPES.get(type_)
    if known is None or known.attribute != name:
        return None
    arn = _arn(known, logical)
    return arn and arn + known.suffix


def _named(known: _Type, logical: str) -> str:
    return _KEY_ID if known.service == "kms" else f"{logical.lower()}-example"


def _arn(known: _Type, logical: str) -> str | None:
    form = _format(known.service, known.name)
    if form is None:
        return None
    given = {"Partition": "aws", "Region": "us-east-1", "Account": PSEUDO["AWS::AccountId"]}
    name = _named(known, logical)
    return _HOLE.sub(lambda hole: given.get(hole[1], name), form)


@cache
def _format(service: str, name: str) -> str | None:
    found = catalog().service(service)
    type_ = found.resource_types.get(name.lower()) if found else None
    return type_.arn_formats[0] if type_ and type_.arn_formats else None
