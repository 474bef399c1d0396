"""Credentials by context: the same clients sign for whichever account the running thread reads.

Making the clients of an account costs more than reading it, and nothing in a client but its signature belongs to an
account. So many accounts share one set of clients, and what signs is put on like a badge:

    with worn(credentials_of(account)):
        ...                                # every call in here, and in the threads that `Aws` starts, is that account's
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from botocore.credentials import Credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.credentials import ReadOnlyCredentials

_WORN: ContextVar[ReadOnlyCredentials] = ContextVar("worn")


class Worn(Credentials):
    """What a shared client holds in place of credentials; to sign without any worn is a bug."""

    def __init__(self) -> None:
        super().__init__("", "", method="worn")

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """The credentials of this context."""
        return _WORN.get()


class WornProvider:
    """The one place where a session with worn credentials looks for any."""

    def load_credentials(self) -> Any:
        """The credentials that every client of the session gets."""
        return Worn()


@contextmanager
def worn(credentials: ReadOnlyCredentials) -> Iterator[None]:
    """Sign with these credentials."""
    token = _WORN.set(credentials)
    try:
        yield
    finally:
        _WORN.reset(token)


def wearer() -> str:
    """The access key id that signs here; empty where a session has credentials of its own."""
    found = _WORN.get(None)
    return str(found.access_key) if found else ""
