"""The kinds of policies."""

from __future__ import annotations

from enum import StrEnum

from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted


class Kind(StrEnum):
    """What a policy is attached to; each kind has a grammar of its own."""

    IDENTITY = "identity"
    RESOURCE = "resource"
    SCP = "scp"
    RCP = "rcp"
    BOUNDARY = "boundary"
    SESSION = "session"
    TRUST = "trust"


IDENTITY_KINDS = (Kind.IDENTITY, Kind.BOUNDARY, Kind.SESSION)
"""Boundaries and session policies follow the grammar of identity policies."""


def kind_named(kind: Kind | str | None) -> Kind | None:
    """The kind with that name."""
    if isinstance(kind, Kind):
        return kind
    try:
        return None if kind is None else Kind(kind)
    except ValueError:
        near = closest(kind or "", list(Kind))
        names = ", ".join(f"`{name}`" for name in Kind)
        raise InputError(
            f"{quoted(kind or '')} is not a kind of policy",
            hint=f"did you mean `{near}`?" if near else f"the kinds are {names}",
        ) from None
