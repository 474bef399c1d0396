"""What a text has beside what was read of it: commands that attach policies, and AWS managed policies that something unknown attaches.

left_in_terraform('resource "null_resource" "a" { … "aws iam attach-role-policy …" … }', …)   →   AccessSetting(holder="null_resource.a", …)
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from aws_iam.engine.language.document import Policy, dump
from aws_iam.engine.sources.containers.access_settings import AccessSetting, subject_named
from aws_iam.engine.sources.policy_code import COMMANDS, commands_in, may_attach, why_in_code
from aws_iam.engine.sources.policy_signs import without_comment_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.engine.sources.gathered import Gathered

_SUBJECT = "unread_policy"
_ARN = re.compile(r"arn:[\w-]{1,30}:iam::aws:policy/[\w+=,.@/-]{1,600}")
# `resource "null_resource" "a" {`, `locals {`
_BLOCK = re.compile(r'^(\w+)((?:[ \t]+"[\w.-]+")*)[ \t]*\{', re.MULTILINE)
_RESOURCE = "resource"
# Other files set variables, or are those of Terragrunt. A text may have no name.
_ENDINGS = (".tf", ".tofu")


def left_in_terraform(
    texts: Iterable[tuple[str, str]], found: Gathered
) -> Iterator[AccessSetting]:
    """The blocks of files in Terraform's language with such things; `texts` are the files by name."""
    left = [
        (name, block, values)
        for name, text in texts
        if (not name or name.endswith(_ENDINGS)) and may_attach(text)
        for block, values in _in_blocks(without_comment_lines(text))
    ]
    if not left:
        return
    read = {own.policy for own in found.attachments} | {own.name for own in found.sources}
    known = "\n".join(
        (
            *sorted(read),
            *(own.value for own in found.settings),
            *(dump(own.content) for own in found.sources if isinstance(own.content, Policy)),
        )
    )
    for name, block, values in left:
        unread = [value for value in values if value not in known]
        if unread:
            yield unread_setting(block, unread, name)


def _in_blocks(text: str) -> Iterator[tuple[str, list[str]]]:
    starts = list(_BLOCK.finditer(text))
    for number, start in enumerate(starts):
        end = starts[number + 1].start() if number + 1 < len(starts) else len(text)
        own = text[start.start() : end]
        values = [*commands_in(own), *_ARN.findall(own)]
        if values:
            labels = re.findall(r'"([^"]*)"', start[2])
            kind = [] if start[1] == _RESOURCE else [start[1]]
            yield ".".join([*kind, *labels]), values


def left_in_blocks(contents: Iterable[str], file: str) -> Iterator[AccessSetting]:
    """The commands in code blocks of Markdown that attach policies."""
    commands = [own for own in contents if why_in_code(own) == COMMANDS]
    if commands:
        yield unread_setting("the commands", commands, file)


def unread_setting(holder: str, values: list[str], file: str | None) -> AccessSetting:
    """The setting that stands for what a place says and no policy has."""
    return AccessSetting(
        holder=holder,
        place=holder,
        subject=subject_named(_SUBJECT),
        value=json.dumps(sorted(values)),
        file=file or None,
    )
