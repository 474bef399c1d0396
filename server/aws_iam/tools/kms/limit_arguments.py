"""The thresholds of `kms check` that the caller may set."""

from __future__ import annotations

from aws_iam.tools.kit.needs import number

_MOST_DAYS = 3650

LIMITS = (
    number("rotation_days", "longest period of rotation", least=90, most=2560),
    number("unused_days", "longest time without use", least=1, most=_MOST_DAYS),
    number("expiring_days", "how soon an expiry counts", least=1, most=_MOST_DAYS),
    number("grants", "most grants of a key", least=1, most=50_000),
)
