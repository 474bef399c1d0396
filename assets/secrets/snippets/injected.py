"""The secret that ECS put into the environment when the task started, refetched when authentication fails.

Allow the task role to read the secret too: the execution role reads it only when the task starts.
"""

import json
import os

import boto3

VARIABLE = "APP_SECRET"
SECRET = os.environ["APP_SECRET_ID"]
_kept = {}


def secret(*, fresh=False):
    """The JSON secret as a dictionary; `fresh` fetches it now and keeps it until the next authentication failure."""
    if fresh:
        _kept["text"] = _fetched()
    return json.loads(_kept.get("text") or os.environ[VARIABLE])


def _fetched():
    answer = boto3.client("secretsmanager").get_secret_value(SecretId=SECRET)
    if "SecretString" not in answer:
        raise TypeError("the secret is binary: decode SecretBinary")
    return answer["SecretString"]


def with_secret(use, refused):
    """Call `use(secret)`; if it raises `refused` (the driver's authentication error), refetch the secret and retry once."""
    try:
        return use(secret())
    except refused:
        return use(secret(fresh=True))
