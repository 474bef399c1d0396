"""Files that CloudFormation's templates include: `AWS::Include` with a `Location` beside them.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-include.html
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from aws_iam.engine.sources.containers.included_files import included
from aws_iam.tools.policy.review.feeding.changed_file import parsed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.engine.parsing.json_nodes import Node
    from aws_iam.tools.policy.review.feeding.changed_file import ChangedFile

MARK = "AWS::Include"
"""What every file that reads one has in its text."""
WHY = "{} includes it, and it cannot be read: write it there"
_ENDINGS = (".json", ".yaml", ".yml", ".template")


def may_feed(path: str) -> bool:
    """Whether a template may include the file."""
    return path.lower().endswith(_ENDINGS)


def may_read(path: str) -> bool:
    """Whether the file may be a template."""
    return path.lower().endswith(_ENDINGS)


def readers(changed: ChangedFile, texts: Mapping[str, str]) -> Iterator[str]:
    """The templates that include it."""
    for path, text in texts.items():
        if MARK in text and path != changed.path and changed.path in _included_by(path, text):
            yield path


def _included_by(path: str, text: str) -> Iterator[str]:
    folder = posixpath.dirname(path)
    for root in parsed(text) or ():
        for location in filter(None, map(included, _objects(root))):
            yield posixpath.normpath(posixpath.join(folder, location))


def _objects(node: Node) -> Iterator[Node]:
    if node.members:
        yield node
    for item in node.items:
        yield from _objects(item)
    for member in node.members:
        yield from _objects(member.value)
