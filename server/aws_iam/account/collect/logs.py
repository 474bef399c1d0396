"""CloudWatch Logs: all metric filters of a Region in one list; AWS allows five such calls a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.facts.trails import METRIC_FILTERS, Metric, MetricFilter

if TYPE_CHECKING:
    from aws_iam.account.aws import Aws


@collector_in(METRIC_FILTERS, "logs:DescribeMetricFilters")
def metric_filters(aws: Aws, region: str) -> tuple[MetricFilter, ...]:
    """The metric filters of every log group."""
    listed = aws.pages("logs:DescribeMetricFilters", "metricFilters", region=region)
    found = map(_filter, listed)
    return tuple(sorted(found, key=lambda each: (each.log_group, each.name)))


def _filter(data: dict[str, Any]) -> MetricFilter:
    return MetricFilter(
        name=data["filterName"],
        log_group=data.get("logGroupName", ""),
        pattern=data.get("filterPattern", ""),
        metrics=tuple(
            Metric(name=each["metricName"], namespace=each["metricNamespace"])
            for each in data.get("metricTransformations", ())
        ),
    )
