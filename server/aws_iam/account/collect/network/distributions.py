"""CloudFront distributions and how they log access."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector
from aws_iam.account.collect.fact import Miss, MissKind, RefusedError, many
from aws_iam.account.collect.logging.log_deliveries import (
    DELIVERIES,
    DELIVERY,
    DELIVERY_SOURCES,
    REALTIME,
    SOURCES,
    STANDARD,
    Way,
)

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """A CloudFront distribution; `logs` are the ways in which it logs access."""

    id: str
    arn: str
    enabled: bool = True
    logs: tuple[Way, ...] | Miss = ()


DISTRIBUTIONS = many("cloudfront.distributions", Distribution)
CONFIG = "cloudfront:GetDistributionConfig"
# Deliveries of CloudFront's logs are kept there whatever the account's own Regions:
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging.html
_DELIVERIES_AT = {"aws": "us-east-1"}
# Its distributions are made with credentials of a standard account, so an account there has none:
# https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/setting-up-credentials.html
_WITHOUT = "aws-us-gov"


@collector(DISTRIBUTIONS, "cloudfront:ListDistributions", CONFIG, after=(DELIVERY_SOURCES,))
def distributions(aws: Aws) -> tuple[Distribution, ...]:
    """The listing does not show logging: each one's configuration does, or the deliveries."""
    if aws.partition == _WITHOUT:
        return ()
    pages = aws.whole_pages("cloudfront:ListDistributions")
    listed = [each for page in pages for each in page["DistributionList"].get("Items", ())]
    listed.sort(key=lambda each: str(each["ARN"]))
    logs = aws.each(lambda each: _logs(aws, each), listed, CONFIG)
    return tuple(
        Distribution(id=each["Id"], arn=each["ARN"], enabled=each.get("Enabled", True), logs=found)
        for each, found in zip(listed, logs, strict=True)
    )


def _logs(aws: Aws, data: dict[str, Any]) -> tuple[Way, ...]:
    config = aws.need(CONFIG, Id=data["Id"])["DistributionConfig"]
    behaviours = [
        config.get("DefaultCacheBehavior", {}),
        *config.get("CacheBehaviors", {}).get("Items", ()),
    ]
    own: dict[Way, bool] = {
        STANDARD: config.get("Logging", {}).get("Enabled", False),
        REALTIME: any(behaviour.get("RealtimeLogConfigArn") for behaviour in behaviours),
    }
    found = tuple(name for name, on in own.items() if on)
    if found:
        return found
    sources = aws.fact_in(_deliveries_at(aws), DELIVERY_SOURCES)
    return (DELIVERY,) if any(source.logs_access_of(data["ARN"]) for source in sources) else ()


def _deliveries_at(aws: Aws) -> str:
    region = _DELIVERIES_AT.get(aws.partition)
    if region is None:
        raise RefusedError(
            Miss(
                kind=MissKind.UNSUPPORTED,
                call=DELIVERIES,
                permission=SOURCES,
                message=f"where partition {aws.partition} keeps CloudFront's deliveries is not known",
            )
        )
    return region
