"""What a file of the Serverless Framework takes from another one: `${file(./iam.yml):statements}`, which is not resolved.

https://www.serverless.com/framework/docs/providers/aws/guide/variables#reference-properties-in-other-files
"""

from __future__ import annotations

import posixpath
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Node
from aws_iam.tools.policy.review.feeding.changed_file import parsed, strings_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.tools.policy.review.feeding.changed_file import ChangedFile

MARK = "${file("
"""What every file that reads one has in its text."""
WHY = "{} takes what its policies are made of from it, which is not followed: write it there, or give what `serverless package` writes"
_FILE = re.compile(r"\$\{file\(((?:[^()]|\([^()]*\))*)\)")
_HOLE = re.compile(r"\$\{[^{}]*\}")
_STAGE = re.compile(r"\$\{\s*(?:opt:|sls:|self:(?:\w+\.)*)stage\b[^{}]*\}")
_CUSTOM = re.compile(r"\$\{self:custom\b")
_ENDINGS = (".yml", ".yaml", ".json")
# Where statements stand, or a section that may hold them.
_POLICY = re.compile(r"iam|role|statement|polic|boundar", re.IGNORECASE)
_SECTIONS = frozenset({"provider", "functions", "resources"})


def may_feed(path: str) -> bool:
    """Whether another file may take something from it: data, or a program that writes data."""
    return path.lower().endswith((*_ENDINGS, ".js", ".cjs", ".mjs", ".ts", ".env"))


def may_read(path: str) -> bool:
    """Whether it may be a file of the framework."""
    return path.lower().endswith(_ENDINGS)


def readers(changed: ChangedFile, texts: Mapping[str, str]) -> Iterator[str]:
    """The files whose policies take something from it."""
    for path, text in texts.items():
        folder = path.rpartition("/")[0]
        if path == changed.path or not may_read(path) or not _names(text, changed.path, folder):
            continue
        if any(_is_taken(root, changed.path, folder) for root in parsed(text) or ()):
            yield path


def stage_of(path: str, text: str, reader: str) -> str:
    """The stage that takes the file where its name has that in it; empty where the name has something else, or nothing."""
    folder = posixpath.dirname(reader)
    for named in _FILE.findall(text):
        written = named.strip().strip("'\"")
        if not _STAGE.search(written) or len(_HOLE.findall(written)) != 1:
            continue
        start, end = _STAGE.split(written)
        pattern = posixpath.normpath(posixpath.join(folder, f"{start}\0{end}"))
        start, _, end = pattern.partition("\0")
        stage = path[len(start) : len(path) - len(end)]
        if path == f"{start}{stage}{end}" and stage and "/" not in stage:
            return stage
    return ""


def _is_taken(root: Node, path: str, folder: str) -> bool:
    held = list(_held(root))
    of_policies = [text for is_of_policies, text in held if is_of_policies]
    if any(_names(text, path, folder) for text in of_policies):
        return True
    custom = root.member("custom")
    is_used = any(map(_CUSTOM.search, of_policies))
    return bool(
        custom and is_used and any(_names(text, path, folder) for text in strings_in(custom))
    )


def _held(node: Node, keys: tuple[str, ...] = ()) -> Iterator[tuple[bool, str]]:
    """Each string, and whether it stands where policies do."""
    if node.form is Form.STRING:
        # An entry of a list has no key of its own.
        own = tuple(key for key in keys if key)
        is_section = own[-1:] == ("Resources",) or (len(own) == 1 and own[0] in _SECTIONS)
        yield is_section or any(map(_POLICY.search, own)), node.text
    for item in node.items:
        yield from _held(item, (*keys, ""))
    for member in node.members:
        yield from _held(member.value, (*keys, member.key))


def _names(text: str, path: str, folder: str) -> bool:
    """Whether the text takes something from the file; what of the name is filled in may be anything."""
    for named in _FILE.findall(text):
        pattern = _HOLE.sub("*", named.strip().strip("'\""))
        if fnmatchcase(path, posixpath.normpath(posixpath.join(folder, pattern))):
            return True
    return False
