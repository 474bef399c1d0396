"""Metric filters of CloudWatch Logs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import many_in
from aws_iam.account.collect.logging.alarms import Metric

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricFilter:
    """A metric filter of a log group."""

    name: str
    log_group: str
    pattern: str
    metrics: tuple[Metric, ...] = ()
    criteria: str | None = ""
    """Which events the pattern is applied to, by the account or Region that they come from; empty: all.

    None in a snapshot of an earlier version: nothing is known of it, nor of its metrics' dimensions.
    """
    transformed: bool | None = False
    """Whether the pattern is applied to what the log group's transformer made of the events; None as above."""


METRIC_FILTERS = many_in("logs.metric_filters", MetricFilter)


@collector_in(METRIC_FILTERS, "logs:DescribeMetricFilters")
def metric_filters(aws: Aws, region: str) -> tuple[MetricFilter, ...]:
    """The metric filters of every log group."""
    listed = aws.pages("logs:DescribeMetricFilters", "metricFilters", region=region)
    found = map(_filter, listed)
    return tuple(sorted(found, key=lambda each: (each.log_group, each.name)))


def _filter(data: dict[str, Any]) -> MetricFilter:
    system = data.get("emitSystemFieldDimensions", ())
    return MetricFilter(
        name=data["filterName"],
        log_group=data.get("logGroupName", ""),
        pattern=data.get("filterPattern", ""),
        metrics=tuple(
            Metric(
                name=each["metricName"],
                namespace=each["metricNamespace"],
                dimensions=tuple(sorted({*each.get("dimensions", ()), *system})),
            )
            for each in data.get("metricTransformations", ())
        ),
        criteria=data.get("fieldSelectionCriteria", ""),
        transformed=data.get("applyOnTransformedLogs", False),
    )
