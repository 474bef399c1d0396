"""CloudWatch Logs: metric filters, of which AWS allows five calls a second, and what it delivers for other services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.facts.frontends import DELIVERY_SOURCES, DeliverySource
from aws_iam.account.facts.trails import METRIC_FILTERS, Metric, MetricFilter

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


SOURCES = "logs:DescribeDeliverySources"
DELIVERIES = "logs:DescribeDeliveries"


@collector_in(METRIC_FILTERS, "logs:DescribeMetricFilters")
def metric_filters(aws: Aws, region: str) -> tuple[MetricFilter, ...]:
    """The metric filters of every log group."""
    listed = aws.pages("logs:DescribeMetricFilters", "metricFilters", region=region)
    found = map(_filter, listed)
    return tuple(sorted(found, key=lambda each: (each.log_group, each.name)))


@collector_in(DELIVERY_SOURCES, SOURCES, DELIVERIES)
def delivery_sources(aws: Aws, region: str) -> tuple[DeliverySource, ...]:
    """A source alone delivers nothing: a delivery must lead from it to a destination."""
    listed = aws.pages(SOURCES, "deliverySources", region=region)
    deliveries = aws.pages(DELIVERIES, "deliveries", region=region)
    used = {delivery.get("deliverySourceName") for delivery in deliveries}
    found = (
        DeliverySource(
            name=each["name"],
            service=each.get("service", ""),
            log_type=each.get("logType", ""),
            resources=tuple(sorted(each.get("resourceArns", ()))),
            delivered=each["name"] in used,
        )
        for each in listed
    )
    return tuple(sorted(found, key=lambda each: each.name))


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
