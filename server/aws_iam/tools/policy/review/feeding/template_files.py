"""Files that CloudFormation's templates include, and the templates of nested stacks, by their paths from the template on.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-include.html
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, walk
from aws_iam.engine.sources.containers.included_files import included
from aws_iam.tools.policy.review.feeding.changed_file import parsed
from aws_iam.tools.policy.review.feeding.text_memo import once_by_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.engine.parsing.json_nodes import Node
    from aws_iam.tools.policy.review.feeding.changed_file import ChangedFile

MARK = "AWS::Include\nAWS::CloudFormation::Stack\nAWS::Serverless::Application"
"""What every file that reads one has in its text, one of these."""
WHY = "{} takes policies or settings from it, and it cannot be read: write them there"
_NESTED = ("TemplateURL", "Location")
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
        if path != changed.path and changed.path in _included_by(path, text):
            yield path


@once_by_text
def _included_by(path: str, text: str) -> frozenset[str]:
    folder = posixpath.dirname(path)
    return frozenset(
        posixpath.normpath(posixpath.join(folder, location))
        for root in parsed(text) or ()
        for location in _locations(root)
    )


def _locations(root: Node) -> Iterator[str]:
    for own in walk(root):
        yield from (
            value.text
            for name in _NESTED
            if (value := own.member(name)) and value.form is Form.STRING
        )
        if location := included(own):
            yield location
