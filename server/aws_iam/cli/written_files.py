"""Write the files of an answer: one under the name that was given, several into a folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from aws_iam.errors import InputError, system_reason
from aws_iam.escape import quoted
from aws_iam.whole_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.answer import Artifact

_FORMATS = {
    "csv": "csv",
    "graphml": "graphml",
    "htm": "html",
    "html": "html",
    "json": "json",
    "md": "markdown",
    "mmd": "mermaid",
    "sarif": "sarif",
    "tf": "terraform",
    "xml": "junit",
    "yaml": "cloudformation",
    "yml": "cloudformation",
}


def format_of_ending(out: str, choices: Sequence[str]) -> str | None:
    """The format that the name of the file asks for, if the action has it."""
    wanted = _FORMATS.get(Path(out).suffix.lower().removeprefix("."))
    return wanted if wanted in choices else None


def other_than_its_ending(path: str, artifact: Artifact) -> str:
    """What a file holds, if its name says something else; empty if it does not."""
    ending = Path(path).suffix.lower()
    same = not ending or ending == Path(artifact.name).suffix.lower()
    return "" if same else artifact.language


def write_files(artifacts: Sequence[Artifact], out: str) -> tuple[str, ...]:
    """The paths that were written: `out` itself for one file, unless it is or ends like a folder."""
    try:
        return tuple(_written(artifacts, out))
    except (OSError, ValueError) as error:
        why = system_reason(error) if isinstance(error, OSError) else "it contains a NUL character"
        raise InputError(f"`--out` {quoted(out)} cannot be written: {why}") from None


def _written(artifacts: Sequence[Artifact], out: str) -> Iterator[str]:
    target = Path(out)
    folder = len(artifacts) > 1 or out.endswith((os.sep, "/")) or target.is_dir()
    for artifact in artifacts:
        path = target / artifact.name if folder else target
        path.parent.mkdir(parents=True, exist_ok=True)
        # As bytes: the file keeps its own line ends, whatever the platform.
        write_whole(path, artifact.content.encode(errors="backslashreplace"))
        yield str(path)
