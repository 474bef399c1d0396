"""CloudFront distributions and how they log access."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector
from aws_iam.account.collect.fact import Miss, MissKind, RefusedError, many
from aws_iam.account.collect.logging.log_deliveries import (
    DELIVERY,
    DELIVERY_SOURCES,
    DESCRIBE_DELIVERIES,
    DESCRIBE_DELIVERY_SOURCES,
    REALTIME,
    STANDARD,
    AccessLogWay,
)
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class Distribution:
    """A CloudFront distribution; `logs` are the ways in which it logs access."""

    id: str
    arn: str
    enabled: bool = True
    logs: tuple[AccessLogWay, ...] | Miss = ()


DISTRIBUTIONS = many("cloudfront.distributions", Distribution)
_GET_DISTRIBUTION_CONFIG = "cloudfront:GetDistributionConfig"
# CloudFront's log deliveries are in this Region, whichever Regions the account uses:
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging.html
_DELIVERY_REGIONS = {"aws": "us-east-1"}
# GovCloud accounts have no distributions; CloudFront is used with a standard account instead:
# https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/setting-up-credentials.html
_PARTITION_WITHOUT_CLOUDFRONT = "aws-us-gov"


@collector(
    DISTRIBUTIONS,
    "cloudfront:ListDistributions",
    _GET_DISTRIBUTION_CONFIG,
    after=(DELIVERY_SOURCES,),
)
def distributions(aws: Aws) -> tuple[Distribution, ...]:
    """The distributions. The listing leaves out logging: each configuration and the log deliveries have it."""
    if aws.partition == _PARTITION_WITHOUT_CLOUDFRONT:
        return ()
    pages = aws.pages("cloudfront:ListDistributions")
    listed = [item for page in pages for item in page["DistributionList"].get("Items", ())]
    listed.sort(key=lambda distribution: str(distribution["ARN"]))
    logs = aws.read_each(
        lambda distribution: _logs(aws, distribution), listed, _GET_DISTRIBUTION_CONFIG
    )
    return tuple(
        Distribution(
            id=distribution["Id"],
            arn=distribution["ARN"],
            enabled=distribution.get("Enabled", True),
            logs=ways,
        )
        for distribution, ways in zip(listed, logs, strict=True)
    )


def _logs(aws: Aws, data: dict[str, Any]) -> tuple[AccessLogWay, ...]:
    config = aws.need(_GET_DISTRIBUTION_CONFIG, Id=data["Id"])["DistributionConfig"]
    behaviours = [
        config.get("DefaultCacheBehavior", {}),
        *config.get("CacheBehaviors", {}).get("Items", ()),
    ]
    own: dict[AccessLogWay, bool] = {
        STANDARD: config.get("Logging", {}).get("Enabled", False),
        REALTIME: any(behaviour.get("RealtimeLogConfigArn") for behaviour in behaviours),
    }
    own_ways = tuple(name for name, on in own.items() if on)
    if own_ways:
        return own_ways
    sources = aws.fact_in(_delivery_region(aws), DELIVERY_SOURCES)
    return (DELIVERY,) if any(source.logs_access_of(data["ARN"]) for source in sources) else ()


def _delivery_region(aws: Aws) -> str:
    region = _DELIVERY_REGIONS.get(aws.partition)
    if region is None:
        raise RefusedError(
            Miss(
                kind=MissKind.UNSUPPORTED,
                call=DESCRIBE_DELIVERIES,
                permission=DESCRIBE_DELIVERY_SOURCES,
                message=f"the Region of CloudFront's log deliveries in partition {aws.partition} is unknown",
            )
        )
    return region
