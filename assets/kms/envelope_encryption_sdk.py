"""Envelope encryption with the AWS Encryption SDK: a KMS keyring, key commitment, and the encryption context checked.

pip install "aws-encryption-sdk[MPL]>=4" boto3

A record is the SDK's own message: its header holds algorithm, encrypted data key, key ARN and encryption context in
clear; its body is encrypted in frames. Every implementation of the SDK reads it.
"""

import aws_encryption_sdk
import boto3
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.models import CreateAwsKmsKeyringInput
from aws_encryption_sdk import CommitmentPolicy

CLIENT = aws_encryption_sdk.EncryptionSDKClient(
    commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT,
    # One key wraps each data key: a message with more of them is not ours.
    max_encrypted_data_keys=1,
)
PROVIDERS = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())


def keyring(key, *, kms=None):
    """The keyring of a KMS key, named by its ARN: to decrypt, an alias is not enough."""
    wanted = CreateAwsKmsKeyringInput(kms_key_id=key, kms_client=kms or boto3.client("kms"))
    return PROVIDERS.create_aws_kms_keyring(input=wanted)


def seal(ring, plaintext, context):
    """The message that holds some bytes, under a fresh data key."""
    message, _ = CLIENT.encrypt(source=plaintext, keyring=ring, encryption_context=context)
    return message


def unseal(ring, message, context):
    """The bytes of a message; the caller says which context it expects, and the message does not decide."""
    plaintext, header = CLIENT.decrypt(source=message, keyring=ring, encryption_context=context)
    given = header.encryption_context
    if any(given.get(name) != value for name, value in context.items()):
        raise ValueError("the message was encrypted for another context")
    return plaintext
