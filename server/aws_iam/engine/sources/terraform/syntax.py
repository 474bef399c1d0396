"""Terraform's syntax as typed values with places: bodies, blocks and expressions."""

from __future__ import annotations

from dataclasses import field, fields, is_dataclass
from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form
from aws_iam.frozen import positional, slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aws_iam.engine.parsing.json_nodes import Node, Place


@positional
class Literal:
    """A number, a boolean, null, or a text without a template."""

    at: Place
    value: Node


@positional
class Name:
    """The first part of a reference: `var`, `local`, a resource type, a variable of a `for`."""

    at: Place
    name: str


@positional
class Attribute:
    """`holder.name`."""

    at: Place
    holder: Expression
    name: str


@positional
class Index:
    """`holder[key]`."""

    at: Place
    holder: Expression
    key: Expression


@positional
class Splat:
    """`holder[*]` and `holder.*` with the attributes and indexes that follow; `each_item` names the item in `result`."""

    at: Place
    holder: Expression
    result: Expression


ITEM = "*"
"""The name of the item in the result of a splat, which no reference of Terraform's can have."""


@positional
class ListExpression:
    """`[a, b]`."""

    at: Place
    items: tuple[Expression, ...]


@positional
class ObjectExpression:
    """`{a = b}`; a plain key is a literal."""

    at: Place
    members: tuple[tuple[Expression, Expression], ...]


@positional
class Call:
    """A call of a function; `spread`: the last argument is a list of arguments."""

    at: Place
    function: str
    arguments: tuple[Expression, ...]
    spread: bool = False


@positional
class Conditional:
    """`condition ? yes : no`."""

    at: Place
    condition: Expression
    yes: Expression
    no: Expression


@positional
class Operation:
    """An operator with one or two operands."""

    at: Place
    operator: str
    operands: tuple[Expression, ...]


@positional
class For:
    """`[for k, v in items : value if condition]`; with a `result_key` an object, and `grouped` where `...` follows."""

    at: Place
    key: str
    name: str
    items: Expression
    result: Expression
    result_key: Expression | None = None
    condition: Expression | None = None
    grouped: bool = False


@positional
class Text:
    """A literal part of a template; `offset` is where it begins in the file."""

    value: str
    offset: int


@positional
class If:
    """`%{ if condition }yes%{ else }no%{ endif }`."""

    condition: Expression
    yes: tuple[Part, ...]
    no: tuple[Part, ...]


@positional
class Repeat:
    """`%{ for k, v in items }parts%{ endfor }`."""

    key: str
    name: str
    items: Expression
    parts: tuple[Part, ...]


@positional
class Template:
    """A quoted text, a heredoc or the text of a file, with its interpolations and directives."""

    at: Place
    parts: tuple[Part, ...]


Expression = (
    Literal
    | Name
    | Attribute
    | Index
    | Splat
    | ListExpression
    | ObjectExpression
    | Call
    | Conditional
    | Operation
    | For
    | Template
)
Part = Text | If | Repeat | Expression


_DYNAMIC = "dynamic"


@slotted
class Block:
    """`type "label" { … }`."""

    type: str
    labels: tuple[str, ...]
    body: Body
    at: Place


@slotted
class Body:
    """The arguments and the blocks of a block or a file.

    In JSON an argument and a block look alike: `members` has everything, and `expression` reads one as an argument.
    """

    at: Place
    attributes: Mapping[str, Expression] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()
    members: Mapping[str, Node] = field(default_factory=dict)
    expression: Callable[[Node], Expression] | None = None

    def attribute(self, name: str) -> Expression | None:
        """The expression of an argument."""
        if self.expression and name in self.members:
            return self.expression(self.members[name])
        return self.attributes.get(name)

    @property
    def attribute_names(self) -> tuple[str, ...]:
        """The names of the arguments; in JSON of the blocks too."""
        return (*self.attributes, *self.members)

    @property
    def names(self) -> Iterator[str]:
        """The names of the arguments and the blocks, also of those that are made by `dynamic`."""
        yield from (name for name in self.attribute_names if name != _DYNAMIC)
        yield from (block.type for block in self.blocks if not block.labels)
        yield from (block.labels[0] for block in self.blocks_named(_DYNAMIC, 1))

    def blocks_named(self, type_: str, labels: int = 0) -> Iterator[Block]:
        """The blocks of a type, in their order."""
        if type_ in self.members:
            yield from self._json_blocks(type_, (), self.members[type_], labels)
        for block in self.blocks:
            if block.type == type_ and len(block.labels) == labels:
                yield block

    def _json_blocks(
        self, type_: str, labels: tuple[str, ...], node: Node, missing: int
    ) -> Iterator[Block]:
        if node.form is Form.ARRAY:
            for item in node.items:
                yield from self._json_blocks(type_, labels, item, missing)
        elif node.form is Form.OBJECT and missing:
            for member in node.members:
                yield from self._json_blocks(
                    type_, (*labels, member.key), member.value, missing - 1
                )
        elif node.form is Form.OBJECT:
            members = {member.key: member.value for member in node.members if member.key != "//"}
            body = Body(at=node.at, members=members, expression=self.expression)
            yield Block(type=type_, labels=labels, body=body, at=node.at)


def may_hold_policy(expression: Expression) -> bool:
    """Whether a policy may be written in the expression, or in a file that it reads."""
    return any(map(_may_hold_statement, parts_within(expression)))


def _may_hold_statement(part: object) -> bool:
    match part:
        case Literal():
            return _STATEMENT in part.value.text
        case Text():
            return _STATEMENT in part.value
        case Call():
            return part.function in _READERS
        case _:
            return False


def parts_within(expression: object) -> Iterator[object]:
    """The expression and all of its parts, as they are written."""
    todo = [expression]
    while todo:
        part = todo.pop()
        if isinstance(part, tuple):
            todo += reversed(part)
        elif is_dataclass(part):
            yield part
            todo += [getattr(part, own.name) for own in fields(part) if own.name != "at"][::-1]


_STATEMENT = "Statement"
_READERS = frozenset({"file", "templatefile"})


# Of these the items are those of the argument.
_TYPES = frozenset({"tolist", "toset"})


def items_of_call(call: Call) -> Expression | None:
    """The argument of a call that returns its items, as another type."""
    is_type = call.function.removeprefix("core::") in _TYPES and len(call.arguments) == 1
    return call.arguments[0] if is_type and not call.spread else None


def without_type(expression: Expression) -> Expression:
    """What has the items: `var.x` of `toset(var.x)`."""
    while isinstance(expression, Call) and (inner := items_of_call(expression)) is not None:
        expression = inner
    return expression


def described(expression: Expression) -> str:
    """What an expression is called where its value is not known: the reference, the function, or what it is."""
    parts: list[str] = []
    while True:
        if isinstance(expression, Attribute):
            parts.append(f".{expression.name}")
            expression = expression.holder
        elif isinstance(expression, Index):
            key = expression.key
            parts.append(f"[{key.value.text if isinstance(key, Literal) else '…'}]")
            expression = expression.holder
        elif isinstance(expression, Splat):
            parts.append("[*]")
            expression = expression.holder
        else:
            break
    if isinstance(expression, Name):
        parts.append(expression.name)
    elif isinstance(expression, Call):
        parts.append(f"{expression.function}(…)")
    else:
        parts.append(_KINDS.get(type(expression), "value"))
    return "".join(reversed(parts))


_KINDS = {For: "for", Template: "template", Conditional: "condition", Operation: "operation"}
