"""The variables of Ansible: a task that decides about access is filled in with them, and judged without.

Which file gives a variable its value depends on the play, the hosts and the command: what is set elsewhere, too, is told.

https://docs.ansible.com/ansible/latest/playbook_guide/playbooks_variables.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.sources.containers.access_settings import canonical
from aws_iam.engine.sources.containers.ansible_values import (
    files_read_with,
    is_of_tasks,
    known_variables,
    variables_set_in,
)
from aws_iam.engine.sources.containers.other_files import OtherFiles
from aws_iam.tools.policy.review.feeding.changed_file import parsed
from aws_iam.tools.policy.review.feeding.text_memo import decides, once_by_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.parsing.json_nodes import Node
    from aws_iam.tools.policy.review.feeding.changed_file import ChangedFile

MARK = "{{"
"""What every file that reads one has in its text."""
WHY = "variables of Ansible's, with which {} is filled in: write it with their values"
ELSEWHERE = "a variable of Ansible's that it uses now or no longer, {}, has another value in {}, which may be the one that applies"
"""Why a file is not judged by the value that it is read with."""
_FOLDERS = re.compile(r"(?:^|/)(?:group_vars|host_vars|vars|defaults)/")
_INVENTORY = re.compile(r"\.ini$|(?:^|/)(?:hosts|inventory)(?:/[^/.]+)?$")
# Of a host, of a group, or of all.
_ASSIGNED = re.compile(r"([A-Za-z_]\w*)[ \t]*=[ \t]*(\S+)")
_ENDINGS = (".yaml", ".yml", ".json", ".j2")
_HOLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_NAME = re.compile(r"(?<![\w.'\"])[A-Za-z_]\w*")
_DEFAULTS = re.compile(r"(?:^|/)defaults/")
# Objects of Kubernetes and templates have such names of their own.
_OTHER_DATA = frozenset({"apiVersion", "Resources"})
_MOST_NAMES = 50


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
        if is_used and keys != set() and decides(path, text):
            yield path


def given_by_play(changed: ChangedFile, texts: Mapping[str, str]) -> Iterator[str]:
    """The files that take a variable which changes in a play; those of a file of variables take it where it is read."""
    if changed.path.endswith(_ENDINGS[:2]) and not _is_of_variables(changed.path):
        yield from readers(changed, texts)


def names_used(changed: ChangedFile) -> frozenset[str]:
    """The variables that a file of tasks or of variables uses now or no longer, and that others may set."""
    if not changed.path.endswith(_ENDINGS[:2]) or changed.roots is None:
        return frozenset()
    was, now = map(_used, (changed.was, changed.now))
    names = was ^ now
    if not names or not changed.was or not changed.now:
        return frozenset()
    own = {name for side in changed.roots for root in side for name, _ in variables_set_in(root)}
    return frozenset(sorted(names - own)[:_MOST_NAMES])


def set_elsewhere(changed: ChangedFile, texts: Mapping[str, str]) -> dict[str, list[str]]:
    """The files that give a variable another value than the file is read with, by the variable.

    The file decides about access, or sets variables of one that does.
    """
    names = names_used(changed)
    if not names:
        return {}
    found: dict[str, list[str]] = {}
    values = {path: _values_in(path, text, names) for path, text in texts.items()}
    # The defaults of another role are weaker than all.
    read_with = {changed.path, *filter(_DEFAULTS.search, values)}
    for side in changed.roots or ():
        read_with |= {path for root in side for path in files_read_with(root, changed.folder)}
    for name in sorted(names):
        set_by = {path: own[name] for path, own in values.items() if own.get(name)}
        others = [path for path in set_by if path not in read_with]
        if others and len(set().union(*set_by.values())) > 1:
            found[name] = others
    decided = decides(changed.path, changed.now)
    if found and not (decided or any(readers(changed, texts))):
        return {}
    return found


def may_set(path: str) -> bool:
    """Whether the file may give a variable a value."""
    return path.endswith(_ENDINGS[:3]) or _INVENTORY.search(path) is not None


def _values_in(path: str, text: str, names: frozenset[str]) -> dict[str, set[str]]:
    """The values that a file gives some variables."""
    found: dict[str, set[str]] = {}
    if not may_set(path) or not any(name in text for name in names):
        return found
    if _INVENTORY.search(path):
        pairs: Iterable[tuple[str, str]] = _ASSIGNED.findall(text)
    else:
        pairs = (
            (name, canonical(value))
            for root in parsed(text) or ()
            for name, value in (*variables_set_in(root), *_given(root), *_at_top(root))
        )
    for name, value in pairs:
        if name in names:
            found.setdefault(name, set()).add(value.strip("\"'"))
    return found


def _at_top(root: Node) -> Iterator[tuple[str, Node]]:
    """What a file of variables sets; `vars_files` and `--extra-vars` may name any."""
    if not any(root.member(name) for name in _OTHER_DATA):
        yield from ((own.key, own.value) for own in root.members)


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
        [
            pair
            for root in side
            if is_of_tasks(root)
            for pair in (*variables_set_in(root), *_given(root))
        ]
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
    was, now = (
        dict(own for root in side for own in variables_set_in(root)) for side in changed.roots
    )
    names = {name for name in {**was, **now} if was.get(name) != now.get(name)}
    # What has one value is judged with it.
    unknown = (
        values.keys() - _known_in(roots)
        for values, roots in zip((was, now), changed.roots, strict=True)
    )
    names &= {name for side in unknown for name in side}
    return bool(names & _used(changed.now)) and decides(changed.path, changed.now)


def _known_in(roots: Iterable[Node]) -> set[str]:
    return {
        name for root in roots if is_of_tasks(root) for name in known_variables(root, OtherFiles())
    }


def _used(text: str) -> frozenset[str]:
    """The names within the holes of a text."""
    return _used_in("", text)


@once_by_text
def _used_in(_: str, text: str) -> frozenset[str]:
    return frozenset(name for hole in _HOLE.findall(text) for name in _NAME.findall(hole))
