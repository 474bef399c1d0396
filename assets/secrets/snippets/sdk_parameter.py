"""A SecureString parameter with boto3 alone, at most five minutes old."""

import json
import time

import boto3

PARAMETER = "{{Secret}}"
LIFETIME = 300.0
SSM = boto3.client("ssm")
_kept = {}


def secret(*, fresh=False):
    """The JSON value as a dictionary; `fresh` fetches it now."""
    now = time.monotonic()
    if fresh or not _kept or now - _kept["at"] >= LIFETIME:
        answer = SSM.get_parameter(Name=PARAMETER, WithDecryption=True)
        _kept.update(at=now, text=answer["Parameter"]["Value"])
    return json.loads(_kept["text"])


def with_secret(use, refused):
    """Call `use(secret)`; if it raises `refused` (the driver's authentication error), refetch the value and retry once."""
    try:
        return use(secret())
    except refused:
        return use(secret(fresh=True))
