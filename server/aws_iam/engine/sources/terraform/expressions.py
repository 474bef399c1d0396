"""The values of expressions, as far as they are known.

Where a condition is not known, all such conditions are taken as true, or all as false: `side`. The reader of a resource
reads both sides where `conditional` says that it matters. A value that is not known equals one other at most: `choice`.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aws_iam.engine.parsing.json_nodes import Form, Member, Node, Place, string
from aws_iam.engine.parsing.made_nodes import listed, mapped
from aws_iam.engine.sources.containers.cloudformation_return_values import PSEUDO_PARAMETERS
from aws_iam.engine.sources.terraform import values
from aws_iam.engine.sources.terraform.branches import Branches
from aws_iam.engine.sources.terraform.operators import ARITHMETIC, COMPARISONS, number_of
from aws_iam.engine.sources.terraform.syntax import (
    ITEM,
    Attribute,
    Call,
    Conditional,
    Expression,
    For,
    If,
    Index,
    ListExpression,
    Literal,
    Name,
    ObjectExpression,
    Operation,
    Part,
    Repeat,
    Splat,
    Template,
    Text,
    described,
    items_of_call,
)
from aws_iam.engine.sources.terraform.values import (
    Deferred,
    Elsewhere,
    Invalid,
    Set,
    SwitchedOff,
    TextInFile,
    TooMuch,
    members_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.sources.terraform.named_files import NamedFiles
    from aws_iam.engine.sources.terraform.scopes import Scope


MAX_DEPTH = 80
"""So deep may expressions and references go; each takes up to eight of the 1,000 calls that Python allows."""


@dataclass(slots=True)
class Evaluator(Branches):
    """Evaluates the expressions of one tree of modules. `off`: of a resource that is switched off by default."""

    files: NamedFiles
    functions: Callable[[Evaluator, Call, Scope], Node]
    merged: set[tuple[int, int]] = field(default_factory=set)
    """The places of the documents that were sources or overrides of others."""
    side: bool = True
    conditional: bool = False
    off: bool = False
    deployment: Mapping[str, str] = field(default_factory=lambda: PSEUDO_PARAMETERS)
    """The account, the region and the partition that it is deployed in, named as CloudFormation's pseudo parameters."""
    _tolerant: int = 0
    _depth: int = 0
    choice: int = 0
    """Which of the values that an unknown value is compared with it is taken for."""
    compared: set[str] = field(default_factory=set)
    """The unknown values that were compared with others."""
    _compared_with: dict[str, list[str]] = field(default_factory=dict)

    @property
    def is_supposed(self) -> bool:
        """Whether what is read is not what the known values make: a resource switched on, or the other side of conditions."""
        return self.off or not self.side or bool(self.choice)

    # Values

    def value(self, expression: Expression, scope: Scope) -> Node:
        """The value of an expression."""
        self.budget.spend()
        if self._depth >= MAX_DEPTH:
            raise TooMuch
        self._depth += 1
        try:
            return _EVALUATIONS[type(expression)](self, expression, scope)
        finally:
            self._depth -= 1

    def value_or_hole(self, expression: Expression, scope: Scope, name: str = "") -> Node:
        """The value; what Terraform would refuse is not known, except within `try`."""
        try:
            return self.value(expression, scope)
        except Invalid:
            if self._tolerant:
                raise
            return self.hole(name or described(expression), expression.at)

    @contextmanager
    def nested(self, levels: int) -> Iterator[None]:
        """Count further levels of nesting."""
        self._depth += levels
        try:
            yield
        finally:
            self._depth -= levels

    @contextmanager
    def trying(self) -> Iterator[None]:
        """Let what Terraform refuses be refused, for `try` and `can`."""
        self._tolerant += 1
        try:
            yield
        finally:
            self._tolerant -= 1

    def literal(self, expression: Literal, scope: Scope) -> Node:  # noqa: ARG002
        """A literal."""
        return expression.value

    def name(self, expression: Name, scope: Scope) -> Node:
        """The first part of a reference."""
        own = scope.names.get(expression.name)
        return own if own is not None else scope.module.root(expression.name, expression.at)

    def attribute(self, expression: Attribute, scope: Scope) -> Node:
        """`holder.name`."""
        return self.member(self.value(expression.holder, scope), expression.name, expression.at)

    def index(self, expression: Index, scope: Scope) -> Node:
        """`holder[key]`."""
        holder = self.value(expression.holder, scope)
        key = self.value(expression.key, scope)
        written = (expression.holder, expression.key)
        self.note_entries(written, holder, key, scope)
        if self.placeholders.within(key.text):
            if isinstance(holder, SwitchedOff):
                return holder.instance
            return self.hole(f"{described(expression.holder)}[…]", expression.at)
        if isinstance(holder, Elsewhere):
            return holder.instance(self.text(key))
        return self.member(holder, self.text(key), expression.at)

    def member(self, holder: Node, key: str, at: Place) -> Node:
        """The part of a value under a key or an index."""
        if isinstance(holder, Deferred):
            return holder.read(key)
        if isinstance(holder, SwitchedOff):
            return holder.instance
        if self.is_hole(holder):
            return self.hole(f"{self.name_of(holder)}.{key}", at)
        if holder.form is Form.OBJECT:
            found = holder.member(key)
            if found is not None:
                return found
        elif holder.form is Form.ARRAY and key.lstrip("-").isdecimal():
            return self.item(holder, int(key), at)
        raise Invalid

    def item(self, holder: Node, number: int, at: Place) -> Node:
        """The item of a list; not known behind items of which nothing is known."""
        items = holder.items
        if number < 0:
            raise Invalid
        for item in items[: number + 1]:
            self.budget.spend()
            if self.is_rest(item):
                return self.hole(f"{self.name_of(item)}[{number}]", at)
        if number >= len(items):
            raise Invalid
        return items[number]

    def splat(self, expression: Splat, scope: Scope) -> Node:
        """`holder[*].name`: null is no item, any other value that is no list is the only one."""
        holder = self.value(expression.holder, scope)
        if isinstance(holder, SwitchedOff):
            items: Sequence[Node] = (holder.instance,) if self.off else ()
        elif isinstance(holder, Deferred) and not isinstance(holder, Elsewhere):
            items = (holder,)
        elif self.is_hole(holder):
            return self.hole(described(expression), expression.at)
        elif holder.form is Form.ARRAY:
            items = holder.items
        else:
            items = () if holder.form is Form.NULL else (holder,)
        return listed(
            (
                item
                if self.is_rest(item)
                else self.value_or_hole(expression.result, scope.but(**{ITEM: item}))
                for item in items
            ),
            expression.at,
        )

    def list_(self, expression: ListExpression, scope: Scope) -> Node:
        """`[a, b]`."""
        return listed(
            [self.value_or_hole(item, scope) for item in expression.items], expression.at
        )

    def object_(self, expression: ObjectExpression, scope: Scope) -> Node:
        """`{a = b}`."""
        members = [
            (self.value_or_hole(key, scope), self.value_or_hole(value, scope), key, value)
            for key, value in expression.members
        ]
        found: dict[str, tuple[Node, Node]] = {}
        for key, value, written, _ in members:
            name = self.text(key)
            found[name] = (string(name, written.at), value)
        return Node(
            Form.OBJECT,
            expression.at,
            members=tuple(Member.named(*pair) for pair in found.values()),
        )

    def call(self, expression: Call, scope: Scope) -> Node:
        """A call of a function; one that is not known returns a value that is not known."""
        found = self.functions(self, expression, scope)
        if expression.function.removeprefix("core::") == "lookup":
            own = [self.value_or_hole(argument, scope) for argument in expression.arguments]
            self.note_lookup(expression.arguments, own, scope)
        elif self.is_hole(found) and expression.arguments and items_of_call(expression) is None:
            self.note_part(expression, expression, scope)
        return found

    def conditional_(self, expression: Conditional, scope: Scope) -> Node:
        """`condition ? yes : no`."""
        parts = (expression.yes, expression.no)
        holds = self.decided(expression.condition, parts, scope)
        value = self.value(parts[0] if holds else parts[1], scope)
        if self.off and value.form is Form.STRING and not value.text:
            # Whoever switches the block on may switch on what it names, too.
            return self.hole(described(parts[1] if holds else parts[0]), expression.at)
        return value

    def decided(self, condition: Expression, parts: tuple[object, object], scope: Scope) -> bool:
        """Whether a condition holds; where a default decides, both parts are noted."""
        before, self.conditional = self.conditional, False
        holds = self.holds(condition, scope)
        if not self.conditional:
            self.note_condition(condition, parts, scope, holds=holds)
        self.conditional |= before
        return holds

    def holds(self, condition: Expression, scope: Scope) -> bool:
        """Whether a condition holds, on this side where it is not known."""
        known = self._truth(condition, scope)
        return self.side if known is None else known

    def _known(self, condition: Expression | None, scope: Scope) -> bool | None:
        """Whether a condition of a loop holds; None where that is not known. No condition always holds."""
        if condition is None:
            return True
        before, self.conditional = self.conditional, False
        try:
            holds = self.holds(condition, scope)
            return None if self.conditional else holds
        finally:
            self.conditional = before

    def _truth(self, condition: Expression, scope: Scope) -> bool | None:
        if not isinstance(condition, Operation):
            return self._assume(self.value_or_hole(condition, scope))
        if condition.operator == "!":
            return not self.holds(condition.operands[0], scope)
        if condition.operator == "&&":
            left, right = (self.holds(operand, scope) for operand in condition.operands)
            return left and right
        if condition.operator == "||":
            left, right = (self.holds(operand, scope) for operand in condition.operands)
            return left or right
        if condition.operator in {"==", "!="}:
            first, second = (self.value_or_hole(own, scope) for own in condition.operands)
            same = self.same(first, second)
            if same is None:
                same = self._taken_for(first, second)
            return same is (condition.operator == "==")
        return self._assume(self.value_or_hole(condition, scope))

    def _assume(self, value: Node) -> bool:
        if value.form is Form.BOOLEAN or value.text in {"true", "false"}:
            return value.text == "true"
        self.conditional = True
        return self.side

    def _taken_for(self, left: Node, right: Node) -> bool:
        """Whether two values are taken as equal: a value that is not known equals one other at most."""
        self.conditional = True
        if not self.is_hole(left):
            left, right = right, left
        self.compared.add(left.text)
        others = self._compared_with.setdefault(left.text, [])
        other = right.form + right.text
        if other not in others:
            others.append(other)
        return self.side and others.index(other) == self.choice

    @property
    def choices(self) -> int:
        """The most values that one of the compared values is compared with."""
        return max((len(self._compared_with[name]) for name in self.compared), default=1)

    def operation(self, expression: Operation, scope: Scope) -> Node:  # noqa: PLR0911 - a return for each kind of operator
        """Operators of arithmetic, comparison and logic."""
        operator, at = expression.operator, expression.at
        operands = [self.value_or_hole(own, scope) for own in expression.operands]
        if operator in {"&&", "||"}:
            decisive = "false" if operator == "&&" else "true"
            if any(own.text == decisive for own in operands):
                return values.boolean(decisive == "true", at)
        if operator in {"==", "!="}:
            same = self.same(*operands)
            unknown = self.hole(described(expression), at)
            return unknown if same is None else values.boolean(same is (operator == "=="), at)
        if any(self.placeholders.within(own.text) for own in operands):
            return self.hole(described(expression), at)
        if operator == "!":
            return values.boolean(operands[0].text != "true", at)
        if operator in {"&&", "||"}:
            return values.boolean(operator == "&&", at)
        numbers = [number_of(own) for own in operands]
        if operator == "-" and len(numbers) == 1:
            return values.number(-numbers[0], at)
        left, right = numbers
        if operator in COMPARISONS:
            return values.boolean(COMPARISONS[operator](left, right), at)
        if operator in {"/", "%"} and not right:
            raise Invalid
        return values.number(ARITHMETIC[operator](left, right), at)

    def loop(self, expression: For, scope: Scope) -> Node:
        """`for` in both forms; over what is not known its result is not known."""
        holder = self.value(expression.items, scope)
        items = self.entries(holder, expression.items.at)
        if items is None:
            self.note_part(expression.items, expression, scope)
            return self.rest(described(expression), expression.at)
        results: list[tuple[str, Node]] = []
        for key, item in items:
            self.budget.spend()
            names = {expression.name: item}
            if expression.key:
                names[expression.key] = key
            inner = scope.but(**names)
            if expression.result_key:
                results += self._member_of_loop(expression, expression.result_key, inner)
            else:
                results += (("", own) for own in self._item_of_loop(expression, item, inner))
        if not expression.result_key:
            return listed((value for _, value in results), expression.at)
        if expression.grouped:
            groups: dict[str, list[Node]] = {}
            for under, value in results:
                groups.setdefault(under, []).append(value)
            results = [(under, listed(group, expression.at)) for under, group in groups.items()]
        return mapped(results, expression.at)

    def _item_of_loop(self, expression: For, item: Node, scope: Scope) -> Iterator[Node]:
        """The result for an item, none where the condition does not hold; not known where that is not known."""
        included = self._known(expression.condition, scope)
        self.note_item(expression, scope, included=included)
        if included is None:
            yield self.rest(described(expression.result), item.at)
        elif included:
            yield item if self.is_rest(item) else self.value_or_hole(expression.result, scope)

    def _member_of_loop(
        self, expression: For, key: Expression, scope: Scope
    ) -> Iterator[tuple[str, Node]]:
        included = expression.condition is None or self.holds(expression.condition, scope)
        self.note_item(expression, scope, included=included)
        if included:
            under = self.text(self.value_or_hole(key, scope))
            yield under, self.value_or_hole(expression.result, scope)

    def entries(self, holder: Node, at: Place) -> list[tuple[Node, Node]] | None:
        """Keys and values of a list, a set or an object; None where they are not known."""
        if isinstance(holder, SwitchedOff):
            key = string("0", at) if holder.form is Form.OBJECT else values.number(0, at)
            return [(key, holder.instance)] if self.off else []
        if self.placeholders.within(holder.text):
            return None
        if holder.form is Form.OBJECT:
            return [(string(key, value.at), value) for key, value in members_of(holder)]
        if isinstance(holder, Set):
            return [(item, item) for item in holder.items]
        if holder.form is Form.ARRAY:
            return [(values.number(number, at), item) for number, item in enumerate(holder.items)]
        raise Invalid

    # Templates

    def template(self, expression: Template, scope: Scope) -> Node:
        """The text of a template; one interpolation alone is its value."""
        parts = expression.parts
        if len(parts) == 1 and not isinstance(parts[0], Text | If | Repeat):
            return self.value(parts[0], scope)
        found: list[tuple[str, int, bool]] = []
        self._append(parts, scope, expression.at, found)
        text = "".join(part for part, _, _ in found)
        places = [(len(part), offset, goes_on) for part, offset, goes_on in found]
        return TextInFile(text, expression.at, places)

    def _append(
        self,
        parts: Iterable[Part],
        scope: Scope,
        at: Place,
        found: list[tuple[str, int, bool]],
    ) -> None:
        for part in parts:
            self.budget.spend()
            if isinstance(part, Text):
                found.append((part.value, part.offset, True))
            elif isinstance(part, If):
                holds = self.decided(part.condition, (part.yes, part.no), scope)
                self._append(part.yes if holds else part.no, scope, at, found)
            elif isinstance(part, Repeat):
                self._repeat(part, scope, at, found)
            else:
                text = self.text(self.value_or_hole(part, scope))
                self.charge(len(text) + 1)
                found.append((text, part.at.offset, False))

    def _repeat(
        self, part: Repeat, scope: Scope, at: Place, found: list[tuple[str, int, bool]]
    ) -> None:
        items = self.entries(self.value_or_hole(part.items, scope), at)
        if items is None:
            hole = self.rest(described(part.items), at).text
            found.append((hole, part.items.at.offset, False))
            return
        for key, item in items:
            names = {part.name: item}
            if part.key:
                names[part.key] = key
            self._append(part.parts, scope.but(**names), at, found)


_EVALUATIONS: dict[type, Callable[[Evaluator, Any, Scope], Node]] = {
    Literal: Evaluator.literal,
    Name: Evaluator.name,
    Attribute: Evaluator.attribute,
    Index: Evaluator.index,
    Splat: Evaluator.splat,
    ListExpression: Evaluator.list_,
    ObjectExpression: Evaluator.object_,
    Call: Evaluator.call,
    Conditional: Evaluator.conditional_,
    Operation: Evaluator.operation,
    For: Evaluator.loop,
    Template: Evaluator.template,
}
