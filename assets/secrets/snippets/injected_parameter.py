"""The parameter that ECS put into the environment when the task started, refetched when authentication fails.

Allow the task role to read the parameter too: the execution role reads it only when the task starts.
"""

import json
import os

import boto3

VARIABLE = "APP_SECRET"
PARAMETER = os.environ["APP_SECRET_ID"]
_kept = {}


def secret(*, fresh=False):
    """The JSON value as a dictionary; `fresh` fetches it now and keeps it until the next authentication failure."""
    if fresh:
        answer = boto3.client("ssm").get_parameter(Name=PARAMETER, WithDecryption=True)
        _kept["text"] = answer["Parameter"]["Value"]
    return json.loads(_kept.get("text") or os.environ[VARIABLE])


def with_secret(use, refused):
    """Call `use(secret)`; if it raises `refused` (the driver's authentication error), refetch the value and retry once."""
    try:
        return use(secret())
    except refused:
        return use(secret(fresh=True))
