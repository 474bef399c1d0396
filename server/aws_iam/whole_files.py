"""Writes a file whole or not at all: a full disk or Ctrl-C leaves the earlier file as it was."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PRIVATE = 0o600
"""The mode of a file that only its owner may read."""


def write_whole(path: Path, content: bytes, mode: int | None = None) -> None:
    """Replace the file by a complete new one; OSError if that fails.

    A file that is there keeps its mode. A new one has `mode`, or what the process gives to new files.
    """
    # A link stays a link: its target is replaced.
    target = path.resolve()
    there = target.stat() if target.exists() else None
    if there is not None and not stat.S_ISREG(there.st_mode):
        # A device or a pipe cannot be replaced, and holds nothing that could be lost.
        target.write_bytes(content)
        return
    # `secrets` would load OpenSSL, which is a tenth of what a command takes to start.
    new = target.with_name(f".{target.name[:60]}-{os.urandom(4).hex()}")
    handle = os.open(
        new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE if there else mode or 0o666
    )
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if there is not None:
            new.chmod(stat.S_IMODE(there.st_mode))
        new.replace(target)
    finally:
        new.unlink(missing_ok=True)
