"""The environment of a caller who talks to a server of the tests and to nothing else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    import pytest

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def calls_to(url: str, patch: pytest.MonkeyPatch, **settings: str) -> None:
    """Let the SDK call this address, with these settings and none of the machine's."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        patch.delenv(name)
    own = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL": url}
    for name, value in (own | settings).items():
        patch.setenv(name, value)


def forget(url: str) -> None:
    """Let moto at this address forget all accounts: the servers of a process answer from the same backends.

    The first call loads the backends, which takes a machine that is busy longer than the client's own five seconds.
    """
    httpx.post(f"{url}/moto-api/reset", timeout=60).raise_for_status()
