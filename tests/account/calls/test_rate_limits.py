from __future__ import annotations

from typing import Any

import pytest

from aws_iam.account.calls.clients import client_config
from aws_iam.account.calls.rate_limits import RATES, Rate, RateLimiter, limit_rates
from aws_iam.account.guard.allowlist import ALLOWED, EVENT_IDS
from helpers.scripted_aws import Script

PLACE = ("AKIA", "eu-west-1", "DescribeMetricFilters")


class Time:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_what_aws_counts_by_the_second_stays_within_it() -> None:
    limits = {"cloudwatch-logs.DescribeMetricFilters": 5, "sns.ListSubscriptionsByTopic": 30}
    for event, limit in limits.items():
        assert RATES[event].per_second + RATES[event].burst <= limit


@pytest.mark.parametrize("rate", RATES.values())
def test_no_second_has_more_calls_than_the_rate_and_its_burst(rate: Rate) -> None:
    time = Time()
    limiter = RateLimiter(time, time.sleep)
    sent = []
    for _ in range(300):
        limiter.wait(rate, PLACE)
        sent.append(time.now)
    for begin in sent:
        assert sum(begin <= at < begin + 1 for at in sent) <= rate.burst + rate.per_second
    assert sent[rate.burst - 1] == pytest.approx(1000)
    assert time.now - 1000 == pytest.approx((300 - rate.burst) / rate.per_second)


def test_another_account_region_or_operation_does_not_wait() -> None:
    time = Time()
    limiter = RateLimiter(time, time.sleep)
    for number in range(9000):
        limiter.wait(Rate(1, 1), (str(number % 3000), str(number // 3000), "op"))
    assert time.now == pytest.approx(1000)


def test_full_buckets_are_dropped() -> None:
    time = Time()
    limiter = RateLimiter(time, time.sleep)
    for number in range(20_000):
        limiter.wait(Rate(4, 1), (str(number), "eu-west-1", "op"))
        time.now += 0.1
    assert len(limiter) < 5000


def test_every_rate_is_for_an_operation_that_is_read() -> None:
    events = {
        f"{EVENT_IDS.get(service, service)}.{name}"
        for service, _, name in (operation.partition(":") for operation in ALLOWED)
    }
    for event in RATES:
        assert event in events or any(read.startswith(f"{event}.") for read in events)


def test_the_pages_of_a_session_keep_to_the_rate_of_their_region() -> None:
    waited: list[tuple[str, str, str]] = []

    class Seen(RateLimiter):
        def wait(self, rate: Rate, place: tuple[str, str, str]) -> None:
            assert rate == RATES["cloudwatch-logs.DescribeMetricFilters"]
            waited.append(place)

    def page(asked: dict[str, Any], _region: str) -> dict[str, Any]:
        return {"metricFilters": []} | ({} if "nextToken" in asked else {"nextToken": "t"})

    session = Script({"logs:DescribeMetricFilters": page}).session()
    limit_rates(session._session, Seen())  # noqa: SLF001 - boto3 shows its core nowhere else
    for region in ("eu-west-1", "us-east-1"):
        client = session.client("logs", region_name=region)
        assert len(list(client.get_paginator("describe_metric_filters").paginate())) == 2
    assert [region for _, region, _ in waited] == ["eu-west-1"] * 2 + ["us-east-1"] * 2
    assert {operation for _, _, operation in waited} == {"DescribeMetricFilters"}


def test_a_throttled_client_slows_down_and_retries() -> None:
    config = client_config()
    assert (config.retries or {})["mode"] == "adaptive"
    assert 1 < (config.retries or {})["total_max_attempts"] < 10
