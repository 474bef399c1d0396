"""Who becomes an administrator of an EKS cluster: by the ConfigMap aws-auth, access entries and their policies.

cluster_admins(values)   →   frozenset({"arn:aws:iam::111122223333:role/dev"})

https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Node, walk
from aws_iam.engine.parsing.json_text import Syntax
from aws_iam.engine.parsing.yaml_text import scan_yaml
from aws_iam.engine.sources.template_holes import has_marks, masked
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

MASTERS = "system:masters"
_POLICY = "/AmazonEKSClusterAdminPolicy"
# Each format writes names in its own way: `PrincipalArn`, `principal_arn`, `principalARN`.
_PRINCIPALS = frozenset({"rolearn", "userarn", "arn", "principalarn"})
_POLICY_ARN, _SCOPE, _TYPE = "policyarn", "accessscope", "type"
_OF_NAMESPACES = "namespace"
_LONGEST = 1_000_000


def cluster_admins(values: Node) -> frozenset[str]:
    """The principals that the values make administrators, as far as they are known."""
    return frozenset(_admins(values))


def embedded_values(text: str) -> Node | None:
    """The value of a text in YAML, as in aws-auth; None for any other."""
    try:
        found = scan_yaml(text) if len(text) <= _LONGEST else ()
    except InputError:
        return None
    return found[0] if not isinstance(found, Syntax) and len(found) == 1 else None


def _admins(values: Node) -> Iterator[str]:
    todo = [values]
    while todo:
        node = todo.pop()
        if node.form is Form.STRING and MASTERS in node.text:
            yield from _admins_in_text(node.text)
        members = [(_plain(member.key), member.value) for member in node.members]
        for name, value in members:
            if name in _PRINCIPALS and value.text and _is_admin(node):
                yield value.text
        todo += [value for _, value in members]
        todo += node.items


def _admins_in_text(text: str) -> Iterator[str]:
    """Those of a text in YAML; of a template of one, also whoever is filled in, as the template writes it."""
    inner = _entries(text)
    if inner is not None:
        yield from _admins(inner)
        return
    template = masked(text, dollars=False) if has_marks(text) and len(text) <= _LONGEST else None
    for own in (template.text, template.without_lone_lines) if template else ():
        inner = _entries(own)
        if template and inner is not None:
            yield from map(template.shown, _admins(inner))
            return


def _entries(text: str) -> Node | None:
    inner = embedded_values(text)
    # A group is a text by itself.
    return None if inner is None or inner.form is Form.STRING else inner


def _is_admin(entry: Node) -> bool:
    return any(
        group.form is Form.STRING and group.text == MASTERS
        for member in entry.members
        if _plain(member.key) == "groups"
        for group in member.value.listed()
    ) or any(map(_is_policy_of_cluster, walk(entry)))


def _is_policy_of_cluster(node: Node) -> bool:
    """Whether it associates the policy of administrators with all of a cluster."""
    own = {_plain(member.key): member.value for member in node.members}
    policy, scope = own.get(_POLICY_ARN), own.get(_SCOPE)
    if policy is None or not policy.text.endswith(_POLICY):
        return False
    types = (
        member.value.text
        for part in (scope.listed() if scope else ())
        for member in part.members
        if _plain(member.key) == _TYPE
    )
    return _OF_NAMESPACES not in types


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
