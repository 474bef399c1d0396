"""The thresholds of `secrets check` that the caller may set."""

from __future__ import annotations

from aws_iam.tools.kit.needs import flag, number

_MOST_DAYS = 3650

LIMITS = (
    number("rotation_days", "longest interval and age of a rotation", least=1, most=_MOST_DAYS),
    number("unused_days", "longest time without a read", least=1, most=_MOST_DAYS),
    number("stuck_hours", "longest time a rotation may take", least=1, most=_MOST_DAYS),
    number("parameter_days", "longest age of a SecureString", least=1, most=_MOST_DAYS),
    number("expiring_days", "how soon an expiry counts", least=1, most=_MOST_DAYS),
    flag("customer_key", "every secret has to be under a customer managed key"),
)
