"""Credentials by context, so that one set of clients signs for whichever account the running thread reads.

    with signing_with(credentials_of(account)):
        ...                # every call in here, and in the threads that `Aws` starts, is signed with them

Nothing in a client belongs to an account except its credentials. With clients of its own for each account, a run over 20
accounts takes 4.2 times the processor time and 720 MB of memory in place of 160 (tests/benchmarks/without.py, November
2026). It builds on `Credentials.get_frozen_credentials`; tests/account/calls/test_retries.py fails when botocore signs
otherwise.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from botocore.credentials import Credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.credentials import ReadOnlyCredentials

_CREDENTIALS: ContextVar[ReadOnlyCredentials] = ContextVar("credentials")


class ContextCredentials(Credentials):
    """What a shared client has as credentials; signing outside `signing_with` is a bug."""

    def __init__(self) -> None:
        super().__init__("", "", method="context")

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """The credentials of this context."""
        return _CREDENTIALS.get()


class ContextCredentialsProvider:
    """The only credential provider of a session whose clients are shared between accounts."""

    def load_credentials(self) -> Any:
        """The credentials that every client of the session gets."""
        return ContextCredentials()


@contextmanager
def signing_with(credentials: ReadOnlyCredentials) -> Iterator[None]:
    """Sign with these credentials."""
    token = _CREDENTIALS.set(credentials)
    try:
        yield
    finally:
        _CREDENTIALS.reset(token)


def signing_key_id() -> str:
    """The access key id that signs in this context; empty where a session has credentials of its own."""
    credentials = _CREDENTIALS.get(None)
    return str(credentials.access_key) if credentials else ""
