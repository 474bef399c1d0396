"""`aws-iam.toml`, the settings beside the sources: which files are left out, and which problems are ignored.

settings_table(file)     →   {"exclude": […], "ignore": […]}; InputError for anything else
excluded(file)           →   ("vendor/*",)
"""

from __future__ import annotations

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
