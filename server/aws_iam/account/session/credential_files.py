"""Bounds the files that the SDK reads for credentials: it would read one of any size, and wait for ever for a pipe."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_iam.errors import InputError
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MOST_SETTINGS = 2_000_000
_MOST_TOKEN = 100_000
# https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
_SETTINGS = {
    "AWS_CONFIG_FILE": "~/.aws/config",
    "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials",
}
_TOKENS = ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")


def refuse_oversized_settings() -> None:
    """InputError for a file of profiles or credentials that is too large to be one."""
    for variable, usual in _SETTINGS.items():
        path = Path(os.environ.get(variable) or usual).expanduser()
        # Anything but a file counts for none with the SDK.
        if path.is_file() and path.stat().st_size > _MOST_SETTINGS:
            raise InputError(
                f"the AWS configuration {quoted(str(path))} has more than {_MOST_SETTINGS:,} bytes",
                hint=f"set {variable} to a smaller file",
            )


def refuse_odd_tokens(profile: Mapping[str, Any]) -> None:
    """InputError for a file of a token that is no regular file, or too large; `profile` are the settings in use."""
    for path, where in _token_files(profile):
        try:
            found = Path(path).stat()
        except (OSError, ValueError):
            continue  # the SDK says so
        if not stat.S_ISREG(found.st_mode) or found.st_size > _MOST_TOKEN:
            raise InputError(
                f"{where} names {quoted(path)}, which is not a file of a token",
                hint=f"a regular file of at most {_MOST_TOKEN:,} bytes is",
            )


def _token_files(profile: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for variable in _TOKENS:
        if path := os.environ.get(variable):
            yield path, variable
    if isinstance(path := profile.get("web_identity_token_file"), str):
        yield path, "`web_identity_token_file` of the profile"
