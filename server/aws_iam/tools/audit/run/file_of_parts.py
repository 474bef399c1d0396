"""The file of a report, which is written part by part: in memory, or on the disk where it may be too long for that."""

from __future__ import annotations

import atexit
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from aws_iam.answer import Artifact

MOST_CHARACTERS = 16_000_000
"""Of a file in memory, where a longer one goes to the disk."""
FileOfParts = Callable[[str, str, Iterable[str]], Artifact]
"""Makes the file of a name and a language from its parts."""


def in_memory(name: str, language: str, parts: Iterable[str]) -> Artifact:
    """The parts as a file in memory."""
    return Artifact(name=name, language=language, content="".join(parts))


def of_any_length(name: str, language: str, parts: Iterable[str]) -> Artifact:
    """The parts as a file; a long one is a temporary file that the end of the program removes."""
    first: list[str] = []
    size = 0
    rest = iter(parts)
    for part in rest:
        first.append(part)
        size += len(part)
        if size > MOST_CHARACTERS:
            path = _on_disk(first, rest, suffix=f"-{name}")
            return Artifact(name=name, language=language, content="", file=str(path))
    return in_memory(name, language, first)


def _on_disk(first: Iterable[str], rest: Iterable[str], suffix: str) -> Path:
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", newline="", errors="backslashreplace", suffix=suffix, delete=False
    ) as file:
        path = Path(file.name)
        # The command copies it to its output before it ends.
        atexit.register(path.unlink, missing_ok=True)
        file.writelines(first)
        file.writelines(rest)
    return path
