"""What identities really used of what their policies allow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - the codec reads the hints

from aws_iam.account.facts.fact import Miss, one


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceUse:
    """A service that an identity's policies allow; `last_used` None: not in the time that AWS keeps."""

    service: str
    last_used: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityUse:
    """The services of one user or role."""

    arn: str
    services: tuple[ServiceUse, ...] | Miss


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The identities that were asked about, by ARN; `left_out`: how many more there were."""

    identities: tuple[IdentityUse, ...] = ()
    left_out: int = 0


LAST_ACCESSED = one("iam.last_accessed", Usage)
