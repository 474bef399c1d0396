"""Fetches one document for a caller over MCP: from a public address alone, whatever the name resolves to.

An assistant may have read the address in a hostile text, and a name of the internet may lead to this machine's network. So
the name is resolved once, every address is looked at, and the connection goes to one that was looked at.
"""

from __future__ import annotations

import ipaddress
import os
import socket

import httpx

from aws_iam.errors import AwsIamError
from aws_iam.escape import quoted
from aws_iam.web.connection import (
    Deadline,
    StatusError,
    TooLargeError,
    done,
    download_from,
    words_of,
)

FOR_TESTS = "AWS_IAM_ALLOW_HTTP_ISSUER"
"""The variable that lets tests have an issuer on loopback, over http and on any port."""
_MOST_BYTES = 256_000
_SECONDS = 15.0
_HTTPS = 443
_HINT = "pass the keys in `jwks`; the command line fetches from private issuers too"
# https://www.rfc-editor.org/rfc/rfc6052, rfc3056 and rfc4380: an address of version 4 within one of version 6.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_TUNNELS = (ipaddress.ip_network("2002::/16"), ipaddress.ip_network("2001::/32"))


def publicly_fetched(address: str) -> bytes:
    """The document at an https address on port 443 whose host has public addresses only; AwsIamError otherwise."""
    url = _checked_url(address)

    def read() -> bytes:
        reached = _public_address(url)
        try:
            return download_from(url, reached, _MOST_BYTES)
        except httpx.HTTPError as failure:
            raise AwsIamError(
                f"could not fetch from {quoted(url.host)}: {words_of(failure)}", hint=_HINT
            ) from None
        except TooLargeError:
            raise AwsIamError(f"{quoted(str(url))} has more than {_MOST_BYTES:,} bytes") from None
        except StatusError as status:
            raise AwsIamError(f"{quoted(str(url))} answers {status}") from None

    return dict(done(url, {"": read}, Deadline(_SECONDS), broken=_late))[""]


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, and not one inside of another."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip.scope_id or ip.is_site_local or any(ip in tunnel for tunnel in _TUNNELS):
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_unspecified or ip.is_reserved)


def _checked_url(address: str) -> httpx.URL:
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        url = httpx.URL("")
    is_right = url.scheme == "https" and (url.port or _HTTPS) == _HTTPS
    if url.userinfo or not url.host or not (is_right or _is_for_tests(url.host)):
        raise AwsIamError(
            f"{quoted(url.host or address)} is not an address to fetch from: only https on port 443 is",
            hint=_HINT,
        )
    return url


def _public_address(url: httpx.URL) -> str:
    """An address of the host; AwsIamError if one of them is not public."""
    port = url.port or _HTTPS
    try:
        found = socket.getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise AwsIamError(f"{quoted(url.host)} has no address", hint=_HINT) from None
    # Version 4 first: not every machine reaches the other.
    addresses = [str(row[4][0]) for row in sorted(found, key=lambda row: row[0] != socket.AF_INET)]
    private = [address for address in addresses if not is_public(address)]
    if private and not _is_for_tests(url.host):
        raise AwsIamError(
            f"{quoted(url.host)} leads to {quoted(private[0])}, which is not an address of the public internet",
            hint=_HINT,
        )
    return addresses[0]


def _is_for_tests(host: str) -> bool:
    return os.environ.get(FOR_TESTS) == "1" and host in {"127.0.0.1", "::1", "localhost"}


def _late(url: httpx.URL, _why: str) -> AwsIamError:
    return AwsIamError(f"no complete answer from {quoted(url.host)} within {_SECONDS:g} seconds")
