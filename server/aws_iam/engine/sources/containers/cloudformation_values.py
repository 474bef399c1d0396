"""The values of a CloudFormation template's intrinsic functions, as far as the template alone tells them.

Pseudo parameters, defaults of parameters, mappings, and names and ARNs of the template's own resources become texts.
Everything else becomes a mark. `Fn::If` takes one side for all conditions: a template is read once for each side.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_iam.engine.language.json_nodes import Form, Member, Node, Place, dump, string
from aws_iam.engine.sources.containers import cloudformation_names as names
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_iam.engine.sources.containers.marks import Marks

MAX_PRODUCED = 5_000_000
"""The most characters that references may stand for in one template; a long default may be used a thousand times."""

_HOLE = re.compile(r"\$\{([^{}]*)\}")
_DYNAMIC = re.compile(r"\{\{resolve:[^{}]*\}\}")
_PAIR, _TRIPLE = 2, 3
# What a value costs beside its characters.
_NODE = 10
_NO_VALUE = "AWS::NoValue"


@dataclass(slots=True)
class Resolver:
    """The values of one template; `conditional` tells afterwards whether a condition had a say."""

    template: Node
    marks: Marks
    condition: bool = True
    conditional: bool = False
    _produced: int = 0
    _calls: dict[str, int] = field(default_factory=dict)
    _tables: dict[str, dict[str, Node]] = field(default_factory=dict)

    def value(self, node: Node) -> Node | None:
        """The node with its functions replaced, None where it is `AWS::NoValue`."""
        if node.form is Form.STRING:
            return self._plain(node)
        if node.form is Form.ARRAY:
            items = (self.value(each) for each in node.items)
            return node.but(items=tuple(each for each in items if each))
        if node.form is not Form.OBJECT:
            return node
        name = node.members[0].name.value if len(node.members) == 1 else ""
        if name == "Ref" or name.startswith("Fn::"):
            function = _FUNCTIONS.get(name)
            given = node.members[0].value
            found = function(self, given) if function else self._unknown_call(given, name)
            return found and self._spent(found, node.at, own=name in _OWN_PLACE)
        if any(member.name.value.startswith("Fn::") for member in node.members):
            # A macro adds members of its own to these: what comes out is not to be seen here.
            return self._unknown_call(node, "Transform")
        members = ((member, self.value(member.value)) for member in node.members)
        return node.but(
            members=tuple(Member.named(each.name, value) for each, value in members if value)
        )

    def _plain(self, node: Node) -> Node:
        if "{{resolve:" not in node.text:
            return node
        return node.but(value=_DYNAMIC.sub(lambda found: self.marks.mark(found[0]), node.text))

    def _spent(self, node: Node, at: Place, *, own: bool) -> Node:
        """The value in place of the function that gave it; its line is the function's unless it stands there itself."""
        self._spend(_size(node))
        where = node.at if own else at
        return node.but(stand=Place(at.parent, at.token, where.spot, where.lines))

    def _spend(self, characters: int) -> None:
        self._produced += characters
        if self._produced > MAX_PRODUCED:
            raise InputError(
                f"the template's references stand for more than {MAX_PRODUCED:,} characters",
                hint="give its policies in smaller templates",
            )

    def _unknown(self, node: Node, name: str) -> Node:
        return _text(self.marks.mark(name), node)

    def _unknown_call(self, given: Node, name: str) -> Node:
        """The mark of a function's value; the same call has the same value everywhere."""
        call = f"{name} {dump(given)}"
        number = self._calls.setdefault(call, len(self._calls) + 1)
        return self._unknown(given, f"{name.removeprefix('Fn::')}-{number}")

    def _table(self, section: str) -> dict[str, Node]:
        if section not in self._tables:
            found = self.template.member(section)
            self._tables[section] = (
                {member.name.value: member.value for member in found.members} if found else {}
            )
        return self._tables[section]

    def _reference(self, name: str, at: Node) -> Node | None:
        """What `Ref` gives for a name."""
        if name == _NO_VALUE:
            return None
        if name in names.PSEUDO:
            return _text(names.PSEUDO[name], at)
        parameter = self._table("Parameters").get(name)
        if parameter is not None:
            return self._default(parameter, at) or self._unknown(at, name)
        resource = self._table("Resources").get(name)
        known = names.ref(_type(resource), name) if resource else None
        return self._unknown(at, name) if known is None else _text(known, at)

    def _default(self, parameter: Node, at: Node) -> Node | None:
        default, type_ = parameter.member("Default"), _type(parameter)
        if default is None or not default.text or type_.startswith("AWS::SSM::Parameter::"):
            return None
        if not type_.startswith(("List<", "CommaDelimitedList")):
            return self._plain(_text(default.text, at))
        parts = [each.strip() for each in default.text.split(",")]
        self._spend(_NODE * len(parts))
        return _list(parts, at)

    def _attribute(self, name: str, attribute: str, at: Node) -> Node:
        resource = self._table("Resources").get(name)
        known = names.attribute(_type(resource), name, attribute) if resource else None
        return self._unknown(at, f"{name}.{attribute}") if known is None else _text(known, at)

    def ref(self, given: Node) -> Node | None:
        """`Ref`: a pseudo parameter, a parameter's default, a resource's name."""
        return self._reference(given.text, given)

    def get_att(self, given: Node) -> Node:
        """`Fn::GetAtt`: an ARN where the type is known."""
        parts = given.text.partition(".")[::2]
        if given.form is Form.ARRAY:
            parts = (
                (given.items[0].text, given.items[1].text)
                if len(given.items) == _PAIR
                else ("", "")
            )
        return self._attribute(*parts, given)

    def sub(self, given: Node) -> Node:
        """`Fn::Sub`; `${!x}` is written `${x}`, which is how a template writes IAM's policy variables."""
        text, own = given, {}
        if given.form is Form.ARRAY and len(given.items) == _PAIR:
            text = given.items[0]
            own = {member.name.value: member.value for member in given.items[1].members}

        def hole(match: re.Match[str]) -> str:
            name = match[1].strip()
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            value = self._named(name, own, given)
            found = value.text if value and value.form is not Form.ARRAY else self.marks.mark(name)
            self._spend(len(found))
            return found

        return _text(_HOLE.sub(hole, self._plain(text).text), given)

    def _named(self, name: str, own: dict[str, Node], at: Node) -> Node | None:
        if name in own:
            return self.value(own[name])
        logical, dot, attribute = name.partition(".")
        return self._attribute(logical, attribute, at) if dot else self._reference(name, at)

    def join(self, given: Node) -> Node:
        """`Fn::Join` of texts."""
        if given.form is not Form.ARRAY or len(given.items) != _PAIR:
            return self._unknown_call(given, "Join")
        delimiter, parts = given.items[0], self.value(given.items[1])
        if parts is None or parts.form is not Form.ARRAY:
            return self._unknown_call(given, "Join")
        if any(each.form in {Form.OBJECT, Form.ARRAY} for each in parts.items):
            return self._unknown_call(given, "Join")
        return _text(delimiter.text.join(each.text for each in parts.items), given)

    def if_(self, given: Node) -> Node | None:
        """`Fn::If`: the side that this reading takes."""
        if given.form is not Form.ARRAY or len(given.items) != _TRIPLE:
            return self._unknown_call(given, "If")
        self.conditional = True
        return self.value(given.items[1 if self.condition else 2])

    def find_in_map(self, given: Node) -> Node:
        """`Fn::FindInMap` by known keys."""
        keys = [self.value(each) for each in given.items[:3]]
        found: Node | None = self.template.member("Mappings")
        for key in keys:
            found = found.member(key.text) if found and key else None
        return found or self._unknown_call(given, "FindInMap")

    def select(self, given: Node) -> Node | None:
        """`Fn::Select` of a known list."""
        listed = self.value(given.items[1]) if len(given.items) == _PAIR else None
        index = self.value(given.items[0]) if given.items else None
        at = index.text if index else ""
        if listed and at.isascii() and at.isdecimal() and len(at) <= _TRIPLE:
            chosen = listed.items[int(at) : int(at) + 1]
            return chosen[0] if chosen else self._unknown_call(given, "Select")
        return self._unknown_call(given, "Select")

    def split(self, given: Node) -> Node:
        """`Fn::Split` of a known text."""
        text = self.value(given.items[1]) if len(given.items) == _PAIR else None
        delimiter = given.items[0].text if given.items else ""
        if (
            not text
            or text.form is not Form.STRING
            or not delimiter
            or self.marks.within(text.text)
        ):
            return self._unknown_call(given, "Split")
        parts = text.text.split(delimiter)
        self._spend(_NODE * len(parts))
        return _list(parts, given)

    def json_string(self, given: Node) -> Node | None:
        """`Fn::ToJsonString`: the object itself, where the property wants text."""
        return self.value(given)


