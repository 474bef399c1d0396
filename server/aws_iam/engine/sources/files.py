"""Files as the command line or the server hands them over: names and texts. Nothing here opens a file."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

MAX_FILE_CHARACTERS = 16_000_000
"""The longest file that is read: the authorization details of an account are far longer than any policy."""


@slotted
class File:
    """One file: its name as the caller knows it, and its text or why it could not be read."""

    name: str
    text: str = ""
    unreadable: str = ""


def _nothing(name: str) -> None:
    """No other file is read."""


def _no_files(name: str, path: str) -> None:
    """No files are read."""


@slotted
class FileNames:
    """Names of files in order; they are `whole` where those of every ending are among them."""

    names: tuple[str, ...] = ()
    whole: bool = False

    @classmethod
    def of(cls, names: Iterable[str], *, whole: bool = False) -> FileNames:
        """The names with slashes, in order."""
        return cls(names=tuple(sorted({name.replace("\\", "/") for name in names})), whole=whole)


@slotted
class Files:
    """The files of one argument; in a `folder` a file without a policy is not an error.

    `checkout` is the host, owner and name of the repository whose checkout they lie in; empty where that is not known.
    `others` are the files of a folder that were looked at and show no sign of a policy; `unseen` says why not all were.
    `read` returns the text of another file that the files name, if it lies in the same folder. They are `chosen` from a
    tree, in which nothing else matters, so that there may be no policy at all; `names` has all files of the tree, `changed`
    those that are not the same on the other side of a change. `settings` is the `aws-iam.toml` that applies to them:
    it leaves `excluded` out, and would leave `newly_excluded` out, which a change adds to it. `roots` are folders of
    Terraform that are read by themselves though others call them. `choices` are the values of parameters of templates and of
    options to read them with, in place of their defaults. `beside` returns the files at a path that one of them names, where
    what is named is read, too. `renamed` are former paths of files with those of now, by which
    both sides of a change call them, while the texts of the former side name them as they were.
    """

    files: tuple[File, ...]
    folder: str = ""
    checkout: str = ""
    chosen: bool = False
    settings: File | None = None
    others: int = 0
    unseen: str = ""
    read: Callable[[str], str | None] = field(default=_nothing, compare=False, repr=False)
    names: FileNames | None = field(default=None, compare=False, repr=False)
    changed: frozenset[str] = frozenset()
    excluded: tuple[str, ...] = ()
    newly_excluded: tuple[str, ...] = ()
    roots: frozenset[str] = frozenset()
    choices: Mapping[str, str] = field(default_factory=dict)
    beside: Callable[[str, str], Files | None] = field(
        default=_no_files, compare=False, repr=False
    )
    renamed: Mapping[str, str] = field(default_factory=dict)
