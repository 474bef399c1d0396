"""Templates inside templates: as text they are read, in other files they are named."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from aws_iam.engine.parsing.json_nodes import Form, Node
from aws_iam.engine.parsing.json_text import Syntax, scan
from aws_iam.engine.parsing.yaml_text import scan_yaml
from aws_iam.engine.sources.containers.access_settings import AccessSetting, subject_named
from aws_iam.engine.sources.containers.attachments import PolicyAttachment
from aws_iam.engine.sources.containers.embedded_documents import file_offsets, relocated
from aws_iam.engine.sources.containers.policy_places import (
    FoundPolicy,
    FoundResource,
    SkippedPlace,
)
from aws_iam.errors import InputError
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterator, Mapping

    from aws_iam.engine.sources.containers.cloudformation_template import Resource
    from aws_iam.engine.sources.containers.placeholders import Placeholders

    Found = FoundPolicy | SkippedPlace | PolicyAttachment | FoundResource | AccessSetting

MOST_DEEP: Final = 3
"""How many templates may stand in one another."""
_BODIES: Final = {
    "AWS::CloudFormation::StackSet": "TemplateBody",
    "AWS::CloudFormation::Stack": "TemplateBody",
}
_IN_ANOTHER = "a template in another file"
_ELSEWHERE = re.compile(r"^(?:https?|s3|arn|ssm):|^/")
_SCALARS = frozenset({Form.STRING, Form.NUMBER, Form.BOOLEAN})
_FILES: Final = {
    "AWS::CloudFormation::Stack": "TemplateURL",
    "AWS::CloudFormation::StackSet": "TemplateURL",
    "AWS::Serverless::Application": "Location",
}


def template_body(resource: Resource, properties: Node) -> Node | None:
    """The template that a resource holds as text or as an object."""
    name = _BODIES.get(resource.type)
    return properties.member(name) if name else None


def body_place(resource: Resource) -> str:
    """The place of that template."""
    return f"{resource.name}.{_BODIES[resource.type]}"


def template_in(
    body: Node, placeholders: Placeholders, offsets: array[int] | None = None
) -> Node | None:
    """The template in a text of JSON or YAML; None where it cannot be read. `offsets` are those of its characters, if the caller knows them."""
    if body.form is Form.OBJECT:
        return body
    text = body.text
    marks = (placeholders.begin, placeholders.end)
    if any(f"\\u{ord(mark):04x}" in text.lower() for mark in marks):
        return None  # the text would write a placeholder itself
    root: Node | Syntax = scan(text)
    if isinstance(root, Syntax):
        try:
            documents = scan_yaml(text)
        except InputError:
            return None
        if isinstance(documents, Syntax) or len(documents) != 1:
            return None
        root = documents[0]
    if root.form is not Form.OBJECT:
        return None
    return relocated(root, body, offsets if offsets is not None else file_offsets(body))


def path_of_file(
    resource: Resource, properties: Node, placeholders: Placeholders
) -> tuple[str, str]:
    """The place of a nested stack's template and its path, where that is beside this one; else empty texts."""
    name = _FILES.get(resource.type, "")
    value = properties.member(name) if name else None
    text = value.text if value is not None and value.form is Form.STRING else ""
    if not text or _ELSEWHERE.search(text) or placeholders.within(text):
        return "", ""
    return f"{resource.name}.{name}", text


def parameters_of(properties: Node, placeholders: Placeholders) -> Mapping[str, str]:
    """The parameters that a stack gives its template, with placeholders for what is not known."""
    given = properties.member("Parameters")
    found: dict[str, str] = {}
    for member in given.members if given else ():
        value = member.value
        items = value.items if value.form is Form.ARRAY else (value,)
        is_known = all(item.form in _SCALARS for item in items)
        text = ",".join(item.text for item in items)
        found[member.key] = text if is_known else placeholders.placeholder(member.key)
    return found


def other_file(
    resource: Resource, properties: Node, placeholders: Placeholders
) -> Iterator[SkippedPlace]:
    """The template of a nested stack in another file."""
    name = _FILES.get(resource.type)
    value = properties.member(name) if name else None
    if name and value is not None:
        text = placeholders.as_variables(value.text)
        where = f" ({quoted(text)})" if text else ""
        why = f"{_IN_ANOTHER}{where}: check that file too"
        yield SkippedPlace(name=f"{resource.name}.{name}", why=why)


def is_of_other_file(found: object) -> bool:
    """Whether it says that the template of a nested stack is in another file."""
    if isinstance(found, AccessSetting):
        return found.subject == subject_named("other_template")
    return isinstance(found, SkippedPlace) and found.why.startswith(_IN_ANOTHER)


def within(found: Found, place: str) -> Found:
    """What was found in a template within another one, under the names that it has there."""
    prefix = f"{place}/"
    match found:
        case FoundPolicy():
            holder = found.holder
            if holder.name:
                holder = replace(holder, name=prefix + holder.name)
            other = prefix + found.other_side_of if found.other_side_of else ""
            return replace(found, name=prefix + found.name, holder=holder, other_side_of=other)
        case PolicyAttachment():
            own = found.document
            return replace(
                found,
                holder=prefix + found.holder,
                place=prefix + found.place,
                document=prefix + own if own else "",
                policy=prefix + found.policy if own else found.policy,
            )
        case AccessSetting():
            return replace(found, holder=prefix + found.holder, place=prefix + found.place)
        case _:
            return replace(found, name=prefix + found.name)
