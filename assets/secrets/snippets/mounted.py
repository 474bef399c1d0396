"""The secret from a mounted file. It is read on every use, so that a refreshed file counts at once.

After a refusal the code waits for the file to change, at most {{Wait}} seconds: the mount follows a rotation with a delay.
"""

import json
import time
from pathlib import Path

FILE = Path("/mnt/secrets/app.json")
LONGEST_WAIT = {{Wait}}


def secret():
    """The JSON secret as a dictionary."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def with_secret(use, refused, wait=time.sleep):
    """`use(secret)`; when it raises `refused`, the driver's authentication error, once more when the file has changed."""
    tried = secret()
    try:
        return use(tried)
    except refused:
        return use(_changed(tried, wait))


def _changed(tried, wait):
    for _ in range(LONGEST_WAIT):
        current = secret()
        if current != tried:
            return current
        wait(1)
    return secret()
