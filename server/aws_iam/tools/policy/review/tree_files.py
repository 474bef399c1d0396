"""The changed files of a git work tree, with what a reviewer has to know of how they were chosen."""

from __future__ import annotations

from aws_iam.engine.sources.files import Files
from aws_iam.frozen import slotted


@slotted
class TreeFiles(Files):
    """The files of a change.

    Those `within` these paths were reviewed, where that is not the whole tree; `outside` of them lie so many changed files with
    policies. `not_parted` says why the revision itself is the baseline and not the commit where both parted.
    """

    within: tuple[str, ...] = ()
    outside: int = 0
    not_parted: str = ""
