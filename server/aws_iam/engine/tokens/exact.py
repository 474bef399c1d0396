"""The caller that a token shows, as a value that writes its own trust policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.reference.issuers import issuer_of
from aws_iam.engine.tokens.role_trust import TokenCaller

if TYPE_CHECKING:
    from aws_iam.engine.tokens.claims import Claims


def caller_of(claims: Claims) -> TokenCaller | None:
    """The token's workload and nobody else; None when it lacks a subject or an audience."""
    if not (claims.host and claims.text("sub") and len(claims.audience) == 1):
        return None
    known = issuer_of(claims.host)
    changing_end = known.grammar.changing_end if known else None
    found = changing_end.fullmatch(claims.text("sub")) if changing_end else None
    ids = known.immutable_ids if known else ()
    return TokenCaller(
        sid="ExactlyThisCaller",
        issuer=claims.host,
        audience=claims.audience[0],
        subject=f"{found['fixed']}*" if found else claims.text("sub"),
        open_subject=bool(found),
        claims={name: claims.text(name) for name in ids if claims.text(name)},
    )
