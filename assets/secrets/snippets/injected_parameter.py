"""The parameter that ECS put into the environment at the task's start, fetched anew once it is refused.

Give the task role, too, the right to read the parameter: the execution role reads it at the start only.
"""

import json
import os

import boto3

VARIABLE = "APP_SECRET"
PARAMETER = os.environ["APP_SECRET_ID"]
_kept = {}


def secret(*, fresh=False):
    """The JSON value as a dictionary; `fresh` fetches it now, and it stays until the next refusal."""
    if fresh:
        answer = boto3.client("ssm").get_parameter(Name=PARAMETER, WithDecryption=True)
        _kept["text"] = answer["Parameter"]["Value"]
    return json.loads(_kept.get("text") or os.environ[VARIABLE])


def with_secret(use, refused):
    """`use(secret)`; when it raises `refused`, the driver's authentication error, once more with the value fetched anew."""
    try:
        return use(secret())
    except refused:
        return use(secret(fresh=True))
