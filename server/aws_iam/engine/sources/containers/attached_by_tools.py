"""Policies that tasks of Ansible and resources of Pulumi attach by ARN or by name, in data of no known format.

Also what else of them decides about access: members of groups, permissions of functions, grants of keys.

amazon.aws.iam_role: {name: app, managed_policies: [ReadOnlyAccess]}   →   PolicyAttachment(holder="iam_role/app", …)
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam import resources
from aws_iam.engine.language.document import NO_HOLDER, Holder
from aws_iam.engine.parsing.json_nodes import Form
from aws_iam.engine.sources.containers.access_settings import (
    AccessSetting,
    access_settings,
    canonical,
    setting_rows,
    subject_named,
)
from aws_iam.engine.sources.containers.attachments import (
    PRINCIPAL_KINDS,
    PolicyAttachment,
    attachment_rows,
    attachments,
)
from aws_iam.engine.sources.containers.policy_places import places_by_type
from aws_iam.engine.sources.containers.task_controls import task_controls

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.parsing.json_nodes import Member, Node
    from aws_iam.engine.sources.containers.policy_places import PolicyPlace

_ANSIBLE, _PULUMI = "ansible-modules.json", "pulumi-resources.json"
_ROLES = "workload-roles.json"
_BY_ANSIBLE, _BY_PULUMI = "ansible", "pulumi"
# https://docs.ansible.com/ansible/latest/collections/amazon/aws/
_COLLECTION = re.compile(r"(?:amazon|community)\.aws\.")
# `aws:iam/role:Role` is the long form of `aws:iam:Role`.
_LONG_TYPE = re.compile(r"/\w+(?=:)")
_REFERENCE = re.compile(r"\$\{([\w-]+)\.arn\}")
# A role, a user or a group of the program, by itself or by what it is called.
_PRINCIPAL = re.compile(r"\$\{([\w-]+)(?:\.(?:name|id))?\}")
_MANAGED, _POLICY_NAMES = "iam_managed_policy", ("policy_name", "name")
_GONE, _BY_NAME, _ASSUMED = "absent", "awsManaged", "assumedBy"
_NAMES = ("name", "statement_id", "alias")
_TASK_NAMES = ("iam_name", "policy_name")
# Whose policy a task of Ansible writes, the more telling argument first.
_HOLDER_NAMES = ("iam_name", "name")
# The properties by which resources of Pulumi name what has their policy.
_HELD_BY = {
    "aws:iam:RolePolicy": ("role",),
    "aws:iam:UserPolicy": ("user",),
    "aws:iam:GroupPolicy": ("group",),
    "aws:s3:BucketPolicy": ("bucket",),
    "aws:sqs:QueuePolicy": ("queueUrl",),
    "aws:sns:TopicPolicy": ("arn",),
    "aws:secretsmanager:SecretPolicy": ("secretArn",),
    "aws:ecr:RepositoryPolicy": ("repository",),
    "aws:kms:KeyPolicy": ("keyId",),
    "aws:ssoadmin:PermissionSetInlinePolicy": ("permissionSetArn",),
    "aws-native:iam:RolePolicy": ("roleName",),
    "aws-native:iam:UserPolicy": ("userName",),
    "aws-native:iam:GroupPolicy": ("groupName",),
    "aws-native:s3:BucketPolicy": ("bucket",),
}


def attached_by_tools(
    root: Node, documents: Sequence[str] = ()
) -> Iterator[PolicyAttachment | AccessSetting]:
    """The attached policies below a node, and such settings; `documents` are the names of the policies that stand there in full."""
    policies = {_policy_name(root, name): name for name in documents}
    yield from task_controls(root, _task_with_access)
    todo = [root]
    while todo:
        node = todo.pop()
        yield from _by_accelerator(node)
        for member in node.members:
            yield from _by_ansible(member, policies)
            yield from _by_pulumi(member, documents, root)
            todo.append(member.value)
        todo += node.items


def place_in_task(path: Sequence[str | int]) -> PolicyPlace | None:
    """The place of a policy that an argument of Ansible's module holds, by the path that ends in both."""
    module, argument = path[-2:] if len(path) > 1 else ("", "")
    if not (isinstance(module, str) and isinstance(argument, str)):
        return None
    places = places_by_type(_ANSIBLE).get(_COLLECTION.sub("", module, count=1), ())
    return next((place for place in places if place.path == argument), None)


def holder_in_tools(root: Node, path: Sequence[str | int]) -> Holder:
    """The holder that the task of Ansible, or the resource of Pulumi, at the end of a path names for its policy."""
    nodes: list[tuple[str, Node]] = [("", root)]
    for token in path:
        node = nodes[-1][1]
        inner = node.items[token] if isinstance(token, int) else node.member(token)
        if inner is None:
            return NO_HOLDER
        nodes.append((str(token), inner))
    if place_in_task(path):
        values = nodes[-2][1]
        type_, name = _text(values, "iam_type"), _first_text(values, _HOLDER_NAMES)
        return _attached_to(f"iam_{type_}/{name}" if name and type_ in PRINCIPAL_KINDS else name)
    for _, node in reversed(nodes):
        type_ = _LONG_TYPE.sub("", _text(node, "type"))
        properties = node.member("properties")
        if properties and (keys := _HELD_BY.get(type_)):
            kind = keys[0].removesuffix("Name")
            return _attached_to(_resource_named(root, _first_text(properties, keys), kind))
    return NO_HOLDER


