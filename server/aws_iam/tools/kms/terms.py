"""The terms of `kms check`: its thresholds, and the arguments that set them."""

from __future__ import annotations

from aws_iam.frozen import slotted
from aws_iam.rules.on_account import Terms
from aws_iam.tools.kit.needs import number

_MOST_DAYS = 3650


@slotted
class KeyTerms(Terms):
    """What the keys of an account are judged by."""

    rotation_days: int = 365
    grants: int = 1_000


THRESHOLDS = (
    number("rotation_days", "longest rotation period", least=90, most=2560),
    number("unused_days", "longest time without use", least=1, most=_MOST_DAYS),
    number("expiring_days", "how soon an expiry counts", least=1, most=_MOST_DAYS),
    number("grants", "most grants of a key", least=1, most=50_000),
)
