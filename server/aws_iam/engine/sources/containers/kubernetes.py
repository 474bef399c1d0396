"""Policies in Kubernetes manifests: ACK and Crossplane resources, config maps, annotations; named by the object.

https://aws-controllers-k8s.github.io/community/reference/ and https://marketplace.upbound.io/providers/upbound/provider-aws-iam
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_iam.engine.language.json_nodes import Form, Node
from aws_iam.engine.language.kinds import Kind
from aws_iam.engine.sources.containers.anywhere import policies_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.engine.sources.containers.found import Found, Note

NAME = "Kubernetes manifest"

_CONTROLLERS = (".services.k8s.aws", ".aws.upbound.io", ".aws.crossplane.io", ".aws.m.upbound.io")

# By the service in the group and the kind; the property itself tells a trust policy.
_KINDS: Final[Mapping[tuple[str, str], tuple[Kind, str | None]]] = {
    ("iam", "Role"): (Kind.IDENTITY, None),
    ("iam", "User"): (Kind.IDENTITY, None),
    ("iam", "Group"): (Kind.IDENTITY, None),
    ("iam", "Policy"): (Kind.IDENTITY, None),
    ("iam", "RolePolicy"): (Kind.IDENTITY, None),
    ("iam", "UserPolicy"): (Kind.IDENTITY, None),
    ("iam", "GroupPolicy"): (Kind.IDENTITY, None),
    ("s3", "Bucket"): (Kind.RESOURCE, "AWS::S3::Bucket"),
    ("s3", "BucketPolicy"): (Kind.RESOURCE, "AWS::S3::Bucket"),
    ("kms", "Key"): (Kind.RESOURCE, "AWS::KMS::Key"),
    ("sqs", "Queue"): (Kind.RESOURCE, "AWS::SQS::Queue"),
    ("sqs", "QueuePolicy"): (Kind.RESOURCE, "AWS::SQS::Queue"),
    ("sns", "Topic"): (Kind.RESOURCE, "AWS::SNS::Topic"),
    ("sns", "TopicPolicy"): (Kind.RESOURCE, "AWS::SNS::Topic"),
    ("ecr", "Repository"): (Kind.RESOURCE, "AWS::ECR::Repository"),
    ("ecr", "RepositoryPolicy"): (Kind.RESOURCE, "AWS::ECR::Repository"),
    ("secretsmanager", "SecretPolicy"): (Kind.RESOURCE, "AWS::SecretsManager::Secret"),
}


def fits(root: Node) -> bool:
    """Whether it is an object, or a list of objects, with an API version and a kind."""
    return root.form is Form.OBJECT and all(
        (value := root.member(name)) is not None and value.form is Form.STRING
        for name in ("apiVersion", "kind")
    )


def documents(root: Node) -> Iterator[Found | Note]:
    """The policies of the manifest, each object of a `List` by itself."""
    items = root.member("items")
    kind = root.member("kind")
    if kind and kind.text.endswith("List") and items and items.form is Form.ARRAY:
        for each in items.items:
            yield from _of_object(each)
    else:
        yield from _of_object(root)


def _of_object(manifest: Node) -> Iterator[Found | Note]:
    known, resource_type = _KINDS.get(_type(manifest), (None, None))
    name = _name(manifest)
    for policy in policies_in(manifest):
        yield policy.judged(f"{name} {policy.spelled}", known, resource_type)


def _type(manifest: Node) -> tuple[str, str]:
    group = _member(manifest, "apiVersion").partition("/")[0]
    for suffix in _CONTROLLERS:
        if group.endswith(suffix):
            return group.removesuffix(suffix), _member(manifest, "kind")
    return "", ""


def _name(manifest: Node) -> str:
    metadata = manifest.member("metadata")
    parts = [_member(metadata, key) for key in ("namespace", "name")] if metadata else []
    return "/".join(filter(None, [_member(manifest, "kind"), *parts]))


def _member(node: Node, name: str) -> str:
    value = node.member(name)
    return value.text if value else ""
