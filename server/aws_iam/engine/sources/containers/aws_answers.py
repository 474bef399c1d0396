"""Policies in the answers of the AWS CLI, named by the ARN or name next to them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from aws_iam import resources
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.document import Holder, Kind
from aws_iam.engine.parsing.json_nodes import Form, Node, rooted
from aws_iam.engine.parsing.json_text import Syntax, scan
from aws_iam.engine.sources.containers.attachments import PolicyAttachment
from aws_iam.engine.sources.containers.embedded_documents import (
    decoded,
    embedded,
    is_policy,
    looks_encoded,
)
from aws_iam.engine.sources.containers.policy_places import (
    FoundPolicy,
    PolicyPlace,
    SkippedPlace,
    organization_place,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

NAME = "AWS CLI answer"
_DATA = "aws-cli-answers.json"

# Members that identify the resource, and members that identify one of its policies.
_RESOURCE_NAMES: Final = (
    "Arn", "ARN", "QueueArn", "TopicArn", "BackupVaultArn", "resourceArn", "RoleName", "UserName", "GroupName",
    "repositoryName", "VpcEndpointId", "FileSystemId", "Name", "DomainName",
)  # fmt: skip
_POLICY_NAMES: Final = ("PolicyName", "policyName", "VersionId")
_VERSIONS: Final = "Policies[].PolicyVersionList[].Document"
_IDENTITY_NAMES: Final = ("RoleName", "UserName", "GroupName")
_PRINCIPALS: Final = ("Principal", "NotPrincipal")


# 15 µs to build, and each document asks for them.
@cache
def places() -> tuple[PolicyPlace, ...]:
    """Where answers hold policies, in the order in which the paths are tried."""
    return tuple(map(PolicyPlace.of_row, resources.data(_DATA)["policies"]))


def fits(root: Node) -> bool:
    """Whether a policy, or the ARN of an attached one, stands where an answer of the AWS CLI has it."""
    return root.form is Form.OBJECT and (
        _organization_content(root) is not None
        or any(True for _ in _attached_arns(root))
        or any(
            is_policy(value) or (value.form is Form.STRING and looks_encoded(value.text))
            for place in places()
            for _, value in _values_with_holders(root, place.path)
        )
    )


def documents(root: Node) -> Iterator[FoundPolicy | SkippedPlace | PolicyAttachment]:
    """The policies of the answer, and what it attaches; of a managed policy with several versions the default one."""
    content = _organization_content(root)
    if content is not None:
        yield from _organization_policy(root, content)
        return
    by_arn: dict[str, str] = {}
    for place in places():
        key = place.path.rpartition(".")[2]
        for holders, value in _values_with_holders(root, place.path):
            name = _name(holders, key)
            if _is_old_version(holders[-1], place.path):
                yield SkippedPlace(name=name, why="not the policy's default version", is_none=True)
                continue
            if value.form is Form.OBJECT and not is_policy(value):
                continue
            document = embedded(value)
            if place.path == _VERSIONS:
                # The same policy, whichever version is the default one.
                name = f"{_holder(holders)} {key}"
            if document is not None:
                own = rooted(document) if isinstance(document, Node) else document
                held = _found(name, own, _from_context(place, root, own), value)
                holder = _holder(holders)
                by_arn[holder] = name
                kind = place.path.partition(".")[0]
                yield replace(held, holder=Holder(name=holder, type=kind))
    yield from _attachments(root, by_arn)


def _attachments(
    root: Node, by_arn: Mapping[str, str]
) -> Iterator[FoundPolicy | PolicyAttachment]:
    """The attached policies; of a list of nothing else the AWS managed ones are policies of the answer."""
    for row, holders, arn in _attached_arns(root):
        # The innermost object is the attached policy.
        holder = _holder(holders[:-1])
        place = f"{holder} {row['path'].split('.')[-2].removesuffix('[]')}".strip()
        own = PolicyAttachment(
            holder=holder,
            place=place,
            policy=arn.text,
            is_boundary=row.get("boundary", False),
            document=by_arn.get(arn.text, ""),
        )
        document = None if holder or own.is_boundary else _managed(own)
        yield document or own


def _managed(own: PolicyAttachment) -> FoundPolicy | None:
    managed = own.managed
    content = scan(managed.document) if managed else None
    if content is None:
        return None
    return FoundPolicy(name=own.name, content=content, kind=Kind.IDENTITY)


def _attached_arns(root: Node) -> Iterator[tuple[Mapping[str, Any], tuple[Node, ...], Node]]:
    for row in resources.data(_DATA)["attachments"]:
        for holders, value in _values_with_holders(root, row["path"]):
            if value.form is Form.STRING and value.text.startswith("arn:"):
                yield row, holders, value


def _holder(holders: Sequence[Node]) -> str:
    """The ARN or the name of the resource that a place belongs to."""
    names = [text for holder in holders for text in _first(holder, _RESOURCE_NAMES)]
    return names[-1] if names else ""


def _from_context(place: PolicyPlace, root: Node, content: Node | Syntax) -> PolicyPlace:
    """The place, with what the rest of the answer says about it."""
    if place.path == "PolicyDocument" and not any(map(root.member, _IDENTITY_NAMES)):
        return replace(place, kind=None)
    if place.kind is not Kind.RESOURCE or place.resource_type or isinstance(content, Syntax):
        return place
    if not _names_principals(content):
        # A resource policy without a principal allows nothing: such a member of any other file is no answer of AWS.
        return replace(place, kind=None)
    name = root.member("PolicyName")
    if name and name.text == "default":  # the only name that KMS gives key policies
        return replace(place, resource_type="AWS::KMS::Key")
    return replace(place, resource_type=_type_of_first_resource(content))


def _found(name: str, content: Node | Syntax, place: PolicyPlace, value: Node) -> FoundPolicy:
    return FoundPolicy(
        name=name,
        content=content,
        kind=place.kind,
        resource_type=place.resource_type,
        text=decoded(value.text) if value.form is Form.STRING else None,
    )


def _values_with_holders(
    node: Node, path: str, holders: tuple[Node, ...] = ()
) -> Iterator[tuple[tuple[Node, ...], Node]]:
    """Each value at the path, with the objects on the way to it."""
    head, _, rest = path.partition(".")
    value = node.member(head.removesuffix("[]"))
    if value is None:
        return
    holders = (*holders, node)
    for item in value.items if head.endswith("[]") else (value,):
        if rest:
            yield from _values_with_holders(item, rest, holders)
        else:
            yield holders, item


def _name(holders: tuple[Node, ...], key: str) -> str:
    policy_names = [text for holder in holders for text in _first(holder, _POLICY_NAMES)]
    parts = [_holder(holders), key, *(f"({name})" for name in policy_names[-1:])]
    return " ".join(part for part in parts if part)


def _first(node: Node, names: tuple[str, ...]) -> list[str]:
    values = (node.member(name) for name in names)
    return [value.text for value in values if value and value.form is Form.STRING][:1]


def _is_old_version(holder: Node, path: str) -> bool:
    default = holder.member("IsDefaultVersion")
    return "PolicyVersionList" in path and default is not None and default.text == "false"


def _names_principals(document: Node) -> bool:
    """Whether some statement of the policy says whom it is for."""
    body = document.member("Statement")
    return body is None or any(
        statement.member(name) for statement in body.listed() for name in _PRINCIPALS
    )


def _type_of_first_resource(document: Node) -> str | None:
    """The type of the first resource in the policy whose ARN shows it."""
    body = document.member("Statement")
    for statement in body.listed() if body else ():
        resource = statement.member("Resource")
        for entry in resource.listed() if resource else ():
            found = _type_of(Arn.of(entry.text)) if entry.form is Form.STRING else None
            if found:
                return found
    return None


def _type_of(arn: Arn | None) -> str | None:
    if arn is None:
        return None
    if arn.service == "s3" and not arn.region and not arn.account:
        return "AWS::S3::Bucket"
    if arn.service == "dynamodb" and "/stream/" in arn.resource:
        return None  # a stream has a policy of its own, apart from its table's
    attached = resources.data(_DATA)["attached"]
    kind = arn.resource.replace(":", "/").partition("/")[0]
    found: str | None = attached.get(f"{arn.service} {kind}") or attached.get(arn.service)
    return found


def _organization_content(root: Node) -> Node | None:
    policy = root.member("Policy")
    summary = policy.member("PolicySummary") if policy else None
    return policy.member("Content") if policy and summary else None


def _organization_policy(root: Node, content: Node) -> Iterator[FoundPolicy | SkippedPlace]:
    policy = root.member("Policy")
    summary = policy.member("PolicySummary") if policy else None
    type_, arn = (summary.member("Type"), summary.member("Arn")) if summary else (None, None)
    name = " ".join([*([arn.text] if arn else []), "Content"])
    place = organization_place("Content", type_.text) if type_ else PolicyPlace(path="Content")
    document = embedded(content)
    if place.skip:
        yield SkippedPlace(name=name, why=place.skip, is_none=True)
    elif document is not None:
        yield _found(name, document, place, content)
