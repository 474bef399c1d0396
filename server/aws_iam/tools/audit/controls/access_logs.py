"""CIS: whatever faces the web logs its requests."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from aws_iam.account.collect.fact import known
from aws_iam.account.collect.logging.log_deliveries import BUCKET, DELIVERY, REALTIME, STANDARD
from aws_iam.account.collect.network.apis import HTTP_APIS, REST_APIS
from aws_iam.account.collect.network.distributions import DISTRIBUTIONS
from aws_iam.account.collect.network.load_balancers import LOAD_BALANCERS
from aws_iam.escape import quoted
from aws_iam.rules.on_account import in_regions
from aws_iam.rules.outcomes import Fail, NotApplicable, Outcome, Pass, for_each
from aws_iam.tools.audit.controls.control import ControlTerms, control

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.account.collect.fact import AccountFact
    from aws_iam.account.collect.logging.log_deliveries import AccessLogWay
    from aws_iam.account.collect.network.apis import Api
    from aws_iam.account.collect.network.distributions import Distribution
    from aws_iam.account.collect.network.load_balancers import LoadBalancer
    from aws_iam.account.reading.snapshot import Account

_WAYS: Mapping[AccessLogWay, str] = {
    STANDARD: "by standard logging",
    REALTIME: "in real time",
    DELIVERY: "through a delivery of CloudWatch Logs",
    BUCKET: "to its bucket",
}
_DISTRIBUTION_FIX = (
    "Switch on standard logging: aws logs put-delivery-source --region us-east-1 --name NAME --resource-arn ARN "
    "--log-type ACCESS_LOGS, then put-delivery-destination and create-delivery"
)
_BALANCER_FIX = (
    "aws elbv2 modify-load-balancer-attributes --region REGION --load-balancer-arn ARN --attributes "
    "Key=access_logs.s3.enabled,Value=true Key=access_logs.s3.bucket,Value=BUCKET"
)
_REST_FIX = (
    "aws apigateway update-stage --region REGION --rest-api-id API --stage-name STAGE --patch-operations "
    "op=replace,path=/accessLogSettings/destinationArn,value=LOG_GROUP_ARN "
    "op=replace,path=/accessLogSettings/format,value='$context.requestId $context.identity.sourceIp'"
)
_HTTP_FIX = (
    "aws apigatewayv2 update-stage --region REGION --api-id API --stage-name STAGE --access-log-settings "
    "'DestinationArn=LOG_GROUP_ARN,Format=$context.requestId $context.identity.sourceIp'"
)


@control("web_frontend_logging", needs=(DISTRIBUTIONS, LOAD_BALANCERS, REST_APIS, HTTP_APIS))
def web_frontend_logging(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """Execution logs are no access logs; private APIs, WebSocket APIs and gateway load balancers are no front ends."""

    def balancers(region: str, found: tuple[LoadBalancer, ...]) -> Iterator[Outcome]:
        test = partial(_balancer, region)
        return for_each(found, test, name=lambda one: one.arn, region=region)

    def apis(region: str, found: tuple[Api, ...]) -> Iterator[Outcome]:
        meant = [api for api in found if api.protocol != "WEBSOCKET" and api.is_public]
        test = partial(_api, account, region)
        return for_each(
            meant, test, name=lambda one: _api_arn(account, region, one), region=region
        )

    def distributions(fact: AccountFact[tuple[Distribution, ...]]) -> Iterator[Outcome]:
        found = account.require(fact)
        return for_each(found, _distribution, name=lambda one: one.arn)

    yield NotApplicable(None, "no distribution, load balancer or stage of a public API was found")
    # A partition without CloudFront must not keep the Regions from being judged.
    yield from for_each((DISTRIBUTIONS,), distributions)
    yield from in_regions(account, LOAD_BALANCERS, balancers)
    for fact in (REST_APIS, HTTP_APIS):
        yield from in_regions(account, fact, apis)


def _distribution(one: Distribution) -> Iterator[Outcome]:
    message = f"distribution {quoted(one.id)}"
    if not one.enabled:
        yield NotApplicable(one.arn, f"{message} is disabled")
        return
    logs = known(one.logs)
    if logs:
        yield Pass(one.arn, f"{message} logs access {_ways(logs)}")
    else:
        yield Fail(one.arn, f"{message} logs access nowhere", fix=_DISTRIBUTION_FIX)


def _balancer(region: str, one: LoadBalancer) -> Iterator[Outcome]:
    message = f"{one.type} load balancer {quoted(one.name)}"
    if logs := known(one.logs):
        yield Pass(one.arn, f"{message} logs access {_ways(logs)}", region)
    elif not known(one.can_log):
        why = (
            "is no front end"
            if one.type == "gateway"
            else "has no TLS listener, and no other logs"
        )
        yield NotApplicable(one.arn, f"{message} {why}", region)
    else:
        yield Fail(one.arn, f"{message} logs access nowhere", region, fix=_BALANCER_FIX)


def _api(account: Account, region: str, one: Api) -> Iterator[Outcome]:
    start = _api_arn(account, region, one)
    fix = _REST_FIX if one.protocol == "REST" else _HTTP_FIX
    for stage in known(one.stages):
        message = (
            f"stage {quoted(stage.name)} of the {one.protocol} API {quoted(one.name or one.id)}"
        )
        arn = f"{start}/stages/{stage.name}"
        if stage.destination:
            yield Pass(arn, f"{message} logs access to {quoted(stage.destination)}", region)
        else:
            names = (("API", one.id), ("STAGE", stage.name))
            yield Fail(arn, f"{message} logs access nowhere", region, fix=fix, names=names)


def _api_arn(account: Account, region: str, one: Api) -> str:
    kind = "restapis" if one.protocol == "REST" else "apis"
    return f"arn:{account.partition}:apigateway:{region}::/{kind}/{one.id}"


def _ways(logs: tuple[AccessLogWay, ...]) -> str:
    return " and ".join(_WAYS[way] for way in logs)
