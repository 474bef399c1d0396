"""`kms envelope`: every program is taken by its parser; Python runs against moto; another key or context is refused."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from aws_encryption_sdk.exceptions import AWSEncryptionSDKClientError
from botocore.exceptions import ClientError
from cryptography.exceptions import InvalidTag

import aws_iam
from aws_iam.errors import InputError
from helpers.envelopes import BRANCH_KEY_TABLE, CONTEXT, MEGABYTE, answer, content_of, two_keys
from helpers.languages import csharp, go, java, python, typescript

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.process

LIBRARIES = ["encryption_sdk", "hierarchical", "sdk"]
PARSERS = {
    "python": python,
    "typescript": typescript,
    "java": java,
    "go": go,
    "dotnet": csharp,
}


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """Two keys of an account that moto plays."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    # The SDK logs the trace of every refusal that it raises as well.
    logging.getLogger("aws_encryption_sdk").setLevel(logging.CRITICAL)
    with two_keys() as keys:
        yield keys


def code(library: str, file: str = "envelope.py") -> dict[str, Any]:
    """The names that a file of the answer defines."""
    names: dict[str, Any] = {}
    exec(compile(content_of(library, "python", file), file, "exec"), names)  # noqa: S102
    return names


def test_the_sdk_alone_takes_a_megabyte_there_and_back(keys: tuple[str, str]) -> None:
    names = code("sdk")
    record = names["seal"](keys[0], MEGABYTE, CONTEXT)
    assert names["unseal"](record, keys[0], CONTEXT) == MEGABYTE
    stored = json.loads(record)
    assert set(stored) == {row["field"] for row in answer(library="sdk").facts["record"]}
    assert stored["context"] == CONTEXT
    assert names["seal"](keys[0], b"x", CONTEXT) != names["seal"](keys[0], b"x", CONTEXT)


@pytest.mark.parametrize(
    "context",
    [{"app": "orders", "tenant": "18"}, {"app": "orders"}, {"App": "orders", "tenant": "17"}],
)
def test_the_sdk_alone_with_another_context_is_refused_by_kms(
    keys: tuple[str, str], context: dict[str, str]
) -> None:
    names = code("sdk")
    record = names["seal"](keys[0], b"secret", CONTEXT)
    with pytest.raises(ClientError, match="InvalidCiphertextException"):
        names["unseal"](record, keys[0], context)


def test_the_sdk_alone_with_another_key_or_a_changed_record_is_refused(
    keys: tuple[str, str],
) -> None:
    names = code("sdk")
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
    names = code("sdk")
    record = names["seal"](keys[0], b"x" * 4_097, CONTEXT)
    assert names["unseal"](record, keys[0], CONTEXT) == b"x" * 4_097


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


def test_an_empty_context_is_refused_by_both_libraries_alike(
    keys: tuple[str, str], tmp_path: Path
) -> None:
    alone, sdk = code("sdk"), code("encryption_sdk")
    ring = sdk["keyring"](keys[0])
    record, message = alone["seal"](keys[0], b"x", CONTEXT), sdk["seal"](ring, b"x", CONTEXT)
    file = tmp_path / "file"
    file.write_bytes(message)
    for call in (
        lambda: alone["seal"](keys[0], b"x", {}),
        lambda: alone["unseal"](record, keys[0], {}),
        lambda: sdk["seal"](ring, b"x", {}),
        lambda: sdk["unseal"](ring, message, {}),
        lambda: sdk["seal_file"](ring, file, tmp_path / "other", {}),
        lambda: sdk["unseal_file"](ring, file, tmp_path / "other", {}),
    ):
        with pytest.raises(ValueError, match="the encryption context is empty"):
            call()
    assert list(tmp_path.iterdir()) == [file]


def test_the_encryption_sdk_takes_a_file_there_and_back(
    keys: tuple[str, str], tmp_path: Path
) -> None:
    names = code("encryption_sdk")
    ring = names["keyring"](keys[0])
    plain, sealed, opened = (tmp_path / name for name in ("plain", "sealed", "opened"))
    plain.write_bytes(MEGABYTE)
    names["seal_file"](ring, plain, sealed, CONTEXT)
    assert names["unseal"](ring, sealed.read_bytes(), CONTEXT) == MEGABYTE
    names["unseal_file"](ring, sealed, opened, CONTEXT)
    assert opened.read_bytes() == MEGABYTE


