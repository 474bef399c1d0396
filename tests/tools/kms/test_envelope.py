"""`kms envelope`: the code is compiled and run against moto; another key or another context is refused."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from aws_encryption_sdk.exceptions import AWSEncryptionSDKClientError
from botocore.exceptions import ClientError
from cryptography.exceptions import InvalidTag
from moto import mock_aws

import aws_iam
from aws_iam.tools.kms.actions import tool
from aws_iam.tools.kms.envelope import envelope_libraries

if TYPE_CHECKING:
    from collections.abc import Iterator

MEGABYTE = bytes(range(256)) * 4_096
CONTEXT = {"app": "orders", "tenant": "17"}


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """Two keys of an account that moto plays."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    # The SDK logs the trace of every refusal that it raises as well.
    logging.getLogger("aws_encryption_sdk").setLevel(logging.CRITICAL)
    with mock_aws():
        kms = boto3.client("kms")
        one, two = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
        yield one, two


def answer(**more: Any) -> Any:
    return tool.run({"action": "envelope", **more})


def code(library: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(answer(library=library).artifacts[0].content, "envelope.py", "exec"), names)  # noqa: S102
    return names


def test_boto3_takes_a_megabyte_there_and_back(keys: tuple[str, str]) -> None:
    names = code("boto3")
    record = names["seal"](keys[0], MEGABYTE, CONTEXT)
    assert names["unseal"](record, keys[0], CONTEXT) == MEGABYTE
    stored = json.loads(record)
    assert set(stored) == {row["field"] for row in answer(library="boto3").facts["record"]}
    assert stored["context"] == CONTEXT
    assert names["seal"](keys[0], b"x", CONTEXT) != names["seal"](keys[0], b"x", CONTEXT)


@pytest.mark.parametrize(
    "context",
    [{"app": "orders", "tenant": "18"}, {"app": "orders"}, {}, {"App": "orders", "tenant": "17"}],
)
def test_boto3_with_another_context_is_refused_by_kms(
    keys: tuple[str, str], context: dict[str, str]
) -> None:
    names = code("boto3")
    record = names["seal"](keys[0], b"secret", CONTEXT)
    with pytest.raises(ClientError, match="InvalidCiphertextException"):
        names["unseal"](record, keys[0], context)


def test_boto3_with_another_key_or_a_changed_record_is_refused(keys: tuple[str, str]) -> None:
    names = code("boto3")
    record = names["seal"](keys[0], b"secret", CONTEXT)
    with pytest.raises(ClientError):
        names["unseal"](record, keys[1], CONTEXT)
    moved = json.dumps({**json.loads(record), "key": keys[1]})
    with pytest.raises(InvalidTag):
        names["unseal"](moved, keys[0], CONTEXT)
    with pytest.raises(ValueError, match="not a record of this format"):
        names["unseal"](json.dumps({**json.loads(record), "v": 2}), keys[0], CONTEXT)


def test_data_that_encrypt_itself_refuses_go_through_an_envelope(keys: tuple[str, str]) -> None:
    with pytest.raises(ClientError):
        boto3.client("kms").encrypt(KeyId=keys[0], Plaintext=b"x" * 4_097)
    names = code("boto3")
    record = names["seal"](keys[0], b"x" * 4_097, {})
    assert names["unseal"](record, keys[0], {}) == b"x" * 4_097


def test_the_encryption_sdk_takes_a_megabyte_there_and_back(keys: tuple[str, str]) -> None:
    names = code("encryption_sdk")
    ring = names["keyring"](keys[0])
    message = names["seal"](ring, MEGABYTE, CONTEXT)
    assert MEGABYTE[:256] not in message
    assert names["unseal"](ring, message, CONTEXT) == MEGABYTE
    assert names["unseal"](ring, message, {"app": "orders"}) == MEGABYTE


@pytest.mark.parametrize("context", [{"app": "billing"}, {**CONTEXT, "more": "x"}])
def test_the_encryption_sdk_refuses_another_context(
    keys: tuple[str, str], context: dict[str, str]
) -> None:
    names = code("encryption_sdk")
    ring = names["keyring"](keys[0])
    message = names["seal"](ring, b"secret", CONTEXT)
    with pytest.raises(AWSEncryptionSDKClientError):
        names["unseal"](ring, message, context)


def test_the_encryption_sdk_refuses_another_key(keys: tuple[str, str]) -> None:
    names = code("encryption_sdk")
    message = names["seal"](names["keyring"](keys[0]), b"secret", CONTEXT)
    with pytest.raises(AWSEncryptionSDKClientError):
        names["unseal"](names["keyring"](keys[1]), message, CONTEXT)


@pytest.mark.parametrize("library", envelope_libraries())
def test_the_policy_beside_it_is_clean_and_the_code_shows_nothing(library: str) -> None:
    found = answer(library=library)
    program, policy = found.artifacts
    assert aws_iam.validate(policy.content, "identity") == []
    assert "print(" not in program.content
    assert program.checked_by
    assert found.facts["install"] in program.content


def test_the_usual_library_is_the_encryption_sdk() -> None:
    assert answer().facts["library"] == "encryption_sdk"
    assert answer(language="python").facts["libraries"] == list(envelope_libraries())
