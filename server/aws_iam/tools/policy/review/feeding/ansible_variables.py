"""The variables of Ansible: a task with a policy is filled in with them, and judged without.

https://docs.ansible.com/ansible/latest/playbook_guide/playbooks_variables.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.sources.policy_signs import looks_like_policy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.tools.policy.review.feeding.changed_file import ChangedFile

MARK = "{{"
"""What every file that reads one has in its text."""
WHY = "variables of Ansible's, with which the policy of {} is filled in: write the policy with its values"
_FOLDERS = re.compile(r"(?:^|/)(?:group_vars|host_vars|vars|defaults)/")
_ENDINGS = (".yaml", ".yml", ".json", ".j2")
_HOLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_NAME = re.compile(r"(?<![\w.'\"])[A-Za-z_]\w*")
_VARS = "vars"


def may_feed(path: str) -> bool:
    """Whether the file may set variables: by the folder that it lies in."""
    return path.endswith(_ENDINGS[:3]) and _FOLDERS.search(path) is not None


def may_read(path: str) -> bool:
    """Whether the file may have tasks, or the templates of these."""
    return path.endswith(_ENDINGS)


def readers(changed: ChangedFile, texts: Mapping[str, str]) -> Iterator[str]:
    """The files with a policy that use a variable which changes."""
    keys = None if changed.keys is None else {key[0] for key in changed.keys if key}
    for path, text in texts.items():
        if path != changed.path and may_read(path) and looks_like_policy(text):
            used = _used(text)
            if used if keys is None else used & keys:
                yield path


def fills_itself(changed: ChangedFile) -> bool:
    """Whether variables change with which a play fills in a policy of the same file."""
    if not (changed.path.endswith(_ENDINGS[:2]) and MARK in changed.now and changed.roots):
        return False
    was, now = (
        {
            own.key: own.value
            for root in side
            for play in root.items
            for part in (play.member(_VARS),)
            for own in (part.members if part else ())
        }
        for side in changed.roots
    )
    names = {name for name in {**was, **now} if was.get(name) != now.get(name)}
    return bool(names & _used(changed.now)) and looks_like_policy(changed.now)


def _used(text: str) -> set[str]:
    """The names within the holes of a text."""
    return {name for hole in _HOLE.findall(text) for name in _NAME.findall(hole)}
