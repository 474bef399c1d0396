"""`kms envelope`: working code that encrypts under data keys of a KMS key, bound to an encryption context."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from aws_iam import resources
from aws_iam.answer import Answer, Artifact

if TYPE_CHECKING:
    from collections.abc import Mapping

Language = Literal["python"]
Library = Literal["encryption_sdk", "boto3"]

AS_OF = "2026-11-26"
_FOLDER = "assets/kms"
_PAGE = "references/kms-patterns.md#envelope-encryption"
_SDK = "https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide"
_KMS = "https://docs.aws.amazon.com/kms/latest"
_PROVED = "compiled and run against moto: a megabyte there and back, another context refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One library: its file, the record that it writes, and what is said of it."""

    library: Library
    asset: str
    words: str
    install: str
    record: Mapping[str, str]
    source: str
    notes: tuple[str, ...]


_SHARED = (
    "the encryption context is not secret: it stands in the record and in CloudTrail in clear",
    "the reader passes key and context itself, so that a record of another tenant is refused",
)

WAYS: Mapping[str, Way] = {
    "encryption_sdk": Way(
        library="encryption_sdk",
        asset="envelope_encryption_sdk.py",
        words="AWS Encryption SDK 4 with a KMS keyring and key commitment",
        install='pip install "aws-encryption-sdk[MPL]>=4" boto3',
        record={
            "header": "algorithm suite, encrypted data key with the key's ARN, encryption context; authenticated",
            "body": "frames, each with its nonce and tag",
            "footer": "a signature, of suites that sign",
        },
        source=f"{_SDK}/message-format.html",
        notes=(
            *_SHARED,
            "decryption takes the key's ARN: an alias is refused",
            "3.x is out of support since 2026-05-20; master key providers are its older way",
        ),
    ),
    "boto3": Way(
        library="boto3",
        asset="envelope_boto3.py",
        words="boto3 and cryptography, AES-256-GCM",
        install="pip install boto3 cryptography",
        record={
            "v": "1, the version of this format",
            "algorithm": "AES-256-GCM",
            "key": "ARN of the KMS key",
            "data_key": "the data key, encrypted by KMS (base64)",
            "nonce": "12 bytes, fresh for each record (base64)",
            "ciphertext": "with the tag of 16 bytes at its end (base64)",
            "context": "the encryption context, in clear",
        },
        source=f"{_KMS}/APIReference/API_GenerateDataKey.html",
        notes=(
            *_SHARED,
            "kms:Encrypt ends at 4,096 bytes and is not needed: GenerateDataKey returns the encrypted data key, too",
            "the format is this file's own: the Encryption SDK does not read it",
        ),
    ),
}


def envelope(language: Language, library: Library) -> Answer:
    """The code, the format of its records, and what the caller's policy must allow."""
    way = WAYS[library]
    code = Artifact(
        name="envelope.py",
        language=language,
        content=resources.text(f"{_FOLDER}/{way.asset}"),
        checked_by=_PROVED,
    )
    policy = Artifact(
        name="use-key.json", language="json", content=_policy(), checked_by="policy validate"
    )
    return Answer(
        summary=f"Envelope encryption in Python: {way.words}. Each record has its own data key and is bound to its encryption context.",
        artifacts=(code, policy),
        facts={
            "library": library,
            "libraries": list(WAYS),
            "install": way.install,
            "record": [{"field": name, "holds": text} for name, text in way.record.items()],
            "permissions": ["kms:Decrypt", "kms:GenerateDataKey"],
            "notes": [{"note": note} for note in way.notes],
        },
        sources=(way.source, f"{_KMS}/developerguide/encrypt_context.html", _PAGE),
        next=(
            'aws-iam kms key_policy --account ACCOUNT --admins role/KeyAdmin --users role/App --context \'{"app": "orders"}\'',
        ),
        as_of=AS_OF,
    )


def _policy() -> str:
    """What an identity needs, where the key's own policy leaves it to IAM."""
    statement = {
        "Sid": "EnvelopeEncryption",
        "Effect": "Allow",
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555",
        "Condition": {"StringEquals": {"kms:EncryptionContext:app": "orders"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=2) + "\n"
