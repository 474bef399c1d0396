"""The conditions of a template: what they say, and which of them decide about values of a resource."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, dump

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from aws_iam.engine.parsing.json_nodes import Node

# Conditions that one condition depends on; no template nests that many.
_MOST = 100
_DEEPEST = 10
_PAIR = 2
_OPERATORS = frozenset({"Fn::Equals", "Fn::Not", "Fn::And", "Fn::Or"})


@dataclass(slots=True)
class Conditions:
    """The definitions of a template's conditions; each is read once."""

    table: Mapping[str, Node]
    _own: dict[str, str] = field(default_factory=dict)
    _named: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _texts: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, template: Node) -> Conditions:
        """Those of a template."""
        section = template.member("Conditions")
        return cls({own.name.value: own.value for own in section.members} if section else {})

    def text(self, name: str, value: Callable[[Node], Node | None]) -> str:
        """What a condition and those that it names say; `value` resolves functions. Its own name does not count."""
        if name not in self._texts:
            names = {name: None}
            todo = [name]
            while todo and len(names) <= _MOST:
                new = [own for own in self._named_by(todo.pop()) if own not in names]
                names |= dict.fromkeys(new)
                todo += new
            texts = [self._definition(own, value) for own in names]
            self._texts[name] = " ".join(texts) if name in self.table else name
        return self._texts[name]

    def _definition(self, name: str, value: Callable[[Node], Node | None]) -> str:
        if name not in self._own:
            node = self.table.get(name)
            self._own[name] = _says(node, value) if node else name
        return self._own[name]

    def _named_by(self, name: str) -> tuple[str, ...]:
        if name not in self._named:
            node = self.table.get(name)
            self._named[name] = tuple(_named_in(node)) if node else ()
        return self._named[name]


def _says(definition: Node, value: Callable[[Node], Node | None], depth: int = 0) -> str:
    """What a condition says, whatever the order of what it compares or combines; `value` resolves what it compares."""
    function = definition.members[0] if len(definition.members) == 1 else None
    if function is None or function.key not in _OPERATORS or depth > _DEEPEST:
        return dump(value(definition) or definition)
    parts = sorted(_says(part, value, depth + 1) for part in function.value.items)
    return f"{function.key}({', '.join(parts)})"


def _named_in(definition: Node) -> Iterator[str]:
    todo = [definition]
    while todo:
        node = todo.pop()
        yield from (own.value.text for own in node.members if own.key == "Condition")
        todo += (*node.items, *(own.value for own in node.members))


def conditions_in(value: Node) -> Iterator[tuple[str, str]]:
    """The conditions that decide about parts of a value: where, without indexes of lists, and their names."""
    todo = [("", value)]
    while todo:
        path, node = todo.pop()
        for member in node.members:
            if member.key == "Fn::If" and member.value.items:
                yield path, member.value.items[0].text
            todo.append((f"{path}/{member.key}", member.value))
        todo += ((path, item) for item in node.items)


def with_values(
    definition: Node | None,
    values: Mapping[str, str],
    definitions: Mapping[str, Node],
    depth: int = 0,
) -> bool | None:
    """Whether a condition holds where parameters have these values; None where they alone do not decide."""
    if definition is None or len(definition.members) != 1 or depth > _DEEPEST:
        return None
    (call,) = definition.members
    if call.key == "Condition":
        return with_values(definitions.get(call.value.text), values, definitions, depth + 1)
    if call.key == "Fn::Equals":
        return _equals(call.value.items, values)
    parts = [with_values(part, values, definitions, depth + 1) for part in call.value.items]
    if call.key == "Fn::Not" and len(parts) == 1:
        return None if parts[0] is None else not parts[0]
    if call.key in {"Fn::And", "Fn::Or"} and parts:
        deciding = call.key == "Fn::Or"
        return deciding if deciding in parts else None if None in parts else not deciding
    return None


def _equals(sides: Sequence[Node], values: Mapping[str, str]) -> bool | None:
    """Whether two sides are equal, if each is a text or a reference to one of the parameters."""
    known = [_side(own, values) for own in sides]
    if len(known) != _PAIR or None in known:
        return None
    return known[0] == known[1]


def _side(side: Node, values: Mapping[str, str]) -> str | None:
    named = side.member("Ref") if side.form is Form.OBJECT else None
    if named is not None:
        return values.get(named.text)
    return None if side.form in {Form.OBJECT, Form.ARRAY} else side.text
