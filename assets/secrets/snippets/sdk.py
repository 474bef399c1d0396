"""The secret with boto3 alone, at most five minutes old.

pip install boto3
"""

import json
import time

import boto3

SECRET = "{{Secret}}"
LIFETIME = 300.0
CLIENT = boto3.client("secretsmanager")
_kept = {}


def secret(*, fresh=False):
    """The JSON secret as a dictionary; `fresh` fetches it now."""
    now = time.monotonic()
    if fresh or not _kept or now - _kept["at"] >= LIFETIME:
        answer = CLIENT.get_secret_value(SecretId=SECRET)
        if "SecretString" not in answer:
            raise TypeError("the secret is binary: decode SecretBinary")
        _kept.update(at=now, text=answer["SecretString"])
    return json.loads(_kept["text"])


def with_secret(use, refused):
    """Call `use(secret)`; if it raises `refused` (the driver's authentication error), refetch the secret and retry once."""
    try:
        return use(secret())
    except refused:
        return use(secret(fresh=True))
