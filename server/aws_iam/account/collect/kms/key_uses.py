"""When KMS keys were last used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - the codec reads the hints
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in
from aws_iam.account.collect.kms.keys import KMS_KEYS, _owned

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws
    from aws_iam.account.collect.kms.keys import KmsKey


@dataclass(frozen=True, slots=True, kw_only=True)
class LastUse:
    """When a key was last used, as far as AWS tracks it; `used` None: not since `tracked_since`."""

    used: datetime | None
    operation: str
    tracked_since: datetime
    created: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyUse:
    """The last use of a key; None: it was not asked for, because AWS answers few such calls a second."""

    arn: str
    use: LastUse | Miss | None


KEY_USES = many_in("kms.uses", KeyUse)
LAST = "kms:GetKeyLastUsage"
MOST_ASKED = 100
"""Keys of a Region whose last use is asked for: AWS takes 5 such calls a second."""
_ENDING = ("PendingDeletion", "PendingReplicaDeletion")


@collector_in(KEY_USES, LAST, after=(KMS_KEYS,))
def uses(aws: Aws, region: str) -> tuple[KeyUse, ...]:
    """First of the keys that are being deleted, then of the oldest; beyond the limit nobody asks."""
    keys = sorted(_owned(aws, region), key=_urgency)
    asked = keys[:MOST_ASKED]

    def read(key: KmsKey) -> LastUse | Miss:
        if isinstance(key.details, Miss):
            return key.details
        return _last(aws.need(LAST, region=region, KeyId=key.arn))

    found = aws.each(read, asked, LAST)
    told = [KeyUse(arn=key.arn, use=each) for key, each in zip(asked, found, strict=True)]
    rest = [KeyUse(arn=key.arn, use=None) for key in keys[MOST_ASKED:]]
    return tuple(sorted((*told, *rest), key=lambda each: each.arn))


def _urgency(key: KmsKey) -> tuple[bool, str, str]:
    details = key.details
    if isinstance(details, Miss):
        return (True, "9", key.arn)
    created: datetime | None = details.created
    return (details.state not in _ENDING, created.isoformat() if created else "8", key.arn)


def _last(data: dict[str, Any]) -> LastUse:
    usage = data.get("KeyLastUsage") or {}
    return LastUse(
        used=usage.get("Timestamp"),
        operation=usage.get("Operation", ""),
        tracked_since=data["TrackingStartDate"],
        created=data["KeyCreationDate"],
    )
