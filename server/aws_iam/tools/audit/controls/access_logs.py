"""CIS control on access logs of CloudFront distributions, load balancers and API stages."""

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
    STANDARD: "with standard logging",
    REALTIME: "in real time",
    DELIVERY: "through a delivery of CloudWatch Logs",
    BUCKET: "to its bucket",
}
_NO_LOGS = "writes no access logs"
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
    """Execution logs are not access logs; private APIs, WebSocket APIs and Gateway Load Balancers are not front ends.

    False alarm when another component in front of it logs the requests.
    """

    def judge_balancers(region: str, balancers: tuple[LoadBalancer, ...]) -> Iterator[Outcome]:
        test = partial(_balancer, region)
        return for_each(balancers, test, name=lambda balancer: balancer.arn, region=region)

    def judge_apis(region: str, apis: tuple[Api, ...]) -> Iterator[Outcome]:
        public = [api for api in apis if api.protocol != "WEBSOCKET" and api.is_public]
        test = partial(_api, account, region)
        return for_each(public, test, name=partial(_api_arn, account, region), region=region)

    def judge_distributions(fact: AccountFact[tuple[Distribution, ...]]) -> Iterator[Outcome]:
        distributions = account.require(fact)
        return for_each(distributions, _distribution, name=lambda distribution: distribution.arn)

    yield NotApplicable(None, "there is no distribution, load balancer or stage of a public API")
    # A partition without CloudFront must not keep the Regions from being judged.
    yield from for_each((DISTRIBUTIONS,), judge_distributions)
    yield from in_regions(account, LOAD_BALANCERS, judge_balancers)
    for fact in (REST_APIS, HTTP_APIS):
        yield from in_regions(account, fact, judge_apis)


def _distribution(distribution: Distribution) -> Iterator[Outcome]:
    message = f"distribution {quoted(distribution.id)}"
    if not distribution.enabled:
        yield NotApplicable(distribution.arn, f"{message} is disabled")
        return
    logs = known(distribution.logs)
    if logs:
        yield Pass(distribution.arn, f"{message} writes access logs {_ways(logs)}")
    else:
        yield Fail(distribution.arn, f"{message} {_NO_LOGS}", fix=_DISTRIBUTION_FIX)


def _balancer(region: str, balancer: LoadBalancer) -> Iterator[Outcome]:
    message = f"{balancer.type} load balancer {quoted(balancer.name)}"
    if logs := known(balancer.logs):
        yield Pass(balancer.arn, f"{message} writes access logs {_ways(logs)}", region)
    elif not known(balancer.can_log):
        why = (
            "is not a front end"
            if balancer.type == "gateway"
            else "has no TLS listener, and writes access logs for TLS listeners only"
        )
        yield NotApplicable(balancer.arn, f"{message} {why}", region)
    else:
        yield Fail(balancer.arn, f"{message} {_NO_LOGS}", region, fix=_BALANCER_FIX)


def _api(account: Account, region: str, api: Api) -> Iterator[Outcome]:
    api_arn = _api_arn(account, region, api)
    fix = _REST_FIX if api.protocol == "REST" else _HTTP_FIX
    for stage in known(api.stages):
        message = (
            f"stage {quoted(stage.name)} of the {api.protocol} API {quoted(api.name or api.id)}"
        )
        arn = f"{api_arn}/stages/{stage.name}"
        if stage.destination:
            logs = f"writes access logs to {quoted(stage.destination)}"
            yield Pass(arn, f"{message} {logs}", region)
        else:
            names = (("API", api.id), ("STAGE", stage.name))
            yield Fail(arn, f"{message} {_NO_LOGS}", region, fix=fix, names=names)


def _api_arn(account: Account, region: str, api: Api) -> str:
    kind = "restapis" if api.protocol == "REST" else "apis"
    return f"arn:{account.partition}:apigateway:{region}::/{kind}/{api.id}"


def _ways(logs: tuple[AccessLogWay, ...]) -> str:
    return " and ".join(_WAYS[way] for way in logs)
