"""Who makes a request to a shared server: known by the verified token of that very request, never by a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A subject is unique only within its issuer."""

    issuer: str
    subject: str
    client: str
    scopes: frozenset[str]
    claims: Mapping[str, Any]

    @property
    def key(self) -> str:
        """What no two users have in common."""
        return f"{self.issuer} {self.subject}"


def user_of(request: Any) -> User | None:
    """The user of a request; None where the server knows no users."""
    token = getattr(request.scope.get("user"), "access_token", None) if request else None
    if token is None:
        return None
    return User(
        issuer=str(token.claims["iss"]),
        subject=token.subject,
        client=token.client_id,
        scopes=frozenset(token.scopes),
        claims=token.claims,
    )
