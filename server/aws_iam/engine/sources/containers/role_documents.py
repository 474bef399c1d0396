"""Files that by themselves say which role something runs under: state machines, SSM documents, task definitions, workflows, patches.

roles_in_document({"StartAt": …, "States": …})   →   AccessSetting(place="States.A.Credentials.RoleArn", …)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam import resources
from aws_iam.engine.parsing.json_nodes import Form, walk
from aws_iam.engine.parsing.made_nodes import mapped
from aws_iam.engine.sources.containers.access_settings import (
    AccessSetting,
    canonical,
    operation_settings,
    role_settings,
    subject_named,
)
from aws_iam.engine.sources.containers.cluster_admins import embedded_values
from aws_iam.engine.sources.containers.policy_places import FoundResource
from aws_iam.engine.sources.containers.workload_roles import workload_roles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.parsing.json_nodes import Node

_DATA = "workload-roles.json"
_OF_GATEWAY = "x-amazon-apigateway-"
_BOUNDARY = "PermissionsBoundary"
# An entry of a list with an operation.
_IN_PATCH = re.compile(r"^\s*(?:-\s|\[).*\b(?:op|path)\b", re.MULTILINE)


def roles_in_document(root: Node) -> Iterator[AccessSetting | FoundResource]:
    """The roles of a file of such a shape, and what it is."""
    for shape in resources.data(_DATA)["shapes"]:
        if all(map(root.member, shape["members"])):
            what = shape["what"]
            if not shape.get("many"):
                yield FoundResource(name=what)
            yield from role_settings(
                what, root, what, subject=shape.get("subject", "workload_role")
            )
            if shape.get("operations"):
                yield from _operations(root, what)
            return
    yield from patched_roles(root)


def _operations(root: Node, what: str) -> Iterator[AccessSetting]:
    """Who may call the operations, if the document is one for API Gateway."""
    names = (member.key for node in walk(root) for member in node.members)
    if any(name.startswith(_OF_GATEWAY) for name in names):
        yield from operation_settings(root, what, what)


def patched_roles(root: Node) -> Iterator[AccessSetting]:
    """What patches of JSON put in the place of roles and permissions boundaries, as for Copilot and Kustomize.

    https://aws.github.io/copilot-cli/docs/developing/overrides/yamlpatch/
    https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/patches/
    """
    todo = [root]
    while todo:
        node = todo.pop()
        todo += [*node.items, *(member.value for member in node.members)]
        inner = embedded_values(node.text) if _IN_PATCH.search(node.text) else None
        if inner is not None and inner.form is Form.ARRAY:
            # A text of YAML may be the same text again.
            todo.append(inner)
        path, value = node.member("path"), node.member("value")
        if node.member("op") is None or path is None or path.form is not Form.STRING:
            continue
        name = path.text.rpartition("/")[2].replace("~1", "/")
        is_boundary = name == _BOUNDARY
        if is_boundary or (value and workload_roles("patch", mapped(((name, value),), value.at))):
            yield AccessSetting(
                holder=path.text,
                place=path.text,
                subject=subject_named("unread_policy" if is_boundary else "workload_role"),
                value=canonical(value) if value else "",
            )
