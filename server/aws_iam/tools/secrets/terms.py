"""The terms of `secrets check`: its thresholds, and the arguments that set them."""

from __future__ import annotations

from aws_iam.frozen import slotted
from aws_iam.rules.on_account import Terms
from aws_iam.tools.kit.needs import flag, number

_MOST_DAYS = 3650


@slotted
class SecretTerms(Terms):
    """What the secrets of an account are judged by; the defaults are those of Security Hub where it has one."""

    rotation_days: int = 90
    """The longest interval of a rotation, and the longest time since the last one."""
    stuck_hours: int = 24
    parameter_days: int = 365
    customer_key: bool = False
    """Whether secrets must be encrypted with a customer managed key."""


THRESHOLDS = (
    number("rotation_days", "longest interval and age of a rotation", least=1, most=_MOST_DAYS),
    number("unused_days", "longest time without a read", least=1, most=_MOST_DAYS),
    number("stuck_hours", "longest time a rotation may take", least=1, most=_MOST_DAYS),
    number("parameter_days", "longest age of a SecureString", least=1, most=_MOST_DAYS),
    number("expiring_days", "how soon an expiry counts", least=1, most=_MOST_DAYS),
    flag("customer_key", "every secret must be encrypted with a customer managed key"),
)
