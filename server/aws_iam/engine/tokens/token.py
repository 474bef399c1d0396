"""A signed token (JWT) taken apart on this machine: its claims and how it is signed, which is not yet to say by whom.

No message repeats a part of the token, and its text is not in the value's representation.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import field

from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.tokens.claims import Claims, claims_of
from aws_iam.errors import InputError

MOST_CHARACTERS = 20_000
"""What AssumeRoleWithWebIdentity takes: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html"""

ACCEPTED = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512")
"""The signatures that STS takes: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html"""

_KNOWN = frozenset({*ACCEPTED, "none", "HS256", "HS384", "HS512", "PS256", "PS384", "PS512"})
_KNOWN_TOO = frozenset({"EdDSA", "Ed25519", "Ed448", "ES256K"})
_PART = re.compile(r"[A-Za-z0-9_-]*")
_PARTS = 3
_ENCRYPTED_PARTS = 5
_WANTED = "give the token as the job or pod has it: three parts with dots between them"


@slotted
class Token:
    """A decoded token; `algorithm` is a name of the registry, empty for any other text."""

    claims: Claims
    algorithm: str
    text: str = field(repr=False, compare=False)

    @property
    def is_acceptable(self) -> bool:
        """Whether STS takes signatures of this kind at all."""
        return self.algorithm in ACCEPTED


def decoded(given: object) -> Token:
    """The token; InputError says what about it is none, without a word of it."""
    if not isinstance(given, str):
        raise InputError("`token` must be text", hint=_WANTED)
    if len(given) > MOST_CHARACTERS:
        raise InputError(
            f"`token` has {len(given):,} characters, STS takes at most {MOST_CHARACTERS:,}",
            hint="have the issuer put fewer claims into it",
        )
    text = given.strip().strip("\"'").removeprefix("Bearer ").strip()
    parts = text.split(".")
    if len(parts) == _ENCRYPTED_PARTS:
        raise InputError("`token` is encrypted", hint="STS reads signed tokens only")
    if len(parts) != _PARTS or not all(map(_PART.fullmatch, parts)):
        raise InputError("`token` is no JSON web token", hint=_WANTED)
    header, payload = _object(parts[0], "header"), _json(parts[1], "payload")
    return Token(
        claims=claims_of(payload, "token"), algorithm=_algorithm(header.get("alg")), text=text
    )


def _json(part: str, name: str) -> str:
    try:
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
        return raw.decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        raise InputError(f"the {name} of `token` cannot be decoded", hint=_WANTED) from None


def _object(part: str, name: str) -> dict[str, object]:
    try:
        found = json.loads(_json(part, name))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InputError(f"the {name} of `token` is no JSON object", hint=_WANTED)
    return found


def _algorithm(given: object) -> str:
    """The name where it is one that is registered: any other text is the token's and stays unsaid."""
    if isinstance(given, str) and given.lower() == "none":
        return "none"
    return given if isinstance(given, str) and given in _KNOWN | _KNOWN_TOO else ""
