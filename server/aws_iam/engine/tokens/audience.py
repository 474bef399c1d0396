"""Whether a trust policy requires the audience of a token; without it, tokens for other services are accepted too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.tokens.oidc_provider import NOT_KNOWN_YET
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from aws_iam.answer import Where
    from aws_iam.engine.language.document import Statement, Text
    from aws_iam.engine.tokens.oidc_provider import Provider


def asks_for_audience(provider: Provider) -> bool:
    """Whether the provider's tokens are known to have an audience beside the claim that names the tenant."""
    is_known = not provider.host.endswith(NOT_KNOWN_YET)
    return is_known and provider.required not in {"aud", "app_id"} and provider.maps("aud")


def missing_audience(provider: Provider, statement: Statement) -> tuple[str, Where] | None:
    """Why the statement requires no audience, and where; None if it requires one.

    The values of one operator are OR-ed, so a bare wildcard among them accepts every audience.
    """
    key = quoted(provider.key("aud"))
    # ForAllValues, of which OIDC-VACUOUS speaks, compares the audience all the same: every token has one.
    demanded = [
        condition
        for condition in provider.on(statement, "aud")
        if condition.demanded
        or (condition.qualifier == "ForAllValues" and provider.compares(condition, "aud"))
    ]
    if not demanded:
        return f"no condition requires {key}", statement.place("Condition")
    wide = [
        next(filter(_is_any, condition.values), None)
        for condition in demanded
        if "Like" in condition.base
    ]
    open_ = [value for value in wide if value]
    if len(open_) < len(demanded):
        return None
    return f"{quoted(open_[0].value)} of {key} accepts every audience", open_[0].where


def _is_any(value: Text) -> bool:
    return bool(value.value) and not value.value.strip("*")
