"""A signed token (JWT) decoded on this machine: its claims and how it is signed; `signature` says by whom.

No message repeats a part of the token, and its text is not in the value's representation.
"""

from __future__ import annotations

import re
from dataclasses import field

from aws_iam.engine.tokens.claims import Claims, claims_of
from aws_iam.errors import InputError
from aws_iam.frozen import slotted

MOST_CHARACTERS = 20_000
"""The limit of AssumeRoleWithWebIdentity: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html"""

ACCEPTED = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512")
"""The signatures that STS accepts: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html"""

_REGISTERED = frozenset({
    *ACCEPTED, "none", "HS256", "HS384", "HS512", "PS256", "PS384", "PS512", "EdDSA", "Ed25519", "Ed448", "ES256K",
})  # fmt: skip
_PART = re.compile(r"[A-Za-z0-9_-]*")
_PARTS = 3
_ENCRYPTED_PARTS = 5
_HINT = "give the token as the job or pod has it: three parts separated by dots"


@slotted
class Token:
    """A decoded token; `algorithm` is a registered name, empty for any other text."""

    claims: Claims
    algorithm: str
    key_id: str | None = field(repr=False)
    text: str = field(repr=False, compare=False)

    @property
    def is_acceptable(self) -> bool:
        """Whether STS accepts this kind of signature at all."""
        return self.algorithm in ACCEPTED


def decoded_token(given: object) -> Token:
    """The decoded token; InputError says what is wrong without repeating any of it."""
    if not isinstance(given, str):
        raise InputError("`token` must be text", hint=_HINT)
    if len(given) > MOST_CHARACTERS:
        raise InputError(
            f"`token` has {len(given):,} characters, more than the {MOST_CHARACTERS:,} that STS accepts",
            hint="configure the issuer to include fewer claims",
        )
    text = given.strip().strip("\"'").removeprefix("Bearer ").strip()
    parts = text.split(".")
    if len(parts) == _ENCRYPTED_PARTS:
        raise InputError("`token` is encrypted", hint="STS reads signed tokens only")
    # Checked here because older versions of PyJWT skip characters that are not base64.
    if len(parts) != _PARTS or not all(map(_PART.fullmatch, parts)):
        raise InputError("`token` is not a JSON web token", hint=_HINT)
    header, payload = _header_and_payload(*parts[:2])
    return Token(
        claims=claims_of(payload, "token"),
        algorithm=_algorithm(header.get("alg")),
        key_id=header.get("kid"),
        text=text,
    )


def _header_and_payload(header: str, payload: str) -> tuple[dict[str, str], str]:
    # 60 ms to import, and only a token needs it.
    import jwt

    try:
        # Without its signature, which people cut off before they share a token.
        complete = jwt.PyJWS().decode_complete(
            f"{header}.{payload}.", options={"verify_signature": False}
        )
        return complete["header"], complete["payload"].decode("utf-8")
    except (jwt.PyJWTError, UnicodeDecodeError, RecursionError):
        # PyJWT's own message may quote the token.
        raise InputError("`token` cannot be decoded", hint=_HINT) from None


def _algorithm(name: object) -> str:
    """The name if it is registered; other text is the token's own and must not be repeated."""
    if not isinstance(name, str):
        return ""
    if name.lower() == "none":
        return "none"
    return name if name in _REGISTERED else ""
