"""The secret that ECS put into the environment at the task's start, fetched anew once it is refused.

Give the task role, too, the right to read the secret: the execution role reads it at the start only.
"""

import json
import os

import boto3

VARIABLE = "APP_SECRET"
SECRET = os.environ["APP_SECRET_ID"]
_kept = {}


def secret(*, fresh=False):
    """The JSON secret as a dictionary; `fresh` fetches it now, and it stays until the next refusal."""
    if fresh:
        _kept["text"] = _fetched()
    return json.loads(_kept.get("text") or os.environ[VARIABLE])


def _fetched():
    answer = boto3.client("secretsmanager").get_secret_value(SecretId=SECRET)
    if "SecretString" not in answer:
        raise TypeError("the secret is binary: decode SecretBinary")
    return answer["SecretString"]


def with_secret(use, refused):
    """`use(secret)`; when it raises `refused`, the driver's authentication error, once more with the secret fetched anew."""
    try:
        return use(secret())
    except refused:
        return use(secret(fresh=True))
