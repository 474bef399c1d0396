"""Calls that AWS takes at a fixed rate wait for their turn here; being throttled and trying again would be slower.

The limits are per account and Region, so accounts that are read at the same time do not wait for each other.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_iam.account.calls.account_credentials import wearer

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Rate:
    """So many calls a second, and so many at once before that counts."""

    per_second: float
    burst: int


RATES = {
    # 5 a second: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
    "cloudwatch-logs.DescribeMetricFilters": Rate(4, 1),
    # 5 a second and 100 a second: https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html
    "kms.GetKeyLastUsage": Rate(4, 1),
    "kms.DescribeCustomKeyStores": Rate(4, 1),
    "kms.ListGrants": Rate(80, 20),
    "kms.ListKeyPolicies": Rate(80, 20),
    "kms.ListKeyRotations": Rate(80, 20),
    # 30 a second: https://docs.aws.amazon.com/general/latest/gr/sns.html
    "sns.ListSubscriptionsByTopic": Rate(25, 5),
    # A bucket for each operation: https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
    "ec2": Rate(20, 100),
}
"""By the SDK's event of an operation, or of a service whose operations all have the rate.

Where AWS counts by the second, rate and burst together are its limit.
"""


class Pace:
    """The turns of a process. Two accounts never wait for each other, nor two Regions, nor two operations."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._due: dict[tuple[str, str, str], float] = {}
        self._many = _MANY

    def wait(self, rate: Rate, place: tuple[str, str, str]) -> None:
        """Return when the call may be sent."""
        with self._lock:
            now = self._clock()
            # A bucket that refills: `due` is when the bucket would be full again.
            due = max(self._due.get(place, now), now) + 1 / rate.per_second
            self._due[place] = due
            delay = due - now - rate.burst / rate.per_second
            self._forget(now)
        if delay > 0:
            self._sleep(delay)

    def _forget(self, now: float) -> None:
        """A place whose bucket is full is as one that was never seen; a thousand accounts leave nothing behind."""
        if len(self._due) > self._many:
            self._due = {place: due for place, due in self._due.items() if due > now}
            # Looked through only after it has doubled, so that a call costs the same however many there are.
            self._many = max(_MANY, 2 * len(self._due))

    def __len__(self) -> int:
        return len(self._due)


_MANY = 4_096


def keep(session: Any, pace: Pace | None = None) -> None:
    """Make a botocore session, and every client it makes from now on, keep the pace."""
    turns = Pace() if pace is None else pace
    for event, rate in RATES.items():
        session.register(f"before-parameter-build.{event}", _waiting(turns, rate))


def _waiting(turns: Pace, rate: Rate) -> Callable[..., None]:
    def wait(*, model: Any, context: Any, **_event: Any) -> None:
        turns.wait(rate, (wearer(), context["client_region"], model.name))

    return wait
