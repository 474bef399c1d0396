"""Whether, how often and with which credentials a task of Ansible runs that decides about access.

- iam_policy: {iam_name: "{{ item }}", …}   →   AccessSetting(place="iam_policy/p.keywords", value='{"loop": "[a, b]"}', …)
  loop: [a, b]

https://docs.ansible.com/ansible/latest/reference_appendices/playbooks_keywords.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from aws_iam.engine.parsing.json_nodes import Form
from aws_iam.engine.sources.containers.access_settings import (
    AccessSetting,
    canonical,
    subject_named,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aws_iam.engine.parsing.json_nodes import Member, Node

_BLOCK: Final = ("block", "rescue", "always")
_LISTS: Final = ("tasks", "pre_tasks", "post_tasks", "handlers")
_LOOPS: Final = ("loop", "loop_control")
_WITH: Final = "with_"
# What applies to all tasks of a block, and of a play.
_INHERITED: Final = ("when", "environment", "module_defaults")
# Arguments of the modules by which they sign in.
_CREDENTIALS: Final = ("profile", "aws_profile", "access_key", "aws_access_key", "endpoint_url")
_DEEPEST = 50


def task_controls(root: Node, holder_of: Callable[[Member], str]) -> Iterator[AccessSetting]:
    """The keywords of each task that decides about access: `holder_of` names its module, else it is empty."""
    if root.form is Form.ARRAY:
        yield from _in_list(root, {}, holder_of, 0)


def _in_list(
    tasks: Node, above: Mapping[str, str], holder_of: Callable[[Member], str], depth: int
) -> Iterator[AccessSetting]:
    if depth > _DEEPEST:
        return
    for task in tasks.items:
        own = {m.key: canonical(m.value) for m in task.members if m.key in _INHERITED}
        inherited = {
            **above,
            **{key: f"{above[key]} {text}" if key in above else text for key, text in own.items()},
        }
        for member in task.members:
            if member.key in {*_BLOCK, *_LISTS}:
                yield from _in_list(member.value, inherited, holder_of, depth + 1)
            elif holder := holder_of(member):
                keywords = inherited | dict(_of_task(task, member.value))
                yield AccessSetting(
                    holder=holder,
                    place=f"{holder}.keywords",
                    subject=subject_named("task_control"),
                    value=json.dumps(keywords, sort_keys=True),
                    only_changed=True,
                )


def _of_task(task: Node, arguments: Node) -> Iterator[tuple[str, str]]:
    for member in task.members:
        if member.key in _LOOPS or member.key.startswith(_WITH):
            yield member.key, canonical(member.value)
    for member in arguments.members:
        if member.key in _CREDENTIALS:
            yield member.key, canonical(member.value)
