"""Whether a token was signed with one of an issuer's keys. The library is PyJWT, which comes with the MCP SDK."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any

from aws_iam.engine.tokens.token import ACCEPTED, Token
from aws_iam.errors import InputError

MOST_KEYS = 200
MOST_CHARACTERS = 1_000_000


class Signature(StrEnum):
    """What is known of a token's signature, in words."""

    VALID = "valid"
    INVALID = "made with none of these keys, or the token was changed afterwards"
    NO_KEY = "none of the keys has the token's key id and kind"
    UNSUITED = "of a kind that STS does not take"
    UNCHECKED = "not checked"


def key_set(given: object) -> tuple[dict[str, Any], ...]:
    """The keys of a JSON Web Key Set, as value or text."""
    if isinstance(given, str):
        if len(given) > MOST_CHARACTERS:
            raise InputError(f"`jwks` has more than {MOST_CHARACTERS:,} characters")
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            raise InputError("`jwks` is no JSON", hint=_WANTED) from None
    keys = given.get("keys") if isinstance(given, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise InputError("`jwks` must be an object with the list `keys`", hint=_WANTED)
    if len(keys) > MOST_KEYS:
        raise InputError(f"`jwks` has {len(keys)} keys", hint=f"at most {MOST_KEYS}")
    return tuple(keys)


_WANTED = "give the issuer's key set, or `fetch`"


def checked(token: Token, keys: tuple[dict[str, Any], ...]) -> Signature:
    """What the keys say of the token; only the signature, neither times nor audience."""
    # 60 ms to import, and only a token with keys needs it.
    import jwt

    if not token.is_acceptable:
        return Signature.UNSUITED
    wanted = jwt.get_unverified_header(token.text).get("kid")
    fitting = [key for key in keys if _fits(key, wanted, token.algorithm)]
    if not fitting:
        return Signature.NO_KEY
    return Signature.VALID if any(_signed(token, each) for each in fitting) else Signature.INVALID


def _fits(key: dict[str, Any], wanted: object, algorithm: str) -> bool:
    """Whether the key may have made the signature: a key without id or algorithm may."""
    kind = {"R": "RSA", "E": "EC"}[algorithm[0]]
    named = wanted is None or key.get("kid") in (None, wanted)
    return named and key.get("kty") == kind and key.get("alg") in (None, algorithm)


def _signed(token: Token, key: dict[str, Any]) -> bool:
    import jwt

    try:
        # Only what STS takes: a key must never be read as the secret of another algorithm.
        made = jwt.PyJWK.from_dict({**key, "alg": token.algorithm})
        jwt.PyJWS().decode(token.text, made, algorithms=list(ACCEPTED))
    except jwt.PyJWTError:
        return False
    return True
