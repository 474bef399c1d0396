"""Files of credentials that are none, or far too large, are refused before the SDK reads them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from aws_iam.account.session.connect import connect
from aws_iam.errors import AwsError, InputError
from aws_iam.tools.kit.parameters import Source

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("variable", ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"])
def test_settings_have_a_size(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "settings"
    file.write_text("[default]\n" + "# x\n" * 600_000, encoding="utf-8")
    monkeypatch.setenv(variable, str(file))
    with pytest.raises(InputError, match="more than 2,000,000 bytes"):
        connect(Source())


@pytest.mark.parametrize("kind", ["pipe", "device", "large", "folder"])
@pytest.mark.parametrize(
    "named", ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "profile"]
)
def test_a_token_is_in_a_regular_file(
    named: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "token"
    if kind == "pipe":
        os.mkfifo(token)
    elif kind == "device":
        token.symlink_to("/dev/zero")
    elif kind == "folder":
        token.mkdir()
    else:
        token.write_text("x" * 200_000)
    if named == "profile":
        config = tmp_path / "config"
        role = "role_arn = arn:aws:iam::111122223333:role/r"
        config.write_text(f"[default]\n{role}\nweb_identity_token_file = {token}\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    else:
        monkeypatch.setenv(named, str(token))
        monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/r")
    with pytest.raises(InputError, match="not a file of a token"):
        connect(Source())


def test_a_token_file_that_is_absent_is_the_sdks_to_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/r")
    with pytest.raises(AwsError):
        connect(Source())
