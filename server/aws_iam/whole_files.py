"""Writes a file whole or not at all: a full disk or Ctrl-C leaves the earlier file as it was."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PRIVATE = 0o600
"""The mode of every file that is written: what the answers say of an account is for its owner alone."""


def refuse_special(path: Path) -> None:
    """OSError for a path at which something is that is no regular file: whoever made it may have laid a trap.

    A link may lead to a file of somebody else's choice, and a pipe or a device takes what is written and keeps none of it.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISLNK(mode):
        raise OSError(errno.ELOOP, "it is a symbolic link, which is not followed")
    if stat.S_ISDIR(mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is not a regular file")


def write_whole(path: Path, content: bytes) -> None:
    """Replace the file by a complete new one that only its owner can read; OSError if that fails."""
    refuse_special(path)
    # `secrets` would load OpenSSL, which is a tenth of what a command takes to start.
    new = path.with_name(f".{path.name[:60]}-{os.urandom(4).hex()}")
    handle = os.open(
        new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), PRIVATE
    )
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
