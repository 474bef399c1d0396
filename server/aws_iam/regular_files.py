"""Opens regular files alone: reading a device or a pipe may never end, and opening a pipe may wait for ever."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path

_OPENED_BY_THE_SHELL = ("/dev/fd/", "/proc/self/fd/")


def open_regular(path: str | Path) -> BinaryIO:
    """The file, open for reading; OSError for what is none, ValueError for a path with a NUL.

    The pipe that a shell makes for `<(command)` is read too: it is this process's own.
    """
    # Elsewhere than on Windows, opening a pipe would wait for a writer; and there line ends would be changed.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags)
    mode = os.fstat(handle).st_mode
    if stat.S_ISFIFO(mode) and str(path).startswith(_OPENED_BY_THE_SHELL):
        os.set_blocking(handle, True)
    elif not stat.S_ISREG(mode):
        os.close(handle)
        raise OSError(errno.EINVAL, _kind(mode))
    return os.fdopen(handle, "rb")


def read_regular(path: str | Path, most: int) -> bytes:
    """The beginning of the file, `most` bytes and one: the one shows that there are more."""
    with open_regular(path) as file:
        return file.read(most + 1)


def _kind(mode: int) -> str:
    return "a folder, not a regular file" if stat.S_ISDIR(mode) else "not a regular file"
