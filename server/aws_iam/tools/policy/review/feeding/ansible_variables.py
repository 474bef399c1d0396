"""The variables of Ansible: a task that decides about access is filled in with them, and judged without.

https://docs.ansible.com/ansible/latest/playbook_guide/playbooks_variables.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.sources.containers.ansible_values import is_of_tasks, known_variables
from aws_iam.engine.sources.containers.other_files import OtherFiles
from aws_iam.engine.sources.files import File
from aws_iam.engine.sources.gather import decides_about_access

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.parsing.json_nodes import Node
    from aws_iam.tools.policy.review.feeding.changed_file import ChangedFile

MARK = "{{"
"""What every file that reads one has in its text."""
WHY = "variables of Ansible's, with which {} is filled in: write it with their values"
_FOLDERS = re.compile(r"(?:^|/)(?:group_vars|host_vars|vars|defaults)/")
_INVENTORY = re.compile(r"\.ini$|(?:^|/)(?:hosts|inventory)(?:/[^/.]+)?$")
# Of a host, of a group, or of all.
_ASSIGNED = re.compile(r"([A-Za-z_]\w*)[ \t]*=[ \t]*(\S+)")
_ENDINGS = (".yaml", ".yml", ".json", ".j2")
_HOLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_NAME = re.compile(r"(?<![\w.'\"])[A-Za-z_]\w*")
_VARS, _FACTS = "vars", "set_fact"


def may_feed(path: str) -> bool:
    """Whether the file may set variables: by the folder that it lies in, as a play, or as an inventory."""
    return (
        path.endswith(_ENDINGS[:2])
        or _is_of_variables(path)
        or _INVENTORY.search(path) is not None
    )


def _is_of_variables(path: str) -> bool:
    return path.endswith(_ENDINGS[:3]) and _FOLDERS.search(path) is not None


def may_read(path: str) -> bool:
    """Whether the file may have tasks, or the templates of these."""
    return path.endswith(_ENDINGS)


def readers(changed: ChangedFile, texts: Mapping[str, str]) -> Iterator[str]:
    """The files that decide about access and use a variable which changes."""
    keys = _changed_names(changed)
    for path, text in texts.items():
        if path == changed.path or not may_read(path):
            continue
        used = _used(text)
        is_used = used if keys is None else used & keys
        if is_used and keys != set() and decides_about_access(File(name=path, text=text)):
            yield path


def given_by_play(changed: ChangedFile, texts: Mapping[str, str]) -> Iterator[str]:
    """The files that take a variable which changes in a play; those of a file of variables take it where it is read."""
    if changed.path.endswith(_ENDINGS[:2]) and not _is_of_variables(changed.path):
        yield from readers(changed, texts)


def _changed_names(changed: ChangedFile) -> set[str] | None:
    """The variables that change; None where the file may set any."""
    if _is_of_variables(changed.path):
        return None if changed.keys is None else {key[0] for key in changed.keys if key}
    if _INVENTORY.search(changed.path):
        was, now = (set(_ASSIGNED.findall(text)) for text in (changed.was, changed.now))
        return {name for name, _ in was ^ now}
    if changed.roots is None:
        return set()
    sides = [
        [pair for root in side if is_of_tasks(root) for pair in (*_set_in(root), *_given(root))]
        for side in changed.roots
    ]
    # A play may set it for some hosts and another one for others.
    return {name for name, _ in _differing(*sides)}


def _differing(
    was: Sequence[tuple[str, Node]], now: Sequence[tuple[str, Node]]
) -> Iterator[tuple[str, Node]]:
    yield from (pair for pair in now if pair not in was)
    yield from (pair for pair in was if pair not in now)


def _given(root: Node) -> Iterator[tuple[str, Node]]:
    """What plays give their roles: `- {role: app, actions: …}`."""
    for play in root.items:
        roles = play.member("roles")
        for role in roles.items if roles else ():
            yield from ((own.key, own.value) for own in role.members)


def fills_itself(changed: ChangedFile) -> bool:
    """Whether variables change with which a file fills in what decides about access in itself."""
    if not (changed.path.endswith(_ENDINGS[:2]) and MARK in changed.now and changed.roots):
        return False
    was, now = (dict(own for root in side for own in _set_in(root)) for side in changed.roots)
    names = {name for name in {**was, **now} if was.get(name) != now.get(name)}
    # What has one value is judged with it.
    unknown = (
        values.keys() - _known_in(roots)
        for values, roots in zip((was, now), changed.roots, strict=True)
    )
    names &= {name for side in unknown for name in side}
    file = File(name=changed.path, text=changed.now)
    return bool(names & _used(changed.now)) and decides_about_access(file)


def _known_in(roots: Iterable[Node]) -> set[str]:
    return {
        name for root in roots if is_of_tasks(root) for name in known_variables(root, OtherFiles())
    }


def _set_in(node: Node) -> Iterator[tuple[str, Node]]:
    """The variables that plays, blocks and tasks set, with their values."""
    for member in node.members:
        if member.key == _VARS or member.key.rpartition(".")[2] == _FACTS:
            yield from ((own.key, own.value) for own in member.value.members)
        yield from _set_in(member.value)
    for item in node.items:
        yield from _set_in(item)


def _used(text: str) -> set[str]:
    """The names within the holes of a text."""
    return {name for hole in _HOLE.findall(text) for name in _NAME.findall(hole)}
