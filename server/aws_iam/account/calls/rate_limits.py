"""Calls that AWS allows at a fixed rate wait for their turn here: being throttled and retrying would be slower.

AWS counts per account and Region, so accounts that are read at the same time do not wait for each other. The SDK has
nothing like it: its `adaptive` mode slows down only after AWS has throttled a call.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from aws_iam.account.calls.account_credentials import signing_key_id
from aws_iam.frozen import positional

if TYPE_CHECKING:
    from collections.abc import Callable


@positional
class Rate:
    """A token bucket: calls per second, and how many may be made at once before that counts."""

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
"""By the SDK's event of an operation, or of a service all of whose operations have the rate.

Where AWS counts by the second, rate and burst together are its limit.
"""


class RateLimiter:
    """The token buckets of a process: one for each account, Region and operation."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._full_at: dict[tuple[str, str, str], float] = {}
        self._clean_above = _CLEAN_ABOVE

    def wait(self, rate: Rate, bucket: tuple[str, str, str]) -> None:
        """Return when the call may be sent."""
        with self._lock:
            now = self._clock()
            # When the bucket will be full again, if no other call takes from it.
            full_at = max(self._full_at.get(bucket, now), now) + 1 / rate.per_second
            self._full_at[bucket] = full_at
            delay = full_at - now - rate.burst / rate.per_second
            self._drop_full_buckets(now)
        if delay > 0:
            self._sleep(delay)

    def _drop_full_buckets(self, now: float) -> None:
        """A full bucket is as good as an unused one, so that a thousand accounts leave nothing behind."""
        if len(self._full_at) > self._clean_above:
            self._full_at = {
                key: full_at for key, full_at in self._full_at.items() if full_at > now
            }
            # Only after the number has doubled again, so that the cost of a call does not grow with it.
            self._clean_above = max(_CLEAN_ABOVE, 2 * len(self._full_at))

    def __len__(self) -> int:
        return len(self._full_at)


_CLEAN_ABOVE = 4_096


def limit_rates(session: Any, limiter: RateLimiter | None = None) -> None:
    """Make a botocore session, and every client it makes from now on, keep to the rates."""
    shared = RateLimiter() if limiter is None else limiter
    for event, rate in RATES.items():
        session.register(f"before-parameter-build.{event}", _waiting(shared, rate))


def _waiting(limiter: RateLimiter, rate: Rate) -> Callable[..., None]:
    def wait(*, model: Any, context: Any, **_event: Any) -> None:
        limiter.wait(rate, (signing_key_id(), context["client_region"], model.name))

    return wait
