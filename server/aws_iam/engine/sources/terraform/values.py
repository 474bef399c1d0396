"""The values of expressions: JSON values with places, and the placeholders of what is not known.

A value that is not known is a text with one placeholder. A text may hold placeholders between known characters, a list may
have one for any number of further items.
"""

from __future__ import annotations

import re
from array import array
from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Node, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


_PRIVATE = re.compile("[\ue000-\uf8ff]")


def clean(text: str) -> str:
    """The text of a decoded value without the characters that may stand for what is not known."""
    return _PRIVATE.sub("\ufffd", text)


class Invalid(Exception):  # noqa: N818 - Terraform's word for it
    """Terraform would refuse the expression: `try` goes on to its next argument."""


class TooMuch(Exception):  # noqa: N818 - a limit, not an error of the file
    """The expressions take more work than is spent on them."""


MAX_TEXT = 1_000_000
"""The most characters of a value."""


class Budget:
    """Counts the steps of a reading; `begin` allows further ones for the next resource, within those for all."""

    __slots__ = ("_end", "_most", "spent")

    def __init__(self, most: int) -> None:
        self._most = self._end = most
        self.spent = 0

    def begin(self, steps: int) -> None:
        """Allow so many steps from here."""
        self._end = min(self._most, self.spent + steps)

    def spend(self, steps: int = 1) -> None:
        """Count steps; raises TooMuch where none are left."""
        self.spent += steps
        if self.spent > self._end:
            raise TooMuch


class TextInFile(Node):
    """A text with the places of its parts: characters, offset in the file, and whether the offsets go on with the characters."""

    __slots__ = ("parts",)

    def __init__(self, value: str, at: Place, parts: Sequence[tuple[int, int, bool]]) -> None:
        super().__init__(Form.STRING, at, value)
        self.parts = parts

    @property
    def offsets(self) -> array[int]:
        """The offset of each character and of the end."""
        found = array("l")
        last = self.at.offset
        for length, offset, goes_on in self.parts:
            found.extend(range(offset, offset + length) if goes_on else [offset] * length)
            last = offset + length if goes_on else offset
        found.append(last)
        return found


class Set(Node):
    """A set: sorted, without doubles."""

    __slots__ = ()


class Deferred(Node):
    """Something that is read part by part: `var`, a resource, a module. Taken as a value it is not known."""

    __slots__ = ("read",)

    def __init__(self, placeholder: str, at: Place, read: Callable[[str], Node]) -> None:
        super().__init__(Form.STRING, at, placeholder)
        self.read = read


class Elsewhere(Deferred):
    """A resource whose block is in a file that was not given: one instance, or several, each read by `instance`."""

    __slots__ = ("instance",)

    def __init__(
        self,
        placeholder: str,
        at: Place,
        read: Callable[[str], Node],
        instance: Callable[[str], Node],
    ) -> None:
        super().__init__(placeholder, at, read)
        self.instance = instance


class SwitchedOff(Node):
    """Instances of which there are none: an empty list or object, whose body is still read through `instance`."""

    __slots__ = ("instance",)

    def __init__(self, form: Form, at: Place, instance: Node) -> None:
        super().__init__(form, at)
        self.instance = instance


# Above it a number with a point does not hold every whole number.
_LARGEST_WHOLE = 1e15


def number(value: float, at: Place) -> Node:
    """A number."""
    whole = abs(value) < _LARGEST_WHOLE and value == int(value)
    return Node(Form.NUMBER, at, str(int(value)) if whole else repr(value))


def boolean(value: bool, at: Place) -> Node:  # noqa: FBT001 - a value
    """A boolean."""
    return Node(Form.BOOLEAN, at, "true" if value else "false")


def null(at: Place) -> Node:
    """The absence of a value."""
    return Node(Form.NULL, at, "null")


def sorted_set(items: Iterable[Node], at: Place) -> Set:
    """A set of texts."""
    holders = {Form.ARRAY, Form.OBJECT}
    found = {id(item) if item.form in holders else item.text: item for item in items}
    ordered = sorted(found.values(), key=lambda item: item.text)
    return Set(Form.ARRAY, at, "", tuple(ordered))


def members_of(node: Node) -> list[tuple[str, Node]]:
    """Keys and values of an object, sorted by key as Terraform goes through them."""
    return sorted(((member.key, member.value) for member in node.members), key=lambda own: own[0])