# What these give stands in the template at their own place, not elsewhere in it.
_OWN_PLACE = frozenset({"Fn::If", "Fn::ToJsonString"})
_FUNCTIONS: dict[str, Callable[[Resolver, Node], Node | None]] = {
    "Ref": Resolver.ref,
    "Fn::GetAtt": Resolver.get_att,
    "Fn::Sub": Resolver.sub,
    "Fn::Join": Resolver.join,
    "Fn::If": Resolver.if_,
    "Fn::FindInMap": Resolver.find_in_map,
    "Fn::Select": Resolver.select,
    "Fn::Split": Resolver.split,
    "Fn::ToJsonString": Resolver.json_string,
}


def _type(node: Node) -> str:
    type_ = node.member("Type")
    return type_.text if type_ else ""


def _text(text: str, at: Node) -> Node:
    return string(text, at.at)


def _list(texts: list[str], at: Node) -> Node:
    place = at.at
    items = (
        string(text, Place(place, number, place.spot, place.lines))
        for number, text in enumerate(texts)
    )
    return Node(form=Form.ARRAY, stand=place, items=tuple(items))


def _size(node: Node) -> int:
    """What the node's values and their characters cost."""
    total, todo = 0, [node]
    while todo:
        each = todo.pop()
        total += _NODE + len(each.text)
        todo += each.items
        todo += (member.value for member in each.members)
    return total
