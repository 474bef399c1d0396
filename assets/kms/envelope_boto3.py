"""Envelope encryption with KMS, boto3 and cryptography: a data key for each record, bound to its encryption context.

pip install boto3 cryptography

A record is JSON text:

    v           1, the version of this format
    algorithm   AES-256-GCM
    key         ARN of the KMS key
    data_key    the data key, encrypted by KMS (base64)
    nonce       12 bytes, fresh for each record (base64)
    ciphertext  with the tag of 16 bytes at its end (base64)
    context     the encryption context, in clear: nothing secret belongs in it
"""

import base64
import json
import os

import boto3
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = 1
ALGORITHM = "AES-256-GCM"
NONCE_BYTES = 12


def seal(key, plaintext, context, *, kms=None):
    """The record of some bytes, under a fresh data key of the KMS key (an ARN, or an alias)."""
    kms = kms or boto3.client("kms")
    made = kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context)
    nonce = os.urandom(NONCE_BYTES)
    record = {"v": VERSION, "algorithm": ALGORITHM, "key": made["KeyId"], "context": context}
    ciphertext = AESGCM(made["Plaintext"]).encrypt(nonce, plaintext, _bound(record))
    binary = {"data_key": made["CiphertextBlob"], "nonce": nonce, "ciphertext": ciphertext}
    texts = {name: base64.b64encode(value).decode() for name, value in binary.items()}
    return json.dumps({**record, **texts})


def unseal(text, key, context, *, kms=None):
    """The bytes of a record; the caller says which key (its ARN) and which context it expects.

    What the record says of itself is not trusted: a record of another tenant is refused by KMS.
    """
    record = json.loads(text)
    if (record.get("v"), record.get("algorithm")) != (VERSION, ALGORITHM):
        raise ValueError("not a record of this format")
    kms = kms or boto3.client("kms")
    data_key = kms.decrypt(
        CiphertextBlob=base64.b64decode(record["data_key"]),
        # Without it KMS takes any key that the caller may use.
        KeyId=key,
        EncryptionContext=context,
    )["Plaintext"]
    expected = {"v": VERSION, "algorithm": ALGORITHM, "key": record["key"], "context": context}
    nonce, ciphertext = base64.b64decode(record["nonce"]), base64.b64decode(record["ciphertext"])
    return AESGCM(data_key).decrypt(nonce, ciphertext, _bound(expected))


def _bound(record):
    """What the tag protects besides the ciphertext, in one spelling."""
    return json.dumps(record, sort_keys=True, separators=(",", ":")).encode()
