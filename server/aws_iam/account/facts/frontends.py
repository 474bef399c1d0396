"""What faces the web, and where it logs who came: distributions, load balancers, stages of APIs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from aws_iam.account.facts.fact import Miss, many, many_in

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """A CloudFront distribution; `logs` are the ways in which it logs access."""

    id: str
    arn: str
    enabled: bool = True
    logs: tuple[Way, ...] | Miss = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBalancer:
    """A load balancer of the second generation; `can_log` is asked only of one that logs nothing."""

    name: str
    arn: str
    type: str
    logs: tuple[Way, ...] | Miss = ()
    can_log: bool | Miss = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiStage:
    """A stage of an API and where its access logs go; None: nowhere."""

    name: str
    destination: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """An API of API Gateway: `REST` with its endpoint types, `HTTP` or `WEBSOCKET`."""

    id: str
    name: str
    protocol: str
    endpoints: tuple[str, ...] = ()
    stages: tuple[ApiStage, ...] | Miss = ()

    @property
    def is_public(self) -> bool:
        """Whether it can be reached from outside of VPCs."""
        return "PRIVATE" not in self.endpoints


DELIVERY_SOURCES = many_in("logs.delivery_sources", DeliverySource)
DISTRIBUTIONS = many("cloudfront.distributions", Distribution)
LOAD_BALANCERS = many_in("elbv2.load_balancers", LoadBalancer)
REST_APIS = many_in("apigateway.apis", Api)
HTTP_APIS = many_in("apigatewayv2.apis", Api)
