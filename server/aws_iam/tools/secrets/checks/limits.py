"""What a check of secrets is held against: the caller's thresholds and the accounts that are trusted."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from aws_iam.engine.language.frozen import slotted

if TYPE_CHECKING:
    from datetime import datetime

    from aws_iam.account.reading.snapshot import Account


@slotted
class Limits:
    """The thresholds, each with the default of Security Hub where it has one."""

    rotation_days: int = 90
    """The longest interval of a rotation, and the longest time since the last one."""
    unused_days: int = 90
    stuck_hours: int = 24
    parameter_days: int = 365
    expiring_days: int = 30
    customer_key: bool = False
    """Whether secrets have to be under a customer managed key."""
    trusted: frozenset[str] = frozenset()
    """Accounts and organizations beside the account's own that may read its secrets."""

    def trusts(self, account: Account, other: str) -> bool:
        """Whether an account or organization is the owner's or one of those named."""
        return other == account.id or other in self.trusted


def age_days(account: Account, moment: datetime) -> int:
    """Whole days from the moment to the reading of the account."""
    return (account.collected_at - moment) // timedelta(days=1)


def day(moment: datetime) -> str:
    """The moment as its day."""
    return f"{moment:%Y-%m-%d}"
