"""Metric filters of CloudWatch Logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import many_in
from aws_iam.account.collect.logging.alarms import Metric
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class MetricFilter:
    """A metric filter of a log group."""

    name: str
    log_group: str
    pattern: str
    metrics: tuple[Metric, ...] = ()
    criteria: str | None = ""
    """Which events the pattern is applied to, by the account or Region that they come from; empty: all.

    None in a snapshot of an earlier version, which did not record it, nor the dimensions of the metrics.
    """
    transformed: bool | None = False
    """Whether the pattern is applied to the output of the log group's transformer; None as above."""


METRIC_FILTERS = many_in("logs.metric_filters", MetricFilter)


@collector_in(METRIC_FILTERS, "logs:DescribeMetricFilters")
def metric_filters(aws: Aws, region: str) -> tuple[MetricFilter, ...]:
    """The metric filters of every log group."""
    listed = aws.items("logs:DescribeMetricFilters", "metricFilters", region=region)
    filters = map(_filter, listed)
    return tuple(
        sorted(filters, key=lambda metric_filter: (metric_filter.log_group, metric_filter.name))
    )


def _filter(data: dict[str, Any]) -> MetricFilter:
    system = data.get("emitSystemFieldDimensions", ())
    return MetricFilter(
        name=data["filterName"],
        log_group=data.get("logGroupName", ""),
        pattern=data.get("filterPattern", ""),
        metrics=tuple(
            Metric(
                name=transformation["metricName"],
                namespace=transformation["metricNamespace"],
                dimensions=tuple(sorted({*transformation.get("dimensions", ()), *system})),
            )
            for transformation in data.get("metricTransformations", ())
        ),
        criteria=data.get("fieldSelectionCriteria", ""),
        transformed=data.get("applyOnTransformedLogs", False),
    )
