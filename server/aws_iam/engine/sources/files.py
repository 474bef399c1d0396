"""Files as the command line or the server hands them over: names and texts. Nothing here opens a file."""

from __future__ import annotations

from aws_iam.engine.language.frozen import slotted

MAX_FILE_CHARACTERS = 16_000_000
"""The longest file that is read: the authorization details of an account are far longer than any policy."""


@slotted
class File:
    """One file: its name as the caller knows it, and its text or why it could not be read."""

    name: str
    text: str = ""
    unreadable: str = ""


@slotted
class Files:
    """The files of one argument; in a `folder` a file without a policy is not an error.

    `checkout` is the host, owner and name of the repository whose checkout they lie in; empty where that is not known.
    """

    files: tuple[File, ...]
    folder: str = ""
    checkout: str = ""