@pytest.mark.parametrize(
    ("damage", "context"),
    [
        (lambda message: message, {"app": "billing"}),
        (lambda message: message[:-50], CONTEXT),
        (lambda message: message[: len(message) // 2], CONTEXT),
        (lambda message: message[:-1] + bytes([message[-1] ^ 1]), CONTEXT),
        (lambda message: message[:600_000] + b"!" + message[600_001:], CONTEXT),
        (lambda _: b"", CONTEXT),
    ],
)
def test_a_file_that_is_damaged_or_of_another_context_leaves_nothing_behind(
    damage: Callable[[bytes], bytes],
    context: dict[str, str],
    keys: tuple[str, str],
    tmp_path: Path,
) -> None:
    names = code("encryption_sdk")
    ring = names["keyring"](keys[0])
    sealed = tmp_path / "sealed"
    sealed.write_bytes(damage(names["seal"](ring, MEGABYTE, CONTEXT)))
    with pytest.raises(Exception, match=r".*"):
        names["unseal_file"](ring, sealed, tmp_path / "opened", context)
    assert list(tmp_path.iterdir()) == [sealed]


@pytest.fixture
def branch_keys(keys: tuple[str, str]) -> dict[str, Any]:
    """The code around branch keys, the store that it made, and a branch key for each of two tenants."""
    names = code("hierarchical", "branch_keys.py")
    store = names["key_store"](BRANCH_KEY_TABLE, keys[0])
    for tenant in ("17", "18"):
        assert names["create"](store, tenant, {"tenant": tenant}) == tenant
    return {**names, "store": store}


def test_a_branch_key_is_read_once_and_encrypts_many_messages(
    branch_keys: dict[str, Any],
) -> None:
    names = code("hierarchical")
    ring = branch_keys["keyring"](branch_keys["store"], "17")
    first = names["seal"](ring, MEGABYTE, CONTEXT)
    client: Any = boto3.client("dynamodb")
    client.delete_table(TableName=BRANCH_KEY_TABLE)
    assert names["seal"](ring, MEGABYTE, CONTEXT) != first


def test_a_branch_key_decrypts_its_own_messages_after_a_rotation_too(
    branch_keys: dict[str, Any],
) -> None:
    names = code("hierarchical")

    def ring(tenant: str) -> Any:
        return branch_keys["keyring"](branch_keys["store"], tenant)

    message = names["seal"](ring("17"), MEGABYTE, CONTEXT)
    branch_keys["rotate"](branch_keys["store"], "17")
    assert names["unseal"](ring("17"), message, CONTEXT) == MEGABYTE
    assert names["unseal"](ring("17"), names["seal"](ring("17"), b"x", CONTEXT), CONTEXT) == b"x"
    for tenant, context in (("18", CONTEXT), ("17", {"app": "billing"})):
        with pytest.raises(AWSEncryptionSDKClientError):
            names["unseal"](ring(tenant), message, context)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("language", PARSERS)
def test_the_code_is_taken_by_its_parser_and_the_policy_beside_it_is_clean(
    library: str, language: str
) -> None:
    found = answer(library=library, language=language)
    *programs, policy = found.artifacts
    assert aws_iam.validate(policy.content, "identity") == []
    assert all(permission in policy.content for permission in found.facts["permissions"])
    for program in programs:
        PARSERS[language](program.content)
        assert program.checked_by
    packages = [word for word in found.facts["install"].split() if set(word) & set("/:.@")]
    for package in packages:
        assert any(package.strip(",") in program.content for program in programs), package


def test_the_default_is_the_encryption_sdk_in_python_and_no_language_lacks_a_library() -> None:
    assert answer().facts["library"] == "encryption_sdk"
    assert answer().facts["language"] == "python"
    for language in PARSERS:
        assert answer(language=language).facts["libraries"] == LIBRARIES


def test_what_is_no_library_is_refused_with_those_that_are() -> None:
    with pytest.raises(InputError) as refused:
        answer(library="tink")
    assert "`sdk`" in f"{refused.value.message} {refused.value.hint}"
