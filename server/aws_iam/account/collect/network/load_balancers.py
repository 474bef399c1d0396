"""Application, network and gateway load balancers, and where they log access."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in
from aws_iam.account.collect.logging.log_deliveries import BUCKET, DELIVERY, DELIVERY_SOURCES, Way

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBalancer:
    """A load balancer of the second generation; `can_log` is asked only of one that logs nothing."""

    name: str
    arn: str
    type: str
    logs: tuple[Way, ...] | Miss = ()
    can_log: bool | Miss = True


LOAD_BALANCERS = many_in("elbv2.load_balancers", LoadBalancer)
ATTRIBUTES = "elbv2:DescribeLoadBalancerAttributes"
LISTENERS = "elbv2:DescribeListeners"


@collector_in(
    LOAD_BALANCERS,
    "elbv2:DescribeLoadBalancers",
    ATTRIBUTES,
    LISTENERS,
    after=(DELIVERY_SOURCES,),
)
def load_balancers(aws: Aws, region: str) -> tuple[LoadBalancer, ...]:
    """Gateway load balancers are no front ends; they have no access logs to ask for."""
    listed = aws.pages("elbv2:DescribeLoadBalancers", "LoadBalancers", region=region)
    listed.sort(key=lambda each: str(each["LoadBalancerArn"]))
    read = aws.each(lambda each: _balancer(aws, region, each), listed, ATTRIBUTES)
    return tuple(
        LoadBalancer(
            name=each["LoadBalancerName"],
            arn=each["LoadBalancerArn"],
            type=each.get("Type", ""),
            logs=found,
        )
        if isinstance(found, Miss)
        else found
        for each, found in zip(listed, read, strict=True)
    )


def _balancer(aws: Aws, region: str, data: dict[str, Any]) -> LoadBalancer:
    arn, kind = data["LoadBalancerArn"], data.get("Type", "")
    logs: tuple[Way, ...] | Miss = ()
    can_log: bool | Miss = kind != "gateway"
    if can_log:
        logs = aws.tried(lambda: _logs(aws, region, arn))
    if not logs and kind == "network":
        can_log = aws.tried(lambda: _has_tls(aws, region, arn))
    return LoadBalancer(
        name=data["LoadBalancerName"], arn=arn, type=kind, logs=logs, can_log=can_log
    )


def _logs(aws: Aws, region: str, arn: str) -> tuple[Way, ...]:
    answer = aws.need(ATTRIBUTES, region=region, LoadBalancerArn=arn)
    attributes = {each.get("Key"): each.get("Value") for each in answer.get("Attributes", ())}
    if attributes.get("access_logs.s3.enabled") == "true":
        return (BUCKET,)
    sources = aws.fact_in(region, DELIVERY_SOURCES)
    return (DELIVERY,) if any(source.logs_access_of(arn) for source in sources) else ()


def _has_tls(aws: Aws, region: str, arn: str) -> bool:
    """Only TLS listeners of a network load balancer log.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-access-logs.html
    """
    listeners = aws.pages(LISTENERS, "Listeners", region=region, LoadBalancerArn=arn)
    return any(listener.get("Protocol") == "TLS" for listener in listeners)
