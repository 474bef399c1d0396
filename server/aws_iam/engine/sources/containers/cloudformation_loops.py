"""Loops of CloudFormation over lists that stand in the template, written out as the transform `AWS::LanguageExtensions` does.

"Fn::ForEach::Topics": ["Name", ["a", "b"], {"Topic${Name}": …}]   →   "Topica": …, "Topicb": …

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-foreach.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_iam.engine.parsing.json_nodes import Form, Member, Node, string
from aws_iam.engine.parsing.made_nodes import listed
from aws_iam.engine.parsing.node_size import size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LOOP: Final = "Fn::ForEach"
_EXTENSIONS = "AWS::LanguageExtensions"
_SECTION, _PARAMETERS = "Resources", "Parameters"
_PARTS = 3
# As many as a template may have resources; loops within a resource count as well.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
_MOST_COPIES = 500
# Four times what a template may have; a line of it may stand for gigabytes.
_MOST_CHARACTERS = 4_000_000


def without_loops(root: Node) -> Node:
    """The template with its loops written out, over a parameter as its default says; one over what is known only at deployment stays."""
    section = root.member(_SECTION)
    if section is None or not (_has_extensions(root) or has_loop(section)):
        return root
    written = _Copies(root.member(_PARAMETERS)).expanded(section)
    members = tuple(
        Member.named(own.name, written) if own.value is section else own for own in root.members
    )
    return root.but(members=members)


def has_loop(section: Node) -> bool:
    """Whether a section of a template has a loop."""
    return any(map(_is_loop, section.members))


def _has_extensions(root: Node) -> bool:
    transform = root.member("Transform")
    return transform is not None and any(own.text == _EXTENSIONS for own in transform.listed())


def _is_loop(member: Member) -> bool:
    return member.key.startswith(f"{LOOP}::")


class _Copies:
    """Writes loops out, up to the number and the size of copies that a template may have."""

    __slots__ = ("_characters", "_left", "_parameters")

    def __init__(self, parameters: Node | None) -> None:
        self._parameters = parameters
        self._left = _MOST_COPIES
        self._characters = _MOST_CHARACTERS

    def expanded(self, node: Node) -> Node:
        """The value without the loops in it."""
        if node.form is Form.ARRAY:
            items = tuple(map(self.expanded, node.items))
            return node if all(map(_is_same, items, node.items)) else node.but(items=items)
        if node.form is not Form.OBJECT:
            return node
        members = tuple(new for member in node.members for new in self._members(member))
        if len(members) == len(node.members) and all(map(_is_same, members, node.members)):
            return node
        return node.but(members=members)

    def _members(self, member: Member) -> Iterator[Member]:
        loop = _loop(member, self._parameters)
        if loop is None:
            value = self.expanded(member.value)
            yield member if value is member.value else Member.named(member.name, value)
            return
        identifier, words, fragment = loop
        cost = size(fragment) * len(words)
        if len(words) > self._left or cost > self._characters:
            yield member
            return
        self._left -= len(words)
        self._characters -= cost
        for word in words:
            # A loop within may run over what this one fills in.
            yield from self.expanded(_filled(fragment, identifier, word)).members


def _loop(member: Member, parameters: Node | None) -> tuple[str, Sequence[str], Node] | None:
    """The identifier, the words and the fragment of a loop; None for any other member and for a list that is not known."""
    parts = member.value.listed() if _is_loop(member) else ()
    if len(parts) != _PARTS:
        return None
    identifier, words, fragment = parts
    words = _default_list(words, parameters) or words
    if words.form is not Form.ARRAY or fragment.form is not Form.OBJECT or not identifier.text:
        return None
    known = [word.value for word in words.items if word.form in {Form.STRING, Form.NUMBER}]
    return (identifier.text, known, fragment) if len(known) == words.count else None


def _default_list(words: Node, parameters: Node | None) -> Node | None:
    """The default of the parameter that a loop runs over; None for anything else."""
    name = words.member("Ref") if words.form is Form.OBJECT else None
    parameter = parameters.member(name.text) if name and parameters else None
    default = parameter.member("Default") if parameter else None
    if default is None or not default.text:
        return None
    parts = (string(part.strip(), words.at) for part in default.text.split(","))
    return listed(parts, words.at)


def _filled(node: Node, identifier: str, word: str) -> Node:
    """The value with a word in the place of the identifier."""
    if node.form is Form.STRING:
        text = _with_word(node.value, identifier, word)
        return node if text == node.value else node.but(value=text)
    if node.form is Form.ARRAY:
        return node.but(items=tuple(_filled(item, identifier, word) for item in node.items))
    if node.form is not Form.OBJECT:
        return node
    first = node.members[0] if len(node.members) == 1 else None
    if first and first.key == "Ref" and first.value.text == identifier:
        return string(word, node.at)
    return node.but(
        members=tuple(
            Member.named(
                string(_with_word(own.key, identifier, word), own.name.at),
                _filled(own.value, identifier, word),
            )
            for own in node.members
        )
    )


def _with_word(text: str, identifier: str, word: str) -> str:
    if identifier not in text:
        return text
    # What an id of a resource may not hold is left out by the second form.
    plain = "".join(filter(str.isalnum, word))
    return text.replace(f"${{{identifier}}}", word).replace(f"&{{{identifier}}}", plain)


def _is_same(one: object, other: object) -> bool:
    return one is other
