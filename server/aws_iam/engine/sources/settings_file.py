"""`aws-iam.toml`, the settings beside the sources: which files are left out, and which problems are ignored.

path_from("infra", "infra/a.json")     →   "a.json"
settings_table(file)     →   {"exclude": […], "ignore": […]}; InputError for anything else
excluded(file)           →   ("vendor/*",)
"""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.engine.sources.files import File

SETTINGS: Final = "aws-iam.toml"
_ENTRIES = ("exclude", "ignore")


def is_settings(name: str) -> bool:
    """Whether the file is the settings, which hold no policy whatever they name."""
    return name.replace("\\", "/").rpartition("/")[2] == SETTINGS


def path_from(folder: str, name: str) -> str:
    """The path of a file from the folder of the settings on, as their patterns have it."""
    return os.path.relpath(name, folder or ".").replace(os.sep, "/") if name else ""


def folder_of(file: File) -> str:
    """The folder from which the paths of the settings start; empty where that is the one in which all names start."""
    return os.path.dirname(file.name)  # noqa: PTH120 - a name, not a file


def excludes(file: File, name: str) -> bool:
    """Whether the settings leave the file of that name out."""
    patterns = excluded(file)
    path = path_from(folder_of(file), name) if patterns else ""
    return bool(path) and any(fnmatchcase(path, pattern) for pattern in patterns)


def settings_table(file: File) -> Mapping[str, Any]:
    """The settings by entry."""
    # Imported here: few calls have settings.
    import tomllib

    try:
        found = tomllib.loads(file.text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{quoted(file.name)} is not TOML: {error}") from None
    for key in found:
        if key not in _ENTRIES:
            near = closest(key, _ENTRIES)
            raise InputError(
                f"{quoted(file.name)} has the unknown entry {quoted(key)}",
                hint=f"did you mean `{near}`?"
                if near
                else "it may have `[[ignore]]` and `exclude`",
            )
    return found


def excluded(file: File) -> tuple[str, ...]:
    """The patterns of files that the settings leave out, from their folder on."""
    patterns = settings_table(file).get("exclude", [])
    if not isinstance(patterns, list) or not all(isinstance(own, str) for own in patterns):
        raise InputError(f"{quoted(file.name)}: `exclude` is no list of patterns")
    return tuple(patterns)
