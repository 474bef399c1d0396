"""The Python examples that need no library of AWS's but boto3 do what their text says, against moto."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from helpers.pages import blocks

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield


def _run(name: str) -> dict[str, Any]:
    """The names that the one example which defines `name` with boto3 leaves behind."""
    [source] = [
        block.content
        for block in blocks("python")
        if f"def {name}(" in block.content and "import boto3" in block.content
    ]
    names: dict[str, Any] = {}
    exec(compile(source, name, "exec"), names)  # noqa: S102 - running the page's example is the test
    return names


@pytest.mark.usefixtures("account")
def test_the_secret_cache_keeps_a_value_for_its_time_and_fetches_anew_when_asked() -> None:
    client = boto3.client("secretsmanager")
    client.create_secret(Name="prod/app/db", SecretString=json.dumps({"password": "old"}))
    names = _run("secret")
    assert names["secret"]("prod/app/db") == {"password": "old"}
    client.put_secret_value(SecretId="prod/app/db", SecretString=json.dumps({"password": "new"}))
    assert names["secret"]("prod/app/db") == {"password": "old"}
    assert names["secret"]("prod/app/db", fresh=True) == {"password": "new"}


@pytest.mark.usefixtures("account")
def test_the_secret_cache_forgets_when_its_time_is_over() -> None:
    client = boto3.client("secretsmanager")
    client.create_secret(Name="prod/app/db", SecretString=json.dumps({"password": "old"}))
    names = _run("secret")
    names["secret"]("prod/app/db")
    client.put_secret_value(SecretId="prod/app/db", SecretString=json.dumps({"password": "new"}))
    names["LIFETIME"] = 0.0
    assert names["secret"]("prod/app/db") == {"password": "new"}


@pytest.mark.usefixtures("account")
def test_the_secret_cache_refuses_a_binary_secret_by_name() -> None:
    boto3.client("secretsmanager").create_secret(Name="prod/blob", SecretBinary=b"\x00")
    with pytest.raises(TypeError, match="prod/blob is binary"):
        _run("secret")["secret"]("prod/blob")


@pytest.mark.usefixtures("account")
def test_an_envelope_opens_with_its_own_key_and_context_only() -> None:
    key = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
    names = _run("seal")
    record = names["seal"](key, b"x" * 1_000_000, {"app": "billing"})
    assert set(record) == {"algorithm", "key", "data_key", "nonce", "ciphertext", "context"}
    assert names["unseal"](record, key, {"app": "billing"}) == b"x" * 1_000_000
    with pytest.raises(ClientError):
        names["unseal"](record, key, {"app": "payroll"})
