"""Files of policies as a face hands them over: their names and texts; nothing here opens one."""

from __future__ import annotations

from aws_iam.engine.language.frozen import slotted

MAX_FILE_CHARACTERS = 16_000_000
"""The longest file that is read; an account's authorization details are far longer than any policy."""


@slotted
class File:
    """One file: its name as the caller knows it, and its text, or why it could not be read."""

    name: str
    text: str = ""
    unreadable: str = ""


@slotted
class Files:
    """What a face has read for one argument; of a `folder` a file without a policy is no mistake."""

    files: tuple[File, ...]
    folder: str = ""
