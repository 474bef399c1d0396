"""The issuer whose access tokens are accepted, and its keys: found by discovery, kept for minutes, fetched anew for a new key.

OpenID Connect Discovery 1.0, and RFC 8414 for an authorization server that is no OpenID provider.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aws_iam.errors import AwsIamError, InputError
from aws_iam.escape import quoted
from aws_iam.web.connection import is_loopback
from aws_iam.web.documents import fetched
from aws_iam.web.public_documents import FOR_TESTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_KEPT_SECONDS = 300.0
_SECONDS_BETWEEN_FETCHES = 30.0
_MOST_KEYS = 100
_MOST_BYTES = 256_000


class Issuer:
    """An authorization server by its URL, as its tokens have it in `iss`."""

    def __init__(self, url: str, *, allow_http: bool = False) -> None:
        """`allow_http` takes an issuer on loopback without TLS, for tests."""
        self.url = url
        self._allow_http = allow_http
        self._keys_url = ""
        self._keys: tuple[Mapping[str, Any], ...] = ()
        self._fetched_at = self._asked_at = float("-inf")
        self._refuse_plain(url, "`--auth-issuer`")

    def discover(self) -> None:
        """Find the keys; AwsIamError if the issuer cannot be asked, or is another one."""
        problems = []
        for address in _discovery_addresses(self.url):
            try:
                document = self._document(address)
            except AwsIamError as error:
                problems.append(error.message)
                continue
            if document.get("issuer") != self.url:
                raise InputError(
                    f"the issuer at {quoted(address)} calls itself {quoted(str(document.get('issuer')))}",
                    hint="pass exactly that as `--auth-issuer`, a slash at the end included, if it is the right one",
                )
            self._keys_url = str(document.get("jwks_uri", ""))
            self._refuse_plain(self._keys_url, "`jwks_uri`")
            self._fetch()
            return
        raise AwsIamError(
            f"the issuer {quoted(self.url)} cannot be asked for its keys: {'; '.join(dict.fromkeys(problems))}",
            hint="the server verifies every token with them, so it does not start without",
        )

    def has_keys(self) -> bool:
        """Whether tokens can be verified."""
        return bool(self._keys)

    @property
    def keys(self) -> tuple[Mapping[str, Any], ...]:
        """The keys as they were fetched last."""
        return self._keys

    def lacks(self, key_id: object) -> bool:
        """Whether the keys are old, or without this one."""
        is_known = key_id is None or any(key.get("kid") == key_id for key in self._keys)
        return not is_known or time.monotonic() - self._fetched_at > _KEPT_SECONDS

    def fetch_again(self) -> None:
        """Fetch the keys anew, seldom, whoever asks; those that are known go on serving where it fails."""
        now = time.monotonic()
        # Counted from the attempt: an issuer that hangs is not asked by everyone who comes meanwhile.
        if now - self._asked_at <= _SECONDS_BETWEEN_FETCHES:
            return
        self._asked_at = now
        with suppress(AwsIamError):
            self._fetch()

    def _fetch(self) -> None:
        found = self._document(self._keys_url).get("keys")
        keys = [key for key in found if isinstance(key, dict)] if isinstance(found, list) else []
        if not keys or len(keys) > _MOST_KEYS:
            raise AwsIamError(
                f"{quoted(self._keys_url)} holds {len(keys)} keys, where 1 to {_MOST_KEYS} are expected"
            )
        self._keys = tuple(keys)
        self._fetched_at = self._asked_at = time.monotonic()

    def _document(self, address: str) -> dict[str, Any]:
        try:
            found = json.loads(fetched(address, most=_MOST_BYTES))
        except (ValueError, RecursionError):
            raise AwsIamError(f"{quoted(address)} returned no JSON") from None
        if not isinstance(found, dict):
            raise AwsIamError(f"{quoted(address)} returned no JSON object")
        return found

    def _refuse_plain(self, address: str, name: str) -> None:
        try:
            parts = urlsplit(address)
            host = parts.hostname or ""
        except ValueError:
            host = ""
        is_https = address.startswith("https://")
        is_for_tests = address.startswith("http://") and self._allow_http and is_loopback(host)
        if not host or not (is_https or is_for_tests) or parts.query or parts.fragment:
            raise InputError(
                f"{name} {quoted(address)} is not an https address",
                hint=f"such as https://login.example.com/realms/main; tests on loopback set {FOR_TESTS}=1",
            )


def _discovery_addresses(url: str) -> Iterator[str]:
    yield f"{url.rstrip('/')}/.well-known/openid-configuration"
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    yield f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{path}"
