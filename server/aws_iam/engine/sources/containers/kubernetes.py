"""Policies in Kubernetes manifests: ACK and Crossplane resources, config maps, annotations; named by the object.

The role of a service account stands beside them, and the policies that ACK, Crossplane and eksctl attach by ARN.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.engine.language.document import Holder, Kind
from aws_iam.engine.parsing.json_nodes import Form, Node
from aws_iam.engine.sources.containers.access_settings import access_settings
from aws_iam.engine.sources.containers.attachments import (
    PolicyAttachment,
    Reference,
    attachments,
)
from aws_iam.engine.sources.containers.generic_data import policies_in
from aws_iam.engine.sources.containers.policy_places import (
    FoundPolicy,
    FoundResource,
    texts_at,
    values_at,
)
from aws_iam.engine.sources.containers.role_documents import patched_roles
from aws_iam.engine.sources.containers.service_accounts import annotated_roles, role_of_account

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.engine.sources.containers.access_settings import AccessSetting
    from aws_iam.engine.sources.containers.policy_places import SkippedPlace

    _Found = FoundPolicy | SkippedPlace | AccessSetting | PolicyAttachment | FoundResource

NAME = "Kubernetes manifest"
_DATA = "kubernetes-resources.json"
_EKSCTL = "eksctl.io"
# What Crossplane calls the resource that gets a policy, where that is not what its kind begins with.
_TARGETS = {
    "sqs/QueuePolicy": ("queueUrl",),
    "sns/TopicPolicy": ("arn",),
    "secretsmanager/SecretPolicy": ("secretArn",),
    "ecr/RepositoryPolicy": ("repository", "repositoryName"),
    "s3/BucketPolicy": ("bucket", "bucketName"),
    "iam/RolePolicy": ("role", "roleName"),
    "iam/UserPolicy": ("user", "userName"),
    "iam/GroupPolicy": ("group", "groupName"),
}
_NAMED_BY = ("", "Ref.name")


def fits(root: Node) -> bool:
    """Whether it is an object, or a list of objects, with an API version and a kind."""
    return root.form is Form.OBJECT and all(
        (value := root.member(name)) is not None and value.form is Form.STRING
        for name in ("apiVersion", "kind")
    )


def documents(root: Node) -> Iterator[_Found]:
    """The policies of the manifest; each object of a `List` counts by itself."""
    items = root.member("items")
    if _member(root, "kind").endswith("List") and items and items.form is Form.ARRAY:
        for manifest in items.items:
            yield from _in_object(manifest)
    else:
        yield from _in_object(root)


def _in_object(manifest: Node) -> Iterator[_Found]:
    kind, resource_type = _policy_of_resource(manifest)
    name = _name(manifest)
    type_ = _type(manifest)
    yield FoundResource(
        name=name, own_name=f"{type_} {name.partition('/')[2]}", labels=_labels(manifest)
    )
    for policy in policies_in(manifest):
        found = policy.named(f"{name} {policy.dotted_path}", kind, resource_type)
        if isinstance(found, FoundPolicy):
            attached_to = _holders(type_, manifest, policy.path)
            found = replace(found, holder=Holder(name=name, type=type_, attached_to=attached_to))
        yield found
    if _member(manifest, "kind") == "ServiceAccount":
        yield from role_of_account(manifest, name)
    else:
        yield from annotated_roles(manifest, name)
    if _member(manifest, "kind") == "Kustomization":
        yield from patched_roles(manifest)
    for inner, holder in _resources_in(manifest, name):
        yield from _attached_by(inner, holder)


def _holders(type_: str, manifest: Node, path: tuple[str | int, ...]) -> tuple[str, ...]:
    """Whom the policy is attached to: what the resource names, or the entry of a list that has it."""
    service, _, kind = type_.partition("/")
    if kind.endswith("Policy") and kind != "Policy":
        target = kind.removesuffix("Policy").lower()
        keys = _TARGETS.get(f"{service}/{kind}", (target,))
        paths = [f"spec.forProvider.{key}{end}" for key in keys for end in _NAMED_BY]
        return tuple(texts_at(manifest, paths))
    if service == _EKSCTL:
        named = _part_of(type_, manifest, path)
        return (named,) if named else ()
    return ()


def _part_of(type_: str, manifest: Node, path: tuple[str | int, ...]) -> str:
    """The part of an object that a path leads into, such as a service account that eksctl makes; with its name."""
    place = "".join(f"[{own}]" if isinstance(own, int) else f".{own}" for own in path)[1:]
    for row in resources.data(_DATA)["parts"]:
        for start, part, _ in values_at(manifest, row["path"]) if row["type"] == type_ else ():
            if place.startswith(f"{start}."):
                return _part_name(row, start, part)
    return ""


def _part_name(row: Mapping[str, Any], place: str, part: Node) -> str:
    own = "/".join(texts_at(part, row["names"]))
    return f"{row['path'].removesuffix('[]')}/{own}" if own else place


def _policy_of_resource(manifest: Node) -> tuple[Kind | None, str | None]:
    """The kind of policy that a resource of ACK or Crossplane holds, and what it is attached to."""
    type_ = _type(manifest)
    for row in resources.data(_DATA)["policies"]:
        if f"{row['service']}/{row['kind']}" == type_:
            return Kind(row["policy"]), row.get("resource_type")
    return None, None


def _type(manifest: Node) -> str:
    """The service or the API group of an object, and its kind."""
    group, kind = _member(manifest, "apiVersion").partition("/")[0], _member(manifest, "kind")
    ends = resources.data(_DATA)["groups"]
    service = next((group.removesuffix(end) for end in ends if group.endswith(end)), group)
    return f"{service}/{kind}"


def _resources_in(manifest: Node, name: str) -> Iterator[tuple[Node, str]]:
    """The object and those that it makes, such as the resources of a composition, with their names."""
    yield manifest, name
    todo = [(member.value, f"{name}.{member.key}") for member in manifest.members]
    while todo:
        node, place = todo.pop()
        if fits(node):
            yield node, place
        todo += ((member.value, f"{place}.{member.key}") for member in node.members)
        todo += (
            (item, f"{place}[{_called(item, number)}]") for number, item in enumerate(node.items)
        )


def _called(item: Node, number: int) -> str:
    """The name of an entry, which stays when others come before it."""
    return _member(item, "name") or str(number)


def _attached_by(manifest: Node, name: str) -> Iterator[PolicyAttachment | AccessSetting]:
    """The policies that an object and its parts attach, and what else of them decides about access."""
    type_ = _type(manifest)
    yield from _attached(type_, manifest, name)
    for row in resources.data(_DATA)["parts"]:
        for place, part, _ in values_at(manifest, row["path"]) if row["type"] == type_ else ():
            yield from _attached(row["part"], part, f"{name}/{_part_name(row, place, part)}")


def _attached(type_: str, values: Node, holder: str) -> Iterator[PolicyAttachment | AccessSetting]:
    to = _targeted(type_, values)
    for own in attachments(_DATA, type_, values, holder):
        yield replace(own, to=None if own.target else to)
    yield from _by_reference(type_, values, holder, to)
    yield from access_settings("kubernetes", type_, values, holder)


def _by_reference(
    type_: str, values: Node, holder: str, to: Reference | None
) -> Iterator[PolicyAttachment]:
    """The policies that an object attaches by naming or selecting the objects that have them."""
    for row in resources.data(_DATA)["references"]:
        for _, value, _ in values_at(values, row["path"]) if row["type"] == type_ else ():
            reference = _reference(row["to"], value)
            if reference is not None:
                path = row["path"].removesuffix("[]")
                yield PolicyAttachment(
                    holder=holder,
                    place=f"{holder}.{path}",
                    policy=reference.name or path,
                    is_boundary=row.get("boundary", False),
                    target=to.name if to else "",
                    reference=reference,
                    to=to,
                )


def _targeted(type_: str, values: Node) -> Reference | None:
    """The object of the principal that an attachment names or selects."""
    for row in resources.data(_DATA)["targets"]:
        for _, value, _ in values_at(values, row["path"]) if row["type"] == type_ else ():
            if (found := _reference(row["to"], value)) is not None:
                return found
    return None


def _reference(type_: str, value: Node) -> Reference | None:
    """What a reference names, or a selector selects; None where a controller chooses in another way."""
    name = next(texts_at(value, ("name", "from.name")), "")
    labels = value.member("matchLabels")
    if name:
        return Reference(type=type_, name=name)
    if labels is None or not labels.members or len(value.members) > 1:
        return None
    return Reference(type=type_, labels=_texts(labels))


def _labels(manifest: Node) -> frozenset[tuple[str, str]]:
    metadata = manifest.member("metadata")
    labels = metadata.member("labels") if metadata else None
    return _texts(labels) if labels else frozenset()


def _texts(labels: Node) -> frozenset[tuple[str, str]]:
    return frozenset((own.key, own.value.text) for own in labels.members)


def _name(manifest: Node) -> str:
    metadata = manifest.member("metadata")
    parts = [_member(metadata, key) for key in ("namespace", "name")] if metadata else []
    return "/".join(filter(None, [_member(manifest, "kind"), *parts]))


def _member(node: Node, name: str) -> str:
    value = node.member(name)
    return value.text if value else ""
