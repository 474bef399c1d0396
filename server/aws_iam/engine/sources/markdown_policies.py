"""Policies in the code blocks of Markdown: JSON, YAML and Terraform; a block with a part of a policy is named, not read."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.language.document import Syntax
from aws_iam.engine.sources.data_files import of_data, without_comments
from aws_iam.engine.sources.document_shapes import is_terraform
from aws_iam.engine.sources.files import File, Files
from aws_iam.engine.sources.gathered import Gathered, Unread, together, under_name
from aws_iam.engine.sources.left_in_text import left_in_blocks
from aws_iam.engine.sources.markdown_fences import ENDINGS, Fence, fences
from aws_iam.engine.sources.policy_signs import FRAGMENT, has_statement, may_hold_policy
from aws_iam.engine.sources.terraform_sources import of_terraform
from aws_iam.errors import InputError
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from aws_iam.engine.sources.requested import Requested

NAME = "Markdown"
MOST_FENCES = 500
"""The most code blocks of one file that are read."""
MOST_STEPS = 200_000
"""The steps for the expressions of one code block in Terraform's language."""
MOST_TERRAFORM = 500_000
MOST_LINES_ABOVE = 5_000_000
_TERRAFORM = frozenset({"hcl", "terraform", "tf", "opentofu"})
_DATA = frozenset({"", "json", "jsonc", "json5", "yaml", "yml", "text", "txt"})
_LEFT_OUT = re.compile(r"(?<![\w.\])])(?:\.\.\.|…)(?![\w.)])")
_LINE_LEFT_OUT = re.compile(r'^[ \t]*(?:#|//)?[ \t]*(?:\.\.\.|…)|"(?:\.\.\.|…)"', re.MULTILINE)
_ELLIPSIS = "it leaves parts out (`...`): it is no whole policy"
_OUTSIDE = "a policy outside of code blocks: put it between lines of three backticks"


def is_markdown(name: str) -> bool:
    """Whether a file of this name is Markdown."""
    return name.lower().endswith(ENDINGS)


def of_markdown(file: File, requested: Requested) -> Gathered:
    """The policies in the code blocks of a file, each under the number of its block."""
    found, outside = fences(file.text)
    parts: list[Gathered] = []
    above = terraform = 0
    for fence in found:
        if not may_hold_policy(fence.content):
            continue
        above += fence.first_line
        terraform += len(fence.content) if _is_terraform(fence) else 0
        if len(parts) >= MOST_FENCES or above > MOST_LINES_ABOVE or terraform > MOST_TERRAFORM:
            parts.append(_unread(fence, "the file has more code blocks than are read", file))
            break
        parts.append(_of_fence(fence, file, requested))
    if has_statement(outside):
        place = Unread(place="the text", why=_OUTSIDE, file=file.name or None)
        parts.append(Gathered(sources=(), unread=(place,)))
    commands = tuple(left_in_blocks((fence.content for fence in found), file.name))
    parts.append(Gathered(sources=(), settings=commands))
    all_ = together(parts)
    formats = ((file.name, NAME), *all_.formats) if all_.sources else ()
    return replace(all_, formats=formats, files=1)


def _is_terraform(fence: Fence) -> bool:
    return fence.language in _TERRAFORM or (
        fence.language in _DATA and is_terraform(fence.content)
    )


def _of_fence(fence: Fence, file: File, requested: Requested) -> Gathered:
    """The policies of a block; one that looks as if it held a policy and has none is named."""
    terraform, content = _is_terraform(fence), fence.content
    looks = has_statement(content)
    if not terraform and fence.language not in _DATA:
        other = f"a code block of `{fence.language}`: only JSON, YAML and Terraform are read"
        return _unread(fence, other, file) if looks else Gathered(sources=())
    why = FRAGMENT
    if (_LINE_LEFT_OUT if terraform else _LEFT_OUT).search(content):
        why = _ELLIPSIS
    else:
        try:
            read = _read(fence, file, requested, terraform=terraform)
        except InputError as refused:
            message = refused.message.removeprefix(f"{quoted(file.name)}: ")
            why = f"{message}: it is no whole policy"
        else:
            if isinstance(read, Syntax):
                why = f"{read.message}: it is no whole policy"
            elif read.sources or read.unread or read.attachments:
                return under_name(read, f"block {fence.number}")
    return _unread(fence, why, file) if looks else Gathered(sources=())


def _read(fence: Fence, file: File, requested: Requested, *, terraform: bool) -> Gathered | Syntax:
    text = fence.in_place
    if terraform:
        given = Files(files=(replace(file, text=text),))
        found = of_terraform(given, requested, steps=MOST_STEPS)
        refused = next((place for place in found.unread if place.place == file.name), None)
        if refused and not found.sources:
            raise InputError(refused.why)
        return found
    # In YAML `//` is a part of a URL.
    text = without_comments(text) if text.lstrip()[:1] in {"{", "[", "/"} else text
    return of_data(replace(file, text=text), requested)


def _unread(fence: Fence, why: str, file: File) -> Gathered:
    place = Unread(
        place=f"block {fence.number}",
        why=f"line {fence.first_line}: {why}",
        file=file.name or None,
    )
    return Gathered(sources=(), unread=(place,))
