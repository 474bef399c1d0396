"""Envelope encryption with the AWS Encryption SDK: a KMS keyring, key commitment, and the encryption context checked.

pip install "aws-encryption-sdk[MPL]>=4" boto3

A record is a message of the SDK: its header has the algorithm, encrypted data key, key ARN and encryption context in
plain text; its body is encrypted in frames. Every implementation of the SDK can read it.
"""

import tempfile
from pathlib import Path

import aws_encryption_sdk
import boto3
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.models import CreateAwsKmsKeyringInput
from aws_encryption_sdk import CommitmentPolicy

CLIENT = aws_encryption_sdk.EncryptionSDKClient(
    commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT,
    # This code wraps each data key with one key: refuse messages with more.
    max_encrypted_data_keys=1,
)
PROVIDERS = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())


def keyring(key, *, kms=None):
    """The keyring of a KMS key, given by its ARN: an alias cannot decrypt."""
    keyring_input = CreateAwsKmsKeyringInput(kms_key_id=key, kms_client=kms or boto3.client("kms"))
    return PROVIDERS.create_aws_kms_keyring(input=keyring_input)


def seal(ring, plaintext, context):
    """Encrypt bytes with a new data key, and return the message."""
    _require(context)
    message, _ = CLIENT.encrypt(source=plaintext, keyring=ring, encryption_context=context)
    return message


def unseal(ring, message, context):
    """Decrypt a message; the caller passes the context that it expects, and the message must have it."""
    _require(context)
    plaintext, header = CLIENT.decrypt(source=message, keyring=ring, encryption_context=context)
    _compare(header, context)
    return plaintext


def seal_file(ring, source, target, context):
    """Encrypt a file of any size, a frame at a time."""
    _require(context)
    with (
        Path(source).open("rb") as file,
        CLIENT.stream(mode="e", source=file, keyring=ring, encryption_context=context) as frames,
    ):
        _write(frames, target)


def unseal_file(ring, source, target, context):
    """Decrypt a file of any size, a frame at a time; the target appears only when all of it has been verified."""
    _require(context)
    with (
        Path(source).open("rb") as file,
        CLIENT.stream(mode="d", source=file, keyring=ring, encryption_context=context) as frames,
    ):
        _compare(frames.header, context)
        _write(frames, target)


def _require(context):
    if not context:
        raise ValueError("the encryption context is empty: any message would open with it")


def _compare(header, context):
    actual = header.encryption_context
    if any(actual.get(name) != value for name, value in context.items()):
        raise ValueError("the message was encrypted for another context")


def _write(frames, target):
    # The signature and a missing end show only at the end: until then nothing may use what is written.
    with tempfile.NamedTemporaryFile(dir=Path(target).parent, delete=False) as partial:
        try:
            for frame in frames:
                partial.write(frame)
        except BaseException:
            Path(partial.name).unlink()
            raise
    Path(partial.name).replace(target)
