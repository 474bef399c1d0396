"""Application, network and gateway load balancers, and where they log access."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in
from aws_iam.account.collect.logging.log_deliveries import (
    BUCKET,
    DELIVERY,
    DELIVERY_SOURCES,
    AccessLogWay,
)
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class LoadBalancer:
    """An application, network or gateway load balancer; `can_log` is read only for one that logs nothing."""

    name: str
    arn: str
    type: str
    logs: tuple[AccessLogWay, ...] | Miss = ()
    can_log: bool | Miss = True


LOAD_BALANCERS = many_in("elbv2.load_balancers", LoadBalancer)
_DESCRIBE_LOAD_BALANCER_ATTRIBUTES = "elbv2:DescribeLoadBalancerAttributes"
_DESCRIBE_LISTENERS = "elbv2:DescribeListeners"


@collector_in(
    LOAD_BALANCERS,
    "elbv2:DescribeLoadBalancers",
    _DESCRIBE_LOAD_BALANCER_ATTRIBUTES,
    _DESCRIBE_LISTENERS,
    after=(DELIVERY_SOURCES,),
)
def load_balancers(aws: Aws, region: str) -> tuple[LoadBalancer, ...]:
    """The load balancers. Gateway load balancers have no access logs."""
    listed = aws.items("elbv2:DescribeLoadBalancers", "LoadBalancers", region=region)
    listed.sort(key=lambda data: str(data["LoadBalancerArn"]))
    balancers = aws.read_each(
        lambda data: _balancer(aws, region, data), listed, _DESCRIBE_LOAD_BALANCER_ATTRIBUTES
    )
    return tuple(
        LoadBalancer(
            name=data["LoadBalancerName"],
            arn=data["LoadBalancerArn"],
            type=data.get("Type", ""),
            logs=balancer,
        )
        if isinstance(balancer, Miss)
        else balancer
        for data, balancer in zip(listed, balancers, strict=True)
    )


def _balancer(aws: Aws, region: str, data: dict[str, Any]) -> LoadBalancer:
    arn, kind = data["LoadBalancerArn"], data.get("Type", "")
    logs: tuple[AccessLogWay, ...] | Miss = ()
    can_log: bool | Miss = kind != "gateway"
    if can_log:
        logs = aws.value_or_miss(lambda: _logs(aws, region, arn))
    if not logs and kind == "network":
        can_log = aws.value_or_miss(lambda: _has_tls(aws, region, arn))
    return LoadBalancer(
        name=data["LoadBalancerName"], arn=arn, type=kind, logs=logs, can_log=can_log
    )


def _logs(aws: Aws, region: str, arn: str) -> tuple[AccessLogWay, ...]:
    answer = aws.need(_DESCRIBE_LOAD_BALANCER_ATTRIBUTES, region=region, LoadBalancerArn=arn)
    attributes = {
        attribute.get("Key"): attribute.get("Value") for attribute in answer.get("Attributes", ())
    }
    if attributes.get("access_logs.s3.enabled") == "true":
        return (BUCKET,)
    sources = aws.fact_in(region, DELIVERY_SOURCES)
    return (DELIVERY,) if any(source.logs_access_of(arn) for source in sources) else ()


def _has_tls(aws: Aws, region: str, arn: str) -> bool:
    """Whether it can log access: of a network load balancer only TLS listeners log.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-access-logs.html
    """
    listeners = aws.items(_DESCRIBE_LISTENERS, "Listeners", region=region, LoadBalancerArn=arn)
    return any(listener.get("Protocol") == "TLS" for listener in listeners)
