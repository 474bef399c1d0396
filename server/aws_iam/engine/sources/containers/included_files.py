"""Templates of CloudFormation with what `AWS::Include` takes from files beside them.

    with_included_files(root, others)   →   the template, in which `Fn::Transform: {Name: AWS::Include, …}` is what the file has

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-include.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_iam.engine.parsing.json_nodes import Form, Member, Node, Place, rooted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.sources.containers.other_files import OtherFiles

MARK: Final = "AWS::Include"
_FUNCTION, _SECTION = "Fn::Transform", "Transform"


def with_included_files(root: Node, others: OtherFiles) -> Node:
    """The template; what no file at hand has stays as it is written."""
    lines = root.at.lines
    if others.read is None or (lines and MARK not in lines.text):
        return root
    return _within(_with_sections(root, others), others)


def included(value: Node) -> str:
    """The file that a transform includes; empty for any other transform."""
    name, parameters = value.member("Name"), value.member("Parameters")
    location = parameters.member("Location") if parameters else None
    return location.text if name and name.text == MARK and location else ""


def _with_sections(root: Node, others: OtherFiles) -> Node:
    """The template with the sections of the files that its own transforms include."""
    transforms = root.member(_SECTION)
    snippets = [
        snippet
        for own in (transforms.listed() if transforms else ())
        if (snippet := _snippet(own, others))
    ]
    if not snippets:
        return root
    sections = {own.key: own for own in root.members}
    for snippet in snippets:
        for member in snippet.members:
            own = sections.get(member.key)
            sections[member.key] = _joined(own, member) if own else member
    return root.but(members=tuple(sections.values()))


def _joined(own: Member, more: Member) -> Member:
    added = (*own.value.members, *more.value.members)
    return Member.named(own.name, own.value.but(members=added))


def _within(node: Node, others: OtherFiles) -> Node:
    if node.form is Form.ARRAY:
        return node.but(items=tuple(_within(item, others) for item in node.items))
    if node.form is not Form.OBJECT:
        return node
    return node.but(members=tuple(_members(node, others)))


def _members(node: Node, others: OtherFiles) -> Iterator[Member]:
    for member in node.members:
        snippet = _snippet(member.value, others) if member.key == _FUNCTION else None
        if snippet is None:
            yield Member.named(member.name, _within(member.value, others))
            continue
        for own in snippet.members:
            key = own.name.at
            at = Place(node.at, own.key, key.spot, key.lines)
            yield Member.named(own.name, rooted(own.value, at))


def _snippet(transform: Node, others: OtherFiles) -> Node | None:
    location = included(transform)
    found = others.value(location) if location else None
    return found if found is not None and found.form is Form.OBJECT else None
