"""Fetches one document from an address that the caller named or that follows from what they named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from aws_iam.errors import AwsIamError
from aws_iam.escape import quoted
from aws_iam.web.connection import (
    CLIENT_FAILURES,
    CLIENT_HINT,
    CLIENT_PROBLEM,
    Deadline,
    StatusError,
    TooLargeError,
    client_for,
    done,
    download,
    is_loopback,
    may_fetch,
    words_of,
)

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

_MOST_BYTES_OF_DOCUMENT = 1_000_000
_SECONDS_FOR_DOCUMENT = 20.0


def address_of(host: str) -> str:
    """The URL for a host with a path: https, or http for this machine."""
    bare = host.rstrip("/")
    name = bare.partition("/")[0].rpartition(":")[0] or bare.partition("/")[0]
    return f"{'http' if is_loopback(name) else 'https'}://{bare}/"


def fetched(
    address: str,
    *,
    headers: Mapping[str, str] | None = None,
    verify: ssl.SSLContext | bool = True,
    most: int = _MOST_BYTES_OF_DOCUMENT,
) -> bytes:
    """Fetch one document within limits of size and time; the headers may be secret and appear in no message."""
    url = _checked_url(address)

    def read() -> bytes:
        try:
            with client_for(url, headers=headers, verify=verify) as client:
                return download(client, url, most)
        except httpx.HTTPError as failure:
            raise AwsIamError(
                f"could not fetch from {quoted(url.host)}: {words_of(failure)}"
            ) from None
        except TooLargeError:
            raise AwsIamError(f"{quoted(str(url))} has more than {most:,} bytes") from None
        except StatusError as status:
            raise AwsIamError(f"{quoted(str(url))} answers {status}") from None
        except CLIENT_FAILURES:
            raise AwsIamError(CLIENT_PROBLEM, hint=CLIENT_HINT) from None

    deadline = Deadline(_SECONDS_FOR_DOCUMENT)
    return dict(done(url, {"": read}, deadline, broken=_incomplete))[""]


def _incomplete(url: httpx.URL, _why: str) -> AwsIamError:
    return AwsIamError(
        f"no complete answer from {quoted(url.host)} within {_SECONDS_FOR_DOCUMENT:g} seconds"
    )


def _checked_url(address: str) -> httpx.URL:
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.userinfo or not url.host or not may_fetch(url):
        raise AwsIamError(
            f"{quoted(url.host or address)} is not an address to fetch from",
            hint="use https without a user name; http is for this machine only",
        )
    return url
