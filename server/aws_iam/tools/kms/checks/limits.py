"""What a check of keys is held against: the caller's thresholds, and the accounts that may use the keys."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from aws_iam.engine.language.frozen import slotted

if TYPE_CHECKING:
    from datetime import datetime

    from aws_iam.account.reading.snapshot import Account


@slotted
class Limits:
    """The thresholds, each with a usual default."""

    rotation_days: int = 365
    unused_days: int = 90
    expiring_days: int = 30
    grants: int = 1_000
    trusted: frozenset[str] = frozenset()
    """Accounts beside the account's own that may use its keys."""

    def trusts(self, account: Account, other: str) -> bool:
        """Whether an account is the owner's or one of those named."""
        return other == account.id or other in self.trusted


def age_days(account: Account, moment: datetime) -> int:
    """Whole days from the moment to the reading of the account."""
    return (account.collected_at - moment) // timedelta(days=1)
