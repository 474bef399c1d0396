"""The secret through the AWS Secrets Manager Agent on this host, which caches it for its `ttl_seconds`."""

import json
import os
import urllib.parse
import urllib.request
from pathlib import Path

SECRET = "{{Secret}}"
ADDRESS = os.environ.get("SECRETS_MANAGER_AGENT", "http://localhost:2773")
# The token protects against forged requests (SSRF); the agent's installation writes it.
TOKEN = Path(os.environ.get("SECRETS_MANAGER_AGENT_TOKEN", "{{TokenFile}}"))


def secret(*, fresh=False):
    """The JSON secret as a dictionary; `fresh` makes the agent fetch it now."""
    query = urllib.parse.urlencode(
        {"secretId": SECRET} | ({"refreshNow": "true"} if fresh else {})
    )
    request = urllib.request.Request(
        f"{ADDRESS}/secretsmanager/get?{query}",
        headers={"X-Aws-Parameters-Secrets-Token": TOKEN.read_text(encoding="utf-8").strip()},
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        found = json.load(answer)
    if "SecretString" not in found:
        raise TypeError("the secret is binary: decode SecretBinary")
    return json.loads(found["SecretString"])


def with_secret(use, refused):
    """Call `use(secret)`; if it raises `refused` (the driver's authentication error), refetch the secret and retry once."""
    try:
        return use(secret())
    except refused:
        return use(secret(fresh=True))
