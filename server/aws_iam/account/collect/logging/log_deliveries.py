"""Log deliveries of CloudWatch Logs for other services, and the ways to log access."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import many_in
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


STANDARD: Final = "standard"
REALTIME: Final = "real-time"
DELIVERY: Final = "delivery"
BUCKET: Final = "bucket"
AccessLogWay = Literal["standard", "real-time", "delivery", "bucket"]
"""How access is logged: CloudFront's standard or real-time logs, a log delivery, a load balancer's bucket."""


@slotted
class DeliverySource:
    """A delivery source of CloudWatch Logs; `delivered`: some delivery uses it."""

    name: str
    service: str
    log_type: str
    resources: tuple[str, ...] = ()
    delivered: bool = False

    def logs_access_of(self, arn: str) -> bool:
        """Whether it delivers the resource's access logs."""
        # CloudFront's type is ACCESS_LOGS, a load balancer's NLB_ACCESS_LOGS and the like.
        return self.delivered and arn in self.resources and self.log_type.endswith("ACCESS_LOGS")


DELIVERY_SOURCES = many_in("logs.delivery_sources", DeliverySource)
DESCRIBE_DELIVERY_SOURCES = "logs:DescribeDeliverySources"
DESCRIBE_DELIVERIES = "logs:DescribeDeliveries"


@collector_in(DELIVERY_SOURCES, DESCRIBE_DELIVERY_SOURCES, DESCRIBE_DELIVERIES)
def delivery_sources(aws: Aws, region: str) -> tuple[DeliverySource, ...]:
    """The delivery sources. A source delivers nothing until a delivery leads from it to a destination."""
    listed = aws.items(DESCRIBE_DELIVERY_SOURCES, "deliverySources", region=region)
    deliveries = aws.items(DESCRIBE_DELIVERIES, "deliveries", region=region)
    used = {delivery.get("deliverySourceName") for delivery in deliveries}
    sources = (
        DeliverySource(
            name=source["name"],
            service=source.get("service", ""),
            log_type=source.get("logType", ""),
            resources=tuple(sorted(source.get("resourceArns", ()))),
            delivered=source["name"] in used,
        )
        for source in listed
    )
    return tuple(sorted(sources, key=lambda source: source.name))
