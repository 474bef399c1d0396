"""Log deliveries of CloudWatch Logs for other services, and the ways in which a front end logs access."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import many_in

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


STANDARD: Final = "standard"
REALTIME: Final = "real-time"
DELIVERY: Final = "delivery"
BUCKET: Final = "bucket"
Way = Literal["standard", "real-time", "delivery", "bucket"]
"""Ways to log access: CloudFront's two own ones, a delivery of CloudWatch Logs, a load balancer's own bucket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySource:
    """What CloudWatch Logs delivers for other services; `delivered`: some delivery has it."""

    name: str
    service: str
    log_type: str
    resources: tuple[str, ...] = ()
    delivered: bool = False

    def logs_access_of(self, arn: str) -> bool:
        """Whether the resource's access logs go somewhere through it."""
        # CloudFront's type is ACCESS_LOGS, a load balancer's NLB_ACCESS_LOGS and the like.
        return self.delivered and arn in self.resources and self.log_type.endswith("ACCESS_LOGS")


DELIVERY_SOURCES = many_in("logs.delivery_sources", DeliverySource)
SOURCES = "logs:DescribeDeliverySources"
DELIVERIES = "logs:DescribeDeliveries"


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
