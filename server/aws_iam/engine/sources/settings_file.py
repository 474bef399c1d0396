"""`aws-iam.toml`, the settings beside the sources: which files are left out, which problems are ignored, and defaults.

path_from("infra", "infra/a.json")     →   "a.json"
settings_table(file)     →   {"exclude": […], "ignore": […]}; InputError for anything else
excluded(file)           →   ("vendor/*",)
default_kind(file)       →   Kind.SCP, what `kind = "scp"` makes of policies whose kind nothing else tells
default_severity(file)   →   Severity.MEDIUM, from which on a finding makes a command fail: `fail-on = "medium"`
"""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from aws_iam.answer import Severity
from aws_iam.engine.language.document import Kind
from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_iam.engine.sources.files import File

SETTINGS: Final = "aws-iam.toml"
_KIND, _FAIL_ON = "kind", "fail-on"
_ENTRIES = ("exclude", "ignore", _KIND, _FAIL_ON)


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
                else "it may have `[[ignore]]`, `exclude`, `kind` and `fail-on`",
            )
    return found


def excluded(file: File) -> tuple[str, ...]:
    """The patterns of files that the settings leave out, from their folder on."""
    patterns = settings_table(file).get("exclude", [])
    if not isinstance(patterns, list) or not all(isinstance(own, str) for own in patterns):
        raise InputError(f"{quoted(file.name)}: `exclude` is no list of patterns")
    return tuple(patterns)


def default_kind(file: File) -> Kind | None:
    """The kind of policies whose kind nothing else tells; None where the settings have none."""
    word = _word(file, _KIND, tuple(Kind))
    return Kind(word) if word else None


def default_severity(file: File) -> Severity | None:
    """The severity from which on a finding makes a command fail; None where the settings have none."""
    word = _word(file, _FAIL_ON, tuple(Severity))
    return Severity(word) if word else None


def _word(file: File, entry: str, known: Sequence[str]) -> str | None:
    """The entry in the spelling that is known; InputError for another word."""
    given = settings_table(file).get(entry)
    if given is None:
        return None
    found = next((word for word in known if word.lower() == str(given).lower()), None)
    if found is None:
        near = closest(str(given), known)
        words = ", ".join(f"`{word}`" for word in known)
        raise InputError(
            f"{quoted(file.name)} has {quoted(f'{entry} = {given}')}, which means nothing",
            hint=f"did you mean `{near}`?" if near else f"it may be {words}",
        )
    return found
