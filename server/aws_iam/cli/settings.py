"""Finds `aws-iam.toml`, the settings beside the sources, leaves out the files that it excludes, and knows its defaults."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Severity
from aws_iam.cli.files import file_of_folder
from aws_iam.engine.sources.files import Files
from aws_iam.engine.sources.settings_file import (
    SETTINGS,
    default_kind,
    default_severity,
    excludes,
)
from aws_iam.errors import InputError
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_iam.engine.sources.files import File

_MOST_BYTES = 1_000_000


def with_settings(files: Files, paths: Sequence[str]) -> Files:
    """The files with the settings that apply to the first path, and without those that the settings exclude."""
    settings = settings_above(paths[0] if paths else ".")
    if settings is None:
        return files
    kept = tuple(file for file in files.files if not excludes(settings, file.name))
    if files.files and not kept:
        raise InputError(
            f"{quoted(settings.name)} excludes every file that was given",
            hint="name other files, or change `exclude`",
        )
    return replace(files, files=kept, settings=settings)


def defaults(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the settings of the files say of `kind` and `fail_on`.

    Of a change in a work tree the settings of both sides count, and the stricter one: no change lets itself pass.
    """
    document, baseline = values.get("document"), values.get("baseline")
    settings = document.settings if isinstance(document, Files) else None
    kind = default_kind(settings) if settings else None
    severity = default_severity(settings) if settings else None
    if isinstance(baseline, Files) and baseline.chosen:
        before = default_severity(baseline.settings) if baseline.settings else None
        both = (severity or Severity.HIGH, before or Severity.HIGH)
        severity = max(both, key=lambda own: own.rank)
    return {
        **({"kind": kind.value} if kind else {}),
        **({"fail_on": severity.value} if severity else {}),
    }


def settings_path(paths: Sequence[str]) -> str:
    """Where the settings of these paths are, or are to be."""
    found = settings_above(paths[0] if paths else ".")
    return found.name if found else SETTINGS


def settings_above(path: str) -> File | None:
    """The settings in the folder of the path or the nearest above, up to the top of a git work tree."""
    if "\0" in path:
        return None
    folder = Path(path) if os.path.isdir(path) else Path(path).parent  # noqa: PTH112 - as it was typed
    here = folder.resolve()
    for above in (here, *here.parents):
        file = above / SETTINGS
        if file.is_file():
            return _read(os.path.relpath(file))
        if (above / ".git").exists():
            return None
    return None


def _read(name: str) -> File:
    file = file_of_folder(name, _MOST_BYTES)
    if file.unreadable:
        raise InputError(f"{quoted(name)} cannot be read: {file.unreadable}")
    return file
