"""Values that only the deployment knows, as marks in the text, and the texts that may stand for them.

A policy with marks is judged several times, each mark another text every time: what is found each time is true whatever
the values are, and what stands at a mark is never told.
"""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING

from aws_iam.engine.language.frozen import positional
from aws_iam.engine.language.json_nodes import Form, Member, Node, Place, string
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Private-use characters: two that the file does not hold become the brackets of its marks.
_PRIVATE = range(0xE000, 0xF8FF)
_NO_WORD = re.compile(r"[^A-Za-z0-9]+")
_LONGEST = 60


@positional
class Marks:
    """The two characters around the name of an unknown value."""

    begin: str
    end: str

    @classmethod
    def unused_in(cls, root: Node) -> Marks:
        """Brackets that no text of the file holds, so that nobody can write a mark into it."""
        used = {each for text in _texts(root) if not text.isascii() for each in text}
        free = [chr(code) for code in _PRIVATE if chr(code) not in used]
        if len(free) < 2:  # noqa: PLR2004 - a pair
            raise InputError("the file holds every private-use character of Unicode")
        return cls(free[0], free[1])

    def mark(self, name: str) -> str:
        """The mark of the value of that name."""
        return f"{self.begin}{name}{self.end}"

    def within(self, text: str) -> bool:
        """Whether the text holds a mark."""
        return self.begin in text

    def known(self, node: Node) -> bool:
        """Whether no text of the node holds a mark."""
        return not any(map(self.within, _texts(node)))

    def variants(self, node: Node) -> tuple[tuple[Node, ...], frozenset[str]]:
        """The document with words, stars and ARNs for its marks, and the places where marks stood in the first."""
        words = _Words()
        filling = [_Filling(self, words, form) for form in _FORMS]
        root = Place(spot=node.at.spot, lines=node.at.lines)
        nodes = tuple(each.node(node, root) for each in filling)
        return nodes, frozenset(filling[0].places)


# What may stand for a value of which the name is known: the value alone, and as part of a text.
_FORMS = (("{}", "{}"), ("*", "*"), ("arn:aws:iam::111122223333:role/{}", "x{}"))


@positional
class _Filling:
    """A copy of a document with a text for each mark; `places` are the pointers where one stood."""

    marks: Marks
    words: _Words
    form: tuple[str, str]
    places: set[str] = field(default_factory=set)

    def node(self, node: Node, at: Place) -> Node:
        text = node.text
        if node.form is Form.STRING and self.marks.within(text):
            self.places.add(at.pointer)
            text = self.filled(text)
        return Node(
            form=node.form,
            stand=at,
            value=text,
            items=tuple(
                self.node(each, Place(at, each.at.token, each.at.spot, each.at.lines))
                for each in node.items
            ),
            members=tuple(self._member(member, at) for member in node.members),
        )

    def _member(self, member: Member, at: Place) -> Member:
        key = member.name.at
        name = self.filled(member.key) if self.marks.within(member.key) else member.key
        place = Place(at, name, key.spot, key.lines)
        if name != member.key:
            self.places.add(place.pointer)
        value_at = Place(at, name, member.value.at.spot, member.value.at.lines)
        return Member.named(string(name, place), self.node(member.value, value_at))

    def filled(self, text: str) -> str:
        alone = text.startswith(self.marks.begin) and text.find(self.marks.end) == len(text) - 1
        head, *rest = text.split(self.marks.begin)
        parts = [head]
        for each in rest:
            name, _, tail = each.partition(self.marks.end)
            parts += (self.form[not alone].format(self.words.of(name)), tail)
        return "".join(parts)


class _Words:
    """A word for each name, another one for every other name."""

    def __init__(self) -> None:
        self._by_name: dict[str, str] = {}
        self._taken: set[str] = set()

    def of(self, name: str) -> str:
        """The word of the name."""
        if name not in self._by_name:
            word = _NO_WORD.sub("-", name).strip("-")[:_LONGEST] or "value"
            if word in self._taken:
                word = f"{word}-{len(self._taken)}"
            self._taken.add(word)
            self._by_name[name] = word
        return self._by_name[name]


_TEMPLATED = re.compile(r"\{\{[^{}]{1,200}\}\}")


def templated(node: Node) -> tuple[tuple[Node, ...], frozenset[str]]:
    """The variants of a document whose texts hold `{{ … }}`, which Helm and its like fill later; none without."""
    if not any("{{" in text for text in _texts(node)):
        return (), frozenset()
    marks = Marks.unused_in(node)
    return marks.variants(_marked(node, marks))


def _marked(node: Node, marks: Marks) -> Node:
    return node.but(
        value=_TEMPLATED.sub(lambda found: marks.mark(found[0]), node.text),
        items=tuple(_marked(each, marks) for each in node.items),
        members=tuple(
            Member.named(
                member.name.but(
                    value=_TEMPLATED.sub(lambda found: marks.mark(found[0]), member.key)
                ),
                _marked(member.value, marks),
            )
            for member in node.members
        ),
    )


def _texts(node: Node) -> Iterator[str]:
    todo = [node]
    while todo:
        each = todo.pop()
        yield each.text
        for member in each.members:
            yield member.name.value
            todo.append(member.value)
        todo.extend(each.items)
