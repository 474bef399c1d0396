"""A SecureString parameter through the AWS Parameters and Secrets Lambda extension, which caches it for 300 seconds by default.

Add the extension's layer for your Region and architecture to the function. Call `secret` inside the handler: the
extension does not answer during initialization.
"""

import json
import os
import urllib.parse
import urllib.request

import boto3

PARAMETER = "{{Secret}}"
PORT = os.environ.get("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", "2773")


def secret(*, fresh=False):
    """The JSON value as a dictionary; `fresh` bypasses the extension, whose cache cannot be invalidated."""
    if fresh:
        answer = boto3.client("ssm").get_parameter(Name=PARAMETER, WithDecryption=True)
    else:
        answer = _from_extension()
    return json.loads(answer["Parameter"]["Value"])


def _from_extension():
    query = urllib.parse.urlencode({"name": PARAMETER, "withDecryption": "true"})
    request = urllib.request.Request(
        f"http://localhost:{PORT}/systemsmanager/parameters/get?{query}",
        headers={"X-Aws-Parameters-Secrets-Token": os.environ["AWS_SESSION_TOKEN"]},
    )
    with urllib.request.urlopen(request, timeout=2) as answer:
        return json.load(answer)


def with_secret(use, refused):
    """Call `use(secret)`; if it raises `refused` (the driver's authentication error), refetch the value and retry once."""
    try:
        return use(secret())
    except refused:
        return use(secret(fresh=True))