def _attached_to(name: str) -> Holder:
    return Holder(attached_to=(name,)) if name else NO_HOLDER


def _policy_name(root: Node, pointer: str) -> str:
    """The name of the policy that a task of Ansible writes; empty for any other one."""
    node = root
    *path, _ = pointer.removeprefix("/").split("/")
    for token in path:
        is_item = node.form is Form.ARRAY and token.isdecimal() and int(token) < len(node.items)
        inner = node.items[int(token)] if is_item else node.member(token.replace("~1", "/"))
        if inner is None:
            return ""
        node = inner
    module = _COLLECTION.sub("", path[-1], count=1) if path else ""
    return _first_text(node, _POLICY_NAMES) if module == _MANAGED else ""


def _resource_named(root: Node, written: str, kind: str) -> str:
    """The resource of Pulumi that a role, a user or a group is named by, else what is written."""
    section = root.member("resources")
    if section is None or kind not in PRINCIPAL_KINDS:
        return written
    reference = _PRINCIPAL.fullmatch(written)
    if reference:
        return reference[1] if section.member(reference[1]) else written
    named = [own.key for own in section.members if _is_called(own.value, written, kind)]
    return named[0] if len(named) == 1 else written


def _is_called(resource: Node, name: str, kind: str) -> bool:
    properties, type_ = resource.member("properties"), _LONG_TYPE.sub("", _text(resource, "type"))
    is_one = type_.lower().endswith(f":iam:{kind}")
    keys = ("name", f"{kind}Name")
    return bool(
        name and is_one and properties and name in {_text(properties, key) for key in keys}
    )


def _by_ansible(
    task: Member, policies: Mapping[str, str]
) -> Iterator[PolicyAttachment | AccessSetting]:
    module, values = _COLLECTION.sub("", task.key, count=1), task.value
    is_known = (
        attachment_rows(_ANSIBLE, module)
        or setting_rows(_BY_ANSIBLE, module)
        or module in resources.data(_ROLES)["ansible"]
    )
    if not is_known or _text(values, "state") == _GONE:
        return
    holder = _called(module, values)
    for own in attachments(_ANSIBLE, module, values, holder):
        # The ARN of a policy of the account, or its name.
        document = "" if own.managed else policies.get(own.policy.rpartition("/")[2], "")
        yield replace(own, document=document)
    yield from access_settings(_BY_ANSIBLE, module, values, holder)


def _task_with_access(member: Member) -> str:
    """What a task is called that writes or attaches a policy, or decides about access otherwise; empty for any other one."""
    module, values = _COLLECTION.sub("", member.key, count=1), member.value
    decides = (
        places_by_type(_ANSIBLE).get(module)
        or attachment_rows(_ANSIBLE, module)
        or setting_rows(_BY_ANSIBLE, module)
    )
    if not decides or _text(values, "state") == _GONE:
        return ""
    return "/".join(
        (_called(module, values), *filter(None, (_text(values, own) for own in _TASK_NAMES)))
    )


def _called(module: str, values: Node) -> str:
    return "/".join(filter(None, (module, _first_text(values, _NAMES))))


def _by_accelerator(role: Node) -> Iterator[PolicyAttachment | AccessSetting]:
    """The AWS managed policies of a role, a group or a permission set of the Landing Zone Accelerator, and who may assume it.

    https://awslabs.github.io/landing-zone-accelerator-on-aws/latest/typedocs/interfaces/___packages__aws_accelerator_config_lib_models_iam_config.IRoleConfig.html
    """
    policies, name = role.member("policies"), _text(role, "name")
    assumed_by = role.member(_ASSUMED) if name else None
    if assumed_by is not None:
        yield AccessSetting(
            holder=name,
            place=f"{name}.{_ASSUMED}",
            subject=subject_named("assumed_by"),
            value=canonical(assumed_by),
        )
    named = policies.member(_BY_NAME) if policies and name else None
    for own in named.listed() if named else ():
        if own.form is Form.STRING:
            yield PolicyAttachment(
                holder=name, place=f"{name}.policies.{_BY_NAME}", policy=own.text
            )


def _by_pulumi(
    resource: Member, documents: Sequence[str], root: Node
) -> Iterator[PolicyAttachment | AccessSetting]:
    type_ = _LONG_TYPE.sub("", _text(resource.value, "type"))
    values = resource.value.member("properties")
    if values is None:
        return
    yield from access_settings(_BY_PULUMI, type_, values, resource.key)
    for own in attachments(_PULUMI, type_, values, resource.key):
        named = _REFERENCE.fullmatch(own.policy)
        start = f"/resources/{named[1]}/properties/" if named else ""
        document = next((name for name in documents if start and name.startswith(start)), "")
        target = own.target and _resource_named(root, own.target, own.target_kind)
        yield replace(own, document=document, target=target)


def _first_text(node: Node, names: Sequence[str]) -> str:
    return next(filter(None, (_text(node, name) for name in names)), "")


def _text(node: Node, name: str) -> str:
    value = node.member(name)
    return value.text if value and value.form is Form.STRING else ""
