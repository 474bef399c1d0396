"""Tasks of Ansible with the values of variables that the same file has, or files beside it.

    with_variables(root, others)   →   the tasks, in which `"{{ actions }}"` is what `vars`, `vars_files`, `group_vars/all.yml` or a role's defaults say

A variable that has different values in these stays as it is written, as does one that a filter changes.
https://docs.ansible.com/ansible/latest/playbook_guide/playbooks_variables.html
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from aws_iam.engine.parsing.json_nodes import Form, Member, Node, Place, string
from aws_iam.engine.sources.containers.access_settings import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.sources.containers.other_files import OtherFiles

MARK: Final = "{{"
_HOLE = re.compile(r"\{\{\s*([A-Za-z_]\w*(?:\.\w+)*)\s*(?:\|\s*(?:to_json|to_nice_json)\s*)?\}\}")
_AS_JSON = re.compile(r"\|\s*to_(?:nice_)?json\s*\}\}$")
_VARS, _FILES, _FACTS = "vars", "vars_files", "set_fact"
_SHARED = ("group_vars/all.yml", "group_vars/all.yaml", "group_vars/all/main.yml")
# Those of a role, beside the folder of its tasks, the stronger ones first.
_OF_ROLE = ("../vars/main.yml", "../defaults/main.yml")
_TASKS = "tasks"
_SCALARS = frozenset({Form.STRING, Form.NUMBER, Form.BOOLEAN})
# So many variables lead from one to another, and so much may come of them.
_MOST_STEPS, _MOST_VALUES = 8, 5_000


def with_variables(root: Node, others: OtherFiles) -> Node:
    """The tasks with what is known of their variables."""
    lines = root.at.lines
    if root.form is not Form.ARRAY or (lines and MARK not in lines.text):
        return root
    found = _Variables(known_variables(root, others)) if is_of_tasks(root) else None
    return found.value(root, 0) if found and found.known else root


def is_of_tasks(root: Node) -> bool:
    """Whether it is a list of plays, or of tasks."""
    return root.form is Form.ARRAY and all(item.form is Form.OBJECT for item in root.items)


def variables_set_in(node: Node) -> Iterator[tuple[str, Node]]:
    """The variables that plays, blocks and tasks set, with their values."""
    for member in node.members:
        if member.key == _VARS or member.key.rpartition(".")[2] == _FACTS:
            yield from ((own.key, own.value) for own in member.value.members)
        yield from variables_set_in(member.value)
    for item in node.items:
        yield from variables_set_in(item)


def known_variables(root: Node, others: OtherFiles) -> dict[str, Node]:
    """The variables with the only value that each has in the files at hand."""
    found: dict[str, Node | None] = {}
    for name, value in variables_set_in(root):
        _add(found, name, value)
    for path in _named_files(root):
        _add_all(found, others.value(path))
    for file in map(others.value, _weaker_files(others.folder)):
        # What stands nearer has been said.
        for member in file.members if file else ():
            found.setdefault(member.key, member.value)
    return {name: value for name, value in found.items() if value is not None}


def files_read_with(root: Node, folder: str) -> frozenset[str]:
    """The files of variables that tasks in a folder are read with, as far as they are there."""
    paths = (*_named_files(root), *_weaker_files(folder))
    return frozenset(posixpath.normpath(posixpath.join(folder, path)) for path in paths)


def _weaker_files(folder: str) -> tuple[str, ...]:
    return _OF_ROLE if posixpath.basename(folder) == _TASKS else _SHARED


def _add(found: dict[str, Node | None], name: str, value: Node) -> None:
    before = found.get(name, value)
    same = before is not None and canonical(before) == canonical(value)
    found[name] = value if same else None


def _add_all(found: dict[str, Node | None], file: Node | None) -> None:
    for member in file.members if file else ():
        _add(found, member.key, member.value)


def _named_files(root: Node) -> Iterator[str]:
    for play in root.items:
        files = play.member(_FILES)
        yield from (own.text for own in (files.items if files else ()) if MARK not in own.text)


@dataclass(slots=True)
class _Variables:
    known: dict[str, Node]
    _values: int = field(default=0)

    def value(self, node: Node, steps: int) -> Node:
        """A value with those of the variables in it."""
        if node.form is Form.STRING:
            return self._text(node, steps) if MARK in node.text else node
        return node.but(
            items=tuple(self.value(item, steps) for item in node.items),
            members=tuple(Member.named(m.name, self.value(m.value, steps)) for m in node.members),
        )

    def _text(self, node: Node, steps: int) -> Node:
        alone = _HOLE.fullmatch(node.text.strip())
        if alone:
            found = self._found(alone[1], steps)
            return node if found is None else _placed(found, node)

        def filled(hole: re.Match[str]) -> str:
            own = self._found(hole[1], steps)
            plain = own is not None and own.form in _SCALARS and not _AS_JSON.search(hole[0])
            return own.text if own is not None and plain else hole[0]

        return string(_HOLE.sub(filled, node.text), node.at)

    def _found(self, path: str, steps: int) -> Node | None:
        self._values += 1
        if steps >= _MOST_STEPS or self._values > _MOST_VALUES:
            return None
        name, *inner = path.split(".")
        found = self.known.get(name)
        for step in inner:
            found = found.member(step) if found is not None else None
        return None if found is None else self.value(found, steps + 1)


def _placed(value: Node, at: Node) -> Node:
    """The value under the name that it has there, with its own line."""
    return value.but(stand=Place(at.at.parent, at.at.token, value.at.spot, value.at.lines))
