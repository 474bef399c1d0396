"""When KMS keys were last used."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - the codec reads the hints
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in
from aws_iam.account.collect.kms.keys import KMS_KEYS, customer_keys
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws
    from aws_iam.account.collect.kms.keys import KmsKey


@slotted
class LastUse:
    """When a key was last used, as far as AWS tracks it; `used` None: not since `tracked_since`."""

    used: datetime | None
    operation: str
    tracked_since: datetime
    created: datetime


@slotted
class KeyUse:
    """The last use of a key; None: not read, because AWS allows few such calls a second."""

    arn: str
    use: LastUse | Miss | None


KEY_USES = many_in("kms.uses", KeyUse)
_GET_KEY_LAST_USAGE = "kms:GetKeyLastUsage"
MAX_KEYS_ASKED = 100
"""Keys of a Region whose last use is read: AWS allows 5 such calls a second."""
_PENDING_DELETION = ("PendingDeletion", "PendingReplicaDeletion")


@collector_in(KEY_USES, _GET_KEY_LAST_USAGE, after=(KMS_KEYS,))
def uses(aws: Aws, region: str) -> tuple[KeyUse, ...]:
    """The last use of the first `MAX_KEYS_ASKED` keys: those pending deletion, then the oldest."""
    keys = sorted(customer_keys(aws, region), key=_urgency)
    first = keys[:MAX_KEYS_ASKED]

    def read(key: KmsKey) -> LastUse | Miss:
        if isinstance(key.details, Miss):
            return key.details
        return _last_use(aws.need(_GET_KEY_LAST_USAGE, region=region, KeyId=key.arn))

    last_uses = aws.read_each(read, first, _GET_KEY_LAST_USAGE)
    used = [
        KeyUse(arn=key.arn, use=last_use) for key, last_use in zip(first, last_uses, strict=True)
    ]
    rest = [KeyUse(arn=key.arn, use=None) for key in keys[MAX_KEYS_ASKED:]]
    return tuple(sorted((*used, *rest), key=lambda key_use: key_use.arn))


def _urgency(key: KmsKey) -> tuple[bool, str, str]:
    details = key.details
    if isinstance(details, Miss):
        return (True, "9", key.arn)
    created: datetime | None = details.created
    return (
        details.state not in _PENDING_DELETION,
        created.isoformat() if created else "8",
        key.arn,
    )


def _last_use(data: dict[str, Any]) -> LastUse:
    usage = data.get("KeyLastUsage") or {}
    return LastUse(
        used=usage.get("Timestamp"),
        operation=usage.get("Operation", ""),
        tracked_since=data["TrackingStartDate"],
        created=data["KeyCreationDate"],
    )
