"""Envelope encryption with KMS, boto3 and cryptography: a data key for each record, bound to its encryption context.

pip install boto3 cryptography

A record is JSON text:

    v           1, the version of this format
    algorithm   AES-256-GCM
    key         ARN of the KMS key
    data_key    the data key, encrypted by KMS (base64)
    nonce       12 bytes, new for each record (base64)
    ciphertext  with its 16-byte tag at the end (base64)
    context     the encryption context, in plain text: put nothing secret in it
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
    """Encrypt bytes with a new data key of the KMS key (an ARN or alias), and return the record."""
    kms = kms or boto3.client("kms")
    data_key = kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context)
    nonce = os.urandom(NONCE_BYTES)
    record = {"v": VERSION, "algorithm": ALGORITHM, "key": data_key["KeyId"], "context": context}
    ciphertext = AESGCM(data_key["Plaintext"]).encrypt(nonce, plaintext, _bound(record))
    binary = {"data_key": data_key["CiphertextBlob"], "nonce": nonce, "ciphertext": ciphertext}
    texts = {name: base64.b64encode(value).decode() for name, value in binary.items()}
    return json.dumps({**record, **texts})


def unseal(text, key, context, *, kms=None):
    """Decrypt a record; the caller passes the key (its ARN) and the context that it expects.

    The record's own key and context are not trusted, so KMS refuses a record of another tenant.
    """
    record = json.loads(text)
    if (record.get("v"), record.get("algorithm")) != (VERSION, ALGORITHM):
        raise ValueError("not a record of this format")
    kms = kms or boto3.client("kms")
    data_key = kms.decrypt(
        CiphertextBlob=base64.b64decode(record["data_key"]),
        # Without it KMS would use any key that the caller may use.
        KeyId=key,
        EncryptionContext=context,
    )["Plaintext"]
    expected = {"v": VERSION, "algorithm": ALGORITHM, "key": record["key"], "context": context}
    nonce, ciphertext = base64.b64decode(record["nonce"]), base64.b64decode(record["ciphertext"])
    return AESGCM(data_key).decrypt(nonce, ciphertext, _bound(expected))


def _bound(record):
    """The data that the tag authenticates besides the ciphertext, in one canonical form."""
    return json.dumps(record, sort_keys=True, separators=(",", ":")).encode()
