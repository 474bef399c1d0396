"""The secret from a mounted file, read on every use so that a refreshed file takes effect immediately.

When authentication fails, the code waits up to {{Wait}} seconds for the file to change: the mount is updated some time
after a rotation.
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
    """Call `use(secret)`; if it raises `refused` (the driver's authentication error), wait for a change and retry once."""
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
