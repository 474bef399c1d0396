"""Policies in the answers of the AWS CLI, named by the ARN or name that stands beside them.

https://docs.aws.amazon.com/cli/latest/reference/
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.json_nodes import Form, Node, rooted
from aws_iam.engine.language.kinds import Kind
from aws_iam.engine.sources.containers.cloudformation_spots import ORGANIZATION_KINDS
from aws_iam.engine.sources.containers.found import (
    Found,
    Note,
    Spot,
    decoded,
    embedded,
    is_policy,
    looks_encoded,
)
from aws_iam.engine.sources.json_scan import Syntax

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAME = "AWS CLI answer"

_INLINE: Final = (
    "RoleDetailList[].RolePolicyList[]",
    "UserDetailList[].UserPolicyList[]",
    "GroupDetailList[].GroupPolicyList[]",
)

SPOTS: Final = (
    *(
        Spot(path=f"{path}.AssumeRolePolicyDocument", kind=Kind.TRUST)
        for path in (
            "RoleDetailList[]",
            "Role",
            "Roles[]",
            "InstanceProfile.Roles[]",
            "InstanceProfiles[].Roles[]",
        )
    ),
    *(Spot(path=f"{path}.PolicyDocument", kind=Kind.IDENTITY) for path in _INLINE),
    Spot(path="Policies[].PolicyVersionList[].Document", kind=Kind.IDENTITY),
    Spot(path="PolicyVersion.Document", kind=Kind.IDENTITY),
    Spot(path="PolicyDocument", kind=Kind.IDENTITY),
    Spot(path="InlinePolicy", kind=Kind.IDENTITY),
    Spot(path="Attributes.Policy", kind=Kind.RESOURCE),
    Spot(path="ResourcePolicy", kind=Kind.RESOURCE, resource_type="AWS::SecretsManager::Secret"),
    Spot(path="policyText", kind=Kind.RESOURCE, resource_type="AWS::ECR::Repository"),
    Spot(path="PolicyInJson", kind=Kind.RESOURCE, resource_type="AWS::Glue::DataCatalog"),
    Spot(path="policy.document", kind=Kind.RESOURCE),
    Spot(path="policy.Policy", kind=Kind.RESOURCE, resource_type="AWS::Glacier::Vault"),
    Spot(
        path="resourcePolicies[].policyDocument",
        kind=Kind.RESOURCE,
        resource_type="AWS::Logs::ResourcePolicy",
    ),
    Spot(
        path="VpcEndpoints[].PolicyDocument",
        kind=Kind.RESOURCE,
        resource_type="AWS::EC2::VPCEndpoint",
    ),
    Spot(
        path="DomainStatus.AccessPolicies",
        kind=Kind.RESOURCE,
        resource_type="AWS::OpenSearchService::Domain",
    ),
    Spot(path="Policy", kind=Kind.RESOURCE),
    Spot(path="policy", kind=Kind.RESOURCE),
)

# Whose policy an answer with nothing but a policy is, by the service of the ARNs in it.
_ATTACHED: Final[Mapping[str, str]] = {
    "ecr": "AWS::ECR::Repository",
    "elasticfilesystem": "AWS::EFS::FileSystem",
    "execute-api": "AWS::ApiGateway::RestApi",
    "kms": "AWS::KMS::Key",
    "dynamodb table": "AWS::DynamoDB::Table",
    "lambda function": "AWS::Lambda::Function",
    "lambda layer": "AWS::Lambda::LayerVersion",
    "s3 accesspoint": "AWS::S3::AccessPoint",
    "secretsmanager": "AWS::SecretsManager::Secret",
    "sns": "AWS::SNS::Topic",
    "sqs": "AWS::SQS::Queue",
}

_MAIN = (
    "Arn", "ARN", "QueueArn", "TopicArn", "BackupVaultArn", "resourceArn", "RoleName", "UserName", "GroupName",
    "repositoryName", "VpcEndpointId", "FileSystemId", "Name", "DomainName",
)  # fmt: skip
_OWNERS = ("RoleName", "UserName", "GroupName")
_SIDE = ("PolicyName", "policyName", "VersionId")


def fits(root: Node) -> bool:
    """Whether a policy stands where an answer of the AWS CLI has one."""
    return root.form is Form.OBJECT and (
        _organization(root) is not None
        or any(
            is_policy(value) or (value.form is Form.STRING and looks_encoded(value.text))
            for spot in SPOTS
            for _, value in _walked(root, spot.path)
        )
    )


def documents(root: Node) -> Iterator[Found | Note]:
    """The policies of the answer; of a managed policy with several versions the default one."""
    content = _organization(root)
    if content is not None:
        yield from _of_organization(root, content)
        return
    for spot in SPOTS:
        key = spot.path.rpartition(".")[2]
        for holders, value in _walked(root, spot.path):
            name = _name(holders, key)
            if _outdated(holders[-1], spot.path):
                yield Note(name=name, why="not the policy's default version")
                continue
            if value.form is Form.OBJECT and not is_policy(value):
                continue
            inside = embedded(value)
            if inside is not None:
                own = rooted(inside) if isinstance(inside, Node) else inside
                yield _found(name, own, _told(spot, root, own), value)


def _told(spot: Spot, root: Node, content: Node | Syntax) -> Spot:
    """The place with what the rest of the answer says of it."""
    if spot.path == "PolicyDocument" and not any(map(root.member, _OWNERS)):
        return replace(spot, kind=None)
    if spot.kind is not Kind.RESOURCE or spot.resource_type or isinstance(content, Syntax):
        return spot
    name = root.member("PolicyName")
    if name and name.text == "default":  # the only name that KMS gives its key policies
        return replace(spot, resource_type="AWS::KMS::Key")
    return replace(spot, resource_type=_attached_to(content))


def _found(name: str, content: Node | Syntax, spot: Spot, value: Node) -> Found:
    return Found(
        name=name,
        content=content,
        kind=spot.kind,
        resource_type=spot.resource_type,
        text=decoded(value.text) if value.form is Form.STRING else None,
    )


def _walked(
    node: Node, path: str, holders: tuple[Node, ...] = ()
) -> Iterator[tuple[tuple[Node, ...], Node]]:
    """Each value at the path, with the objects that lead to it."""
    head, _, rest = path.partition(".")
    value = node.member(head.removesuffix("[]"))
    if value is None:
        return
    holders = (*holders, node)
    for each in value.items if head.endswith("[]") else (value,):
        if rest:
            yield from _walked(each, rest, holders)
        else:
            yield holders, each


def _name(holders: tuple[Node, ...], key: str) -> str:
    main = [text for holder in holders for text in _first(holder, _MAIN)]
    side = [text for holder in holders for text in _first(holder, _SIDE)]
    return " ".join([*main[-1:], key, *(f"({each})" for each in side[-1:])])


def _first(node: Node, names: tuple[str, ...]) -> list[str]:
    found = (node.member(name) for name in names)
    return [each.text for each in found if each and each.form is Form.STRING][:1]


def _outdated(holder: Node, path: str) -> bool:
    default = holder.member("IsDefaultVersion")
    return "PolicyVersionList" in path and default is not None and default.text == "false"


def _attached_to(document: Node) -> str | None:
    """The type that the first resource of the policy is of, None where its ARN does not tell."""
    body = document.member("Statement")
    for statement in body.listed() if body else ():
        resource = statement.member("Resource")
        for each in resource.listed() if resource else ():
            found = _type_of(Arn.of(each.text)) if each.form is Form.STRING else None
            if found:
                return found
    return None


def _type_of(arn: Arn | None) -> str | None:
    if arn is None:
        return None
    if arn.service == "s3" and not arn.region and not arn.account:
        return "AWS::S3::Bucket"
    if arn.service == "dynamodb" and "/stream/" in arn.resource:
        return None  # a stream has a policy of its own, beside its table's
    kind = arn.resource.replace(":", "/").partition("/")[0]
    return _ATTACHED.get(f"{arn.service} {kind}") or _ATTACHED.get(arn.service)


def _organization(root: Node) -> Node | None:
    policy = root.member("Policy")
    summary = policy.member("PolicySummary") if policy else None
    return policy.member("Content") if policy and summary else None


def _of_organization(root: Node, content: Node) -> Iterator[Found | Note]:
    policy = root.member("Policy")
    summary = policy.member("PolicySummary") if policy else None
    type_, arn = (summary.member("Type"), summary.member("Arn")) if summary else (None, None)
    name = " ".join([*([arn.text] if arn else []), "Content"])
    kind = ORGANIZATION_KINDS.get(type_.text) if type_ else None
    found = embedded(content)
    if type_ and kind is None:
        yield Note(name=name, why=f"a policy of type {type_.text}: no IAM policy")
    elif found is not None:
        yield _found(name, found, Spot(path="", kind=kind), content)
