"""The secret through AWS's caching library, at most five minutes old.

pip install aws-secretsmanager-caching
"""

import json

import botocore.session
from aws_secretsmanager_caching import SecretCache, SecretCacheConfig

SECRET = "{{Secret}}"
CACHE = SecretCache(
    config=SecretCacheConfig(secret_refresh_interval=300),
    client=botocore.session.get_session().create_client("secretsmanager"),
)


def secret(*, fresh=False):
    """The JSON secret as a dictionary; `fresh` fetches it now."""
    if fresh:
        CACHE.refresh_secret_now(SECRET)
    text = CACHE.get_secret_string(SECRET)
    if text is None:
        raise TypeError("the secret is binary: read it with get_secret_binary")
    return json.loads(text)


def with_secret(use, refused):
    """Call `use(secret)`; if it raises `refused` (the driver's authentication error), refetch the secret and retry once."""
    try:
        return use(secret())
    except refused:
        return use(secret(fresh=True))
