"""Values that are not known: how they are written, told, and compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Node, Place, dump, string
from aws_iam.engine.sources.terraform.operators import number_of
from aws_iam.engine.sources.terraform.values import MAX_TEXT, Budget, Invalid, TooMuch, members_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_iam.engine.sources.containers.placeholders import Placeholders

_LONGEST_NAME = 200
_REST = "…"
_SCALARS = frozenset({Form.STRING, Form.NUMBER, Form.BOOLEAN, Form.NULL})


@dataclass(slots=True)
class Unknowns:
    """Writes and recognizes what is not known; all work on values is counted in one budget."""

    placeholders: Placeholders
    budget: Budget

    def hole(self, name: str, at: Place) -> Node:
        """A value that is not known, by what it is called in the file."""
        plain = name.replace(self.placeholders.begin, "").replace(self.placeholders.end, "")
        return string(self.placeholders.placeholder(plain[:_LONGEST_NAME] or "value"), at)

    def rest(self, name: str, at: Place) -> Node:
        """Further items of a list, of which nothing is known, their number neither."""
        return self.hole(name if name.startswith(_REST) else _REST + name, at)

    def is_hole(self, node: Node) -> bool:
        """Whether nothing is known of the value."""
        begin, end = self.placeholders.begin, self.placeholders.end
        text = node.text
        return (
            node.form is Form.STRING and text.startswith(begin) and text.find(end) == len(text) - 1
        )

    def is_rest(self, node: Node) -> bool:
        """Whether the item stands for any number of items."""
        return self.is_hole(node) and node.text[1:2] == _REST

    def name_of(self, hole: Node) -> str:
        """What a value that is not known is called."""
        return hole.text[1:-1].removeprefix(_REST)

    def partly_unknown(self, node: Node) -> bool:
        """Whether anything in the value is not known."""
        todo = [node]
        while todo:
            current = todo.pop()
            self.budget.spend()
            if self.placeholders.within(current.text):
                return True
            todo += current.items
            for member in current.members:
                if self.placeholders.within(member.key):
                    return True
                todo.append(member.value)
        return False

    def text(self, node: Node) -> str:
        """The value as text; an object is the JSON that `jsonencode` made of it."""
        if node.form is Form.NULL:
            raise Invalid
        if node.form in {Form.OBJECT, Form.ARRAY}:
            return self._json(node)
        return node.text

    def _json(self, node: Node) -> str:
        size, todo = 0, [node]
        while todo:
            current = todo.pop()
            self.budget.spend()
            size += len(current.text) + sum(len(member.key) for member in current.members)
            todo += current.items
            todo += (member.value for member in current.members)
        self.charge(size)
        return dump(node)

    def charge(self, characters: int) -> None:
        """Count the work of a text of this length."""
        if characters > MAX_TEXT:
            raise TooMuch
        self.budget.spend(characters // 64)

    def same(self, left: Node, right: Node) -> bool | None:  # noqa: PLR0911 - a return for each form
        """Whether two values are equal; None where that is not known."""
        self.budget.spend()
        if left.text == right.text and left.form is right.form and left.form in _SCALARS:
            return True
        if self.is_hole(left) or self.is_hole(right):
            return None
        if _kind(left) != _kind(right):
            return False
        if left.form is Form.ARRAY:
            if any(map(self.is_rest, (*left.items, *right.items))):
                return None
            return self._all_same(left.items, right.items)
        if left.form is Form.OBJECT:
            keys = [[member.key for member in node.members] for node in (left, right)]
            if sorted(keys[0]) != sorted(keys[1]):
                return None if any(map(self.placeholders.within, keys[0] + keys[1])) else False
            pairs = [[value for _, value in members_of(node)] for node in (left, right)]
            return self._all_same(*pairs)
        if self.placeholders.within(left.text) or self.placeholders.within(right.text):
            # A text with known characters is no empty one.
            return False if not (left.text and right.text) else None
        if left.form is Form.NUMBER and right.form is Form.NUMBER:
            return number_of(left) == number_of(right)
        return False

    def _all_same(self, left: Sequence[Node], right: Sequence[Node]) -> bool | None:
        if len(left) != len(right):
            return False
        results = [self.same(*pair) for pair in zip(left, right, strict=True)]
        if False in results:
            return False
        return None if None in results else True


def _kind(node: Node) -> object:
    return Form.STRING if node.form in {Form.NUMBER, Form.BOOLEAN} else node.form
