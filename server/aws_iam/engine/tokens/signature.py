"""Whether a token was signed with one of an issuer's keys, by PyJWT, which comes with the MCP SDK."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any

from aws_iam.engine.tokens.token import ACCEPTED, Token
from aws_iam.errors import InputError

MOST_KEYS = 200
MOST_CHARACTERS = 1_000_000


class Signature(StrEnum):
    """What is known about a token's signature, in words."""

    VALID = "valid"
    INVALID = "made with none of these keys, or the token was changed afterwards"
    NO_KEY = "none of the keys has the token's key id and kind"
    UNSUITED = "of a kind that STS does not accept"
    UNCHECKED = "not checked"


_HINT = "give the issuer's key set, or `fetch`"


def key_set(given: object) -> tuple[dict[str, Any], ...]:
    """The keys of a JSON Web Key Set, which is a JSON value or text."""
    if isinstance(given, str):
        if len(given) > MOST_CHARACTERS:
            raise InputError(f"`jwks` has more than {MOST_CHARACTERS:,} characters")
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            raise InputError("`jwks` is not JSON", hint=_HINT) from None
    keys = given.get("keys") if isinstance(given, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise InputError("`jwks` must be an object with the list `keys`", hint=_HINT)
    if len(keys) > MOST_KEYS:
        raise InputError(f"`jwks` has {len(keys)} keys", hint=f"at most {MOST_KEYS}")
    return tuple(keys)


def checked_signature(token: Token, keys: tuple[dict[str, Any], ...]) -> Signature:
    """What the keys say about the token's signature; neither times nor audience are checked."""
    if not token.is_acceptable:
        return Signature.UNSUITED
    fitting = [key for key in keys if _fits(key, token)]
    if not fitting:
        return Signature.NO_KEY
    is_valid = any(_is_signed_with(token, key) for key in fitting)
    return Signature.VALID if is_valid else Signature.INVALID


def _fits(key: dict[str, Any], token: Token) -> bool:
    """Whether the key may have made the signature; a key without id or algorithm may."""
    # Not `jwt.PyJWKSet`, which refuses a whole set when it holds no key that it can use.
    key_type = {"R": "RSA", "E": "EC"}[token.algorithm[0]]
    has_id = token.key_id is None or key.get("kid") in (None, token.key_id)
    return has_id and key.get("kty") == key_type and key.get("alg") in (None, token.algorithm)


def _is_signed_with(token: Token, key: dict[str, Any]) -> bool:
    import jwt

    try:
        # Only algorithms that STS accepts: a public key must never serve as the secret of HS256.
        public_key = jwt.PyJWK.from_dict({**key, "alg": token.algorithm})
        jwt.PyJWS().decode(token.text, public_key, algorithms=list(ACCEPTED))
    except jwt.PyJWTError:
        return False
    return True
