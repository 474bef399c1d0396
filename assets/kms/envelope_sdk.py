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
    _require(context)
    kms = kms or boto3.client("kms")
    data_key = kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context)
    nonce = os.urandom(NONCE_BYTES)
    bound = _bound(data_key["KeyId"], context)
    ciphertext = AESGCM(data_key["Plaintext"]).encrypt(nonce, plaintext, bound)
    binary = {"data_key": data_key["CiphertextBlob"], "nonce": nonce, "ciphertext": ciphertext}
    texts = {name: base64.b64encode(value).decode() for name, value in binary.items()}
    record = {"v": VERSION, "algorithm": ALGORITHM, "key": data_key["KeyId"], "context": context}
    return json.dumps({**record, **texts})


def unseal(text, key, context, *, kms=None):
    """Decrypt a record; the caller passes the key (its ARN) and the context that it expects.

    The record's own key and context are not trusted, so KMS refuses a record of another tenant.
    """
    _require(context)
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
    nonce, ciphertext = base64.b64decode(record["nonce"]), base64.b64decode(record["ciphertext"])
    return AESGCM(data_key).decrypt(nonce, ciphertext, _bound(record["key"], context))


def _require(context):
    if not context:
        raise ValueError("the encryption context is empty: any record would open with it")


def _bound(key, context):
    """What the tag authenticates besides the ciphertext: each text after its length, the context sorted by name."""
    pairs = sorted((name.encode(), value.encode()) for name, value in context.items())
    texts = [str(VERSION).encode(), ALGORITHM.encode(), key.encode()]
    texts += [text for pair in pairs for text in pair]
    return b"".join(len(text).to_bytes(4, "big") + text for text in texts)
