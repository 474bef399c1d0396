"""Policies that Pulumi in YAML asks its provider to write, in data of no known format.

fn::invoke: {function: aws:iam:getPolicyDocument, arguments: {statements: [{actions: [s3:GetObject], resources: ["*"]}]}}

https://www.pulumi.com/registry/packages/aws/api-docs/iam/getpolicydocument/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Member, Node, Place, pointer_token, string
from aws_iam.engine.sources.containers.policy_places import FoundPolicy, SkippedPlace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_INVOKE, _SHORT = "fn::invoke", "fn::"
_FUNCTIONS = frozenset(
    {"aws:iam:getPolicyDocument", "aws:iam/getPolicyDocument:getPolicyDocument"}
)
# What the document takes over from others.
_FROM_OTHERS = (
    "sourcePolicyDocuments", "overridePolicyDocuments", "sourceJson", "overrideJson",
)  # fmt: skip
_NO_WORDS = frozenset({Form.OBJECT, Form.ARRAY, Form.NULL})
_VERSION = "2012-10-17"
_EVERYONE = "*"
_UNREAD = (
    "`getPolicyDocument` with documents or values from elsewhere is not read: give what it makes,"
    " such as the output of `pulumi stack export`"
)


def pulumi_documents(root: Node) -> Iterator[FoundPolicy | SkippedPlace]:
    """Each policy that a call of the provider's function writes."""
    todo: list[tuple[str, Node]] = [("", root)]
    while todo:
        path, node = todo.pop()
        for member in node.members:
            place = f"{path}/{pointer_token(member.key)}"
            if member.key.lower() == _INVOKE and _is_call(member.value):
                yield _called(path or "/", member.value.member("arguments"))
            elif member.key.removeprefix(_SHORT) in _FUNCTIONS:
                yield _called(path or "/", member.value)
            else:
                todo.append((place, member.value))
        todo += ((f"{path}/{number}", item) for number, item in enumerate(node.items))


def _is_call(node: Node) -> bool:
    function = node.member("function")
    return function is not None and function.text in _FUNCTIONS


def _called(name: str, arguments: Node | None) -> FoundPolicy | SkippedPlace:
    document = _document(arguments) if arguments else None
    if document is None:
        return SkippedPlace(name=name, why=_UNREAD, unreadable=True)
    return FoundPolicy(name=name, content=document)


def _document(arguments: Node) -> Node | None:
    """The document that comes out; None where something of it is not in the file."""
    statements = arguments.member("statements")
    if statements is None or any(map(arguments.member, _FROM_OTHERS)):
        return None
    if statements.form is not Form.ARRAY or any(
        own.form is not Form.OBJECT for own in statements.items
    ):
        return None
    at = Place(spot=arguments.at.spot, lines=arguments.at.lines)
    version = arguments.member("version")
    body = _below(at, "Statement", statements)
    written = [
        _statement(own, _below(body, number, own)) for number, own in enumerate(statements.items)
    ]
    if None in written:
        return None
    return _object(
        at,
        {
            "Version": string(
                version.text if version else _VERSION, _below(at, "Version", version or arguments)
            ),
            "Statement": Node(Form.ARRAY, body, items=tuple(own for own in written if own)),
        },
    )


def _statement(given: Node, at: Place) -> Node | None:
    effect, sid = given.member("effect"), given.member("sid")
    if any(own is not None and own.form in _NO_WORDS for own in (effect, sid)):
        return None
    members = {"Sid": string(sid.text, _below(at, "Sid", sid))} if sid else {}
    members["Effect"] = string(
        effect.text if effect else "Allow", _below(at, "Effect", effect or given)
    )
    for name, (element, read) in _ELEMENTS.items():
        value = given.member(name)
        if value is not None:
            found = read(value, _below(at, element, value))
            if found is None:
                return None
            members[element] = found
    return _object(at, members)


def _principals(given: Node, at: Place) -> Node | None:
    """The identifiers by type; everyone is written as AWS does."""
    by_type: dict[str, list[Node]] = {}
    for own in given.listed():
        type_, identifiers = own.member("type"), own.member("identifiers")
        words = _identifiers(identifiers) if identifiers else None
        if type_ is None or words is None:
            return None
        by_type.setdefault(type_.text, []).extend(words)
    everyone = by_type.get(_EVERYONE, [])
    if any(own.text != _EVERYONE for own in everyone):
        return None
    if everyone and len(by_type) == 1:
        return string(_EVERYONE, at)
    return _object(
        at, {name: _list(words, _below(at, name, given)) for name, words in by_type.items()}
    )


def _identifiers(given: Node) -> tuple[Node, ...] | None:
    """The identifiers of one type; None where one is not known, unless everyone is among them."""
    listed = given.listed()
    known = tuple(own for own in listed if own.form not in _NO_WORDS)
    is_everyone = any(own.text == _EVERYONE for own in known)
    return known if is_everyone or len(known) == len(listed) else None


def _conditions(given: Node, at: Place) -> Node | None:
    by_test: dict[str, dict[str, list[Node]]] = {}
    for own in given.listed():
        test, variable, values = own.member("test"), own.member("variable"), own.member("values")
        if test is None or variable is None or values is None or _words(values, at) is None:
            return None
        keys = by_test.setdefault(test.text, {})
        keys.setdefault(variable.text, []).extend(values.listed())
    return _object(
        at,
        {
            test: _object(
                _below(at, test, given),
                {
                    key: _list(words, _below(_below(at, test, given), key, given))
                    for key, words in keys.items()
                },
            )
            for test, keys in by_test.items()
        },
    )


def _words(given: Node, at: Place) -> Node | None:
    """The list of words; None where it is none, such as a call of another function."""
    if any(own.form in _NO_WORDS for own in given.listed()):
        return None
    return _list(given.listed(), at)


def _list(words: tuple[Node, ...] | list[Node], at: Place) -> Node:
    return Node(
        Form.ARRAY,
        at,
        items=tuple(
            string(own.value, _below(at, number, own)) for number, own in enumerate(words)
        ),
    )


def _object(at: Place, members: dict[str, Node]) -> Node:
    named = (Member.named(string(name, value.at), value) for name, value in members.items())
    return Node(Form.OBJECT, at, members=tuple(named))


def _below(parent: Place, token: str | int, given: Node) -> Place:
    return Place(parent, token, given.at.spot, given.at.lines)


_ELEMENTS: Mapping[str, tuple[str, Callable[[Node, Place], Node | None]]] = {
    "actions": ("Action", _words),
    "notActions": ("NotAction", _words),
    "resources": ("Resource", _words),
    "notResources": ("NotResource", _words),
    "principals": ("Principal", _principals),
    "notPrincipals": ("NotPrincipal", _principals),
    "conditions": ("Condition", _conditions),
}
"""Keyed by the argument: the element of the statement, and what reads it."""
