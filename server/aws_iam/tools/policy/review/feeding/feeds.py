"""Which files take something from one that a change touches, and what to say where that is not judged.

FEEDS                                       →   the ways in which files do
fed_by(changed, files, texts)               →   ("values of Helm's, …",)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_iam.escape import quoted
from aws_iam.tools.policy.review.feeding import (
    helm_values,
    serverless_files,
    stack_parameters,
    variable_files,
)
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aws_iam.engine.sources.files import Files
    from aws_iam.tools.policy.review.feeding.changed_file import ChangedFile

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Feed:
    """One way: which file may feed others, which may read it (those have a `mark` in their text), and which of these do."""

    may_feed: Callable[[str], bool]
    may_read: Callable[[str], bool]
    readers: Callable[[ChangedFile, Mapping[str, str]], Iterator[str]]
    why: str
    mark: str


FEEDS = tuple(
    Feed(own.may_feed, own.may_read, own.readers, own.WHY, own.MARK)
    for own in (helm_values, stack_parameters, serverless_files)
)


def fed_by(changed: ChangedFile, files: Files, texts: Mapping[str, str]) -> Iterator[str]:
    """Why the file matters to policies of others."""
    for feed in FEEDS:
        if feed.may_feed(changed.path):
            found = list(feed.readers(changed, texts))
            if found:
                yield feed.why.format(joined(list(map(quoted, found)), shown=_SHOWN))
    if variable_files.may_feed(changed.path):
        found = list(variable_files.readers(changed, files, texts))
        if found:
            yield variable_files.WHY.format(joined(list(map(quoted, found)), shown=_SHOWN))
