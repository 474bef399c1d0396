"""The files that the environment and a profile name: the SDK reads each to its end, and opening a pipe may wait for ever."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.regular_files import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MOST_BYTES = 5_000_000
_CONFIGURATION = {
    "AWS_CONFIG_FILE": "~/.aws/config",
    "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials",
}
_NAMED = ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_CA_BUNDLE")
_OF_PROFILES = ("web_identity_token_file", "ca_bundle")


def refuse_endless_configuration() -> None:
    """InputError for a file of the environment that is no regular one, or has too many bytes."""
    for name, default in _CONFIGURATION.items():
        path = os.environ.get(name) or default
        # Anything else, /dev/null for one, is no configuration to the SDK.
        _refuse_endless(name, path if Path(path).expanduser().is_file() else None)
    for name in _NAMED:
        _refuse_endless(name, os.environ.get(name))


def refuse_endless_files(profiles: Mapping[str, Any], profile: str) -> None:
    """InputError for such a file that the profile names, or one whose credentials it starts from."""
    for settings in _chain(profiles, profile):
        for name in _OF_PROFILES:
            value = settings.get(name)
            _refuse_endless(f"{name} of the profile", value if isinstance(value, str) else None)


def _chain(profiles: Mapping[str, Any], profile: str) -> Iterator[Mapping[str, Any]]:
    seen: set[str] = set()
    while profile not in seen and isinstance(settings := profiles.get(profile), dict):
        yield settings
        seen.add(profile)
        profile = str(settings.get("source_profile"))


def _refuse_endless(name: str, path: str | None) -> None:
    if not path:
        return
    try:
        whole = Path(path).expanduser()
        if whole.is_dir():
            return  # the SDK says what is wrong, if anything is
        with open_regular(whole) as file:
            size = os.fstat(file.fileno()).st_size
    except (FileNotFoundError, PermissionError, NotADirectoryError, RuntimeError):
        return  # the SDK looks elsewhere, or says so
    except (OSError, ValueError):
        raise InputError(f"`{name}` {quoted(path)} is not a regular file") from None
    if size > _MOST_BYTES:
        raise InputError(f"`{name}` {quoted(path)} has more than {_MOST_BYTES:,} bytes")
