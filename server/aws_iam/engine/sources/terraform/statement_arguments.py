"""Statements in the arguments of modules, in the words of `aws_iam_policy_document`, and the policy that a module makes of them.

    policy_statements = { read = { actions = ["s3:GetObject"], resources = ["arn:aws:s3:::reports/*"] } }

Modules of registries take them as a list or as a map. What a statement leaves out, the module adds: that is not known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, string
from aws_iam.engine.parsing.made_nodes import listed, mapped
from aws_iam.engine.sources.terraform.module_arguments import access_in_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from aws_iam.engine.parsing.json_nodes import Node
    from aws_iam.engine.sources.terraform.expressions import Evaluator

_VERSION = "2012-10-17"
_ACTIONS = {"actions": "Action", "not_actions": "NotAction"}
_RESOURCES = {"resources": "Resource", "not_resources": "NotResource"}
_PRINCIPALS = {"principals": "Principal", "not_principals": "NotPrincipal"}
_CONDITIONS = ("condition", "conditions")
_WORDS = frozenset({"sid", "effect", *_ACTIONS, *_RESOURCES, *_PRINCIPALS, *_CONDITIONS})


def policy_of_statements(value: Node, evaluator: Evaluator) -> Node | None:
    """The policy of a list or a map whose values are statements; None for anything else."""
    own = _values(value)
    if not own or not all(map(_is_statement, own)):
        return None
    statements = [_Statement(item, evaluator).made() for item in own]
    version = ("Version", string(_VERSION, value.at))
    return mapped((version, ("Statement", listed(statements, value.at))), value.at)


def _values(value: Node) -> Sequence[Node]:
    """The items of a list, or the values of a map."""
    if value.form is Form.ARRAY:
        return value.items
    return tuple(member.value for member in value.members)


def _is_statement(value: Node) -> bool:
    """Whether an object has nothing but what a statement has, with actions that are some."""
    given = [member for member in value.members if member.value.form is not Form.NULL]
    if any(member.key not in _WORDS for member in given):
        return False
    return any(
        access_in_text(word) or word == "*"
        for member in given
        if member.key in _ACTIONS
        for word in member.value.words
    )


class _Statement:
    def __init__(self, written: Node, evaluator: Evaluator) -> None:
        self.written = written
        self.evaluator = evaluator

    def made(self) -> Node:
        at = self.written.at
        members = [("Effect", self._given("effect") or string("Allow", at))]
        if sid := self._given("sid"):
            members.insert(0, ("Sid", sid))
        members += self._named(_PRINCIPALS, self._principals)
        members += self._named(_ACTIONS)
        resources = list(self._named(_RESOURCES))
        if not (resources or self._is_trust()):
            resources = [("Resource", self.evaluator.hole("resources", at))]
        members += resources
        if conditions := self._conditions():
            members.append(("Condition", conditions))
        return mapped(members, at)

    def _given(self, name: str) -> Node | None:
        value = self.written.member(name)
        if value is None or value.form is Form.NULL:
            return None
        return value if value.text or _values(value) else None

    def _named(
        self, names: Mapping[str, str], read: Callable[[Node], Node] = lambda value: value
    ) -> Iterator[tuple[str, Node]]:
        for name, element in names.items():
            if (value := self._given(name)) is not None:
                yield element, read(value)

    def _is_trust(self) -> bool:
        """Whether only roles are assumed: a trust policy names no resource."""
        actions = self._given("actions")
        return actions is not None and all(word.startswith("sts:") for word in actions.words)

    def _parts(self, value: Node) -> Sequence[Node]:
        """The objects of a list or a map, or the only one."""
        own = _values(value)
        return own if own and all(item.form is Form.OBJECT for item in own) else (value,)

    def _principals(self, value: Node) -> Node:
        found: dict[str, list[Node]] = {}
        for part in self._parts(value):
            type_, identifiers = part.member("type"), part.member("identifiers")
            if type_ is None or identifiers is None or self.evaluator.is_hole(type_):
                return self.evaluator.hole("principals", value.at)
            found.setdefault(type_.text, []).extend(self._items(identifiers))
        if list(found) == ["*"]:
            return string("*", value.at)
        return mapped(((type_, listed(own, value.at)) for type_, own in found.items()), value.at)

    def _conditions(self) -> Node | None:
        value = next(filter(None, map(self._given, _CONDITIONS)), None)
        if value is None:
            return None
        found: dict[str, dict[str, Node]] = {}
        for part in self._parts(value):
            test, variable = part.member("test"), part.member("variable")
            own = part.member("values") or part.member("value")
            if test is None or variable is None or own is None or test.text == "":
                # Beside a condition that is not known the others decide nothing.
                return self.evaluator.hole("condition", value.at)
            items = self._items(own)
            keys = found.setdefault(test.text, {})
            before = self._items(keys[variable.text]) if variable.text in keys else ()
            keys[variable.text] = listed((*before, *items), own.at)
        operators = ((test, mapped(keys.items(), value.at)) for test, keys in found.items())
        return mapped(operators, value.at)

    @staticmethod
    def _items(value: Node) -> Sequence[Node]:
        return value.items if value.form is Form.ARRAY else (value,)
