"""What an input holds: its policies, and the places where none was read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.language.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_iam.engine.language.document import Source
    from aws_iam.engine.sources.containers.attachments import PolicyAttachment


@slotted
class Unread:
    """A place, or a whole file, whose policy was not checked, and why.

    `broken`: the file looks as if it holds policies, or is unreadable and may hold some, so it counts as a failure.
    """

    place: str
    why: str
    file: str | None = None
    broken: bool = False


@slotted
class Gathered:
    """The policies, the places that were not checked, and the files with their formats."""

    sources: tuple[Source, ...]
    unread: tuple[Unread, ...] = ()
    formats: tuple[tuple[str, str], ...] = ()
    """File and format of each file that holds policies inside something larger."""
    files: int = 0
    without: tuple[str, ...] = ()
    """The files of a folder that hold no policy."""
    attachments: tuple[PolicyAttachment, ...] = ()
    """Policies that the files attach without their documents."""


def together(parts: Sequence[Gathered], unread: Sequence[Unread] = ()) -> Gathered:
    """What several inputs hold together, without the counts of files."""
    return Gathered(
        sources=tuple(source for part in parts for source in part.sources),
        unread=(*unread, *(place for part in parts for place in part.unread)),
        formats=tuple(format_ for part in parts for format_ in part.formats),
        attachments=tuple(attachment for part in parts for attachment in part.attachments),
    )
