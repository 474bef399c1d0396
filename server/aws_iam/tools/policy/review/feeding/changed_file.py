"""A file that a change touches, with what it sets before and after.

ChangedFile(path="values.yaml", was="a: {b: 1}", now="a: {b: 2}").keys    →   {("a", "b")}
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Node, walk
from aws_iam.engine.parsing.json_text import Syntax, scan
from aws_iam.engine.parsing.yaml_text import scan_yaml
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    Key = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ChangedFile:
    """The texts of both sides; the one of a side that has no such file is empty."""

    path: str
    was: str
    now: str

    @property
    def folder(self) -> str:
        """The folder of the file; empty at the top."""
        return self.path.rpartition("/")[0]

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return self.path.rpartition("/")[2]

    @cached_property
    def roots(self) -> tuple[tuple[Node, ...], tuple[Node, ...]] | None:
        """The values of the file before and after; None where one is neither YAML nor JSON."""
        was, now = parsed(self.was), parsed(self.now)
        return None if was is None or now is None else (was, now)

    @cached_property
    def keys(self) -> frozenset[Key] | None:
        """What is set to another value; None where that cannot be told."""
        if self.roots is None:
            return None
        was, now = (dict(own for root in side for own in _set_by(root)) for side in self.roots)
        return frozenset(key for key in {**was, **now} if was.get(key) != now.get(key))


def parsed(text: str) -> tuple[Node, ...] | None:
    """The values of a text in JSON or YAML; None for any other."""
    try:
        node = scan(text) if text.lstrip()[:1] in {"{", "["} else None
        if isinstance(node, Node):
            return (node,)
        nodes = scan_yaml(text)
    except InputError:
        return None
    return None if isinstance(nodes, Syntax) else nodes


def _set_by(node: Node, key: Key = ()) -> Iterator[tuple[Key, Node]]:
    if node.form is Form.OBJECT and node.members:
        for member in node.members:
            yield from _set_by(member.value, (*key, member.key))
    else:
        yield key, node


def strings_in(node: Node) -> Iterator[str]:
    """Every string of a value, the names of members apart."""
    return (own.text for own in walk(node) if own.form is Form.STRING)
