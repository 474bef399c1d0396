"""CloudWatch: metric alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.facts.trails import ALARMS, Alarm, Metric

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.calls.aws import Aws


@collector_in(ALARMS, "cloudwatch:DescribeAlarms")
def alarms(aws: Aws, region: str) -> tuple[Alarm, ...]:
    """The metric alarms; composite ones watch no metric."""
    listed = aws.pages("cloudwatch:DescribeAlarms", "MetricAlarms", region=region)
    found = (_alarm(each, aws.account) for each in listed)
    return tuple(sorted(found, key=lambda alarm: alarm.arn))


def _alarm(data: dict[str, Any], account: str) -> Alarm:
    return Alarm(
        name=data["AlarmName"],
        arn=data["AlarmArn"],
        actions_enabled=data.get("ActionsEnabled", True),
        actions=tuple(data.get("AlarmActions", ())),
        metrics=tuple(_metrics(data, account)),
    )


def _metrics(data: dict[str, Any], account: str) -> Iterator[Metric]:
    # An alarm on a metric expression keeps its metrics one level down.
    if "MetricName" in data:
        yield _metric(data)
    for each in data.get("Metrics", ()):
        # A monitoring account may watch the metric of the same name in another one.
        own = each.get("AccountId", account) == account
        if own and "Metric" in each.get("MetricStat", {}):
            yield _metric(each["MetricStat"]["Metric"])


def _metric(data: dict[str, Any]) -> Metric:
    return Metric(
        name=data["MetricName"],
        namespace=data.get("Namespace", ""),
        dimensions=tuple(sorted(each["Name"] for each in data.get("Dimensions", ()))),
    )
