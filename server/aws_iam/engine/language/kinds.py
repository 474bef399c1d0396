"""The kinds of policy documents."""

from __future__ import annotations

from enum import StrEnum


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
