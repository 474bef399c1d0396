"""The files that a file of cases names: beside it, or elsewhere in the same git work tree, and never outside of that."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from aws_iam.cli.files import is_of_tool, read_policies
from aws_iam.engine.sources.files import File, Files
from aws_iam.errors import InputError
from aws_iam.escape import quoted


def with_files_beside(given: str | Files) -> Files:
    """The files of cases, which may name others; a text by itself names them as the working folder has them."""
    files = Files(files=(File(name="", text=given),)) if isinstance(given, str) else given
    return replace(files, beside=files_beside)


def files_beside(cases: str, path: str) -> Files | None:
    """The files at a path that a file of cases names; InputError for one that leads out of what belongs to that file."""
    named = os.path.normpath(os.path.join(os.path.dirname(cases), path))  # noqa: PTH118, PTH120 - as it was typed
    if "\0" in named:
        raise InputError(f"{quoted(path)} is no path")
    try:
        folder = Path(cases).resolve().parent if cases else Path.cwd()
        target, top = Path(named).resolve(), _top(folder)
    except (OSError, RuntimeError):  # a link that leads to itself
        raise InputError(f"{quoted(path)} cannot be followed") from None
    if not target.is_relative_to(top):
        raise InputError(
            f"{quoted(path)} leads out of {quoted(str(top))}",
            hint="a file of cases may name files of its own git work tree, or else of its own folder",
        )
    inside = target.relative_to(top)
    if target.name.startswith(".") or is_of_tool(inside.as_posix()):
        raise InputError(f"{quoted(path)} has a hidden name, or belongs to a tool")
    if not target.exists():
        raise InputError(
            f"there is no {quoted(named)}", hint="paths start from the folder of the file of cases"
        )
    found = read_policies("document", [named])
    return found if isinstance(found, Files) else None


def _top(folder: Path) -> Path:
    """The git work tree that a folder lies in; without one the working folder if it lies there, else itself."""
    for above in (folder, *folder.parents):
        if (above / ".git").exists():
            return above
    here = Path.cwd()
    return here if folder.is_relative_to(here) else folder
