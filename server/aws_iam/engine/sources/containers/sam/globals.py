"""The properties of SAM's resources with those that `Globals` gives them all.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_iam.engine.parsing.json_nodes import Form

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.engine.parsing.json_nodes import Node

_SECTIONS: Final[Mapping[str, str]] = {
    "AWS::Serverless::Api": "Api",
    "AWS::Serverless::Function": "Function",
    "AWS::Serverless::HttpApi": "HttpApi",
    "AWS::Serverless::StateMachine": "StateMachine",
}


def with_globals(template: Node, type_: str, properties: Node | None) -> Node | None:
    """The properties: objects are merged, lists go on, any other value of the resource replaces the global one."""
    section = template.member("Globals") if type_ in _SECTIONS else None
    shared = section.member(_SECTIONS[type_]) if section else None
    if shared is None or shared.form is not Form.OBJECT:
        return properties
    return shared if properties is None else _merged(shared, properties)


def _merged(shared: Node, own: Node) -> Node:
    if shared.form is Form.ARRAY and own.form is Form.ARRAY:
        return own.but(items=(*shared.items, *own.items))
    if shared.form is not Form.OBJECT or own.form is not Form.OBJECT or _is_call(own):
        return own
    members = {member.key: member for member in shared.members}
    for member in own.members:
        former = members.get(member.key)
        if former is None:
            members[member.key] = member
        else:
            members[member.key] = type(member).named(
                member.name, _merged(former.value, member.value)
            )
    return own.but(members=tuple(members.values()))


def _is_call(node: Node) -> bool:
    return len(node.members) == 1 and node.members[0].key.startswith(("Ref", "Fn::"))
