"""Verifies access tokens: signed by the issuer with one of its keys, for this server, and not expired.

https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization, RFC 9068 and RFC 8725.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import jwt
from mcp.server.auth.provider import AccessToken

from aws_iam.escape import escaped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.server.http.issuer import Issuer

log = logging.getLogger(__name__)

# Ours and never the token's: the header of a token must not choose how it is checked (RFC 8725, section 3.1). The kind of
# key, and the curve, that each one takes.
_ALGORITHMS = {
    "RS256": ("RSA", None),
    "RS384": ("RSA", None),
    "RS512": ("RSA", None),
    "PS256": ("RSA", None),
    "PS384": ("RSA", None),
    "PS512": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "EdDSA": ("OKP", "Ed25519"),
}
_LEEWAY = 30
_LONGEST_TOKEN = 20_000
_LONGEST_SUBJECT = 256
_SECONDS_FOR_KEYS = 3.0
_REQUIRED = ["exp", "iss", "aud", "sub"]


class AccessTokens:
    """The verifier that the SDK asks for each request."""

    def __init__(self, issuer: Issuer, audience: str, resource: str) -> None:
        self._issuer = issuer
        self._audience = audience
        self._resource = resource
        self._fetching = anyio.Lock()
        # Of its own: calls of tools may fill the threads that all others share.
        self._threads = anyio.CapacityLimiter(1)

    async def verify_token(self, token: str) -> AccessToken | None:
        """What the token says; None, and a line in the log, if it is not one for this server."""
        try:
            claims = await self._claims(token)
        except (jwt.PyJWTError, _RefusedError) as why:
            # Neither the token nor what it says goes into the log.
            log.warning("a token was refused: %s", escaped(str(why), 200))
            return None
        return AccessToken(
            token="",  # nothing behind this needs it, so nothing can pass it on
            client_id=_text(claims.get("client_id") or claims.get("azp")),
            scopes=_scopes(claims),
            expires_at=None,  # checked, with the leeway, which the SDK does not know
            resource=self._resource,
            subject=claims["sub"],
            claims=claims,
        )

    async def _claims(self, token: str) -> dict[str, Any]:
        if len(token) > _LONGEST_TOKEN:
            raise _RefusedError("it is too long")
        header = jwt.get_unverified_header(token)
        algorithm, key_id = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in _ALGORITHMS:
            raise _RefusedError("its algorithm is not accepted")
        if "crit" in header:
            raise _RefusedError("its header has extensions")
        key = _fitting(await self._keys(key_id), algorithm, key_id)
        claims: dict[str, Any] = jwt.decode(
            token,
            jwt.PyJWK({**key, "alg": algorithm}),
            algorithms=[algorithm],
            audience=self._audience,
            issuer=self._issuer.url,
            leeway=_LEEWAY,
            options={"require": _REQUIRED},
        )
        if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= _LONGEST_SUBJECT:
            raise _RefusedError("its subject is empty or too long")
        return claims

    async def _keys(self, key_id: object) -> tuple[Mapping[str, Any], ...]:
        """The issuer's keys; fetched anew where they lack this one, for which nobody waits longer than some seconds.

        An issuer that hangs must not keep out those whose keys are known, so who waits holds no thread.
        """
        if self._issuer.lacks(key_id):
            with anyio.move_on_after(_SECONDS_FOR_KEYS):
                async with self._fetching:
                    if self._issuer.lacks(key_id):
                        await anyio.to_thread.run_sync(
                            self._issuer.fetch_again, abandon_on_cancel=True, limiter=self._threads
                        )
        return self._issuer.keys


class _RefusedError(Exception):
    """Why a token is refused, in words for the log."""


def _fitting(
    keys: tuple[Mapping[str, Any], ...], algorithm: str, key_id: object
) -> Mapping[str, Any]:
    kind, curve = _ALGORITHMS[algorithm]
    fitting = [
        key
        for key in keys
        if key.get("kty") == kind
        and (curve is None or key.get("crv") == curve)
        and key.get("alg") in (None, algorithm)
        and key.get("use") in (None, "sig")
        and (key_id is None or key.get("kid") == key_id)
    ]
    if len(fitting) != 1:
        raise _RefusedError(
            "its key is not one of the issuer's" if not fitting else "it does not name its key"
        )
    return fitting[0]


def _scopes(claims: Mapping[str, Any]) -> list[str]:
    """Whole words of `scope` (RFC 9068) and of `scp`, which some issuers use."""
    found: list[str] = []
    for name in ("scope", "scp"):
        value = claims.get(name)
        if isinstance(value, str):
            found += value.split(" ")
        elif isinstance(value, list):
            found += [one for one in value if isinstance(one, str)]
    return list(filter(None, found))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
