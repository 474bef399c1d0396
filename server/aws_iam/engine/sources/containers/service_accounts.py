"""The roles that service accounts of Kubernetes give to their pods, by an annotation of Amazon EKS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form
from aws_iam.engine.sources.containers.access_settings import AccessSetting, subject_named
from aws_iam.engine.sources.containers.cluster_admins import embedded_values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.parsing.json_nodes import Member, Node

_ANNOTATION = "eks.amazonaws.com/role-arn"
_SUBJECT = "service_account_role"
# https://github.com/jtblin/kube2iam: the role of a pod by its name.
_OF_POD, _OF_POD_SUBJECT = "iam.amazonaws.com/role", "annotated_pod_role"
_SUBJECTS = {_ANNOTATION: _SUBJECT, _OF_POD: _OF_POD_SUBJECT}
# As Argo CD has values of a chart one by one: `serviceAccount.annotations.eks\\.amazonaws\\.com/role-arn`.
_NAME, _VALUE = "name", "value"


def role_of_account(manifest: Node, name: str) -> Iterator[AccessSetting]:
    """The role of a `ServiceAccount`; one without a role is told from one that is not there."""
    metadata = manifest.member("metadata")
    annotations = metadata.member("annotations") if metadata else None
    role = annotations.member(_ANNOTATION) if annotations else None
    yield AccessSetting(
        holder=name,
        place=f"{name} {_ANNOTATION}",
        subject=subject_named(_SUBJECT),
        value=role.text if role else "",
        only_changed=True,
    )


def annotated_roles(root: Node, *start: str) -> Iterator[AccessSetting]:
    """Each such annotation in data that is no service account, such as the values of a Helm chart, also within a text."""
    todo: list[tuple[tuple[str, ...], Node]] = [((), root)]
    while todo:
        path, node = todo.pop()
        for member in node.members:
            here = (*path, member.key)
            named, value = _annotation_of(node, member)
            if named and value.form is Form.STRING:
                place = " ".join((*start, ".".join(path)))
                yield AccessSetting(
                    holder=place,
                    place=f"{place} {named}".strip(),
                    subject=subject_named(_SUBJECTS[named]),
                    value=value.text,
                )
            todo.append((here, member.value))
            # As objects of Argo CD have the values of a chart.
            is_data = member.value.form is Form.STRING and f"{_ANNOTATION}:" in member.value.text
            values = embedded_values(member.value.text) if is_data else None
            todo += [(here, values)] if values else []
        todo += (((*path, str(number)), item) for number, item in enumerate(node.items))


def _annotation_of(node: Node, member: Member) -> tuple[str, Node]:
    """The annotation that a member of an object is, or that it names beside the value; empty where there is none."""
    if member.key in _SUBJECTS:
        return member.key, member.value
    value = node.member(_VALUE) if member.key == _NAME else None
    if value is not None and member.value.form is Form.STRING:
        path = member.value.text.replace("\\", "")
        return next((own for own in _SUBJECTS if path.endswith(f".{own}")), ""), value
    return "", member.value
