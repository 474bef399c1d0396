"""Files that the environment or a profile names are of a limited size, and never a pipe that nobody writes to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from aws_iam.errors import AwsError, InputError
from aws_iam.tools.registry import tool_named

if TYPE_CHECKING:
    from pathlib import Path

ROLE = "arn:aws:iam::111122223333:role/r"
CALL = {"controls": ["root_mfa"], "regions": ["us-east-1"]}
PIPES = {
    "AWS_WEB_IDENTITY_TOKEN_FILE": {"AWS_ROLE_ARN": ROLE},
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/"
    },
    "AWS_CA_BUNDLE": {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"},
}


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.parametrize(("name", "beside"), PIPES.items())
def test_a_pipe_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, beside: dict[str, str]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    for variable, value in {name: str(tmp_path / "pipe"), **beside}.items():
        monkeypatch.setenv(variable, value)
    with pytest.raises(InputError, match=f"`{name}`.*is not a regular file"):
        tool_named("audit").run(CALL)


@pytest.mark.parametrize("profile", ["token", "chained"])
def test_nor_is_one_that_a_profile_names_or_the_one_it_starts_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, profile: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    config = tmp_path / "config"
    config.write_text(
        f"[profile token]\nrole_arn = {ROLE}\nweb_identity_token_file = {tmp_path}/pipe\n"
        f"[profile chained]\nrole_arn = {ROLE}2\nsource_profile = token\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    with pytest.raises(InputError, match="`web_identity_token_file of the profile`"):
        tool_named("audit").run({**CALL, "profile": profile})


@pytest.mark.parametrize("name", ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", *PIPES])
def test_a_file_has_a_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(10**10)  # takes no room on the disk
    monkeypatch.setenv(name, str(tmp_path / "large"))
    with pytest.raises(InputError, match=f"`{name}`.*more than 5,000,000 bytes"):
        tool_named("audit").run(CALL)


def test_a_configuration_of_nothing_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    with pytest.raises(AwsError, match="no AWS credentials were found"):
        tool_named("audit").run(CALL)
