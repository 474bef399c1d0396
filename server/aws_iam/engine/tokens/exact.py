"""The caller that a token shows, as a value that writes its own trust policy."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.reference.issuers import issuer_of, mapped_claims
from aws_iam.engine.tokens.role_trust import TokenCaller

if TYPE_CHECKING:
    from aws_iam.engine.tokens.claims import Claims

# What ends a subject of these issuers is another with every run.
_OPEN = {
    "bitbucket": re.compile(r"(?P<fixed>\{[^}]+\}(?::\{[^}]+\})?:)\{[^}]+\}"),
    "buildkite": re.compile(r"(?P<fixed>.+:commit:)[0-9a-f]+:step:.*"),
    "circleci": re.compile(r"(?P<fixed>org/[^/]+/project/[^/]+/user/).+"),
}
# Ids that stay when a name is given up and taken by somebody else.
_IDS = (
    "repository_id",
    "repository_owner_id",
    "namespace_id",
    "project_id",
    "organization_id",
    "pipeline_id",
)


def caller_of(claims: Claims) -> TokenCaller | None:
    """The token's workload and nobody else; None when it lacks a subject or an audience."""
    if not (claims.host and claims.text("sub") and len(claims.audience) == 1):
        return None
    known = issuer_of(claims.host)
    ending = _OPEN.get(known.id) if known else None
    found = ending.fullmatch(claims.text("sub")) if ending else None
    mapped = mapped_claims(claims.host)
    return TokenCaller(
        sid="ExactlyThisCaller",
        issuer=claims.host,
        audience=claims.audience[0],
        subject=f"{found['fixed']}*" if found else claims.text("sub"),
        open_subject=bool(found),
        claims={name: claims.text(name) for name in _IDS if name in mapped and claims.text(name)},
    )
